"""Kinds that a text format writes as texts (moments, dates, times, bytes): the columns in and out.

Source: Flink, TimeFormats of the JSON format. Knows nothing of JSON's syntax.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.functions import kinds
from penstock.engine.kernels.arrow import Texts, nest, text_buffers, text_series, unnest
from penstock.engine.kernels.moments import ISO, SQL, parse_column, show_moments
from penstock.engine.types import Column, element, is_array, is_map, is_row, polars_type, row_fields

_TEXTUAL = {"TIMESTAMP", "TIMESTAMP_LTZ", "DATE", "TIME", *kinds.BINARIES}


def is_textual(kind: str) -> bool:
    """Whether values of the kind stand in quotes and need a parser of their own."""
    return kinds.name_of(kind) in _TEXTUAL


def raw_type(kind: str) -> pl.DataType:
    """The polars type a value has before its text is parsed."""
    if is_row(kind):
        return pl.Struct({field.name: raw_type(field.kind) for field in row_fields(kind)})
    if is_array(kind) or is_map(kind):
        return pl.List(raw_type(element(kind).kind))
    return pl.String() if is_textual(kind) else polars_type(kind)


def from_texts(column: Column, texts: Texts, iso: bool) -> tuple[pl.Series, NDArray[np.bool_]]:
    """The typed column, and which rows hold a text that is none of its kind (they are NULL in the column)."""
    data, offsets, valid = texts
    if kinds.is_time(column.kind):
        zoned = kinds.name_of(column.kind) == "TIMESTAMP_LTZ"
        moments, wrong = parse_column(data, offsets, valid, ISO if iso else SQL, zoned)
        series = pl.Series(column.name, moments).cast(pl.Datetime("us"))
        there = valid & ~wrong
        if not there.all():
            series = series.to_frame().select(pl.when(pl.Series(there)).then(pl.first())).to_series()
        return series.alias(column.name), wrong
    words = text_series(column.name, data, offsets, valid)
    made = _parsed(words, kinds.name_of(column.kind))
    return made, np.asarray((words.is_not_null() & made.is_null()).to_numpy())


def from_raw(column: Column, raw: pl.Series, iso: bool) -> tuple[pl.Series, NDArray[np.bool_]]:
    """`from_texts` for a column of `raw_type`, which may be nested."""
    if is_textual(column.kind):
        return from_texts(column, text_buffers(raw), iso)
    wrong = np.zeros(len(raw), np.bool_)
    if is_array(column.kind) or is_map(column.kind):
        elements, offsets, valid = unnest(raw)
        made, misfits = from_raw(element(column.kind), elements, iso)
        wrong[np.repeat(np.arange(len(raw)), np.diff(offsets))[misfits]] = True
        return nest(column.name, made, offsets, valid), wrong
    if not is_row(column.kind):
        return raw.alias(column.name), wrong
    parts = []
    for field in row_fields(column.kind):
        part, misfits = from_raw(field, raw.struct.field(field.name), iso)
        parts.append(part)
        wrong |= misfits
    made = pl.DataFrame(parts).to_struct(column.name)
    there = raw.is_not_null()
    return made if there.all() else made.to_frame().select(pl.when(there).then(pl.first())).to_series(), wrong


def _parsed(words: pl.Series, name: str) -> pl.Series:
    if name == "DATE":
        return words.str.to_date("%Y-%m-%d", strict=False)
    if name == "TIME":
        return words.str.strip_suffix("Z").str.to_time("%H:%M:%S%.f", strict=False)
    return words.str.decode("base64", strict=False)


def to_text(series: pl.Series, kind: str, iso: bool) -> pl.Series:
    """A column as a text format writes it; other kinds stay as they are."""
    if is_row(kind):
        parts = [to_text(series.struct.field(f.name), f.kind, iso).alias(f.name) for f in row_fields(kind)]
        made = pl.DataFrame(parts).to_struct(series.name)
        return made.to_frame().select(pl.when(series.is_not_null()).then(pl.first())).to_series()
    name = kinds.name_of(kind)
    if name in kinds.TIMES:
        return show_moments(series, -1, ISO if iso else SQL, name == "TIMESTAMP_LTZ")
    if name == "DATE":
        return series.cast(pl.String)
    if name == "TIME":
        return series.dt.to_string("%H:%M:%S%.9f").str.strip_chars_end("0").str.strip_suffix(".")
    return series.bin.encode("base64") if name in kinds.BINARIES else series
