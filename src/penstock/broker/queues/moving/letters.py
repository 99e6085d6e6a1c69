"""Dead messages on their way to their queue's dead-letter exchange.

What is on its way belongs to its old queue until the new ones have it: both are one block of the ledger, so a crash
leaves it in one of them. Bodies that are far away are fetched first; meanwhile later deaths wait, to keep the order.
"""

from collections.abc import Mapping, Sequence

from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.exchanges.routes import Route
from penstock.broker.queues.moving.contents import Contents
from penstock.broker.queues.moving.deaths import buried, goes_round
from penstock.broker.queues.moving.enter import enter, route_of
from penstock.broker.queues.moving.turn import Turn
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.broker.turns.errands import READING, Errands
from penstock.clock import Now
from penstock.content import Content

RETRY_S = 1.0


class Letters:
    """Those of one broker."""

    def __init__(self, turn: Turn, contents: Contents, errands: Errands, vhosts: Mapping[str, Vhost]) -> None:
        self._turn, self._contents, self._errands, self._vhosts = turn, contents, errands, vhosts
        self._reading = False
        self.leaving: dict[
            tuple[int, int], tuple[Queue, str, Item]
        ] = {}  # in this turn, if it can be written

    def taken_back(self, together: Sequence[tuple[int, int]], now: Now) -> None:
        """The turn could not be written: those that left in it did not, and try again later."""
        for key in together:
            if key in self.leaving:
                queue, reason, item = self.leaving[key]
                self._turn.dead.held.append((queue, reason, [item]))
        self._turn.timers.at(now.mono_s + RETRY_S, self.send)

    def send(self, now: Now) -> None:
        """Send what waits, as far as its bodies are near."""
        dead = self._turn.dead
        while dead.fresh:
            queue, reason, content = dead.fresh.popleft()
            self._forward(queue, reason, content, now)
        while dead.held and not self._reading:
            queue, reason, items = dead.held.popleft()
            vhost = self._vhosts.get(queue.vhost)
            if queue.gone or vhost is None:
                continue
            if queue.asked.dead_exchange not in vhost.exchanges:
                self._turn.ledger.settle_many(queue.id, [item[0] for item in items])
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
                with self._turn.ledger.as_one():
                    self._turn.ledger.settle(queue.id, item[0])

        steps = self._contents.of([item[0] for item in items])
        found = self._errands.run(READING, steps)
        self._reading = not found.done
        found.watch(moved)
        if self._reading:
            found.watch(lambda _: self.send(now))

    def _forward(self, queue: Queue, reason: str, content: Content, now: Now) -> None:
        """Publish it to the dead-letter exchange, but to no queue from which it would only come back here."""
        vhost = self._vhosts.get(queue.vhost)
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
            enter(self._turn, route, letter, now)
