"""DISTINCT over whole numbers that are never taken back: one table of (slot, value) pairs and nothing else.

Knows nothing of the aggregate behind it.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Slots
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.run.columns import Growing, integers


class DistinctWhole(Accumulator):
    """Hands `inner` a value when it first comes into a slot."""

    def __init__(self, inner: Accumulator, physical: pl.DataType) -> None:
        self.inner, self.physical = inner, physical
        self._fill(np.empty(0, np.int64), np.empty(0, np.int64))
        super().__init__()

    def _fill(self, slots: Slots, values: Slots) -> None:
        self.pairs = PairTable()
        self.pairs.number(slots, values)
        self._slots, self._values = Growing(slots), Growing(values)
        self._there = Growing(np.ones(len(slots), np.int64))

    def prepare(self, argument: Column) -> Column:
        return self.inner.prepare(argument).cast(self.physical)

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        if valid.all():
            self._take(slots, integers(values))
        elif valid.any():
            rows = np.flatnonzero(valid)
            self._take(slots[rows], integers(values)[rows])

    def _take(self, slots: Slots, values: Slots) -> None:
        pairs, fresh = self.pairs.number(np.ascontiguousarray(slots), np.ascontiguousarray(values))
        if len(fresh):
            self._slots.extend(slots[fresh])
            self._values.extend(values[fresh])
            self._there.extend(np.zeros(len(fresh), np.int64))
        absent = np.unique(pairs[self._there.values[pairs] == 0])
        if len(absent):
            self._there.values[absent] = 1
            ones = np.ones(len(absent), np.int64)
            handed = pl.Series("value", self._values.values[absent]).cast(self.physical)
            self.inner.update(self._slots.values[absent], ones.astype(np.bool_), ones, handed)

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        assert isinstance(other, DistinctWhole)
        kept = np.flatnonzero(other._there.values)
        order = kept[np.argsort(other._slots.values[kept], kind="stable")]
        held = other._slots.values[order]
        low, high = np.searchsorted(held, sources, "left"), np.searchsorted(held, sources, "right")
        counts = high - low
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = order[np.repeat(low, counts) + within]
        if len(chosen):
            self._take(np.repeat(targets, counts), other._values.values[chosen])

    def result(self, slots: Slots) -> pl.Series:
        return self.inner.result(slots)

    def reserve(self, slots: int) -> None:
        self.inner.reserve(slots)

    def reset(self, slots: Slots) -> None:
        self.inner.reset(slots)
        self._there.values[np.isin(self._slots.values, slots)] = 0

    def keep(self, slots: Slots) -> None:
        self.inner.keep(slots)
        held = self._slots.values
        new = np.full(int(max(slots.max(initial=-1), held.max(initial=-1))) + 1, -1, np.int64)
        new[slots] = np.arange(len(slots))
        stays = np.flatnonzero((new[held] >= 0) & (self._there.values > 0))
        self._fill(new[held[stays]], self._values.values[stays])

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        inner = {f"inner.{name}": block for name, block in self.inner.snapshot(count).items()}
        stays = np.flatnonzero(self._there.values)
        held = {"slot": self._slots.values[stays], "value": self._values.values[stays]}
        return {**inner, "distinct": pl.DataFrame(held)}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.inner.restore(
            {name.removeprefix("inner."): b for name, b in blocks.items() if name.startswith("inner.")}
        )
        held = blocks["distinct"]
        self._fill(held["slot"].to_numpy().copy(), held["value"].to_numpy().copy())
