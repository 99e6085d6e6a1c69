"""The way of a message through the exchanges of one virtual host to queues.

What the routing key alone decides is remembered until a binding changes. Knows exchanges and queues by name; knows no
disk and no client.
"""

from collections.abc import Iterable, Mapping

from penstock.broker.queues.exchanges.exchange import BRIDGE, Exchange
from penstock.broker.queues.queue.queue import Queue
from penstock.content import Field

REMEMBERED_MAX = 20_000
TARGETS_MAX = 500_000
"""Queues of all remembered routes together: one of a fanout may have thousands."""
NO_HEADERS: Mapping[str, Field] = {}


class Route:
    """Where a message goes: `queues`, and exchanges that are `bridges` to topics.

    `plain` where nothing but the queues' columns is concerned: no limit, no expiry, no bridge.
    """

    __slots__ = ("bridges", "ids", "kept", "plain", "queues", "quorum", "ttl_ms")

    def __init__(self, queues: Iterable[Queue], bridges: Iterable[Exchange] = ()) -> None:
        self.queues, self.bridges = tuple(queues), tuple(bridges)
        self.ids = tuple(queue.id for queue in self.queues)
        self.kept = any(queue.kept for queue in self.queues)
        self.quorum = any(queue.is_quorum for queue in self.queues)
        self.plain = not self.bridges and all(queue.is_plain for queue in self.queues)

    def __bool__(self) -> bool:
        return bool(self.queues or self.bridges)


class Routes:
    """Those of one virtual host."""

    def __init__(
        self, exchanges: Mapping[str, Exchange], queues: Mapping[str, Queue], replies: Mapping[str, Queue]
    ) -> None:
        self._exchanges, self._queues, self._replies = exchanges, queues, replies
        self.known: dict[tuple[str, str], Route] = {}
        self._targets = 0

    def forget(self) -> None:
        """A binding, a queue or an exchange came or went."""
        self.known.clear()
        self._targets = 0

    def find(self, exchange: Exchange, keys: tuple[str, ...], headers: Mapping[str, Field]) -> Route:
        """The route by all `keys` (its own and those that headers add)."""
        queues: dict[Queue, None] = {}
        bridges: dict[Exchange, None] = {}
        seen, ahead, by_headers = {exchange}, [exchange], False
        while ahead:
            source = ahead.pop()
            by_headers = by_headers or source.matching.by_headers
            found = self._from(source, keys, headers)
            if source.kind == BRIDGE:
                bridges[source] = None
            elif not found and source.alternate is not None:
                found = [self._exchanges.get(source.alternate)]
            for target in found:
                if isinstance(target, Exchange):
                    if target not in seen:
                        seen.add(target)
                        ahead.append(target)
                elif target is not None:
                    queues[target] = None
        route = Route(queues, bridges)
        if len(keys) == 1 and not by_headers:
            self._targets += len(route.queues)
            if len(self.known) >= REMEMBERED_MAX or self._targets > TARGETS_MAX:
                self.known.clear()
                self._targets = len(route.queues)
            self.known[exchange.name, keys[0]] = route
        return route

    def _from(
        self, source: Exchange, keys: tuple[str, ...], headers: Mapping[str, Field]
    ) -> list[Queue | Exchange | None]:
        if not source.name:  # the default exchange: each queue is bound by its name
            return [self._queues.get(key) or self._replies.get(key) for key in keys]
        return [binding.target for key in keys for binding in source.matching.match(key, headers)]
