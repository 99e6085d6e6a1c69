"""Aggregates per window that take late rows: a window that has fired fires again for each batch that brings it some, as a
change of what it gave, until its lateness is over (Flink's WindowOperator with allowed lateness and late firing).

Knows slices as `slices` has them.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.operators.operator import AFTER, BEFORE, INSERT, KIND, Blocks, Moment
from penstock.engine.operators.windows.slices import Numbers, WindowAggregate
from penstock.engine.plan import Aggregate
from penstock.engine.run.columns import pick

Results = tuple[NDArray[np.bool_], pl.DataFrame]
"""Which of some windows have rows, and their aggregates."""


class LenientWindows(WindowAggregate):
    """`closed` is the last window, by its last slice, that takes no row any more."""

    name = "window aggregate, late rows too"

    def __init__(self, plan: Aggregate) -> None:
        super().__init__(plan)
        self.late_ms, self.closed = plan.late_ms, self.fired

    def _over(self, watermark_ms: "Numbers | int") -> "Numbers | int":
        return self._passed(watermark_ms - self.late_ms)

    @property
    def _done(self) -> int:
        return self.closed

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        rows, slices = self._in_time(rows, moment)
        if not rows.height:
            return None
        keys = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        late_keys, late_windows = self._fired_ones(keys, slices)
        if not len(late_keys):
            self._take(rows, keys, slices, moment)
            return None
        before = self._results(late_keys, late_windows)
        self._take(rows, keys, slices, moment)
        return self._changes(late_keys, late_windows, before, self._results(late_keys, late_windows))

    def _fired_ones(self, keys: Numbers, slices: Numbers) -> tuple[Numbers, Numbers]:
        """The windows that have fired and get rows now: their keys and last slices, each once."""
        first = np.maximum(slices, self.closed + 1)
        copies = np.maximum(np.minimum(self._last(slices), self.fired) - first + 1, 0)
        steps = np.arange(int(copies.sum())) - np.repeat(np.cumsum(copies) - copies, copies)
        windows, owners = np.repeat(first, copies) + steps, np.repeat(keys, copies)
        _, fresh = PairTable().number(owners, windows)
        return owners[fresh], windows[fresh]

    def _results(self, keys: Numbers, windows: Numbers) -> Results:
        """Each window merged from its slices, the earliest first."""
        low, high = int(windows.min()), int(windows.max())
        near = (self.slot_slice <= high) & (self._last(self.slot_slice) >= low)
        parts = np.flatnonzero(near & np.isin(self.slot_key, keys))
        parts = parts[np.argsort(self.slot_slice[parts], kind="stable")]
        first = np.maximum(self.slot_slice[parts], low)
        copies = np.minimum(self._last(self.slot_slice[parts]), high) - first + 1
        sources = np.repeat(parts, copies)
        steps = np.arange(len(sources)) - np.repeat(np.cumsum(copies) - copies, copies)
        pairs = PairTable()
        pairs.number(keys, windows)
        targets, _ = pairs.number(self.slot_key[sources], np.repeat(first, copies) + steps)
        asked = targets < len(keys)
        merged = self.groups.fresh()
        for part, into in zip(self.groups.parts, merged, strict=True):
            into.reserve(len(keys))
            into.merge(part, targets[asked], sources[asked])
        had = np.zeros(len(keys), np.bool_)
        had[targets[asked]] = True
        return had, self.groups.results(np.arange(len(keys)), merged)

    def _changes(self, keys: Numbers, windows: Numbers, old: Results, new: Results) -> pl.DataFrame | None:
        """What each window gave and what it gives now; nothing where that is the same."""
        same = old[0].copy()
        for name in new[1].columns:
            same &= old[1][name].eq_missing(new[1][name]).to_numpy()
        taken, given = old[0] & ~same, ~same
        if not given.any():
            return None
        count = len(keys)
        order = np.arange(2 * count).reshape(2, -1).T.ravel()
        chosen = order[np.stack([taken, given], axis=1).ravel()]
        kinds = np.concatenate([np.full(count, BEFORE), np.where(old[0], AFTER, INSERT)])[chosen]
        both = pl.concat([old[1], new[1]])[chosen] if new[1].width else pl.DataFrame()
        made = self._rows(keys[chosen % count], windows[chosen % count], both)
        return None if made is None else made.with_columns(pl.Series(KIND, kinds.astype(np.int8)))

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        self.closed = int(self._over(watermark_ms))
        return super().on_watermark(watermark_ms, now)

    def snapshot(self) -> Blocks:
        return {**super().snapshot(), "closed": pl.DataFrame({"closed": [self.closed]})}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        super().restore(blocks)
        self.closed = int(blocks["closed"]["closed"][0])
