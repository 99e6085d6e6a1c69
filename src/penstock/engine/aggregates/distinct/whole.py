"""DISTINCT over whole numbers that are never taken back: one table of (slot, value) pairs and nothing else.

Knows nothing of the aggregate behind it.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Slots
from penstock.engine.aggregates.distinct.gate import Gate, moved, pairs_of
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.run.columns import Growing, integers


class DistinctWhole(Gate):
    """Hands `inner` a value when it first comes into a slot."""

    def __init__(self, inner: Accumulator, physical: pl.DataType) -> None:
        self._fill(np.empty(0, np.int64), np.empty(0, np.int64))
        super().__init__(inner, physical)

    def _fill(self, slots: Slots, values: Slots) -> None:
        self.pairs = PairTable()
        self.pairs.number(slots, values)
        self._slots, self._values = Growing(slots), Growing(values)
        self._there = Growing(np.ones(len(slots), np.int64))

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
        places, found = pairs_of(other._slots.values, sources)
        there = other._there.values[found] > 0
        if there.any():
            self._take(targets[places[there]], other._values.values[found[there]])

    def reset(self, slots: Slots) -> None:
        self.inner.reset(slots)
        self._there.values[np.isin(self._slots.values, slots)] = 0

    def keep(self, slots: Slots) -> None:
        self.inner.keep(slots)
        new = moved(self._slots.values, slots)
        stays = np.flatnonzero((new >= 0) & (self._there.values > 0))
        self._fill(new[stays], self._values.values[stays])

    def pairs_held(self) -> pl.DataFrame:
        stays = np.flatnonzero(self._there.values)
        return pl.DataFrame({"slot": self._slots.values[stays], "value": self._values.values[stays]})

    def fill(self, pairs: pl.DataFrame) -> None:
        self._fill(pairs["slot"].to_numpy().copy(), pairs["value"].to_numpy().copy())
