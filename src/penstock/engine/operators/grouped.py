"""The part that aggregates over groups share: evaluating keys, arguments and conditions, and their accumulators.

Knows nothing of windows or changes.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from penstock.engine.aggregates import Accumulator, accumulator
from penstock.engine.aggregates.accumulator import Slots
from penstock.engine.aggregates.distinct.counts import MEMBERS_MAX, SharedCount, SharedPairs
from penstock.engine.aggregates.distinct.whole import DistinctWhole
from penstock.engine.expressions import bind
from penstock.engine.functions import kinds
from penstock.engine.operators.operator import Blocks, Moment, nested, prefixed
from penstock.engine.operators.rows.arguments import Arguments
from penstock.engine.plan import Aggregation
from penstock.engine.types import Schema, polars_type


class Grouped:
    """The aggregates of one node, over slots that its operator hands out."""

    def __init__(
        self, aggregations: Sequence[Aggregation], schema: Schema, retracting: bool, shared: bool = False
    ) -> None:
        """With `shared`, distinct counts of one argument are one set; they cannot be merged then."""
        self.plans, self.schema, self.retracting = tuple(aggregations), schema, retracting
        self.columns = [plan.column for plan in aggregations]
        self.kinds = [None if p.argument is None else bind(p.argument, schema).kind for p in aggregations]
        self.parts = self.fresh()
        self._arguments = Arguments(self.plans, schema, self.parts)
        self._sets: list[tuple[SharedPairs, list[int], Accumulator]] = []
        if shared:
            self._share()

    def fresh(self) -> list[Accumulator]:
        """New, empty accumulators of the same aggregates."""
        return [
            accumulator(plan.function, None if kind == kinds.NULL else kind, plan.distinct, self.retracting)
            if kind != kinds.NULL or plan.function.upper() == "COUNT"
            else accumulator(plan.function, plan.column.kind, plan.distinct, self.retracting)
            for plan, kind in zip(self.plans, self.kinds, strict=True)
        ]

    def _share(self) -> None:
        groups: dict[str, list[int]] = {}
        for place, (plan, part) in enumerate(zip(self.plans, self.parts, strict=True)):
            if isinstance(part, DistinctWhole) and plan.function.upper() == "COUNT":
                assert plan.argument is not None
                groups.setdefault(plan.argument.sql(), []).append(place)
        for places in groups.values():
            for start in range(0, len(places), MEMBERS_MAX):
                members = places[start : start + MEMBERS_MAX]
                pairs = SharedPairs(len(members))
                self._sets.append((pairs, members, self.parts[members[0]]))
                for turn, place in enumerate(members):
                    self.parts[place] = SharedCount(pairs, turn)

    def update(self, rows: pl.DataFrame, slots: Slots, signs: Slots, count: int, moment: Moment) -> None:
        """Feed rows, each to its slot; `count` is how many slots there are now."""
        batch = self._arguments.of(rows, self.parts, moment)
        self.reserve(count)
        for pairs, places, reader in self._sets:
            values = batch.values(places[0], reader)
            pairs.update(slots, [batch.valid(place) for place in places], values)
        for place, part in enumerate(self.parts):
            if not isinstance(part, SharedCount):
                part.update(slots, batch.valid(place), signs, batch.values(place, part))

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


def _typed(series: pl.Series, kind: str) -> pl.Series:
    target = polars_type(kind)
    if series.dtype == target:
        return series
    if target.is_integer() and series.dtype.is_integer():
        return series.to_frame("v").select(pl.col("v").cast(target, wrap_numerical=True)).to_series()
    return series.cast(target, strict=False)
