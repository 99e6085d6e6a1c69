"""A message's basic properties: the bytes of a content header frame behind the body's size, and what they mean.

The bytes are kept as they came and handed on as they are; `durable`, `priority` and `expiration_ms`, which every
publish asks for, are read in one walk over them, and the rest when asked. Source: AMQP 0-9-1, 4.2.6.1 and class basic.

    flags 2 (highest bit: the first property is there) · those that are there, in the order of `KINDS`
"""

import struct
from collections.abc import Mapping
from typing import TypeAlias, overload

from penstock.content.fields import Field, check_table, encode_table, short, table_at

KINDS: Mapping[str, str] = {
    "content_type": "text", "content_encoding": "text", "headers": "table", "delivery_mode": "octet",
    "priority": "octet", "correlation_id": "text", "reply_to": "text", "expiration": "text", "message_id": "text",
    "timestamp": "time", "type": "text", "user_id": "text", "app_id": "text", "cluster_id": "text",
}  # fmt: skip
"""The properties in their order, and how each is written."""

EXPIRATION_MS_MAX = 0xFFFFFFFF  # RabbitMQ's bound of what a timer takes
CACHED_MAX = 2048
CACHED_BYTES_MAX = 512

_FLAGS, _LENGTH, _TIME = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")
_BITS = {name: 1 << (15 - number) for number, name in enumerate(KINDS)}
_PERSISTENT = 2

_Layout: TypeAlias = tuple[tuple[str, str], ...]
_Value: TypeAlias = str | int | Mapping[str, Field] | None


class _Text:
    """A property that is a text, or None where it is not there."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, one: None, owner: type) -> "_Text": ...
    @overload
    def __get__(self, one: "Properties", owner: type) -> str | None: ...
    def __get__(self, one: "Properties | None", owner: type) -> "_Text | str | None":
        if one is None:
            return self
        at, end = one.span(self._name)
        return one.raw[at + 1 : end].decode("utf-8", "surrogateescape") if at else None


class Properties:
    """`raw` is the property flags and the property list. Equal where the bytes are; nothing of it changes.

    `priority` is 0 where there is none. `expiration_ms` is None where there is no expiration, and where its text
    (`expiration`) is not a number of milliseconds from 0 to `EXPIRATION_MS_MAX`.
    """

    __slots__ = ("_headers", "_spans", "durable", "expiration_ms", "priority", "raw")

    content_type, content_encoding, correlation_id = _Text(), _Text(), _Text()
    reply_to, expiration, message_id, type = _Text(), _Text(), _Text(), _Text()
    user_id, app_id, cluster_id = _Text(), _Text(), _Text()

    def __init__(self, raw: bytes) -> None:
        """Raises ValueError for bytes that are no properties. `of` is faster for what was seen before."""
        self.raw = raw
        self.durable, self.priority = False, 0
        self.expiration_ms: int | None = None
        self._spans: dict[str, tuple[int, int]] | None = None
        self._headers: Mapping[str, Field] | None = None
        self._read()

    @staticmethod
    def of(raw: bytes) -> "Properties":
        """The properties of these bytes: producers repeat themselves, so the newest are remembered."""
        found = _seen.get(raw)
        if found is not None:
            return found
        made = Properties(raw)
        if len(raw) <= CACHED_BYTES_MAX:
            if len(_seen) >= CACHED_MAX:
                _seen.clear()
            _seen[raw] = made
        return made

    @staticmethod
    def made(**fields: _Value) -> "Properties":
        """Properties that have these fields."""
        return NO_PROPERTIES.replaced(**fields)

    def replaced(self, **fields: _Value) -> "Properties":
        """The same with other fields; None takes one away. The bytes of the others stay. Raises ValueError."""
        if unknown := fields.keys() - KINDS.keys():
            raise ValueError(f"there is no property {', '.join(sorted(unknown))}")
        flags, parts = 0, []
        for name, kind in KINDS.items():
            if name in fields:
                part = _encoded(name, kind, fields[name])
            else:
                at, end = self.span(name)
                part = self.raw[at:end] if at else None
            if part is not None:
                flags |= _BITS[name]
                parts.append(part)
        return Properties.of(_FLAGS.pack(flags) + b"".join(parts))

    @property
    def headers(self) -> Mapping[str, Field] | None:
        """The headers table, not to be changed; None where there is none."""
        if self._headers is None:
            at, _ = self.span("headers")
            if at:
                self._headers = table_at(self.raw, at)[0]
        return self._headers

    @property
    def delivery_mode(self) -> int | None:
        """1 transient, 2 persistent, by the specification."""
        at, _ = self.span("delivery_mode")
        return self.raw[at] if at else None

    @property
    def timestamp(self) -> int | None:
        """Seconds since 1970."""
        at, _ = self.span("timestamp")
        return int(_TIME.unpack_from(self.raw, at)[0]) if at else None

    @property
    def fields(self) -> dict[str, _Value]:
        """All that are there, by name."""
        names = (name for name in KINDS if self.span(name)[0])
        return {name: getattr(self, name) for name in names}

    def span(self, name: str) -> tuple[int, int]:
        """Where a property's bytes begin and end in `raw`; (0, 0) where it is not there."""
        if self._spans is None:
            self._spans = _spans(self.raw)
        return self._spans.get(name, (0, 0))

    def _read(self) -> None:
        """Check the bytes, and take out of them what every publish asks for."""
        raw = self.raw
        at = 2
        try:
            for name, kind in _layout(raw):
                if kind == "text":
                    end = at + 1 + raw[at]
                    if name == "expiration":
                        self.expiration_ms = _milliseconds(raw[at + 1 : end])
                    at = end
                elif kind == "octet":
                    if name == "priority":
                        self.priority = raw[at]
                    else:
                        self.durable = raw[at] == _PERSISTENT
                    at += 1
                elif kind == "table":
                    at = check_table(raw, at)
                else:
                    at += 8
        except IndexError:
            raise ValueError(f"properties of {len(raw)} bytes are cut short") from None
        if at != len(raw):
            raise ValueError(f"properties of {len(raw)} bytes that should have {at}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Properties) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Properties({self.fields})"


def _layout(raw: bytes) -> _Layout:
    """The properties that the flags say are there."""
    layout = _layouts.get(raw[:2])
    if layout is None:
        if len(raw) < 2:
            raise ValueError("properties without flags")
        flags = _FLAGS.unpack_from(raw)[0]
        if flags & 3:  # the lowest says that more flags follow, for which no property is left
            raise ValueError(f"flags of properties that do not exist: {flags:#06x}")
        layout = tuple((name, kind) for name, kind in KINDS.items() if flags & _BITS[name])
        _layouts[raw[:2]] = layout  # at most 2^14 of them
    return layout


def _spans(raw: bytes) -> dict[str, tuple[int, int]]:
    found, at = {}, 2
    for name, kind in _layout(raw):
        begin = at
        if kind == "text":
            at += 1 + raw[at]
        elif kind == "table":
            at += 4 + int(_LENGTH.unpack_from(raw, at)[0])
        else:
            at += 1 if kind == "octet" else 8
        found[name] = (begin, at)
    return found


def _milliseconds(text: bytes) -> int | None:
    number = int(text) if text.isdigit() and len(text) <= 16 else -1
    return number if 0 <= number <= EXPIRATION_MS_MAX else None


def _encoded(name: str, kind: str, value: _Value) -> bytes | None:
    if value is None:
        return None
    if kind == "text" and isinstance(value, str):
        return short(value)
    if kind == "table" and isinstance(value, Mapping):
        return encode_table(value)
    if kind == "octet" and isinstance(value, int) and 0 <= value <= 255:
        return bytes((value,))
    if kind == "time" and isinstance(value, int) and 0 <= value < 1 << 64:
        return _TIME.pack(value)
    raise ValueError(f"the property {name} cannot be {value!r}")


_seen: dict[bytes, Properties] = {}
_layouts: dict[bytes, _Layout] = {}
NO_PROPERTIES = Properties(b"\x00\x00")
