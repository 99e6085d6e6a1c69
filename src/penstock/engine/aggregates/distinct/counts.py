"""COUNT(DISTINCT x) with several FILTERs over whole numbers that are never taken back: one set of (slot, value) pairs
for all of them, and a bit a pair and FILTER that says whether it was counted (as Flink's DistinctInfo has it).

Knows nothing of conditions: it is handed which of them each row passes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Part, Slots
from penstock.engine.kernels import scatter
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.room import widened
from penstock.engine.run.columns import Growing, integers

MEMBERS_MAX = 62


class SharedPairs:
    """`counts` has a line a slot and a column a FILTER."""

    def __init__(self, members: int) -> None:
        self.counts = np.zeros((16, members), np.int64)
        self._clear()

    def _clear(self) -> None:
        self._pairs = PairTable()
        self._slots, self._values, self._bits = Growing(), Growing(), Growing()

    def update(
        self, slots: Slots, passed: Sequence[NDArray[np.bool_]], signs: Slots, values: pl.Series
    ) -> None:
        """Count each value of a slot once for each FILTER that some row with it has passed."""
        bits = np.zeros(len(slots), np.int64)
        for place, rows in enumerate(passed):
            bits |= rows.astype(np.int64) << place
        numbers = integers(values)
        if not (bits != 0).all():
            kept = np.flatnonzero(bits)
            slots, numbers, bits = slots[kept], numbers[kept], bits[kept]
        if len(slots):
            self._count(np.ascontiguousarray(slots), np.ascontiguousarray(numbers), bits)

    def _count(self, slots: Slots, values: Slots, bits: Slots) -> None:
        pairs, fresh = self._pairs.number(slots, values)
        if len(fresh):
            self._slots.extend(slots[fresh])
            self._values.extend(values[fresh])
            self._bits.extend(np.zeros(len(fresh), np.int64))
        scatter.count_bits(slots, pairs, bits, self._bits.values, self.counts)

    def reserve(self, slots: int) -> None:
        """Room for so many slots."""
        self.counts = widened(self.counts, slots, 0)

    def reset(self, slots: Slots) -> None:
        """These slots as new."""
        self.counts[slots] = 0
        self._bits.values[np.isin(self._slots.values, slots)] = 0

    def keep(self, slots: Slots) -> None:
        """Only these slots, numbered anew."""
        held = self._slots.values
        new = np.full(int(max(slots.max(initial=-1), held.max(initial=-1))) + 1, -1, np.int64)
        new[slots] = np.arange(len(slots))
        stays = np.flatnonzero((new[held] >= 0) & (self._bits.values != 0))
        self.fill(len(slots), new[held[stays]], self._values.values[stays], self._bits.values[stays])

    def fill(self, count: int, slots: Slots, values: Slots, bits: Slots) -> None:
        """Exactly these pairs, of `count` slots."""
        self._clear()
        self.counts[:] = 0
        self.reserve(count)
        if len(slots):
            self._count(slots, values, bits)

    def frame(self) -> pl.DataFrame:
        """All pairs."""
        stays = np.flatnonzero(self._bits.values)
        columns = {"slot": self._slots, "value": self._values, "bits": self._bits}
        return pl.DataFrame({name: column.values[stays] for name, column in columns.items()})


class SharedCount(Part):
    """One of the counts; the first of them speaks for the set."""

    def __init__(self, shared: SharedPairs, place: int) -> None:
        self.shared, self.place = shared, place
        super().__init__()

    def result(self, slots: Slots) -> pl.Series:
        return pl.Series(self.shared.counts[slots, self.place])

    def reserve(self, slots: int) -> None:
        if self.place == 0:
            self.shared.reserve(slots)

    def reset(self, slots: Slots) -> None:
        if self.place == 0:
            self.shared.reset(slots)

    def keep(self, slots: Slots) -> None:
        if self.place == 0:
            self.shared.keep(slots)

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        return (
            {} if self.place else {"distinct": self.shared.frame(), "cells": pl.DataFrame({"slots": [count]})}
        )

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        if self.place == 0:
            held = blocks["distinct"]
            columns = (held[name].to_numpy().copy() for name in ("slot", "value", "bits"))
            self.shared.fill(int(blocks["cells"]["slots"][0]), *columns)
