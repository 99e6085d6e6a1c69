"""Messages with a delay: parked, as a queue's that nobody sees, until they are due; then they go their way.

Leaving the park and entering queues is one block of the ledger. What is delayed once is not delayed again: the header
x-delay is negative afterwards, as RabbitMQ's plugin leaves it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from penstock.broker.ledger.recovery import Waiting
from penstock.broker.queues.declared.definitions import delay_key
from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.delaying.parked import Parked
from penstock.broker.queues.moving.contents import Contents
from penstock.broker.queues.moving.enter import enter, route_of
from penstock.broker.queues.moving.turn import Turn
from penstock.broker.turns.errands import READING, Errands
from penstock.broker.turns.timers import Timer
from penstock.clock import Now
from penstock.content import Content

PIECE_MESSAGES = 500
PIECE_BYTES = 4 * 1024 * 1024
RETRY_S = 1.0


class Park:
    """One virtual host's: `id` is its number in the ledger."""

    __slots__ = ("due_ms", "id", "parked", "reading", "timer", "under_way", "vhost")

    def __init__(self, vhost: Vhost, number: int) -> None:
        self.vhost, self.id = vhost, number
        self.parked = Parked()
        self.timer: Timer | None = None
        self.due_ms = 0
        self.reading = False
        self.under_way: dict[int, tuple[int, int]] = {}  # number: moment and size


class Delays:
    """Those of one broker."""

    def __init__(self, turn: Turn, contents: Contents, errands: Errands, next_id: Callable[[], int]) -> None:
        self._turn, self._contents, self._errands, self._next_id = turn, contents, errands, next_id
        self.parks: dict[str, Park] = {}

    def fill(self, vhost: Vhost, number: int, waiting: Waiting | None, now: Now) -> None:
        """At the start: what was parked."""
        park = self.parks[vhost.name] = Park(vhost, number)
        if waiting is not None:
            for row in zip(waiting.expires_ms, waiting.numbers, waiting.sizes, strict=True):
                park.parked.put(*row)
        self._arm(park, now)

    def park(self, vhost: Vhost, content: Content, due_ms: int, now: Now) -> None:
        """Keep the message until then."""
        park = self.parks.get(vhost.name)
        if park is None:
            park = self.parks[vhost.name] = Park(vhost, self._next_id())
            self._turn.ledger.define(delay_key(vhost), {"id": park.id})
        properties = content.properties
        number = self._turn.ledger.add(content, (park.id,), due_ms, properties.priority, properties.durable)
        park.parked.put(due_ms, number, len(content.body))
        if not park.due_ms or due_ms < park.due_ms:
            self._arm(park, now)

    def remove(self, vhost: Vhost) -> None:
        """The virtual host goes, with what is parked in it."""
        park = self.parks.pop(vhost.name, None)
        if park is None:
            return
        if park.timer is not None:
            park.timer.cancel()
        self._turn.ledger.drop(park.id, [*park.parked.numbers(), *park.under_way])
        self._turn.ledger.define(delay_key(vhost), None)

    def taken_back(self, numbers: range, together: Sequence[tuple[int, int]], now: Now) -> None:
        """The turn could not be written: what came in it never did, what left in it is still here."""
        for park in self.parks.values():
            park.parked.remove_from(numbers.start)
            for queue, number in together:
                if queue == park.id and number in park.under_way:
                    due_ms, size = park.under_way[number]
                    park.parked.put(due_ms, number, size)
            park.under_way.clear()
            self._turn.timers.at(now.mono_s + RETRY_S, partial(self._release, park))

    def _arm(self, park: Park, now: Now) -> None:
        if park.timer is not None:
            park.timer.cancel()
        park.due_ms = park.parked.next_ms()
        if park.due_ms:
            due_s = now.mono_s + max(0, park.due_ms - now.wall_ms) / 1000
            park.timer = self._turn.timers.at(due_s, partial(self._release, park))

    def _release(self, park: Park, now: Now) -> None:
        if park.reading:
            return
        rows = park.parked.take(now.wall_ms, PIECE_MESSAGES, PIECE_BYTES)
        if not rows:
            self._arm(park, now)
            return
        park.under_way = {number: (due_ms, size) for due_ms, number, size in rows}
        park.reading = True

        def sent(contents: object) -> None:
            park.reading = False
            if park.vhost.name in self.parks and isinstance(contents, list):
                for number, content in zip(park.under_way, contents, strict=True):
                    self._send(park, number, content, now)
            self._arm(park, now)

        self._errands.run(READING, self._contents.of(list(park.under_way))).watch(sent)

    def _send(self, park: Park, number: int, content: Content | None, now: Now) -> None:
        if content is not None:
            headers = dict(content.properties.headers or {})
            delay = headers.get("x-delay")
            if isinstance(delay, int):
                headers["x-delay"] = -delay
            content = content._replace(properties=content.properties.replaced(headers=headers))
            exchange = park.vhost.exchanges.get(content.exchange)
            if exchange is not None:
                try:
                    route, content = route_of(park.vhost, exchange, content)
                    enter(self._turn, route, content, now)
                except ValueError:
                    pass  # it was taken with a CC header that is none
        with self._turn.ledger.as_one():
            self._turn.ledger.settle(park.id, number)
