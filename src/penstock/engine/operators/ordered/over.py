"""OVER: aggregates over each row and those before it of its group, and values of those, in the order of time.

By event time rows wait until the watermark has passed them, so that none can still come between; late ones are dropped
and counted. By the clock a RANGE of time waits until the millisecond is over, whose rows all see each other; what need not
wait is `arriving`'s. A bounded frame is merged from its rows' own accumulators; an unbounded one is a running total,
carried on (Flink's RowTimeRowsBoundedPrecedingFunction, ProcTimeUnboundedPrecedingFunction and their siblings).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.aggregates import Accumulator
from penstock.engine.kernels import lists
from penstock.engine.operators.grouped import Grouped
from penstock.engine.operators.operator import Blocks, Moment, Operator, due_at, nested, prefixed
from penstock.engine.operators.ordered.lag import Lags
from penstock.engine.plan import Over
from penstock.engine.run.columns import integers, pick, stack, there
from penstock.engine.run.kept.shelves import Shelves
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import polars_type

Numbers = NDArray[np.int64]
FOREVER_US = 2**62
PAIRS_MAX = 1 << 20
"""How many rows of frames are merged at once."""


class OverAggregate(Operator):
    """Aggregates of one frame. Times are microseconds."""

    name = "over"

    def __init__(self, plan: Over) -> None:
        self.types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        self.keys, self.time = plan.keys, plan.time
        self.rows = -1 if plan.rows is None else plan.rows
        self.span_us = -1 if plan.range_ms is None else plan.range_ms * 1000
        self.clock = plan.clock
        self.by_rows, self.bounded = plan.by_rows, plan.rows is not None or plan.range_ms is not None
        self.table = KeyTable({key: self.types[key] for key in plan.keys})
        self.groups = Grouped(plan.aggregations, plan.source.schema, retracting=False)
        self.lags = Lags(plan.lags, self.types)
        self.past = Shelves(self.types if self.bounded else self.lags.types, retracting=False)
        self.waiting, self.first_us, self._swept = pl.DataFrame(schema=self.types), FOREVER_US, 0

    @property
    def state_rows(self) -> int:
        return self.waiting.height + self.past.living + (0 if self.bounded else len(self.table))

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        if self.clock:
            rows = rows.with_columns(
                pl.lit(moment.now.wall_ms * 1000).cast(pl.Datetime("us")).alias(self.time)
            )
        times = integers(rows[self.time])
        late = times <= moment.before_ms * 1000
        if rows[self.time].null_count():
            late |= ~there(rows[self.time])
        if late.any():
            self.drop_late(rows.filter(pl.Series(late)), moment)
            rows, times = rows.filter(pl.Series(~late)), times[~late]
        if rows.height:
            self.waiting = stack(self.waiting, pick(rows, self.types))
            self.first_us = min(self.first_us, int(times.min()))
        return None

    @property
    def due_ms(self) -> int:
        return due_at(self.first_us)

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        if not self.waiting.height or self.first_us > watermark_ms * 1000:
            return None
        passed = pl.Series(integers(self.waiting[self.time]) <= watermark_ms * 1000)
        due = self.waiting.filter(passed).sort(self.time, maintain_order=True)
        self.waiting = self.waiting.filter(~passed).rechunk()
        self.first_us = int(integers(self.waiting[self.time]).min()) if self.waiting.height else FOREVER_US
        return self._looked_back(due, Moment(now, watermark_ms, watermark_ms))

    def _looked_back(self, due: pl.DataFrame, moment: Moment) -> pl.DataFrame:
        made = (self._bounded if self.bounded else self._running)(due, self._slots(due, moment), moment)
        return due.hstack(made)

    def _slots(self, due: pl.DataFrame, moment: Moment) -> Numbers:
        return self.table.number(pick(due, self.keys)) if self.keys else np.zeros(due.height, np.int64)

    # --- bounded frames --------------------------------------------------------------------------------------

    def _bounded(self, due: pl.DataFrame, slots: Numbers, moment: Moment) -> pl.DataFrame:
        _, held = self.past.of(np.unique(slots))
        every = stack(self.past.take(held), due)
        groups = np.concatenate([self.past.slots[held], slots])
        order, first, last = self._frames(every, groups)
        cells = self._cells(every[order], moment)
        new = np.flatnonzero(order >= len(held))
        into = self.groups.fresh()
        for part in into:
            part.reserve(len(new))
        for begin, end in _pieces(last[new] - first[new] + 1):
            _merge(into, cells, np.arange(begin, end), first[new[begin:end]], last[new[begin:end]])
        results = self.groups.results(np.arange(len(new)), into)
        self._remember(held, due, slots, order, groups[order], moment)
        back = np.empty(len(new), np.int64)
        back[order[new] - len(held)] = np.arange(len(new))
        return results[back]

    def _frames(self, rows: pl.DataFrame, groups: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Rows by group and time, those of equal time in the order they came; and each one's frame."""
        times = self._times(rows)
        order = np.lexsort((times, groups))
        first, last = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
        lists.frames(groups[order], times[order], self.rows, self.span_us, self.by_rows, first, last)
        return order, first, last

    def _times(self, rows: pl.DataFrame) -> Numbers:
        return integers(rows[self.time])

    def _cells(self, rows: pl.DataFrame, moment: Moment) -> list[Accumulator]:
        """An accumulator for each row, of that row alone."""
        made = self.groups.fresh()
        held, self.groups.parts = self.groups.parts, made
        ones = np.ones(rows.height, np.int64)
        self.groups.update(rows, np.arange(rows.height), ones, rows.height, moment)
        self.groups.parts = held
        return made

    def _remember(
        self,
        held: Numbers,
        due: pl.DataFrame,
        slots: Numbers,
        order: Numbers,
        groups: Numbers,
        moment: Moment,
    ) -> None:
        """Keep the rows that a later row's frame may reach."""
        numbers = np.concatenate([held, self.past.add(due, slots, np.ones(len(slots), np.int64))])[order]
        if self.rows >= 0:
            ends = np.searchsorted(groups, groups, side="right")
            self.past.drop(numbers[ends - np.arange(len(groups)) > self.rows])
        elif len(self.past) > 2 * self._swept + 4096:
            times = integers(self.past.column(self.time))
            self.past.drop(
                np.flatnonzero((times < moment.after_ms * 1000 - self.span_us) & (self.past.copies > 0))
            )
            self._swept = self.past.living
        if self.past.crowded:
            self.past.sweep()

    # --- running totals --------------------------------------------------------------------------------------

    def _running(self, due: pl.DataFrame, slots: Numbers, moment: Moment) -> pl.DataFrame:
        order, first, last = self._frames(due, slots)
        cells = _scanned(self.groups, self._cells(due[order], moment), first)
        every = np.arange(len(order))
        self.groups.reserve(len(self.table) if self.keys else 1)
        into = self.groups.fresh()
        for part, total, cell in zip(into, self.groups.parts, cells, strict=True):
            part.reserve(len(order))
            part.merge(total, every, slots[order])
            part.merge(cell, every, last)
        results = [*self.groups.results(every, into), *self._lagged(due[order], slots[order], last)]
        ends = np.flatnonzero(np.append(slots[order][1:] != slots[order][:-1], True))
        for total, cell in zip(self.groups.parts, cells, strict=True):
            total.merge(cell, slots[order][ends], ends)
        back = np.empty(len(order), np.int64)
        back[order] = every
        return pl.DataFrame(results)[back]

    def _lagged(self, due: pl.DataFrame, slots: Numbers, last: Numbers) -> list[pl.Series]:
        """What rows in order look back on: those before, of what is kept, and among themselves."""
        if not self.lags.plans:
            return []
        _, held = self.past.of(np.unique(slots))
        fresh = pick(due, self.lags.types)
        groups = np.concatenate([self.past.slots[held], slots])
        order = np.argsort(groups, kind="stable")
        groups, places = groups[order], np.argsort(order)
        rows = stack(self.past.take(held), fresh)[order]
        begins, ends = np.searchsorted(groups, groups), np.searchsorted(groups, groups, side="right")
        made = self.lags.values(rows, begins, places[len(held) :][last], due, last)
        stay = (ends - np.arange(len(groups)) <= self.lags.deepest)[places]
        self.past.drop(held[~stay[: len(held)]])
        stay = stay[len(held) :]
        self.past.add(fresh.filter(pl.Series(stay)), slots[stay], np.ones(int(stay.sum()), np.int64))
        if self.past.crowded:
            self.past.sweep()
        return made

    # --- state -----------------------------------------------------------------------------------------------

    def snapshot(self) -> Blocks:
        count = 0 if self.bounded else (len(self.table) if self.keys else 1)
        self.groups.reserve(count)
        cells = prefixed(self.groups.snapshot(count), "cells") if count else {}
        late = pl.DataFrame({"late": [self.late_rows]})
        return {
            "keys": self.table.growth(), "waiting": self.waiting, "late": late, **self.past.snapshot("past"), **cells,
        }  # fmt: skip

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        self.past.restore(blocks, "past")
        self.waiting, self.late_rows = blocks["waiting"], int(blocks["late"]["late"][0])
        self.first_us = int(integers(self.waiting[self.time]).min()) if self.waiting.height else FOREVER_US
        if any(name.startswith("cells.") for name in blocks):
            self.groups.restore(nested(blocks, "cells"))


def _pieces(lengths: Numbers) -> list[tuple[int, int]]:
    """Runs of frames that hold no more than PAIRS_MAX rows together, or are one."""
    ends = np.cumsum(lengths)
    made, begin = [], 0
    while begin < len(lengths):
        reached = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, reached + PAIRS_MAX, side="right")))
        made.append((begin, end))
        begin = end
    return made


def _merge(
    into: Sequence[Accumulator], cells: Sequence[Accumulator], targets: Numbers, first: Numbers, last: Numbers
) -> None:
    lengths = last - first + 1
    starts = np.cumsum(lengths) - lengths
    sources = np.arange(int(lengths.sum())) - np.repeat(starts, lengths) + np.repeat(first, lengths)
    for part, cell in zip(into, cells, strict=True):
        part.merge(cell, np.repeat(targets, lengths), sources)


def _scanned(groups: Grouped, cells: list[Accumulator], first: Numbers) -> list[Accumulator]:
    """Running totals within each group, in as many rounds as the longest group has binary digits (Hillis, Steele 1986)."""
    every = np.arange(len(first))
    reach, step = every - first, 1
    while len(reach) and step <= int(reach.max()):
        back = np.flatnonzero(reach >= step)
        made = groups.fresh()
        for part, cell in zip(made, cells, strict=True):
            part.reserve(len(every))
            part.merge(cell, back, back - step)
            part.merge(cell, every, every)
        cells, step = made, step * 2
    return cells
