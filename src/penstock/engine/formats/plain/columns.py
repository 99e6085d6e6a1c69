"""Plain lines, whose fields stand between delimiters without quotes, to columns all at once; those that are not are told.

What a line holds is what `CsvReader` makes of it alone: a field that is not written in the commonest way of its kind is no plain
one. Knows nothing of records.
"""

import re
from collections.abc import Sequence
from itertools import compress

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.plain.texts import is_textual
from penstock.engine.functions import kinds
from penstock.engine.kernels.arrow import text_series
from penstock.engine.types import Column, is_nested, polars_type

_LONGEST = 65536
"""Bytes of a plain line at most: Python's reader bounds a field, too."""
Wanted = Sequence[tuple[int, Column]]
"""Columns, and which field of a line each is."""


def plain_columns(
    chunk: Chunk, wanted: Wanted, fields: int, delimiter: str, special: str, null: str | None
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The columns of the lines that are plain, and which records they are. `special`: characters that no plain line has."""
    sizes = chunk.places[VALUE_SIZE]
    lines, rows = _lines(chunk, np.flatnonzero((sizes > 0) & (sizes <= _LONGEST)))
    if not len(rows):
        return pl.DataFrame(schema={c.name: _form(c.kind)[1] for _, c in wanted}), rows
    there = pl.DataFrame([lines]).with_row_index("$at")
    line = pl.col("$line")
    signs = "[" + "".join(re.escape(sign) for sign in f"{special}\r\n\0") + "]"
    there = there.filter(
        ~line.str.contains(signs) & (line.str.count_matches(delimiter, literal=True) == fields - 1)
    )
    parts = there.select("$at", line.str.split_exact(delimiter, fields - 1)).unnest("$line")
    names = {f"field_{place}": column for place, column in wanted}
    fit = [pl.col(name).str.contains(_form(column.kind)[0]) for name, column in names.items()]
    if null is not None:
        parts = parts.with_columns(pl.when(pl.col(n) != null).then(pl.col(n)).alias(n) for n in names)
    parts = parts.filter(pl.all_horizontal(one.fill_null(True) for one in fit))
    made = parts.select(
        "$at", *(_typed(pl.col(name), column.kind).alias(column.name) for name, column in names.items())
    )
    # A number out of range is none to polars: such a line is left to who says so.
    lost = [made[c.name].is_null() & parts[name].is_not_null() for name, c in names.items()]
    kept = made.filter(~pl.DataFrame(lost).select(pl.any_horizontal(pl.all())).to_series())
    return kept.drop("$at"), rows[kept["$at"].to_numpy()]


def can_be_plain(wanted: Wanted) -> bool:
    """Whether all columns are of kinds known here."""
    return bool(wanted) and not any(is_nested(c.kind) for _, c in wanted)


def _lines(chunk: Chunk, rows: NDArray[np.int64]) -> tuple[pl.Series, NDArray[np.int64]]:
    """The records that are UTF-8, and which they are."""
    data, places = chunk.data.data, chunk.places[VALUE_AT : VALUE_SIZE + 1, rows]
    lines = [data[at : at + size] for at, size in zip(*places.tolist(), strict=True)]
    try:
        b"\n".join(lines).decode()  # each by itself: no line begins amid a character
    except UnicodeDecodeError:
        fit = [_is_text(line) for line in lines]
        lines, rows = list(compress(lines, fit)), rows[fit]
    offsets = np.concatenate([[0], np.cumsum(chunk.places[VALUE_SIZE, rows])]).astype(np.int64)
    return text_series("$line", np.frombuffer(b"".join(lines) + b"\0", np.uint8), offsets), rows


def _is_text(line: memoryview) -> bool:
    try:
        bytes(line).decode()
    except UnicodeDecodeError:
        return False
    return True


def _form(kind: str) -> tuple[str, pl.DataType]:
    """How a value of a kind is commonly written, and what it is before moments and bytes are read."""
    if kinds.is_text(kind) or is_textual(kind):
        return "", pl.String()
    made = polars_type(kind)
    if kinds.is_integer(kind):
        return r"^-?[0-9]{1,18}$", made
    if kinds.is_float(kind):
        return r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$", made
    if kinds.is_decimal(kind):
        precision, scale = kinds.digits(kind)
        return rf"^-?[0-9]{{1,{max(precision - scale, 1)}}}" + (
            rf"(\.[0-9]{{1,{scale}}})?$" if scale else "$"
        ), made
    return "^(?i:true|false)$", made


def _typed(text: pl.Expr, kind: str) -> pl.Expr:
    if kinds.is_text(kind) or is_textual(kind):
        return text
    if kind == "BOOLEAN":
        return text.str.to_lowercase() == "true"
    if kinds.is_float(kind):
        return text.cast(pl.Float64, strict=False).cast(polars_type(kind))
    return text.cast(polars_type(kind), strict=False)
