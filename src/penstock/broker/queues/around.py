"""What of the broker around them the queues use: its log, its disk, its timers. Knows no queue."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.broker.queues.options import QueueOptions
from penstock.broker.records.durable import Durability
from penstock.broker.transactions.aborted import Markers
from penstock.broker.transactions.stable import StableOffsets
from penstock.broker.turns.counts import Counts
from penstock.broker.turns.errands import Errands
from penstock.broker.turns.timers import Timers
from penstock.log import Log


@dataclass(frozen=True, slots=True)
class Around:
    """What of the broker the queues use."""

    timers: Timers
    errands: Errands
    counts: Counts
    randomness: Callable[[int], bytes]
    notices: list[str]
    log: Log
    durability: Durability
    stable: StableOffsets
    markers: Markers
    options: QueueOptions
