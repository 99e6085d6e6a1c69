"""Aggregates per session: rows of a key that follow each other within the gap are one window, which fires once no row
can prolong it any more. Two sessions that a row lies between become one (Flink's MergingWindowSet).

Late rows that touch no open session are dropped and counted.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import lists
from penstock.engine.operators.grouped import Grouped
from penstock.engine.operators.operator import NEVER_MS, Blocks, Moment, Operator, nested, prefixed
from penstock.engine.plan import WINDOW_NAMES, Aggregate, Window
from penstock.engine.run.columns import Growing, integers, pick, there
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import polars_type
from penstock.errors import PenstockError

Numbers = NDArray[np.int64]
FOREVER_US = 2**62


class SessionAggregate(Operator):
    """A session's number is its slot; `ends` are exclusive. Times are microseconds."""

    name = "session aggregate"

    def __init__(self, plan: Aggregate) -> None:
        source = plan.source
        assert isinstance(source, Window)
        self.time, self.gap_us = source.time, source.size_ms * 1000
        self.keys = [key for key in plan.keys if key not in WINDOW_NAMES]
        if source.keys and set(source.keys) != set(self.keys):
            raise PenstockError(
                f"the sessions are of ({', '.join(source.keys)}), the groups of ({', '.join(self.keys)})",
                remedy="PARTITION BY and GROUP BY the same columns",
            )
        schema = source.source.schema
        known = {column.name: column for column in schema}
        self.table = KeyTable({key: polars_type(known[key].kind) for key in self.keys})
        self.groups = Grouped(plan.aggregations, schema, retracting=False)
        self.order = [*plan.keys, *(a.column.name for a in plan.aggregations)]
        self._clear()

    def _clear(self) -> None:
        self._heads, self._tails, self._nexts = Growing(), Growing(), Growing()
        self._owner, self._start, self._end, self._open = Growing(), Growing(), Growing(), Growing()
        self.first_end_us, self.living = FOREVER_US, 0

    @property
    def due_ms(self) -> int:
        return -(-(self.first_end_us - 1000) // 1000) if self.living else NEVER_MS

    @property
    def state_rows(self) -> int:
        return self.living

    # --- rows in ---------------------------------------------------------------------------------------------

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        if rows[self.time].null_count():
            kept = there(rows[self.time])
            self.drop_late(rows.filter(pl.Series(~kept)), moment)
            rows = rows.filter(pl.Series(kept))
        if not rows.height:
            return None
        times = integers(rows[self.time])
        owners = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        touched = np.unique(owners)
        held = self._sessions_of(touched)
        spans = (
            np.concatenate([self._owner.values[held], owners]),
            np.concatenate([self._start.values[held], times]),
            np.concatenate([self._end.values[held], times + self.gap_us]),
        )
        which, starts, ends = _merged(*spans)
        late = ends - 1 <= moment.before_ms * 1000 + 999  # an open session reaches beyond the watermark
        numbers = self._placed(which, starts, ends, spans[0], held, ~late)
        slots = numbers[which[len(held) :]]
        in_time = slots >= 0
        if not in_time.all():
            self.drop_late(rows.filter(pl.Series(~in_time)), moment)
            rows, slots = rows.filter(pl.Series(in_time)), slots[in_time]
        if len(slots):
            self.groups.update(rows, slots, np.ones(len(slots), np.int64), len(self._owner), moment)
        return None

    def _sessions_of(self, owners: Numbers) -> Numbers:
        known = np.where(owners < len(self._heads), owners, -1)
        at = self._heads.values, self._nexts.values, self._open.values
        total = lists.count_listed(known, *at)
        places, numbers = np.empty(total, np.int64), np.empty(total, np.int64)
        lists.listed(known, *at, places, numbers)
        return numbers

    def _placed(
        self,
        which: Numbers,
        starts: Numbers,
        ends: Numbers,
        owners: Numbers,
        held: Numbers,
        kept: NDArray[np.bool_],
    ) -> Numbers:
        """Each merged span's session: the first open one in it, which takes in the others, or a new one; -1: late."""
        numbers = np.full(len(starts), -1, np.int64)
        mine = which[: len(held)]
        spans, first = np.unique(mine, return_index=True)
        numbers[spans] = held[first]
        others = np.ones(len(held), np.bool_)
        others[first] = False
        self._taken_in(numbers[mine[others]], held[others])
        fresh = np.flatnonzero(kept & (numbers < 0))
        owner = np.empty(len(starts), np.int64)
        owner[which] = owners
        numbers[fresh] = self._begun(owner[fresh])
        live = numbers >= 0
        self._start.values[numbers[live]], self._end.values[numbers[live]] = starts[live], ends[live]
        if live.any():
            self.first_end_us = min(self.first_end_us, int(ends[live].min()))
        return numbers

    def _taken_in(self, into: Numbers, gone: Numbers) -> None:
        if not len(gone):
            return
        for part in self.groups.parts:
            part.merge(part, into, gone)
        self._close(gone)

    def _begun(self, owners: Numbers) -> Numbers:
        first, count = len(self._owner), len(owners)
        if not count:
            return owners
        room = int(owners.max()) + 1 - len(self._heads)
        if room > 0:
            self._heads.extend(np.full(room, -1, np.int64))
            self._tails.extend(np.full(room, -1, np.int64))
        for column in (self._start, self._end, self._nexts):
            column.extend(np.zeros(count, np.int64))
        self._owner.extend(owners)
        self._open.extend(np.ones(count, np.int64))
        lists.link(owners, first, self._heads.values, self._tails.values, self._nexts.values)
        self.groups.reserve(first + count)
        self.living += count
        return np.arange(first, first + count)

    def _close(self, numbers: Numbers) -> None:
        self._open.values[numbers] = 0
        self.groups.reset(numbers)
        self.living -= len(numbers)

    # --- results out -----------------------------------------------------------------------------------------

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        if self.first_end_us - 1 > watermark_ms * 1000 + 999:
            return None
        opened = self._open.values > 0
        due = np.flatnonzero(opened & (self._end.values - 1 <= watermark_ms * 1000 + 999))
        due = due[np.argsort(self._end.values[due], kind="stable")]
        made = self._rows(due)
        self._close(due)
        left = self._end.values[self._open.values > 0]
        self.first_end_us = int(left.min()) if len(left) else FOREVER_US
        if len(self._owner) > 1024 and self.living * 2 < len(self._owner):
            self._sweep()
        return made

    def _rows(self, numbers: Numbers) -> pl.DataFrame:
        keys = self.table.rows(self._owner.values[numbers]).get_columns() if self.keys else []
        start = pl.Series("window_start", self._start.values[numbers])
        end = pl.Series("window_end", self._end.values[numbers])
        bounds = [one.cast(pl.Datetime("us")) for one in (start, end, (end - 1000).alias("window_time"))]
        results = self.groups.results(numbers).get_columns()
        return pick(pl.DataFrame([*keys, *bounds, *results]), self.order)

    def _sweep(self) -> None:
        """Forget sessions that have fired, and keys that have none."""
        kept = np.flatnonzero(self._open.values > 0)
        owner, start, end = (column.values[kept] for column in (self._owner, self._start, self._end))
        self.groups.keep(kept)
        if self.keys:
            used, owner = np.unique(owner, return_inverse=True)
            self.table.keep(used)
        self._fill(owner.astype(np.int64), start, end)

    def _fill(self, owner: Numbers, start: Numbers, end: Numbers) -> None:
        self._clear()
        self._begun(owner)
        self._start.values[:], self._end.values[:] = start, end
        self.first_end_us = int(end.min()) if len(end) else FOREVER_US

    # --- state -----------------------------------------------------------------------------------------------

    def snapshot(self) -> Blocks:
        self._sweep()
        sessions = {"owner": self._owner.values, "start": self._start.values, "end": self._end.values}
        cells = prefixed(self.groups.snapshot(len(self._owner)), "cells")
        late = pl.DataFrame({"late": [self.late_rows]})
        return {"sessions": pl.DataFrame(sessions), "keys": self.table.growth(), "late": late, **cells}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        held = blocks["sessions"]
        self._fill(*(held[name].to_numpy().copy() for name in ("owner", "start", "end")))
        self.groups.restore(nested(blocks, "cells"))
        self.late_rows = int(blocks["late"]["late"][0])


def _merged(owners: Numbers, starts: Numbers, ends: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Spans of one owner that touch become one: each span's merged one, and their starts and ends."""
    order = np.lexsort((starts, owners))
    group = np.empty(len(order), np.int64)
    count = lists.touching(owners[order], starts[order], ends[order], group)
    which = np.empty(len(order), np.int64)
    which[order] = group
    first, last = np.full(count, FOREVER_US), np.full(count, -FOREVER_US)
    np.minimum.at(first, which, starts)
    np.maximum.at(last, which, ends)
    return which, first, last
