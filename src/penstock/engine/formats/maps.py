"""Maps as they are decoded from bytes that may say a key more than once: what was said last holds, as in Java's and Python's maps.

Knows nothing of any format.
"""

import numpy as np
import polars as pl

from penstock.engine.kernels.arrow import unnest
from penstock.engine.types import Schema, element, is_map, is_nested, is_row, row_fields


def with_last(frame: pl.DataFrame, fields: Schema) -> pl.DataFrame:
    """The rows, with each map's keys once. It is seldom that there is anything to do, so that is asked first."""
    twice = [field for field in fields if is_nested(field.kind) and _is_twice(field.kind, frame[field.name])]
    return frame.with_columns(_once(field.kind, pl.col(field.name)) for field in twice) if twice else frame


def _has_maps(kind: str) -> bool:
    if is_row(kind):
        return any(_has_maps(field.kind) for field in row_fields(kind))
    return is_map(kind) or (is_nested(kind) and _has_maps(element(kind).kind))


def _is_twice(kind: str, series: pl.Series) -> bool:
    """Whether a map has a key twice."""
    if not _has_maps(kind):
        return False
    if is_row(kind):
        return any(_is_twice(field.kind, series.struct.field(field.name)) for field in row_fields(kind))
    elements, offsets, _ = unnest(series)
    if is_map(kind):
        maps = pl.Series("map", np.repeat(np.arange(len(series)), np.diff(offsets)))
        if pl.DataFrame([maps, elements.struct.field("key")]).is_duplicated().any():
            return True
    return _is_twice(element(kind).kind, elements)


def _once(kind: str, value: pl.Expr) -> pl.Expr:
    if is_row(kind):
        parts = (field for field in row_fields(kind) if _has_maps(field.kind))
        return value.struct.with_fields(_once(field.kind, pl.field(field.name)) for field in parts)
    if not (is_nested(kind) and _has_maps(kind)):
        return value
    part = pl.element()
    if is_map(kind):
        part = part.filter(part.struct.field("key").is_last_distinct())
    return value.list.eval(_once(element(kind).kind, part))
