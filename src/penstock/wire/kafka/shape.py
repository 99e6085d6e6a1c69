"""The layout of a Kafka message, read once from kio's dataclass: what the guard walks and the encoder writes.

Knows kio's schema classes; knows nothing of bytes or of what messages mean.
"""

import dataclasses
import datetime
import types
import typing
import uuid
from functools import cache
from typing import Any, Final

MISSING: Final = object()

KINDS: Final = {
    "error_code": "int16",
    "timedelta_i32": "int32",
    "timedelta_i64": "int64",
    "datetime_i64": "int64",
}
"""kio's richer types, by what stands on the wire."""

ZEROS: Final[dict[str, object]] = {
    "string": "",
    "bytes": b"",
    "records": b"",
    "bool": False,
    "uuid": b"\0" * 16,
}
"""What Kafka's own generated code fills in where a field has no default; numbers are 0."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slot:
    """One field: `kind` is a Kafka primitive or ``entity``; `tag` is None for a plain field (KIP-482)."""

    name: str
    kind: str
    array: bool
    nullable: bool
    tag: int | None
    default: Any
    entity: "Shape | None"


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """One message or nested struct, fields in wire order; `tagged` sorted by tag."""

    name: str
    flexible: bool
    plain: tuple[Slot, ...]
    tagged: tuple[Slot, ...]


@cache
def shape_of(entity: type) -> Shape:
    """The layout of one of kio's message classes."""
    slots = [_slot(field) for field in dataclasses.fields(entity)]
    tagged = sorted((s for s in slots if s.tag is not None), key=lambda s: s.tag or 0)
    plain = tuple(s for s in slots if s.tag is None)
    return Shape(entity.__name__, bool(entity.__flexible__), plain, tuple(tagged))  # type: ignore[attr-defined]


def _slot(field: "dataclasses.Field[Any]") -> Slot:
    hint, nullable = _strip_none(field.type)
    array = typing.get_origin(hint) is tuple
    if array:
        hint, inner_nullable = _strip_none(typing.get_args(hint)[0])
        nullable = nullable or inner_nullable
    kafka_type = field.metadata.get("kafka_type", "entity")
    kind = KINDS.get(kafka_type, kafka_type)
    entity = shape_of(hint) if kind == "entity" else None
    return Slot(
        field.name,
        kind,
        array,
        nullable,
        field.metadata.get("tag"),
        _default(field, kind, array, nullable),
        entity,
    )


def _strip_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint, False
    inner = [a for a in typing.get_args(hint) if a is not types.NoneType]
    return inner[0], len(inner) < len(typing.get_args(hint))


def _default(field: "dataclasses.Field[Any]", kind: str, array: bool, nullable: bool) -> Any:
    """The field's default as it stands on the wire: milliseconds, error numbers, a UUID's bytes."""
    if kind == "entity" and not array:
        return None if nullable else MISSING
    value = None if field.default is dataclasses.MISSING else field.default
    if value is None and array:
        return None if nullable and field.default is None else ()
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(milliseconds=1)
    if isinstance(value, uuid.UUID):
        return value.bytes
    if value is None and kind == "int64" and nullable:
        return -1
    if value is None and not (nullable and kind in ("string", "bytes", "records")):
        return ZEROS.get(kind, 0)
    return value
