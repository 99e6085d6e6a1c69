"""A frame's columns as the writing kernels take them: two words a value, whatever its kind, and all texts in one place.

Knows nothing of any format.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.functions import kinds
from penstock.engine.kernels.arrow import text_buffers, wide_words
from penstock.engine.types import Column, Schema, is_row, row_fields


@dataclass(frozen=True)
class Cells:
    """By column (each ROW before its fields) and row: whether there is a value, and it: a number, a double's or a float's
    bits, the place and size of a text in `texts`, the lower and upper word of a DECIMAL.
    """

    valid: NDArray[np.bool_]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    texts: NDArray[np.uint8]

    @classmethod
    def of(cls, frame: pl.DataFrame, fields: Schema) -> "Cells":
        """Of the columns `fields` of a frame."""
        leaves = [leaf for column in fields for leaf in _leaves(column, frame[column.name])]
        valid = np.ones((len(leaves), frame.height), np.bool_)
        words = np.zeros((2, len(leaves), frame.height), np.int64)
        parts: list[NDArray[np.uint8]] = []
        size = 0
        for place, (kind, series) in enumerate(leaves):
            if series.null_count():
                valid[place] = series.is_not_null().to_numpy()
            if kinds.is_text(kind) or kinds.name_of(kind) in kinds.BINARIES:
                data, offsets, _ = text_buffers(series)
                words[0, place], words[1, place] = offsets[:-1] - offsets[0] + size, np.diff(offsets)
                parts.append(data[offsets[0] : offsets[-1]])
                size += int(offsets[-1] - offsets[0])
            elif kinds.is_decimal(kind):
                words[:, place] = wide_words(series)
            elif not is_row(kind):
                words[0, place] = whole_words(series)
        return cls(valid, words[0], words[1], np.concatenate([*parts, np.zeros(1, np.uint8)]))


def _leaves(column: Column, series: pl.Series) -> list[tuple[str, pl.Series]]:
    made = [(column.kind, series)]
    if is_row(column.kind):
        for field in row_fields(column.kind):
            made += _leaves(field, series.struct.field(field.name))
    return made


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
