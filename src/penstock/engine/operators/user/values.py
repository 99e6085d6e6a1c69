"""Python values → columns, each value held against the kind that was promised for it.

Knows kinds; knows nothing of who made the values.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.operators.user.failures import WrongError
from penstock.engine.types import Schema, polars_type


def series_of(name: str, values: Sequence[Any], kind: str) -> tuple[pl.Series, dict[int, Exception]]:
    """The values as a column, and which of them are not of the kind: those are null in it."""
    if kinds.is_time(kind):
        values = [_plain(value) for value in values]
    target = polars_type(kind)
    try:
        return pl.Series(name, values, dtype=target), {}
    except Exception:
        wrong: dict[int, Exception] = {}
        kept = list(values)
        for place, value in enumerate(values):
            try:
                pl.Series([value], dtype=target)
            except Exception:
                kept[place] = None
                wrong[place] = WrongError(f"it returned {value!r}, which is no {kind}")
        return pl.Series(name, kept, dtype=target), wrong


def _plain(value: Any) -> Any:
    """A moment in UTC and without its zone, as columns have them."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def emitted(value: Any, schema: Schema) -> tuple[Any, ...]:
    """What a function emitted, as one row: a tuple in the columns' order, a dict by their names, or the one value."""
    if isinstance(value, Mapping):
        unknown = [name for name in value if all(column.name != name for column in schema)]
        if unknown:
            raise WrongError(f"it emitted {value!r}, and there is no column {unknown[0]}")
        return tuple(value.get(column.name) for column in schema)
    row = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(row) != len(schema):
        names = ", ".join(column.name for column in schema)
        raise WrongError(f"it emitted {value!r}, and the columns are ({names})")
    return row


def check_row(row: tuple[Any, ...], schema: Schema) -> None:
    """Raise `WrongError` where one of the values is not of its column's kind."""
    for value, column in zip(row, schema, strict=True):
        _, wrong = series_of(column.name, [value], column.kind)
        if wrong:
            raise WrongError(f"it emitted {value!r} as {column.name}, which is no {column.kind}")
