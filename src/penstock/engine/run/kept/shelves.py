"""Rows kept in lists by slot: added, taken back, looked up and dropped in time proportional to what is touched.

Rows that may be taken back are told apart by all their columns, and equal ones are counted; rows that only come are
never compared. Knows nothing of what a slot stands for.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import lists
from penstock.engine.operators.operator import NEVER_MS, Block
from penstock.engine.run.columns import Growing, pick
from penstock.engine.run.kept.expiry import Expiry
from penstock.engine.run.kept.growth import Growth, next_edition
from penstock.engine.run.kept.store import Store
from penstock.engine.run.keys import KeyTable

Numbers = NDArray[np.int64]
SLOT, COPIES, MATCHED, STAMP = "$slot", "$copies", "$matched", "$stamp"
COUNTS = "counts"


class Shelves:
    """`rows` by number; `copies` says how often each is there, `matched` is a counter for the owner's use."""

    def __init__(self, schema: dict[str, pl.DataType], retracting: bool, ttl_ms: int | None = None) -> None:
        """With `ttl_ms` a row that was not written for so long is gone; what takes it back then does nothing."""
        self.schema, self.expiry = schema, Expiry.of(ttl_ms)
        self._same = KeyTable(schema) if retracting else None
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self._rows = Store(self.schema)
        if self._same is not None:
            self._same.clear()
        self._heads, self._tails, self._nexts = Growing(), Growing(), Growing()
        self._slots, self._copies, self._matched = Growing(), Growing(), Growing()
        self.living, self._edition = 0, next_edition()
        if self.expiry is not None:
            self.expiry.reset(np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def rows(self) -> pl.DataFrame:
        """All rows ever added and not yet swept out, in the order of their numbers; copied."""
        return self._tail(0)

    def _tail(self, first: int) -> pl.DataFrame:
        return self._rows.tail(first) if self._same is None else self._same.tail(first)

    @property
    def copies(self) -> Numbers:
        """How often each row is there; writable."""
        return self._copies.values

    @property
    def matched(self) -> Numbers:
        """The owner's counters; writable."""
        return self._matched.values

    @property
    def slots(self) -> Numbers:
        """Each row's slot."""
        return self._slots.values

    def add(self, rows: pl.DataFrame, slots: Numbers, signs: Numbers) -> Numbers:
        """Put rows on their slots (sign 1) or take them back (-1); the number of each."""
        before = len(self)
        if self._same is None:
            self._rows.append(rows)
            numbers = np.arange(before, before + len(slots))
            self._put(slots)
        else:
            numbers = self._same.number(pick(rows, self.schema))
            fresh = numbers >= before
            if fresh.any():
                _, first = np.unique(numbers[fresh], return_index=True)
                self._put(slots[fresh][first])
        if self.expiry is not None:
            self._settle(self.expiry, numbers, signs)
            return numbers
        np.add.at(self.copies, numbers, signs)
        self.living += int(signs.sum())
        return numbers

    def _settle(self, expiry: Expiry, numbers: Numbers, signs: Numbers) -> None:
        """Count rows that come and go one by one: what is gone already cannot go again."""
        self.drop(np.unique(numbers[~expiry.fresh(numbers)]))
        touched = np.unique(numbers)
        before = int(self.copies[touched].sum())
        lists.settle(numbers, np.ascontiguousarray(signs), self.copies)
        self.living += int(self.copies[touched].sum()) - before
        expiry.touch(numbers)

    def _put(self, slots: Numbers) -> None:
        first, count = len(self), int(slots.max()) + 1 if len(slots) else 0
        if count > len(self._heads):
            more = np.full(count - len(self._heads), -1, np.int64)
            self._heads.extend(more)
            self._tails.extend(more)
        nothing = np.zeros(len(slots), np.int64)
        for column, values in (
            (self._slots, slots), (self._nexts, nothing), (self._copies, nothing), (self._matched, nothing),
        ):  # fmt: skip
            column.extend(values)
        lists.link(
            np.ascontiguousarray(slots), first, self._heads.values, self._tails.values, self._nexts.values
        )

    def of(self, slots: Numbers) -> tuple[Numbers, Numbers]:
        """The rows on slots, as (place in `slots`, row number), in the order they came; slot -1 has none."""
        known = np.where(slots < len(self._heads), slots, -1)
        at = self._heads.values, self._nexts.values, self.copies
        total = lists.count_listed(known, *at)
        places, rows = np.empty(total, np.int64), np.empty(total, np.int64)
        lists.listed(known, *at, places, rows)
        if self.expiry is None or not total:
            return places, rows
        fresh = self.expiry.fresh(rows)
        return places[fresh], rows[fresh]

    def lapse(self, now: Now) -> None:
        """It is now: let go of rows whose time is over, a slice at a time."""
        if self.expiry is not None:
            gone = self.expiry.lapsed(now)
            self.drop(gone[gone < len(self)])

    @property
    def wakes_ms(self) -> int:
        """When `lapse` has something to do."""
        return NEVER_MS if self.expiry is None else self.expiry.wakes_ms

    def drop(self, numbers: Numbers) -> None:
        """Let rows go, whatever their copies."""
        self.living -= int(self.copies[numbers].sum())
        self.copies[numbers] = 0

    def take(self, numbers: Numbers, names: Iterable[str] | None = None) -> pl.DataFrame:
        """The rows behind numbers, or some of their columns."""
        if self._same is None:
            return self._rows.take(numbers, names)
        return self._same.rows(numbers, names)

    def column(self, name: str) -> pl.Series:
        """One column of all rows."""
        return self.take(np.arange(len(self)), [name]).to_series()

    # --- room ------------------------------------------------------------------------------------------------

    @property
    def crowded(self) -> bool:
        """Whether most rows are gone, and sweeping pays."""
        return len(self) > 4096 and int((self.copies > 0).sum()) * 2 < len(self)

    def sweep(self) -> None:
        """Forget rows that are gone; the others are numbered anew."""
        kept = np.flatnonzero(self.copies > 0)
        slots, copies, matched = self.slots[kept], self.copies[kept], self.matched[kept]
        rows = self.take(kept)
        self.fill(rows, slots, copies, matched, self._stamps(kept))

    def _stamps(self, kept: Numbers | slice = slice(None)) -> Numbers:
        return np.empty(0, np.int64) if self.expiry is None else self.expiry.stamps[kept].copy()

    def renumber(self, slots: Numbers) -> None:
        """Slots have other numbers now: `slots[old]` is the new one. Only after `sweep`."""
        copies, matched = self.copies.copy(), self.matched.copy()
        self.fill(self.rows, slots[self.slots], copies, matched, self._stamps())

    def fill(
        self, rows: pl.DataFrame, slots: Numbers, copies: Numbers, matched: Numbers, stamps: Numbers
    ) -> None:
        """Only these rows, each once, with their slots, counters and stamps."""
        self.clear()
        if not rows.height:
            return
        self.add(rows, slots, copies)
        self.matched[:] = matched
        if self.expiry is not None:
            self.expiry.reset(stamps)

    def snapshot(self, name: str) -> dict[str, Block]:
        """Two blocks: rows on their slots, which stay as they are, and what is counted of each.

        Swept only where that pays: to tell rows apart anew costs 1 µs each, and no snapshot holds any of them then.
        """
        if self.crowded:
            self.sweep()
        counts = {COPIES: self.copies, MATCHED: self.matched}
        if self.expiry is not None:
            counts[STAMP] = self.expiry.stamps
        rows = Growth(self._edition, len(self), self._placed)
        return {name: rows, f"{name}.{COUNTS}": pl.DataFrame(counts)}

    def _placed(self, first: int) -> pl.DataFrame:
        """The rows from one on, with their slots."""
        return self._tail(first).with_columns(pl.Series(SLOT, self.slots[first:].copy()))

    def restore(self, blocks: Mapping[str, pl.DataFrame], name: str) -> None:
        """The opposite of `snapshot`."""
        rows = blocks[name]
        held = blocks.get(f"{name}.{COUNTS}", rows)  # they were one block once
        copies, matched = (held[column].to_numpy().copy() for column in (COPIES, MATCHED))
        stamps = held[STAMP].to_numpy().copy() if STAMP in held.columns else np.empty(0, np.int64)
        self.fill(pick(rows, self.schema), rows[SLOT].to_numpy().copy(), copies, matched, stamps)
