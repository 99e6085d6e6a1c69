"""Messages that died, until they are sent to their queue's dead-letter exchange, or forgotten where there is none.

What waits here belongs to its old queue. Knows queues and numbers; sends nothing.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from penstock.broker.ledger.ledger import Ledger
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.content import Content

PIECE_BYTES = 4 * 1024 * 1024
PIECE_MESSAGES = 500


class Dead:
    """`held`: by queue and reason, in pieces that may be in memory together; `fresh`: those that a queue never took."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.held: deque[tuple[Queue, str, Sequence[Item]]] = deque()
        self.fresh: deque[tuple[Queue, str, Content]] = deque()

    def held_of(self, queue: Queue) -> list[int]:
        """The numbers of those that died in this queue and are still its own."""
        return [item[0] for one, _, items in self.held if one is queue for item in items]

    def die(self, queue: Queue, items: Sequence[Item], reason: str) -> None:
        """These died in the queue, which has let go of them."""
        if queue.asked.dead_exchange is None:
            self._ledger.settle_many(queue.id, [item[0] for item in items])
        else:
            self.held += ((queue, reason, piece) for piece in _pieces(items))

    def add_fresh(self, queue: Queue, reason: str, content: Content) -> None:
        """This one the queue did not take: it never was in it."""
        if queue.asked.dead_exchange is not None:
            self.fresh.append((queue, reason, content))


def _pieces(items: Sequence[Item]) -> Iterator[list[Item]]:
    piece: list[Item] = []
    size = 0
    for item in items:
        if piece and (size + item[1] > PIECE_BYTES or len(piece) == PIECE_MESSAGES):
            yield piece
            piece, size = [], 0
        piece.append(item)
        size += item[1]
    if piece:
        yield piece
