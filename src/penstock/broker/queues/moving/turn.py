"""What moves in one turn: the queues that were stirred, and where what leaves them goes. Decides nothing.

Who moves a message leaves word here for those above it: `Queues.settle` goes through it at the turn's end.
"""

from penstock.broker.ledger.ledger import Ledger
from penstock.broker.queues.around import Around
from penstock.broker.queues.moving.dead import Dead
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.appends import Appends


class Turn:
    """`stirred`: queues in which something changed that may let messages move; `drawn`: those of them that a topic feeds,
    which may want more."""

    __slots__ = ("appends", "dead", "drawn", "ledger", "stirred", "timers")

    def __init__(self, ledger: Ledger, around: Around) -> None:
        self.ledger, self.timers = ledger, around.timers
        self.appends, self.dead = Appends(around), Dead(ledger)
        self.stirred: dict[Queue, None] = {}
        self.drawn: dict[Queue, None] = {}

    def stir(self, queue: Queue) -> None:
        """Something may move in this queue at the end of the turn."""
        self.stirred[queue] = None
