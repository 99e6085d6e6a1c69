"""What a queue's arguments ask for: checked when it is declared, compared when it is declared again.

Knows RabbitMQ's names and rules of arguments; knows no queue.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.broker.queues.names import spelled
from penstock.calls.queues import Arguments

EXPIRY_MS_MAX = 0xFFFFFFFF
PRIORITY_MAX = 255

CLASSIC, QUORUM, STREAM = "classic", "quorum", "stream"
OVERFLOWS = ("drop-head", "reject-publish", "reject-publish-dlx")
_HUGE = 1 << 64


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments' meaning; None or 0 where nothing is asked."""

    kind: str = CLASSIC
    ttl_ms: int | None = None
    expires_ms: int | None = None
    length_max: int | None = None
    length_bytes_max: int | None = None
    overflow: str = "drop-head"
    dead_exchange: str | None = None
    dead_key: str | None = None
    priority_max: int = 0
    single_active: bool = False
    delivery_limit: int | None = None
    topic: str | None = None
    pin_age: str | None = None
    pin_bytes: int | None = None

    @property
    def rejects(self) -> bool:
        """Whether a full queue refuses what is published."""
        return self.overflow != "drop-head"


def _whole(least: int, most: int, too_much: str = "value_too_large") -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f'"expected integer, got {type_of(value)}"'
        if value < 0 or value < least:
            return f"{{{'value_zero' if value == 0 else 'value_negative'},{value}}}"
        return f"{{{too_much},{value}}}" if value > most else None

    return check


def _any(value: Any) -> str | None:
    return None


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"{{unacceptable_type,{type_of(value)}}}"


def _one_of(wrong: str, *words: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"{{unacceptable_type,{type_of(value)}}}"
        return None if value in words else wrong.format(value)

    return check


def _version(value: Any) -> str | None:
    return None if value in (1, 2) else f"\"unsupported queue version '{value}'\""


def _age(value: Any) -> str | None:
    return None if isinstance(value, str) and _SPAN.fullmatch(value) else "invalid_max_age"


_SPAN = re.compile(r"([0-9]{1,18})([YMDhms])")
_UNITS_S = {"Y": 31_536_000, "M": 2_592_000, "D": 86_400, "h": 3600, "m": 60, "s": 1}


def seconds_of(text: str) -> int:
    """``7D``, ``12h``: RabbitMQ's spans; 0 for what is none."""
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNITS_S[found[2]] if found else 0


_ALL = frozenset({CLASSIC, QUORUM, STREAM})
_NOT_STREAM, _CLASSIC_ONLY = frozenset({CLASSIC, QUORUM}), frozenset({CLASSIC})
_QUORUM_ONLY, _STREAM_ONLY = frozenset({QUORUM}), frozenset({STREAM})
_UNKNOWN = ("", _any, _ALL)

KNOWN: Mapping[str, tuple[str, Callable[[Any], str | None], frozenset[str]]] = {
    "x-queue-type": ("kind", _one_of("\"unsupported queue type '{}'\"", CLASSIC, QUORUM, STREAM), _ALL),
    "x-message-ttl": ("ttl_ms", _whole(0, EXPIRY_MS_MAX), _NOT_STREAM),
    "x-expires": ("expires_ms", _whole(1, EXPIRY_MS_MAX), _NOT_STREAM),
    "x-max-length": ("length_max", _whole(0, _HUGE), _NOT_STREAM),
    "x-max-length-bytes": ("length_bytes_max", _whole(0, _HUGE), _ALL),
    "x-overflow": ("overflow", _one_of("invalid_overflow", *OVERFLOWS), _NOT_STREAM),
    "x-dead-letter-exchange": ("dead_exchange", _any, _NOT_STREAM),
    "x-dead-letter-routing-key": ("dead_key", _any, _NOT_STREAM),
    "x-dead-letter-strategy": ("", _any, _QUORUM_ONLY),
    "x-max-priority": ("priority_max", _whole(0, PRIORITY_MAX, "max_value_exceeded"), _CLASSIC_ONLY),
    "x-single-active-consumer": ("single_active", _flag, _NOT_STREAM),
    "x-delivery-limit": ("delivery_limit", _any, _QUORUM_ONLY),
    "x-queue-mode": ("", _one_of("\"unsupported queue mode '{}'\"", "default", "lazy"), _CLASSIC_ONLY),
    "x-queue-version": ("", _version, _CLASSIC_ONLY),
    "x-queue-master-locator": ("", _any, _CLASSIC_ONLY),
    "x-max-in-memory-length": ("", _any, _QUORUM_ONLY),
    "x-max-in-memory-bytes": ("", _any, _QUORUM_ONLY),
    "x-quorum-initial-group-size": ("", _any, _QUORUM_ONLY),
    "x-queue-leader-locator": ("", _any, _QUORUM_ONLY | _STREAM_ONLY),
    "x-max-age": ("", _age, _STREAM_ONLY),
    "x-stream-max-segment-size-bytes": ("", _whole(0, _HUGE), _STREAM_ONLY),
    "x-initial-cluster-size": ("", _any, _STREAM_ONLY),
    "x-penstock-topic": ("topic", _any, _CLASSIC_ONLY),
    "x-penstock-pin-max-age": ("pin_age", _age, _CLASSIC_ONLY),
    "x-penstock-pin-max-bytes": ("pin_bytes", _whole(0, _HUGE), _CLASSIC_ONLY),
}
"""Each argument's field in `Asked` (empty: it changes nothing here), its check, and the kinds of queues that take it."""


_TEXTS = ("x-dead-letter-exchange", "x-dead-letter-routing-key", "x-penstock-topic")


def ask(arguments: Arguments, name: str, vhost: str) -> Asked | str:
    """What the arguments of a queue ask for, or what is wrong with them, in RabbitMQ's words."""
    place = spelled("queue", name, vhost)
    kind = arguments.get("x-queue-type", CLASSIC)
    if words := KNOWN["x-queue-type"][1](kind):
        return f"invalid arg 'x-queue-type' for {place}: {words}"
    found: dict[str, Any] = {}
    for argument, value in arguments.items():
        field, check, kinds = KNOWN.get(argument, _UNKNOWN)
        if kind not in kinds:
            return f"invalid arg '{argument}' for {place} of queue type rabbit_{kind}_queue"
        if argument in _TEXTS and not isinstance(value, str):
            return f"invalid type '{type_of(value)}' for arg '{argument}' in {place}"
        if words := check(value):
            return f"invalid arg '{argument}' for {place}: {words}"
        if field:
            found[field] = value
    if "dead_key" in found and "dead_exchange" not in found:
        return f"invalid arg 'x-dead-letter-routing-key' for {place}: routing_key_but_no_dlx_defined"
    limit = found.get("delivery_limit")
    if not isinstance(limit, int) or limit < 0:
        found["delivery_limit"] = None  # RabbitMQ takes any value, and heeds a number only
    return Asked(**found)


# --- declared again -------------------------------------------------------------------------------------------------------

_COMPARED = (
    "x-expires", "x-message-ttl", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-length", "x-max-length-bytes",
    "x-overflow", "x-max-priority", "x-single-active-consumer", "x-delivery-limit", "x-queue-type", "x-max-age",
    "x-stream-max-segment-size-bytes", "x-queue-mode", "x-queue-version", "x-penstock-topic",
    "x-penstock-pin-max-age", "x-penstock-pin-max-bytes",
)  # fmt: skip


def differing(present: Arguments, received: Arguments, place: str) -> str | None:
    """How a second declaration differs from what is there, in RabbitMQ's words; None where it does not."""
    for name in _COMPARED:
        there, here = present.get(name), received.get(name)
        if _same(there, here) or (name == "x-queue-type" and (there or CLASSIC) == (here or CLASSIC)):
            continue
        return differing_one(name, there, here, place)
    return None


def _same(there: object, here: object) -> bool:
    """Equal, and of one kind: RabbitMQ takes 100 and 100.0 for two things, and true and 1."""
    return there == here and all(isinstance(there, kind) == isinstance(here, kind) for kind in (bool, float))


def differing_one(name: str, there: object, here: object, place: str) -> str:
    """One argument that differs."""
    if there is not None and here is not None:
        return f"inequivalent arg '{name}' for {place}: received '{_shown(here)}' but current is '{_shown(there)}'"
    return f"inequivalent arg '{name}' for {place}: received {_described(here)} but current is {_described(there)}"


def _described(value: object) -> str:
    return "none" if value is None else f"the value '{_shown(value)}' of type '{type_of(value)}'"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_TYPES = {
    "bool": "bool", "float": "double", "str": "longstr", "LongText": "longstr", "bytes": "binary", "dict": "table",
    "list": "array", "NoneType": "void", "Signed8": "byte", "Unsigned8": "unsignedbyte", "Signed16": "short",
    "Unsigned16": "unsignedshort", "Unsigned32": "unsignedint", "Signed64": "long", "Timestamp": "timestamp",
    "Single": "float", "Scaled": "decimal",
}  # fmt: skip


def type_of(value: object) -> str:
    """A field's type by RabbitMQ's name."""
    kind = type(value).__name__
    if kind == "int" and isinstance(value, int):
        return "signedint" if -(1 << 31) <= value < 1 << 31 else "long"
    return _TYPES.get(kind, kind)
