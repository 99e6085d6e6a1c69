"""Unnest: each row beside the elements of an array or map that it has.

Knows one batch and keeps nothing.
"""

import numpy as np
import polars as pl

from penstock.engine.expressions import asks_time, bind
from penstock.engine.kernels.arrow import unnest
from penstock.engine.operators.operator import Moment, Operator, carried
from penstock.engine.operators.stages import with_now
from penstock.engine.plan import Unnest
from penstock.engine.run.columns import pick
from penstock.engine.types import element, is_row


class UnnestRows(Operator):
    """The array's elements, and for each the row it was in."""

    name = "unnest"

    def __init__(self, plan: Unnest) -> None:
        value = bind(plan.value, plan.source.schema)
        self.expr, self.timed = value.expr.alias("value"), asks_time(value.expr)
        self.names = [column.name for column in plan.source.schema]
        self.columns = [column.name for column in plan.columns]
        self.outer, self.numbered = plan.outer, plan.numbered
        self.counted = value.kind.startswith("MULTISET<")
        self.spread = is_row(element(value.kind).kind) and not self.counted

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        given = with_now(rows, moment.now) if self.timed else rows
        held = given.select(self.expr).to_series()
        if len(held) != rows.height:  # an array of literals is one for all rows
            held = held.new_from_index(0, rows.height)
        elements, offsets, _ = unnest(held)
        if self.counted:
            counts = elements.struct.field("value").to_numpy()
            elements = elements.struct.field("key")[np.repeat(np.arange(len(counts)), counts)]
            offsets = np.concatenate([[0], np.cumsum(counts)])[offsets]
        sizes = np.diff(offsets)
        owners = np.repeat(np.arange(rows.height), np.maximum(sizes, 1) if self.outer else sizes)
        if not len(owners):
            return None
        places = (
            np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes) if not self.outer else None
        )
        made = self._made(elements)
        if places is None:
            first = np.cumsum(np.maximum(sizes, 1)) - np.maximum(sizes, 1)
            places = np.arange(len(owners)) - first[owners]
            at = pl.Series(np.where(sizes[owners] > 0, offsets[owners] + places, len(elements)))
            made = [self._with_null(series)[at] for series in made]
        if self.numbered:
            number = pl.Series(places + 1, dtype=pl.Int32)
            missing = pl.Series(sizes[owners] == 0)
            made.append(number if not missing.any() else number.set(missing, None))
        own = pick(rows, [*self.names, *carried(rows)])[owners].get_columns()
        named = [series.alias(name) for series, name in zip(made, self.columns, strict=True)]
        return pl.DataFrame([*own[: len(self.names)], *named, *own[len(self.names) :]])

    def _made(self, elements: pl.Series) -> list[pl.Series]:
        if not self.spread:
            return [elements]
        return [elements.struct.field(name) for name in elements.struct.fields]

    @staticmethod
    def _with_null(series: pl.Series) -> pl.Series:
        return pl.concat([series, pl.Series(series.name, [None], dtype=series.dtype)])
