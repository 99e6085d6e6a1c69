"""The part that aggregates over groups share: evaluating keys, arguments and conditions, and their accumulators.

Knows nothing of windows or changes.
"""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from penstock.clock import Now
from penstock.engine.aggregates import Accumulator, accumulator
from penstock.engine.aggregates.accumulator import Part, Slots
from penstock.engine.aggregates.distinct.counts import MEMBERS_MAX, SharedCount, SharedPairs
from penstock.engine.aggregates.distinct.gate import Gate
from penstock.engine.aggregates.distinct.lasting import LastingPairs
from penstock.engine.aggregates.distinct.whole import DistinctWhole
from penstock.engine.expressions import bind
from penstock.engine.functions import kinds
from penstock.engine.operators.operator import NEVER_MS, Blocks, Moment, nested, prefixed
from penstock.engine.operators.rows.arguments import Arguments, Batch
from penstock.engine.plan import Aggregation
from penstock.engine.run.repeatable import repeatable
from penstock.engine.types import Schema, polars_type


class Grouped:
    """The aggregates of one node, over slots that its operator hands out."""

    def __init__(self, aggregations: Sequence[Aggregation], schema: Schema, retracting: bool) -> None:
        self.plans, self.schema, self.retracting = tuple(aggregations), schema, retracting
        self.columns = [plan.column for plan in aggregations]
        self.kinds = [None if p.argument is None else bind(p.argument, schema).kind for p in aggregations]
        self.parts = self.fresh()
        self._arguments = Arguments(self.plans, schema, self.parts)

    @property
    def kept(self) -> Sequence[Part]:
        """Who tells each aggregate's result and keeps its state."""
        return self.parts

    def fresh(self) -> list[Accumulator]:
        """New, empty accumulators of the same aggregates."""
        return [
            accumulator(plan.function, None if kind == kinds.NULL else kind, plan.distinct, self.retracting)
            if kind != kinds.NULL or plan.function.upper() == "COUNT"
            else accumulator(plan.function, plan.column.kind, plan.distinct, self.retracting)
            for plan, kind in zip(self.plans, self.kinds, strict=True)
        ]

    def update(self, rows: pl.DataFrame, slots: Slots, signs: Slots, count: int, moment: Moment) -> None:
        """Feed rows, each to its slot; `count` is how many slots there are now."""
        batch = self._arguments.of(rows, self.parts, moment)
        self.reserve(count)
        self._feed(batch, slots, signs)

    def _feed(self, batch: Batch, slots: Slots, signs: Slots) -> None:
        for place, part in enumerate(self.parts):
            part.update(slots, batch.valid(place), signs, batch.values(place, part))

    def results(self, slots: Slots, parts: Sequence[Part] | None = None) -> pl.DataFrame:
        """The aggregates of slots, as the plan's columns."""
        return pl.DataFrame([self.result(place, slots, parts) for place in range(len(self.columns))])

    def result(self, place: int, slots: Slots, parts: Sequence[Part] | None = None) -> pl.Series:
        """One of the aggregates of slots."""
        column = self.columns[place]
        return _typed((parts or self.kept)[place].result(slots), column.kind).alias(column.name)

    def reserve(self, count: int) -> None:
        """Room for so many slots."""
        for part in self.kept:
            part.reserve(count)

    def keep(self, slots: Slots) -> None:
        """Only these slots, renumbered in order."""
        for part in self.kept:
            part.keep(slots)

    def reset(self, slots: Slots) -> None:
        """These slots as new."""
        for part in self.kept:
            part.reset(slots)

    def snapshot(self, count: int) -> Blocks:
        """Every accumulator's blocks."""
        return {
            k: v
            for place, part in enumerate(self.kept)
            for k, v in prefixed(part.snapshot(count), str(place)).items()
        }

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        """The opposite of `snapshot`."""
        for place, part in enumerate(self.kept):
            part.restore(nested(blocks, str(place)))


class SharingGroups(Grouped):
    """Aggregates of one argument that take each of its values once share a set of values. They cannot be merged.

    That is counts of whole numbers that are never taken back; and, with a lifetime, all that say DISTINCT.
    """

    def __init__(
        self, aggregations: Sequence[Aggregation], schema: Schema, retracting: bool, ttl_ms: int | None
    ) -> None:
        super().__init__(aggregations, schema, retracting)
        self.ttl_ms = ttl_ms
        self._kept: list[Part] = [*self.parts]
        self._sets: list[tuple[SharedPairs | LastingPairs, list[int]]] = []
        for places in self._alike():
            self._share(places)
        self._alone = [place for place, part in enumerate(self.parts) if self._kept[place] is part]

    @property
    def kept(self) -> Sequence[Part]:
        return self._kept

    def _alike(self) -> Iterator[list[int]]:
        """The places of aggregates that share."""
        groups: dict[str, list[int]] = {}
        for place, (plan, part) in enumerate(zip(self.plans, self.parts, strict=True)):
            counts = isinstance(part, DistinctWhole) and plan.function.upper() == "COUNT"
            if counts or (self.ttl_ms and isinstance(part, Gate)):
                assert plan.argument is not None
                said = plan.argument.sql() if repeatable(plan.argument) else str(place)
                groups.setdefault(said, []).append(place)
        for places in groups.values():
            for start in range(0, len(places), MEMBERS_MAX):
                yield places[start : start + MEMBERS_MAX]

    def _share(self, places: list[int]) -> None:
        gates = [gate for gate in (self.parts[place] for place in places) if isinstance(gate, Gate)]
        made: tuple[SharedPairs | LastingPairs, Sequence[Part]]
        if self.ttl_ms:
            lasting = LastingPairs(gates, self.ttl_ms, self.retracting)
            made = lasting, lasting.members
        else:
            pairs = SharedPairs(len(places))
            made = pairs, [SharedCount(pairs, turn) for turn in range(len(places))]
        self._sets.append((made[0], places))
        for place, part in zip(places, made[1], strict=True):
            self._kept[place] = part

    def _feed(self, batch: Batch, slots: Slots, signs: Slots) -> None:
        for pairs, places in self._sets:
            values = batch.values(places[0], self.parts[places[0]])
            pairs.update(slots, [batch.valid(place) for place in places], signs, values)
        for place in self._alone:
            part = self.parts[place]
            part.update(slots, batch.valid(place), signs, batch.values(place, part))

    def lapse(self, now: Now) -> None:
        """It is now: values whose time is over are forgotten."""
        for pairs, _ in self._sets:
            if isinstance(pairs, LastingPairs):
                pairs.lapse(now)

    @property
    def wakes_ms(self) -> int:
        """When the next values' time is over."""
        lasting = (pairs.expiry.wakes_ms for pairs, _ in self._sets if isinstance(pairs, LastingPairs))
        return min(lasting, default=NEVER_MS)


def _typed(series: pl.Series, kind: str) -> pl.Series:
    target = polars_type(kind)
    if series.dtype == target:
        return series
    if target.is_integer() and series.dtype.is_integer():
        return series.to_frame("v").select(pl.col("v").cast(target, wrap_numerical=True)).to_series()
    return series.cast(target, strict=False)
