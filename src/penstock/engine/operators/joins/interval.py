"""Interval joins: matches lie close in event time, so a row is let go once time has passed all it could match.

An outer side's row that has found nothing by then comes out beside nulls: what comes out is never taken back
(Flink's TimeIntervalJoin). Rows come out behind the watermark by up to the bound, so the watermark is held back.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import lists
from penstock.engine.operators.joins.regular import KEPT
from penstock.engine.operators.joins.sides import Numbers, Sides
from penstock.engine.operators.operator import Blocks, Moment, Operator, due_at
from penstock.engine.plan import Join
from penstock.engine.run.columns import Growing, integers, pick, there

FOREVER_US = 2**62


class IntervalJoin(Operator):
    """All kinds of join, over inputs that only append. Times are microseconds."""

    name = "interval join"

    def __init__(self, plan: Join) -> None:
        assert plan.within is not None
        within = plan.within
        self.kind, self.half = plan.kind, plan.kind in ("SEMI", "ANTI")
        self.kept = KEPT[plan.kind]
        self.sides = Sides(plan)
        self.columns = [column.name for column in plan.schema]
        self.times = within.left, within.right
        self.low_us, self.high_us = within.low_ms * 1000, within.high_ms * 1000
        self.lasts_us = -self.low_us, self.high_us  # how long after its own time each side's row may match
        self.delay_ms = max(0, within.high_ms, -within.low_ms)
        self._clear()

    def _clear(self) -> None:
        self._at = Growing(), Growing()  # each kept row's time
        self.oldest_us = [FOREVER_US, FOREVER_US]

    @property
    def state_rows(self) -> int:
        return self.sides.living

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        times = integers(rows[self.times[port]])
        slots = np.where(there(rows[self.times[port]]), self.sides.slots(rows, port), -1)
        places, numbers = self._near(times, *self.sides.matches(rows, slots, port, moment), port)
        found = np.bincount(places, minlength=rows.height)
        turned = self._turned(places, numbers, port)
        late = ~there(rows[self.times[port]]) | (times + self.lasts_us[port] <= moment.before_ms * 1000)
        gone = (slots < 0) | late
        if (late & (found == 0)).any():  # those that find a match are joined still
            self.drop_late(rows.filter(pl.Series(late & (found == 0))), moment)
        made = []
        if not self.half and len(places):
            made.append(self.sides.pairs(rows, places, numbers, port))
        if self.kind == "SEMI":
            chosen = rows.filter(pl.Series(found > 0)) if port == 0 else turned
            made.append(pick(chosen, self.columns))
        elif port in self.kept:
            made.append(self._unmatched(rows.filter(pl.Series(gone & (found == 0))), port))
        self._keep(rows, ~gone, slots, times, found, port)
        return _together(made)

    def _near(self, times: Numbers, places: Numbers, numbers: Numbers, port: int) -> tuple[Numbers, Numbers]:
        mine, other = times[places], self._at[1 - port].values[numbers]
        apart = mine - other if port == 0 else other - mine
        kept = (apart >= self.low_us) & (apart <= self.high_us)
        return places[kept], numbers[kept]

    def _turned(self, places: Numbers, numbers: Numbers, port: int) -> pl.DataFrame:
        """The other side's rows that this batch gave their first match."""
        shelves = self.sides.both[1 - port].shelves
        turns = np.empty(len(numbers), np.int8)
        lists.tally(numbers, np.ones(len(numbers), np.int64), shelves.matched, turns)
        return shelves.take(numbers[turns > 0])

    def _unmatched(self, rows: pl.DataFrame, port: int) -> pl.DataFrame:
        return pick(rows, self.columns) if self.half else self.sides.alone(rows, port)

    def _keep(
        self,
        rows: pl.DataFrame,
        stay: NDArray[np.bool_],
        slots: Numbers,
        times: Numbers,
        found: Numbers,
        port: int,
    ) -> None:
        if not stay.any():
            return
        kept = times[stay]
        shelves = self.sides.both[port].shelves
        numbers = shelves.add(rows.filter(pl.Series(stay)), slots[stay], np.ones(len(kept), np.int64))
        shelves.matched[numbers] = found[stay]
        self._at[port].extend(kept)
        self.oldest_us[port] = min(self.oldest_us[port], int(kept.min()))

    @property
    def due_ms(self) -> int:
        waiting = [p for p in self.kept if self.kind != "SEMI" and self.oldest_us[p] < FOREVER_US]
        told = [self.oldest_us[port] + self.lasts_us[port] for port in waiting]
        return due_at(min([FOREVER_US, *told]))

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        made = []
        for port in (0, 1):
            horizon_us = watermark_ms * 1000 - self.lasts_us[port]
            if self.oldest_us[port] > horizon_us:
                continue
            numbers = self._expired(port, horizon_us)
            if port in self.kept and self.kind != "SEMI":
                shelves = self.sides.both[port].shelves
                made.append(self._unmatched(shelves.take(numbers[shelves.matched[numbers] == 0]), port))
        self._tidy()
        return _together(made)

    def _expired(self, port: int, horizon_us: int) -> Numbers:
        """Let go of the rows that can find no match any more."""
        shelves, times = self.sides.both[port].shelves, self._at[port].values
        there_ = shelves.copies > 0
        out = there_ & (times <= horizon_us)
        numbers = np.flatnonzero(out)
        left = times[there_ & ~out]
        self.oldest_us[port] = int(left.min()) if len(left) else FOREVER_US
        shelves.drop(numbers)
        return numbers

    def _tidy(self) -> None:
        if any(side.shelves.crowded for side in self.sides.both):
            kept = [np.flatnonzero(side.shelves.copies > 0) for side in self.sides.both]
            times = [self._at[port].values[kept[port]] for port in (0, 1)]
            for side in self.sides.both:
                side.shelves.sweep()
            self._at = Growing(times[0]), Growing(times[1])
            self.sides.forget()

    def snapshot(self) -> Blocks:
        self._tidy()  # or the shelves would, and rows have other numbers than their times
        return self.sides.snapshot()

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.sides.restore(blocks)
        self._restore_times()

    def _restore_times(self) -> None:
        """Times are columns of the rows."""
        self._clear()
        for port, side in enumerate(self.sides.both):
            times = integers(side.shelves.column(self.times[port]))
            self._at[port].extend(times)
            kept = times[side.shelves.copies > 0]
            self.oldest_us[port] = int(kept.min()) if len(kept) else FOREVER_US


def _together(parts: list[pl.DataFrame]) -> pl.DataFrame | None:
    parts = [part for part in parts if part.height]
    if len(parts) < 2:
        return parts[0] if parts else None
    return pl.concat(parts, rechunk=True)
