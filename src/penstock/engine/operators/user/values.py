"""Python values → columns, each value held against the kind that was promised for it.

Knows kinds; knows nothing of who made the values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.operators.user.failures import WrongError
from penstock.engine.types import Schema, polars_type

Test = Callable[[Any], bool]


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


class Emitted:
    """Rows that a function emitted; each is checked as it comes, so that what goes wrong has its row."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._tests = [fitting(column.kind) for column in schema]
        self._rows: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, values: Iterable[Any] | None) -> None:
        """All rows of an answer: a generator's, a list's; none where it is None. Raises what the function raises."""
        if values is None:
            return
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
            raise WrongError(f"it returned {values!r}: rows are yielded, or returned as a list of tuples")
        for value in values:
            row = self._row(value)
            for held, test, column in zip(row, self._tests, self.schema, strict=True):
                if held is not None and not test(held):
                    raise WrongError(f"it emitted {held!r} as {column.name}, which is no {column.kind}")
            self._rows.append(row)

    def cut(self, length: int) -> None:
        """Forget the rows behind the first `length`."""
        del self._rows[length:]

    def columns(self) -> list[pl.Series]:
        """The rows as columns."""
        made = []
        for place, column in enumerate(self.schema):
            series, wrong = series_of(column.name, [row[place] for row in self._rows], column.kind)
            for error in wrong.values():
                raise error
            made.append(series)
        return made

    def frame(self) -> pl.DataFrame | None:
        """The rows as a frame; None where there are none."""
        return pl.DataFrame(self.columns()) if self._rows else None

    def _row(self, value: Any) -> tuple[Any, ...]:
        """One row: a tuple in the columns' order, a dict by their names, or the one column's value."""
        if isinstance(value, Mapping):
            names = [column.name for column in self.schema]
            unknown = next((name for name in value if name not in names), None)
            if unknown is not None:
                raise WrongError(f"it emitted {value!r}, and there is no column {unknown}")
            return tuple(value.get(name) for name in names)
        row = tuple(value) if isinstance(value, tuple | list) else (value,)
        if len(row) != len(self.schema):
            names = [column.name for column in self.schema]
            raise WrongError(f"it emitted {value!r}, and the columns are ({', '.join(names)})")
        return row


_BITS = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(kinds.FLOATS, (int, float, np.integer, np.floating)),
    **dict.fromkeys(kinds.TEXTS, (str,)),
    **dict.fromkeys(kinds.BINARIES, (bytes, bytearray)),
    **dict.fromkeys(kinds.TIMES, (datetime,)),
    "BOOLEAN": (bool, np.bool_),
    "DECIMAL": (Decimal, int),
    "TIME": (time,),
}


def fitting(kind: str) -> Test:
    """Whether a value that is not None is of a kind."""
    name = kinds.name_of(kind)
    if name in _BITS:
        most = 1 << _BITS[name]
        return lambda value: isinstance(value, int | np.integer) and -most <= int(value) < most
    if name == "DATE":
        return lambda value: isinstance(value, date) and not isinstance(value, datetime)
    if name in _TYPES:
        types = _TYPES[name]
        return lambda value: isinstance(value, types)
    return lambda value: not series_of("", [value], kind)[1]
