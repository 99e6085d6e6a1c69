"""Messages that die: gone, or on their way to their queue's dead-letter exchange.

What is on its way belongs to its old queue until the new ones have it: both are one block of the ledger, so a crash
leaves it in one of them. Bodies that are far away are fetched first; meanwhile later deaths wait, to keep the order.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from penstock.broker.queues.exchanges.routes import Route
from penstock.broker.queues.moving.deaths import buried, goes_round
from penstock.broker.queues.moving.enter import enter, route_of
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.broker.turns.errands import READING
from penstock.clock import Now
from penstock.content import Content

if TYPE_CHECKING:
    from penstock.broker.queues.queues import Queues

PIECE_BYTES = 4 * 1024 * 1024
PIECE_MESSAGES = 500
RETRY_S = 1.0

_Dead: TypeAlias = tuple[Queue, str, Sequence[Item]]


class Letters:
    """Those of one broker."""

    def __init__(self, queues: "Queues") -> None:
        self._queues = queues
        self._dead: deque[_Dead] = deque()
        self._fresh: deque[tuple[Queue, str, Content]] = deque()
        self._reading = False
        self.leaving: dict[
            tuple[int, int], tuple[Queue, str, Item]
        ] = {}  # in this turn, if it can be written

    def held_of(self, queue: Queue) -> list[int]:
        """The numbers of those that died in this queue and are still its own."""
        return [item[0] for one, _, items in self._dead if one is queue for item in items]

    def taken_back(self, together: Sequence[tuple[int, int]], now: Now) -> None:
        """The turn could not be written: those that left in it did not, and try again later."""
        for key in together:
            if key in self.leaving:
                queue, reason, item = self.leaving[key]
                self._dead.append((queue, reason, [item]))
        self._queues.around.timers.at(now.mono_s + RETRY_S, self.send)

    def die(self, queue: Queue, items: Sequence[Item], reason: str) -> None:
        """These died in the queue, which has let go of them."""
        if queue.asked.dead_exchange is None:
            self._queues.ledger.settle_many(queue.id, [item[0] for item in items])
        else:
            self._dead += ((queue, reason, piece) for piece in _pieces(items))

    def add_fresh(self, queue: Queue, reason: str, content: Content) -> None:
        """This one the queue did not take: it never was in it."""
        if queue.asked.dead_exchange is not None:
            self._fresh.append((queue, reason, content))
            self._queues.stir(queue)

    def send(self, now: Now) -> None:
        """Send what waits, as far as its bodies are near."""
        while self._fresh:
            queue, reason, content = self._fresh.popleft()
            self._forward(queue, reason, content, now)
        while self._dead and not self._reading:
            queue, reason, items = self._dead.popleft()
            vhost = self._queues.vhosts.get(queue.vhost)
            if queue.gone or vhost is None:
                continue
            if queue.asked.dead_exchange not in vhost.exchanges:
                self._queues.ledger.settle_many(queue.id, [item[0] for item in items])
                continue
            self._read(queue, reason, items, now)

    def _read(self, queue: Queue, reason: str, items: Sequence[Item], now: Now) -> None:
        def moved(contents: object) -> None:
            self._reading = False
            if queue.gone or not isinstance(contents, list):
                return  # what cannot be read stays in its old queue for the next start to find
            for item, content in zip(items, contents, strict=True):
                if content is not None:
                    self._forward(queue, reason, content, now)
                self.leaving[queue.id, item[0]] = queue, reason, item
                with self._queues.ledger.as_one():
                    self._queues.ledger.settle(queue.id, item[0])

        steps = self._queues.contents.of([item[0] for item in items])
        found = self._queues.around.errands.run(READING, steps)
        self._reading = not found.done
        found.watch(moved)
        if self._reading:
            found.watch(lambda _: self.send(now))

    def _forward(self, queue: Queue, reason: str, content: Content, now: Now) -> None:
        """Publish it to the dead-letter exchange, but to no queue from which it would only come back here."""
        vhost = self._queues.vhosts.get(queue.vhost)
        exchange = vhost.exchanges.get(str(queue.asked.dead_exchange)) if vhost is not None else None
        if vhost is None or exchange is None:
            return
        letter = buried(content, queue, reason, now.wall_ms)
        try:
            route, letter = route_of(vhost, exchange, letter)
        except ValueError:
            return  # it was published with a CC header that no longer is one
        headers = letter.properties.headers or {}
        if reason != "rejected" and any(goes_round(headers, target) for target in route.queues):
            route = Route([one for one in route.queues if not goes_round(headers, one)], route.bridges)
        if route:
            enter(self._queues, route, letter, now)


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
