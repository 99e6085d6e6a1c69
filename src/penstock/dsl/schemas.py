"""A schema from what Python people have: a dict, a dataclass, a msgspec Struct or a pydantic model.

Knows type hints and the kinds they stand for; a kind can also be written as SQL has it, ``"DECIMAL(10, 2)"``.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from penstock.engine.types import Column, Schema, array_kind, row_kind
from penstock.errors import PenstockError
from penstock.sql.ddl.types import read_kind
from penstock.sql.faults import Script
from penstock.sql.grammar.cursor import Cursor, tokenize

SchemaLike: TypeAlias = Mapping[str, Any] | type
"""``{"card": str, "amount": float}``, or a class whose annotated fields are the columns."""

KINDS: dict[Any, str] = {
    str: "STRING",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    bytes: "BYTES",
    datetime: "TIMESTAMP(3)",
    date: "DATE",
    time: "TIME",
    Decimal: "DECIMAL(38, 18)",
}


def schema_of(like: SchemaLike) -> Schema:
    """The columns that `like` describes; raises `PenstockError` for a type that no column has."""
    columns = tuple(Column(name, kind_of_hint(name, hint)) for name, hint in _hints(like).items())
    if not columns:
        raise PenstockError(
            "a schema needs at least one column", remedy='as in {"card": str, "amount": float}'
        )
    return columns


def kind_of_hint(name: str, hint: Any) -> str:
    """The kind of a type hint: Python's types, ``X | None``, ``list[X]``, a record's class,
    ``Annotated[X, …]``, or SQL's words as a string."""
    if isinstance(hint, str):
        return kind_of_words(hint)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [h for h in typing.get_args(hint) if h is not type(None)]
        if len(inner) == 1:
            return kind_of_hint(name, inner[0])
    if origin is typing.Annotated:
        return kind_of_hint(name, typing.get_args(hint)[0])
    if isinstance(hint, type) and hint in KINDS:
        return KINDS[hint]
    if origin is list and len(typing.get_args(hint)) == 1:
        return array_kind(kind_of_hint(name, typing.get_args(hint)[0]))
    if isinstance(hint, type) and _is_record(hint):
        return row_kind(schema_of(hint))
    shown = getattr(hint, "__name__", hint)
    known = ", ".join(kind.__name__ for kind in KINDS)
    raise PenstockError(
        f"column {name}: no column has the type {shown}", remedy=f"one of {known}, or SQL's words as a string"
    )


def kind_of_words(words: str) -> str:
    """The kind of a type as SQL writes it."""
    script = Script(words)
    return read_kind(Cursor(script, tokenize(script), len(words)))


def _hints(like: SchemaLike) -> Mapping[str, Any]:
    if isinstance(like, Mapping):
        return like
    if isinstance(like, type) and _is_record(like):
        names = _fields(like)
        hints = typing.get_type_hints(like, include_extras=True)
        return {name: hints[name] for name in names}
    raise PenstockError(
        f"{like!r} is not a schema",
        remedy='a dict as {"card": str}, a dataclass, a msgspec Struct or a pydantic model',
    )


def _is_record(like: type) -> bool:
    return (
        dataclasses.is_dataclass(like) or hasattr(like, "__struct_fields__") or hasattr(like, "model_fields")
    )


def _fields(like: type) -> list[str]:
    if dataclasses.is_dataclass(like):
        return [field.name for field in dataclasses.fields(like)]
    return list(getattr(like, "__struct_fields__", None) or getattr(like, "model_fields"))  # noqa: B009
