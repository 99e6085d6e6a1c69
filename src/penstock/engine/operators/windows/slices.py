"""Aggregates per window: one row a group when the watermark passes the window's end.

Over a Window node time is cut into slices as long as the slide, and a window's result is merged from its slices
when it fires, so a row costs one slot however many windows it is in (Flink: window TVF slicing). Over rows that
carry a window already, the window is part of the key. Late rows, whose windows have all fired, are dropped and counted.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.aggregates import Accumulator
from penstock.engine.kernels import lists
from penstock.engine.kernels.hashing import Hashed, PairTable, Places, ends_of, places_of
from penstock.engine.operators.grouped import Grouped
from penstock.engine.operators.operator import MARK, NEVER_MS, Blocks, Moment, Operator, nested, prefixed
from penstock.engine.plan import WINDOW_COLUMNS, Aggregate, Window
from penstock.engine.run.columns import integers, pick, there
from penstock.engine.run.keys import KeyTable
from penstock.engine.run.watermarks import START_MS
from penstock.engine.types import polars_type

PIECE = 1 << 16
"""So many slots' shares of windows are merged at a time: what is needed for them stays in the cache."""
WINDOWS = tuple(column.name for column in WINDOW_COLUMNS)
Numbers = NDArray[np.int64]


class WindowAggregate(Operator):
    """Slots are (key number, slice); a slice is a whole number, its end ``(slice + 1) * slide + offset``."""

    name = "window aggregate"
    cumulates = False

    def __init__(self, plan: Aggregate) -> None:
        source = plan.source
        self.sliced = isinstance(source, Window)
        if isinstance(source, Window):
            self.time, self.slide_ms, self.offset_ms = source.time, source.slide_ms, source.offset_ms
            self.size_ms, self.slices = source.size_ms, source.size_ms // source.slide_ms
            self.cumulates = source.kind == "CUMULATE"
            schema, self.keys = source.source.schema, tuple(k for k in plan.keys if k not in WINDOWS)
        else:  # one slice a millisecond that some window ends at
            self.time, self.slide_ms, self.offset_ms, self.size_ms, self.slices = (
                _end_column(plan),
                1,
                0,
                0,
                1,
            )
            schema, self.keys = source.schema, plan.keys
        known = {column.name: column for column in schema}
        self.table = KeyTable({key: polars_type(known[key].kind) for key in self.keys})
        self.groups = Grouped(plan.aggregations, schema, retracting=False)
        self.order = [*plan.keys, *(a.column.name for a in plan.aggregations)]
        self.peak = plan.peak
        self.fired = (START_MS - self.offset_ms) // self.slide_ms
        self._empty()

    def _empty(self, room: int = 0) -> None:
        self.pairs = PairTable(room)
        self.oldest, self.newest, self.living = 2**62, -(2**62), 0

    @property
    def slot_key(self) -> Numbers:
        """Each slot's key number."""
        return self.pairs.a

    @property
    def slot_slice(self) -> Numbers:
        """Each slot's slice."""
        return self.pairs.b

    @property
    def due_ms(self) -> int:
        if not self.living:
            return NEVER_MS
        first = max(self.oldest, self.fired + 1)
        return (first + 1) * self.slide_ms + self.offset_ms - 1

    @property
    def state_rows(self) -> int:
        return self.living

    # --- rows in ---------------------------------------------------------------------------------------------

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        rows, slices = self._in_time(rows, moment)
        if not rows.height:
            return None
        keys = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        self._take(rows, keys, slices, moment)
        return None

    def _take(self, rows: pl.DataFrame, keys: Numbers, slices: Numbers, moment: Moment) -> None:
        slots, fresh = self.pairs.number(keys, slices)
        if len(fresh):
            self._open(slices[fresh])
        ones = np.ones(rows.height, np.int64)
        self.groups.update(rows, slots, ones, self.pairs.count, moment)

    def _open(self, slices: Numbers) -> None:
        self.oldest = min(self.oldest, int(slices.min()))
        self.newest = max(self.newest, int(slices.max()))
        self.living += len(slices)

    def _in_time(self, rows: pl.DataFrame, moment: Moment) -> tuple[pl.DataFrame, Numbers]:
        """The rows that are not late, and their slices."""
        times = rows[self.time]
        slices = (integers(times) // 1000 - self.offset_ms) // self.slide_ms
        if self.time == "window_end":  # of rows that carry a window; window_time is the slice already
            slices = slices - 1
        late = self._last(slices) <= self._over(self._marks(rows, moment))
        if times.null_count():
            late |= ~there(times)
        if late.any():
            self.drop_late(rows.filter(pl.Series(late)), moment)
            return rows.filter(pl.Series(~late)), slices[~late]
        return rows, np.ascontiguousarray(slices)

    def _marks(self, rows: pl.DataFrame, moment: Moment) -> "Numbers | int":
        """The watermark each row meets: the operator's, moved by the rows of its own partition before it."""
        if MARK not in rows.columns:
            return moment.before_ms
        marks: Numbers = np.maximum(moment.before_ms, np.minimum(rows[MARK].to_numpy(), moment.after_ms))
        return marks

    def _last(self, slices: Numbers) -> Numbers:
        """The last slice of the last window that each slice is in."""
        if self.cumulates:
            made: Numbers = slices // self.slices * self.slices + self.slices - 1
            return made
        return slices + self.slices - 1

    def _first(self, window: int) -> int:
        """The first slice of a window, which is known by its last."""
        return window // self.slices * self.slices if self.cumulates else window + 1 - self.slices

    def _passed(self, watermark_ms: "Numbers | int") -> "Numbers | int":
        """The last window, by its last slice, that such a watermark fires: end - 1 <= watermark."""
        return (watermark_ms + 1 - self.offset_ms) // self.slide_ms - 1

    def _over(self, watermark_ms: "Numbers | int") -> "Numbers | int":
        """The last window that takes no row any more."""
        return self._passed(watermark_ms)

    @property
    def _done(self) -> int:
        """The last window, by its last slice, that nothing has to be kept for."""
        return self.fired

    # --- results out -----------------------------------------------------------------------------------------

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        through = int(self._passed(watermark_ms))
        if through <= self.fired:
            return None
        before, self.fired = self.fired, through
        if self.oldest > through:
            return None
        made = self._tumbled(before, through) if self.slices == 1 else self._hopped(before, through)
        self._close(self._done)
        return made

    def _tumbled(self, before: int, through: int) -> pl.DataFrame | None:
        slots, _ = self._due(before, through)
        slots = self._asked(slots, ends_of(self.slot_slice[slots]), self.groups.parts)
        return self._rows(self.slot_key[slots], self.slot_slice[slots], self.groups.results(slots))

    def _due(self, before: int, through: int) -> tuple[Numbers, int]:
        """The slots of windows behind one up to another, slice by slice, each slice's in the order they were opened; and how
        many shares of these windows they have."""
        low, high = max(self._first(before + 1), self.oldest), min(through, self.newest)
        slices = self.slot_slice
        if high - low < len(slices):
            counts = np.zeros(max(high - low + 1, 0), np.int64)
            lists.count_slices(slices, low, counts)
            slots, shared = np.empty(int(counts.sum()), np.int64), np.arange(low, high + 1)
            lists.place_slices(slices, low, np.cumsum(counts) - counts, slots)
        else:  # few slots, far apart
            slots = np.flatnonzero((slices >= low) & (slices <= high))
            slots = slots[np.argsort(slices[slots], kind="stable")]
            shared, counts = slices[slots], np.ones(len(slots), np.int64)
        each = np.minimum(self._last(shared), through) - np.maximum(shared, before + 1) + 1
        return slots, int((each * counts).sum())

    def _hopped(self, before: int, through: int) -> pl.DataFrame | None:
        """Merge each window that fires from its slices, the earliest slice first."""
        slots, shares = self._due(before, through)
        if not shares:
            return None
        merged, found = self._merged(slots, shares, before, through)
        numbers = self._asked(*found.taken(), merged)
        return self._rows(*found.pairs(numbers), self.groups.results(numbers, merged))

    def _merged(
        self, slots: Numbers, shares: int, before: int, through: int
    ) -> tuple[Sequence[Accumulator], Places | Hashed]:
        """The aggregates of pairs of a key and a window, by the pairs' numbers."""
        first = max(before + 1, self.oldest)
        last = int(min(through, self._last(np.array([self.newest]))[0]))
        wide, deep = max(len(self.table), 1), last - first + 1
        found = places_of(wide, first, deep, shares)
        merged = self.groups.fresh()
        for into in merged:
            into.reserve(min(wide * deep, shares))
        room = min(shares, PIECE) if all(part.piecewise for part in merged) else shares
        sources, owners, windows = (np.empty(room, np.int64) for _ in range(3))
        place, done = 0, 0
        while place < len(slots):
            size, place, done = lists.share(
                slots, place, done, self.slot_key, self.slot_slice, before, through, self.slices, self.cumulates,
                sources, owners, windows,
            )  # fmt: skip
            targets = found.of(owners[:size], windows[:size])
            for part, into in zip(self.groups.parts, merged, strict=True):
                into.merge(part, targets, sources[:size])
        return merged, found

    def _asked(self, slots: Numbers, ends: Sequence[int], parts: Sequence[Accumulator]) -> Numbers:
        """Of slots, window by window, those whose rows are asked for: all, or each window's peaks."""
        if self.peak is None:
            return slots
        place = [column.name for column in self.groups.columns].index(self.peak.column)
        windows = pairwise([0, *ends])
        return np.concatenate([slots[:0], *(self._best(slots[a:b], place, parts) for a, b in windows)])

    def _best(self, slots: Numbers, place: int, parts: Sequence[Accumulator]) -> Numbers:
        assert self.peak is not None
        best = max if self.peak.largest else min
        found: list[tuple[Any, Numbers]] = []
        for at in range(0, len(slots), PIECE):
            piece = slots[at : at + PIECE]
            values = self.groups.result(place, piece, parts)
            most = values.max() if self.peak.largest else values.min()
            if most is not None:
                found.append((most, piece[(values == most).fill_null(False).to_numpy()]))
        most = best((value for value, _ in found), default=None)
        return np.concatenate([slots[:0], *(some for value, some in found if value == most)])

    def _rows(self, keys: Numbers, windows: Numbers, results: pl.DataFrame) -> pl.DataFrame | None:
        if not len(keys):
            return None
        columns = self.table.rows(keys).get_columns() if self.keys else []
        if self.sliced:
            end = pl.Series("window_end", ((windows + 1) * self.slide_ms + self.offset_ms) * 1000)
            first = windows // self.slices * self.slices if self.cumulates else windows + 1 - self.slices
            start = pl.Series("window_start", (first * self.slide_ms + self.offset_ms) * 1000)
            bounds = [start, end, (end - 1000).alias("window_time")]
            columns = [*columns, *(bound.cast(pl.Datetime("us")) for bound in bounds)]
        return pick(pl.DataFrame([*columns, *results.get_columns()]), self.order)

    def _close(self, through: int) -> None:
        """Forget slices whose windows have all fired, once they are the greater part."""
        low = self._first(through + 1)
        self.living, self.oldest = lists.remaining(self.slot_slice, low)
        if self.living * 2 <= self.pairs.count:
            self._keep(low)

    def _keep(self, low: int) -> None:
        """Only slots of slices from one on."""
        slots = np.flatnonzero(self.slot_slice >= low)
        keys, slices = self.slot_key[slots], self.slot_slice[slots]
        self.groups.keep(slots)
        if self.keys:
            held = np.zeros(len(self.table), np.bool_)
            held[keys] = True
            used = np.flatnonzero(held)
            if len(used) * 2 <= len(self.table):
                self.table.keep(used)
                keys = (np.cumsum(held) - 1)[keys]
        self._fill(keys, slices)

    def _fill(self, keys: Numbers, slices: Numbers) -> None:
        self._empty(len(keys))
        self.pairs.fill(keys, slices)
        if len(slices):
            self._open(slices)

    # --- state -----------------------------------------------------------------------------------------------

    def snapshot(self) -> Blocks:
        if self.living < self.pairs.count:
            self._keep(self._first(self._done + 1))
        slots = pl.DataFrame({"key": self.slot_key, "slice": self.slot_slice})
        fired = pl.DataFrame({"fired": [self.fired], "late": [self.late_rows]})
        cells = prefixed(self.groups.snapshot(len(self.slot_key)), "cells")
        return {"slots": slots, "fired": fired, "keys": self.table.growth(), **cells}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self._fill(blocks["slots"]["key"].to_numpy().copy(), blocks["slots"]["slice"].to_numpy().copy())
        self.fired, self.late_rows = blocks["fired"].row(0)
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        self.groups.restore(nested(blocks, "cells"))


def _end_column(plan: Aggregate) -> str:
    """Of rows that carry a window: the column that tells its end."""
    return "window_end" if "window_end" in plan.keys else "window_time"
