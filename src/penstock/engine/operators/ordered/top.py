"""Top-N: of each group the first rows by some order, as it changes with every row or once when a window closes.

Of rows that only come, those that are not among the first are let go at once; of rows that may be taken back all are
kept (Flink's AppendOnlyTopNFunction, RetractableTopNFunction, WindowRank, and its deduplication).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import lists
from penstock.engine.operators.operator import (
    AFTER,
    BEFORE,
    DELETE,
    INSERT,
    KIND,
    Blocks,
    Moment,
    Operator,
    signs,
)
from penstock.engine.operators.ordered.first import Ranks
from penstock.engine.plan import Top
from penstock.engine.room import widened
from penstock.engine.run.columns import pick
from penstock.engine.run.kept.shelves import Shelves
from penstock.engine.run.keys import KeyTable
from penstock.engine.run.waiting import Waiting
from penstock.engine.types import polars_type

Numbers = NDArray[np.int64]


class Sorting:
    """Rows put in order within their groups."""

    def __init__(self, plan: Top) -> None:
        self.names = [one.column for one in plan.order]
        self.descending = [one.descending for one in plan.order]
        self.newest = plan.newest

    def order(self, groups: Numbers, rows: pl.DataFrame, arrival: Numbers) -> Numbers:
        """The places of rows, group by group, each in the order asked for; null is the smallest value."""
        frame = pl.DataFrame(
            [pl.Series("$group", groups), *pick(rows, dict.fromkeys(self.names)), pl.Series("$seq", arrival)]
        )
        by = ["$group", *self.names, "$seq"]
        descending = [False, *self.descending, self.newest]
        places = frame.select(pl.arg_sort_by(by, descending=descending, nulls_last=descending)).to_series()
        return places.to_numpy().astype(np.int64)


@dataclass
class First:
    """The first rows of some groups: for each its group, its number and its rank from 1, in order."""

    groups: Numbers
    numbers: Numbers
    ranks: Numbers

    @staticmethod
    def of(groups: Numbers, numbers: Numbers, copies: Numbers, limit: int) -> "First":
        """Of rows in order, each as often as it is there, the first `limit` of each group."""
        groups, numbers = np.repeat(groups, copies), np.repeat(numbers, copies)
        ranks = _ranks(groups)
        kept = ranks <= limit
        return First(groups[kept], numbers[kept], ranks[kept])

    @staticmethod
    def told(groups: Numbers, numbers: Numbers, marks: Numbers) -> "First":
        """Of rows, those that `marks` says were given, at the ranks they were given at."""
        ranks, copies = marks >> 32, marks & 0xFFFFFFFF
        groups, numbers, ranks = (np.repeat(column, copies) for column in (groups, numbers, ranks))
        return First(groups, numbers, ranks + _ranks(numbers) - 1)

    def marks(self) -> tuple[Numbers, Numbers]:
        """The numbers of these rows, and of each its first rank and how many copies of it there are."""
        numbers, first, copies = np.unique(self.numbers, return_index=True, return_counts=True)
        return numbers, self.ranks[first] << 32 | copies


def _ranks(groups: Numbers) -> Numbers:
    """1, 2, 3, … within each run of equal values."""
    if not len(groups):
        return groups
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    lengths = np.diff(np.append(starts, len(groups)))
    return np.arange(len(groups)) - np.repeat(starts, lengths) + 1


class Bounds:
    """The last row that each full group holds: what does not sort before it need not be looked at."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self._values, self._full = np.empty((16, len(ranks.names)), np.int64), np.zeros(16, np.int64)

    def passed(self, rows: pl.DataFrame, slots: Numbers) -> tuple[pl.DataFrame, Numbers]:
        """The rows that may be among the first of their groups."""
        self._reserve(int(slots.max()) + 1)
        out = np.empty(len(slots), np.bool_)
        ranks = self.ranks
        lists.beats(slots, ranks.of(rows), ranks.directions, ranks.newest, self._values, self._full, out)
        return (rows, slots) if out.all() else (rows.filter(pl.Series(out)), slots[out])

    def learn(self, slots: Numbers, rows: pl.DataFrame) -> None:
        """These groups are full, and these are their last rows."""
        self._values[slots], self._full[slots] = self.ranks.of(rows), 1

    def keep(self, slots: Numbers) -> None:
        """Only these groups, numbered anew."""
        self._values, self._full = self._values[slots], self._full[slots]

    def _reserve(self, count: int) -> None:
        self._values, self._full = widened(self._values, count, 0), widened(self._full, count, 0)


class RunningTop(Operator):
    """The first rows as of now; what comes out follows every change."""

    name = "top"

    def __init__(self, plan: Top) -> None:
        types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        self.keys, self.limit, self.rank = plan.keys, plan.limit, plan.rank
        self.appending = not plan.source.changes
        self.sorting = Sorting(plan)
        self.table = KeyTable({key: types[key] for key in plan.keys})
        self.shelves = Shelves(types, not self.appending, plan.ttl_ms)
        self.names = list(types)
        # A bound may be a row that is forgotten by now.
        fits = self.appending and not plan.ttl_ms and Ranks.fit(types, plan.order)
        self.bounds = Bounds(Ranks(plan.order, plan.newest)) if fits else None

    @property
    def state_rows(self) -> int:
        return self.shelves.living

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        self._lapse(moment.now)
        slots = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        if self.bounds is not None:
            rows, slots = self.bounds.passed(rows, slots)
            if not rows.height:
                return None
        touched = np.unique(slots)
        _, held = self.shelves.of(touched)
        told = self.shelves.matched if self.shelves.expiry is not None else self.shelves.copies
        held_told = told[held]
        added = self.shelves.add(rows, slots, signs(rows))
        numbers = np.union1d(held, added)
        before = np.zeros(len(numbers), np.int64)
        before[np.searchsorted(numbers, held)] = held_told
        groups = self.shelves.slots[numbers]
        order = self.sorting.order(groups, self._ordering(numbers), numbers)
        groups, numbers, before = groups[order], numbers[order], before[order]
        after = np.maximum(self.shelves.copies[numbers], 0)
        new = First.of(groups, numbers, after, self.limit)
        if self.shelves.expiry is None:
            old = First.of(groups, numbers, before, self.limit)
        else:  # a row that moved up because another's time was over has not been given
            old = First.told(groups, numbers, before)
            self.shelves.matched[numbers] = 0
            given, marks = new.marks()
            self.shelves.matched[given] = marks
        made = self._changes(old, new)
        if self.appending:
            self.shelves.drop(np.setdiff1d(numbers, new.numbers))
        if self.bounds is not None:
            last = new.ranks == self.limit
            self.bounds.learn(new.groups[last], self._ordering(new.numbers[last]))
        self._tidy()
        return made

    def _lapse(self, now: Now) -> None:
        """It is now: let go of rows whose time is over."""
        if self.shelves.expiry is not None:
            if now.wall_ms >= self.shelves.wakes_ms:
                self.shelves.lapse(now)
                self._tidy()
            self.shelves.expiry.now_ms = now.wall_ms

    @property
    def wakes_ms(self) -> int:
        return self.shelves.wakes_ms

    def on_clock(self, now: Now) -> pl.DataFrame | None:
        self._lapse(now)
        return None

    def _ordering(self, numbers: Numbers) -> pl.DataFrame:
        """What rows are ordered by."""
        return self.shelves.take(numbers, dict.fromkeys(self.sorting.names))

    def _changes(self, old: First, new: First) -> pl.DataFrame | None:
        one = self.rank is not None or self.limit == 1
        if one:  # a place keeps its identity: the row in it changes
            before, after = _matched((old.groups, old.ranks), (new.groups, new.ranks))
            same = (before >= 0) & (after >= 0)
            same[same] = old.numbers[before[same]] == new.numbers[after[same]]
        else:  # a row keeps its identity, wherever it stands
            before, after = _matched((old.numbers, _copies(old)), (new.numbers, _copies(new)))
            same = (before >= 0) & (after >= 0)
        before, after = before[~same], after[~same]
        taken, given = np.flatnonzero(before >= 0), np.flatnonzero(after >= 0)
        if not self.befores:
            taken = taken[after[taken] < 0]
        if not (len(taken) or len(given)):
            return None
        if one:  # each change's two halves next to each other
            order = np.argsort(np.concatenate([taken * 2, given * 2 + 1]), kind="stable")
        else:  # what goes makes room first
            order = np.arange(len(taken) + len(given))
        replaced = (before >= 0) & (after >= 0)
        kinds = np.concatenate(
            [np.where(replaced[taken], BEFORE, DELETE), np.where(replaced[given], AFTER, INSERT)]
        )[order].astype(np.int8)
        numbers = np.concatenate([old.numbers[before[taken]], new.numbers[after[given]]])[order]
        ranks = np.concatenate([old.ranks[before[taken]], new.ranks[after[given]]])[order]
        made = self.shelves.take(numbers)
        return made.with_columns(*self._rank(ranks), pl.Series(KIND, kinds))

    def _rank(self, ranks: Numbers) -> list[pl.Series]:
        return [] if self.rank is None else [pl.Series(self.rank, ranks)]

    def _tidy(self) -> None:
        if self.shelves.crowded:
            self._sweep()

    def _sweep(self) -> None:
        self.shelves.sweep()
        used = np.unique(self.shelves.slots)
        if self.keys and len(used) < len(self.table):
            numbers = np.full(len(self.table), -1, np.int64)
            numbers[used] = np.arange(len(used))
            self.table.keep(used)
            self.shelves.renumber(numbers)
            if self.bounds is not None:
                self.bounds.keep(used)

    def snapshot(self) -> Blocks:
        return {"keys": self.table.growth(), **self.shelves.snapshot("rows")}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        self.shelves.restore(blocks, "rows")
        if self.bounds is not None:
            self._relearn(self.bounds)

    def _relearn(self, bounds: Bounds) -> None:
        numbers = np.flatnonzero(self.shelves.copies > 0)
        if len(numbers):
            groups = self.shelves.slots[numbers]
            order = self.sorting.order(groups, self._ordering(numbers), numbers)
            first = First.of(groups[order], numbers[order], np.ones(len(numbers), np.int64), self.limit)
            last = first.ranks == self.limit
            bounds.passed(self._ordering(numbers[:1]), np.array([int(groups.max())]))
            bounds.learn(first.groups[last], self._ordering(first.numbers[last]))


def _copies(first: First) -> Numbers:
    """Which copy of its row each is, from 1."""
    order = np.argsort(first.numbers, kind="stable")
    made = np.empty(len(order), np.int64)
    made[order] = _ranks(first.numbers[order])
    return made


def _matched(old: tuple[Numbers, Numbers], new: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Pairs of numbers, each once a side: for each pair there is, its place in `old` and in `new`, -1 where it is not."""
    span = 1 + int(max(old[1].max(initial=0), new[1].max(initial=0)))
    one, two = old[0] * span + old[1], new[0] * span + new[1]
    every = np.union1d(one, two)
    before, after = np.full(len(every), -1, np.int64), np.full(len(every), -1, np.int64)
    before[np.searchsorted(every, one)] = np.arange(len(one))
    after[np.searchsorted(every, two)] = np.arange(len(two))
    return before, after


class WindowTop(Operator):
    """The first rows of each window, once, when it closes."""

    name = "window top"

    def __init__(self, plan: Top) -> None:
        assert plan.window is not None
        types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        self.keys, self.limit, self.rank = plan.keys, plan.limit, plan.rank
        self.sorting, self.waiting = Sorting(plan), Waiting(types, plan.window)

    @property
    def state_rows(self) -> int:
        return self.waiting.height

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        self.drop_late(self.waiting.add(rows, moment.before_ms), moment)
        return None

    @property
    def due_ms(self) -> int:
        return self.waiting.first_ms - 1

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        if not self.waiting.due(watermark_ms):
            return None
        rows = self.waiting.take(watermark_ms)
        table = KeyTable({key: self.waiting.types[key] for key in self.keys})
        groups = table.number(pick(rows, self.keys))
        arrival = np.arange(rows.height)
        order = self.sorting.order(groups, rows, arrival)
        first = First.of(groups[order], order, np.ones(len(order), np.int64), self.limit)
        made = rows[first.numbers]
        return made if self.rank is None else made.with_columns(pl.Series(self.rank, first.ranks))

    def snapshot(self) -> Blocks:
        return {"rows": self.waiting.rows}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.waiting.restore(blocks["rows"])
