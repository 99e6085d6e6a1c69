"""DISTINCT: each value counts once in a slot. A set of (slot, value) pairs before any other aggregate.

Knows nothing of the aggregate behind it.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Slots
from penstock.engine.aggregates.distinct.gate import Gate, moved, pairs_of
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.run.columns import Growing
from penstock.engine.run.keys import KeyTable


class Distinct(Gate):
    """Hands `inner` a value when it first comes into a slot, and takes it back when its last copy goes."""

    def __init__(self, inner: Accumulator, physical: pl.DataType) -> None:
        self.physical = physical
        self.nulls = inner.nulls  # type: ignore[misc]  # as the aggregate behind it has it
        self._clear()
        super().__init__(inner, physical)

    def _clear(self) -> None:
        self.values = KeyTable({"value": self.physical})
        self.pairs = PairTable()
        self._slots, self._numbers, self._copies = Growing(), Growing(), Growing()

    @property
    def slots(self) -> Slots:
        """Each pair's slot."""
        return self._slots.values

    @property
    def numbers(self) -> Slots:
        """Each pair's value, by number."""
        return self._numbers.values

    @property
    def copies(self) -> Slots:
        """How often each pair is there."""
        return self._copies.values

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        rows = np.flatnonzero(valid)
        if len(rows):
            numbers = self.values.number(pl.DataFrame({"value": values})[rows])
            self._take(slots[rows], numbers, signs[rows])

    def _take(self, slots: Slots, numbers: Slots, signs: Slots) -> None:
        pairs, fresh = self.pairs.number(slots, numbers)
        self._slots.extend(slots[fresh])
        self._numbers.extend(numbers[fresh])
        self._copies.extend(np.zeros(len(fresh), np.int64))
        touched = np.unique(pairs)
        before = self.copies[touched] > 0
        np.add.at(self.copies, pairs, signs)
        after = self.copies[touched] > 0
        changed = touched[before != after]
        self._hand_on(changed, np.where(after[before != after], 1, -1))

    def _hand_on(self, pairs: Slots, signs: Slots) -> None:
        values = self.values.rows(self.numbers[pairs])["value"]
        self.inner.update(self.slots[pairs], np.ones(len(pairs), np.bool_), signs.astype(np.int64), values)

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        assert isinstance(other, Distinct)
        places, found = pairs_of(other.slots, sources)
        there = other.copies[found] > 0
        values = other.values.rows(other.numbers[found[there]])
        if values.height:
            ones = np.ones(values.height, np.int64)
            self._take(targets[places[there]], self.values.number(values), ones)

    def reset(self, slots: Slots) -> None:
        self.inner.reset(slots)
        self.copies[np.isin(self.slots, slots)] = 0

    def keep(self, slots: Slots) -> None:
        self.inner.keep(slots)
        new = moved(self.slots, slots)
        stays = np.flatnonzero((new >= 0) & (self.copies > 0))
        self._refill(new[stays], self.values.rows(self.numbers[stays]), self.copies[stays])

    def _refill(self, slots: Slots, values: pl.DataFrame, copies: Slots) -> None:
        self._clear()
        numbers = self.values.number(values)
        self.pairs.number(slots, numbers)
        self._slots, self._numbers, self._copies = Growing(slots), Growing(numbers), Growing(copies)

    def pairs_held(self) -> pl.DataFrame:
        return self.values.rows(self.numbers).with_columns(
            slot=pl.Series(self.slots), copies=pl.Series(self.copies)
        )

    def fill(self, pairs: pl.DataFrame) -> None:
        slots, copies = (pairs[name].to_numpy().copy() for name in ("slot", "copies"))
        self._refill(slots, pairs.select("value"), copies)
