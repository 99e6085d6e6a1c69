"""What of the queues must last: messages, who holds them, settlements and definitions, in blocks of one topic.

`Ledger` is the entrance. Knows numbers of messages and of queues; knows no exchange, no channel and no protocol.
"""

from penstock.broker.ledger.ledger import DamagedError, Ledger
from penstock.broker.ledger.options import LedgerOptions
from penstock.broker.ledger.recovery import Recovered, Waiting

__all__ = ["DamagedError", "Ledger", "LedgerOptions", "Recovered", "Waiting"]
