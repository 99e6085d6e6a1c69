"""Columns as live tables see them: which JSON value a Flink type holds, and how to compare it.

A reader turns a JSON value into something that compares within its column, or None: null, and what does not fit the
declared type. Knows nothing of rows, topics or requests. Types: Flink SQL's, as in ``CREATE TABLE``; how each
stands in JSON: Flink's JSON format (timestamps as SQL text or ISO 8601, BYTES as base64).
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from math import isnan
from typing import Any, TypeAlias

Reader: TypeAlias = Callable[[Any], Any]
TEXT_MAX = 4096  # of a value in a filter or a key; longer ones are refused before they cost anything
_FRACTION = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column. `kind` is Flink's type in capitals: ``STRING``, ``BIGINT``, ``TIMESTAMP(3)``."""

    name: str
    kind: str

    @property
    def word(self) -> str:
        """The type without its length or precision: ``TIMESTAMP`` of ``TIMESTAMP(3)``."""
        return self.kind.partition("(")[0].partition(" NOT NULL")[0].strip().upper()

    @property
    def comparable(self) -> bool:
        """Whether values of this column can be filtered and ordered by."""
        return self.word in READERS

    def read(self, value: Any) -> Any:
        """The comparable form of a JSON value; None for null and for what does not fit the type."""
        return READERS[self.word](value)

    def parse(self, text: str) -> Any:
        """The comparable form of a value written in a request; raises ValueError where the text does not fit."""
        try:
            parsed = self.read(TEXTS.get(self.word, str)(text)) if len(text) <= TEXT_MAX else None
        except ValueError:
            parsed = None
        if parsed is None:
            raise ValueError(f"{text[:80]!r} is not a value of type {self.kind}")
        return parsed


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> Decimal | float | None:
    plain = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return None if not plain or isnan(value) else value


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        parsed = Decimal(str(value))
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _timestamp(value: Any) -> datetime | None:
    """SQL text and ISO 8601 alike; both timestamp types are read in UTC, as the engine does."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(_FRACTION.sub(r"\1", value))
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _time(value: Any) -> time | None:
    try:
        return (
            time.fromisoformat(_FRACTION.sub(r"\1", value)).replace(tzinfo=None)
            if isinstance(value, str)
            else None
        )
    except ValueError:
        return None


def _bytes(value: Any) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None


READERS: dict[str, Reader] = {
    **dict.fromkeys(("STRING", "VARCHAR", "CHAR"), _text),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT"), _integer),
    **dict.fromkeys(("FLOAT", "DOUBLE"), _number),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_LTZ"), _timestamp),
    **dict.fromkeys(("BYTES", "VARBINARY", "BINARY"), _bytes),
    "DECIMAL": _decimal,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIME": _time,
}

TEXTS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT"), int),
    **dict.fromkeys(("FLOAT", "DOUBLE"), float),
    "BOOLEAN": {"true": True, "false": False}.get,
}
