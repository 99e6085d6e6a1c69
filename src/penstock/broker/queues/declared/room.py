"""What declarations take of the memory, and how many there may be: no client may exhaust the server by declaring.

RabbitMQ bounds the queues of a virtual host (its limit max-queues) and says 406 PRECONDITION_FAILED; so is done here with
exchanges, bindings, and the bytes of all of them. Knows what a declaration weighs, about; knows no client.
"""

from collections import Counter
from collections.abc import Collection
from typing import Final

from penstock.broker.queues.options import QueueOptions
from penstock.calls.queues import Arguments
from penstock.content import Field
from penstock.errors import Refusal, Refused

QUEUE, EXCHANGE, BINDING = "queue", "exchange", "binding"
LEAST_BYTES: Final = {QUEUE: 3000, EXCHANGE: 2500, BINDING: 2500}
"""Measured, what the ledger has of it too, without names and arguments."""
WORD_BYTES: Final = 320
"""A word of a binding's key: a node of a topic exchange's tree."""
FIELD_BYTES: Final = 120
"""A field of a table beside its text; on the wire three bytes may be one."""
_COPIES: Final = 3
"""A text stands as itself, in the ledger's definition, and in some key."""


def bytes_of(kind: str, name: str, arguments: Arguments) -> int:
    """What a declaration weighs; of a binding `name` is the key."""
    words = WORD_BYTES * (name.count(".") + 1) if kind == BINDING else 0
    return LEAST_BYTES[kind] + words + _COPIES * len(name) + _field_bytes(dict(arguments))


def _field_bytes(value: Field) -> int:
    if isinstance(value, dict):
        return FIELD_BYTES + sum(_COPIES * len(name) + _field_bytes(one) for name, one in value.items())
    if isinstance(value, list):
        return FIELD_BYTES + sum(map(_field_bytes, value))
    return FIELD_BYTES + (_COPIES * len(value) if isinstance(value, str | bytes) else 0)


class Declared:
    """What is declared in one virtual host: how many of each kind, and what all of it weighs."""

    __slots__ = ("counts", "held_bytes")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.held_bytes = 0

    def add(self, kind: str, name: str, arguments: Arguments) -> None:
        """One more."""
        self.counts[kind] += 1
        self.held_bytes += bytes_of(kind, name, arguments)

    def remove(self, kind: str, name: str, arguments: Arguments) -> None:
        """It is gone."""
        self.counts[kind] -= 1
        self.held_bytes -= bytes_of(kind, name, arguments)


class Room:
    """How much there may be, in one virtual host and in all."""

    def __init__(self, options: QueueOptions) -> None:
        self._bytes_max = options.definitions_bytes_max
        self._most = {
            QUEUE: (options.vhost_queues_max, options.queues_max),
            EXCHANGE: (options.vhost_exchanges_max, options.exchanges_max),
            BINDING: (options.vhost_bindings_max, options.bindings_max),
        }

    def refuse(
        self, kind: str, vhost: str, of_all: Collection[Declared], of_one: Declared, more_bytes: int
    ) -> str | None:
        """Why there is no room for one more in this virtual host, as RabbitMQ says it; None where there is."""
        most, whole = self._most[kind]
        if of_one.counts[kind] >= most:
            return f"{kind} limit in vhost '{vhost}' ({most}) is reached"
        if sum(one.counts[kind] for one in of_all) >= whole:
            return f"{kind} limit in cluster ({whole}) is reached"
        if sum(one.held_bytes for one in of_all) + more_bytes > self._bytes_max:
            return f"limit of the bytes of all definitions ({self._bytes_max}) is reached"
        return None


def too_many(words: str, why: str) -> Refused:
    """`words` say what was wanted."""
    return Refused(Refusal.PRECONDITION, f"{words}: {why}")
