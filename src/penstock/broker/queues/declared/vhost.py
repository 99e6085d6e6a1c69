"""One virtual host: its exchanges, queues and bindings, by name. Keeps them consistent; asks nobody's permission."""

from collections.abc import Iterator

from penstock.broker.queues.declared.room import BINDING, EXCHANGE, QUEUE, Declared
from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.exchanges.matching import Destination
from penstock.broker.queues.exchanges.routes import Routes
from penstock.broker.queues.queue.queue import Queue

BUILT_IN = (
    ("", "direct"), ("amq.direct", "direct"), ("amq.fanout", "fanout"), ("amq.headers", "headers"),
    ("amq.match", "headers"), ("amq.topic", "topic"), ("amq.rabbitmq.trace", "topic"),
)  # fmt: skip
"""Exchanges that every virtual host has (AMQP 0-9-1, 3.1.3, and RabbitMQ's for traces, which stays empty here)."""


class Vhost:
    """`replies` are the addresses of channels that take direct replies."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queues: dict[str, Queue] = {}
        self.replies: dict[str, Queue] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.routes = Routes(self.exchanges, self.queues, self.replies)
        self.declared = Declared()
        self._bound_to: dict[Destination, dict[Binding, None]] = {}
        for built_in, kind in BUILT_IN:
            exchange = self.exchanges[built_in] = Exchange(name, built_in, kind, True, {})
            exchange.internal = built_in == "amq.rabbitmq.trace"

    def add_exchange(self, exchange: Exchange) -> None:
        """A new one."""
        self.exchanges[exchange.name] = exchange
        self.declared.add(EXCHANGE, exchange.name, exchange.arguments)
        self.routes.forget()

    def add_queue(self, queue: Queue) -> None:
        """A new one."""
        self.queues[queue.name] = queue
        self.declared.add(QUEUE, queue.name, queue.arguments)
        self.routes.forget()

    def bind(self, binding: Binding) -> bool:
        """False where it is there."""
        if not binding.source.bind(binding):
            return False
        self._bound_to.setdefault(binding.target, {})[binding] = None
        self.declared.add(BINDING, binding.key, binding.arguments)
        self.routes.forget()
        return True

    def unbind(self, binding: Binding) -> Binding | None:
        """The one that went; None where there is none."""
        found = binding.source.unbind(binding)
        if found is not None:
            targets = self._bound_to[found.target]
            del targets[found]
            if not targets:
                del self._bound_to[found.target]
            self.declared.remove(BINDING, found.key, found.arguments)
            self.routes.forget()
        return found

    def bindings_to(self, target: Destination) -> list[Binding]:
        """All by which something reaches it."""
        return list(self._bound_to.get(target, ()))

    def remove_queue(self, queue: Queue) -> list[Binding]:
        """It, and its bindings, which are given."""
        if self.queues.get(queue.name) is queue:
            del self.queues[queue.name]
            self.declared.remove(QUEUE, queue.name, queue.arguments)
        return self._unbind_all(self.bindings_to(queue))

    def remove_exchange(self, exchange: Exchange) -> list[Binding]:
        """It, and its bindings on both sides, which are given."""
        del self.exchanges[exchange.name]
        self.declared.remove(EXCHANGE, exchange.name, exchange.arguments)
        return self._unbind_all([*exchange.bindings.values(), *self.bindings_to(exchange)])

    def bindings(self) -> Iterator[Binding]:
        """All of them."""
        for exchange in self.exchanges.values():
            yield from exchange.bindings.values()

    def _unbind_all(self, bindings: list[Binding]) -> list[Binding]:
        for binding in bindings:
            self.unbind(binding)
        self.routes.forget()
        return bindings
