"""DISTINCT: each value counts once in a slot. A set of (slot, value) pairs before any other aggregate.

Knows nothing of the aggregate behind it.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Slots
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.run.columns import Growing
from penstock.engine.run.keys import KeyTable


class Distinct(Accumulator):
    """Hands `inner` a value when it first comes into a slot, and takes it back when its last copy goes."""

    def __init__(self, inner: Accumulator, physical: pl.DataType) -> None:
        self.inner, self.physical = inner, physical
        self.nulls = inner.nulls  # type: ignore[misc]  # as the aggregate behind it has it
        self._clear()
        super().__init__()

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

    def prepare(self, argument: Column) -> Column:
        return self.inner.prepare(argument).cast(self.physical)

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
        order = np.argsort(other.slots, kind="stable")
        held = other.slots[order]
        low, high = np.searchsorted(held, sources, "left"), np.searchsorted(held, sources, "right")
        counts = high - low
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = order[np.repeat(low, counts) + within]
        chosen_targets = np.repeat(targets, counts)
        there = other.copies[chosen] > 0
        values = other.values.rows(other.numbers[chosen[there]])
        if values.height:
            self._take(chosen_targets[there], self.values.number(values), np.ones(values.height, np.int64))

    def result(self, slots: Slots) -> pl.Series:
        return self.inner.result(slots)

    def reserve(self, slots: int) -> None:
        self.inner.reserve(slots)

    def reset(self, slots: Slots) -> None:
        self.inner.reset(slots)
        self.copies[np.isin(self.slots, slots)] = 0

    def keep(self, slots: Slots) -> None:
        self.inner.keep(slots)
        new = np.full(int(max(slots.max(initial=-1), self.slots.max(initial=-1))) + 1, -1, np.int64)
        new[slots] = np.arange(len(slots))
        stays = np.flatnonzero((new[self.slots] >= 0) & (self.copies > 0))
        kept, values, copies = (
            new[self.slots[stays]],
            self.values.rows(self.numbers[stays]),
            self.copies[stays],
        )
        self._refill(kept, values, copies)

    def _refill(self, slots: Slots, values: pl.DataFrame, copies: Slots) -> None:
        self._clear()
        numbers = self.values.number(values)
        self.pairs.number(slots, numbers)
        self._slots, self._numbers, self._copies = Growing(slots), Growing(numbers), Growing(copies)

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        inner = {f"inner.{name}": block for name, block in self.inner.snapshot(count).items()}
        held = self.values.rows(self.numbers).with_columns(
            slot=pl.Series(self.slots), copies=pl.Series(self.copies)
        )
        return {**inner, "distinct": held}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.inner.restore(
            {name.removeprefix("inner."): b for name, b in blocks.items() if name.startswith("inner.")}
        )
        held = blocks["distinct"]
        self._refill(held["slot"].to_numpy().copy(), held.select("value"), held["copies"].to_numpy().copy())
