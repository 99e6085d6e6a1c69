"""A frame's columns as the writing kernels take them: two words a value, whatever its kind, and all texts in one place.

Knows nothing of any format.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.functions import kinds
from penstock.engine.kernels.arrow import text_buffers, unnest, wide_words
from penstock.engine.types import Schema, element, is_nested, is_row, row_fields


@dataclass(frozen=True)
class Cells:
    """Of each column (a ROW before its fields, a list before its elements), from `starts` on, and row, or element: whether there
    is a value, and it: a number, a double's or a float's bits, the place and size of a text in `texts`, the lower and upper word of
    a DECIMAL, a list's first element and how many it has. In a ROW that is NULL all is.
    """

    starts: NDArray[np.int64]
    valid: NDArray[np.bool_]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    texts: NDArray[np.uint8]

    @classmethod
    def of(cls, frame: pl.DataFrame, fields: Schema) -> "Cells":
        """Of the columns `fields` of a frame."""
        made: list[_Part] = []
        for column in fields:
            _part(column.kind, frame[column.name], None, made)
        sizes = np.array([len(part.series) for part in made], np.int64)
        starts = np.cumsum(sizes) - sizes
        valid = np.ones(int(sizes.sum()), np.bool_)
        words = np.zeros((2, len(valid)), np.int64)
        texts: list[NDArray[np.uint8]] = []
        size = 0
        for part, start, count in zip(made, starts.tolist(), sizes.tolist(), strict=True):
            rows, kind, series = slice(start, start + count), part.kind, part.series
            if part.valid is not None:
                valid[rows] = part.valid
            if kinds.is_text(kind) or kinds.name_of(kind) in kinds.BINARIES:
                data, offsets, _ = text_buffers(series)
                words[0, rows], words[1, rows] = offsets[:-1] - offsets[0] + size, np.diff(offsets)
                texts.append(data[offsets[0] : offsets[-1]])
                size += int(offsets[-1] - offsets[0])
            elif kinds.is_decimal(kind):
                words[:, rows] = wide_words(series)
            elif part.offsets is not None:
                words[0, rows], words[1, rows] = part.offsets[:-1], np.diff(part.offsets)
            elif not is_row(kind):
                words[0, rows] = whole_words(series)
        return cls(starts, valid, words[0], words[1], np.concatenate([*texts, np.zeros(1, np.uint8)]))


@dataclass(frozen=True)
class _Part:
    kind: str
    series: pl.Series
    valid: NDArray[np.bool_] | None
    """None where nothing is NULL."""
    offsets: NDArray[np.int64] | None = None
    """Of a list: where each begins among the elements."""


def _part(kind: str, series: pl.Series, around: NDArray[np.bool_] | None, into: list[_Part]) -> None:
    """A column and all in it; `around`: where the ROW around it is there."""
    valid = around
    if series.null_count():
        there = np.asarray(series.is_not_null().to_numpy())
        valid = there if around is None else there & around
    if is_row(kind):
        into.append(_Part(kind, series, valid))
        for field in row_fields(kind):
            _part(field.kind, series.struct.field(field.name), valid, into)
    elif is_nested(kind):
        elements, offsets, _ = unnest(series)
        into.append(_Part(kind, series, valid, offsets))
        _part(element(kind).kind, elements, None, into)
    else:
        into.append(_Part(kind, series, valid))


def whole_words(series: pl.Series) -> NDArray[np.int64]:
    """What a column is underneath: whole numbers, or the bits of others. A step of polars' costs what a thousand values do."""
    if series.null_count():
        series = (
            series.fill_null(False if series.dtype == pl.Boolean else 0) if _plain(series.dtype) else series
        )
    if series.dtype == pl.Float64:
        return np.asarray(series.to_numpy()).view(np.int64)
    if series.dtype == pl.Float32:
        return np.asarray(series.to_numpy()).view(np.int32).astype(np.int64)
    physical = series if series.dtype.is_numeric() or series.dtype == pl.Boolean else series.to_physical()
    if physical.null_count():
        physical = physical.fill_null(0)
    return np.asarray(physical.to_numpy()).astype(np.int64, copy=False)


def _plain(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind == pl.Boolean
