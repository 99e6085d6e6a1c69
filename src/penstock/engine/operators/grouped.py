"""The part that aggregates over groups share: evaluating keys, arguments and conditions, and their accumulators.

Knows nothing of windows or changes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from sqlglot import exp

from penstock.engine.aggregates import Accumulator, accumulator
from penstock.engine.aggregates.accumulator import Slots
from penstock.engine.expressions import asks_time, bind
from penstock.engine.functions import kinds
from penstock.engine.operators.operator import Blocks, Moment, nested, prefixed
from penstock.engine.operators.stages import with_now
from penstock.engine.plan import Aggregation
from penstock.engine.run.columns import there
from penstock.engine.types import Schema, polars_type


class Grouped:
    """The aggregates of one node, over slots that its operator hands out."""

    def __init__(self, aggregations: Sequence[Aggregation], schema: Schema, retracting: bool) -> None:
        self.plans, self.schema, self.retracting = tuple(aggregations), schema, retracting
        self.columns = [plan.column for plan in aggregations]
        self.kinds = [None if p.argument is None else bind(p.argument, schema).kind for p in aggregations]
        self.parts = self.fresh()
        self.exprs: list[pl.Expr] = []
        self._plain: dict[int, str | None] = {}
        for place, plan in enumerate(aggregations):
            self._compile(place, plan)
        self.timed = any(asks_time(expr) for expr in self.exprs)

    def fresh(self) -> list[Accumulator]:
        """New, empty accumulators of the same aggregates."""
        return [
            accumulator(plan.function, None if kind == kinds.NULL else kind, plan.distinct, self.retracting)
            if kind != kinds.NULL or plan.function.upper() == "COUNT"
            else accumulator(plan.function, plan.column.kind, plan.distinct, self.retracting)
            for plan, kind in zip(self.plans, self.kinds, strict=True)
        ]

    def _compile(self, place: int, plan: Aggregation) -> None:
        """An argument that is a column, without FILTER, is taken as it is; others are computed together."""
        if plan.condition is None and (plan.argument is None or isinstance(plan.argument, exp.Column)):
            self._plain[place] = plan.argument.name if plan.argument is not None else None
            return
        valid = pl.lit(True)
        if plan.argument is not None:
            argument = bind(plan.argument, self.schema).expr
            if not self.parts[place].nulls:
                valid = argument.is_not_null()
            self.exprs.append(self.parts[place].prepare(argument).alias(f"v{place}"))
        if plan.condition is not None:
            kept = bind(plan.condition, self.schema).expr.cast(pl.Boolean).fill_null(False)
            valid = kept if plan.argument is None else valid & kept
        self.exprs.append(valid.alias(f"ok{place}"))

    def update(self, rows: pl.DataFrame, slots: Slots, signs: Slots, count: int, moment: Moment) -> None:
        """Feed rows, each to its slot; `count` is how many slots there are now."""
        if self.timed:
            rows = with_now(rows, moment.now)
        values = rows.select(self.exprs) if self.exprs else rows
        every = np.ones(len(slots), np.bool_)
        for place, part in enumerate(self.parts):
            part.reserve(count)
            if place not in self._plain:
                valid = np.ascontiguousarray(_full(values[f"ok{place}"], len(slots)).to_numpy())
                name = f"v{place}"
                column = _full(values[name], len(slots)) if name in values.columns else _NOTHING
                part.update(slots, valid, signs, column)
                continue
            plain = self._plain[place]
            if plain is None:
                part.update(slots, every, signs, _NOTHING)
            else:
                held = rows[plain]
                some = held.null_count() and not part.nulls
                part.update(slots, there(held) if some else every, signs, part.prepare(held))

    def results(self, slots: Slots, parts: Sequence[Accumulator] | None = None) -> pl.DataFrame:
        """The aggregates of slots, as the plan's columns."""
        return pl.DataFrame(
            [
                _typed(part.result(slots), column.kind).alias(column.name)
                for part, column in zip(parts or self.parts, self.columns, strict=True)
            ]
        )

    def reserve(self, count: int) -> None:
        """Room for so many slots."""
        for part in self.parts:
            part.reserve(count)

    def keep(self, slots: Slots) -> None:
        """Only these slots, renumbered in order."""
        for part in self.parts:
            part.keep(slots)

    def reset(self, slots: Slots) -> None:
        """These slots as new."""
        for part in self.parts:
            part.reset(slots)

    def snapshot(self, count: int) -> Blocks:
        """Every accumulator's blocks."""
        return {
            k: v
            for place, part in enumerate(self.parts)
            for k, v in prefixed(part.snapshot(count), str(place)).items()
        }

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        """The opposite of `snapshot`."""
        for place, part in enumerate(self.parts):
            part.restore(nested(blocks, str(place)))


_NOTHING = pl.Series([], dtype=pl.Int64)


def _full(column: pl.Series, rows: int) -> pl.Series:
    """A constant expression gives one row whatever there are."""
    return column if len(column) == rows else column.new_from_index(0, rows)


def _typed(series: pl.Series, kind: str) -> pl.Series:
    target = polars_type(kind)
    if series.dtype == target:
        return series
    if target.is_integer() and series.dtype.is_integer():
        return series.to_frame("v").select(pl.col("v").cast(target, wrap_numerical=True)).to_series()
    return series.cast(target, strict=False)
