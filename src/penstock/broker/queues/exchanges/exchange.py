"""One exchange and its bindings. Knows how its kind matches; knows no queue from an exchange among its destinations."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.broker.queues.exchanges.headers import Headers
from penstock.broker.queues.exchanges.matching import Destination, Direct, Fanout, Matching
from penstock.broker.queues.exchanges.patterns import Patterns
from penstock.broker.queues.names import topic_of
from penstock.calls.queues import Arguments
from penstock.content import encode_table


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """Messages of `source` that fit go to `target`."""

    source: "Exchange"
    target: Destination
    key: str
    arguments: Arguments

    @property
    def identity(self) -> tuple[Destination, str, bytes]:
        """Two bindings of an exchange that have the same are one."""
        return self.target, self.key, encode_table(self.arguments) if self.arguments else b""


KINDS: Mapping[str, type[Matching]] = {
    "direct": Direct,
    "fanout": Fanout,
    "topic": Patterns,
    "headers": Headers,
}
DELAYED = "x-delayed-message"
"""The kind of RabbitMQ's plugin: matches as its argument `x-delayed-type` says, and parks what has the header x-delay."""
BRIDGE = "x-penstock-topic"
"""What is published to it is appended to the topic that its argument `x-penstock-topic` names (else: of its own name)."""


class Exchange:
    """As declared. `alternate` gets what fits no binding; `used` once it was bound, for `auto_delete`."""

    __slots__ = (
        "alternate", "arguments", "auto_delete", "bindings", "durable", "internal", "kind", "matching", "name", "topic", "used", "vhost",
    )  # fmt: skip

    def __init__(self, vhost: str, name: str, kind: str, durable: bool, arguments: Arguments) -> None:
        self.vhost, self.name, self.kind, self.durable = vhost, name, kind, durable
        self.arguments = dict(arguments)
        self.auto_delete = self.internal = self.used = False
        topic = arguments.get("x-penstock-topic")
        self.topic = topic if isinstance(topic, str) else topic_of(name, vhost)
        alternate = arguments.get("alternate-exchange")
        self.alternate = alternate if isinstance(alternate, str) else None
        matched_as = str(arguments.get("x-delayed-type")) if kind == DELAYED else kind
        self.matching = KINDS.get(matched_as, Direct)()
        self.bindings: dict[tuple[Destination, str, bytes], Binding] = {}

    def bind(self, binding: Binding) -> bool:
        """Take the binding in; False where it is there."""
        identity = binding.identity
        if identity in self.bindings:
            return False
        self.bindings[identity] = binding
        self.matching.add(binding)
        self.used = True
        return True

    def unbind(self, binding: Binding) -> Binding | None:
        """Forget the one that is the same; None where there is none."""
        found = self.bindings.pop(binding.identity, None)
        if found is not None:
            self.matching.remove(found)
        return found


def refused_kind(kind: str, arguments: Arguments) -> str | None:
    """Why no exchange can be of this kind, in RabbitMQ's words; None where it can."""
    if kind in KINDS or kind == BRIDGE:
        return None
    if kind == DELAYED:
        inner = arguments.get("x-delayed-type")
        good = isinstance(inner, str) and inner in KINDS
        return None if good else "Invalid argument, 'x-delayed-type' must be an existing exchange type"
    return f"unknown exchange type '{kind}'"
