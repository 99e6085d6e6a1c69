"""Aggregates over all rows so far: each batch that changes a group's row gives its change.

A new group is +I, a changed one -U (where a reader asks for it) and +U next to each other, one whose last row was taken
back -D; a group whose row comes out the same gives nothing (Flink's GroupAggFunction, with mini-batches). Knows nothing of windows.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import scatter
from penstock.engine.operators.grouped import SharingGroups
from penstock.engine.operators.operator import (
    AFTER,
    BEFORE,
    DELETE,
    INSERT,
    KIND,
    Blocks,
    Moment,
    nested,
    prefixed,
    signs,
)
from penstock.engine.plan import Aggregate, Aggregation
from penstock.engine.run.columns import Growing, pick
from penstock.engine.run.kept.expiry import Expiry, Forgetting
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import polars_type

Slots = NDArray[np.int64]


class RunningAggregate(Forgetting):
    """A group's slot is its key's number; `rows` counts the rows that are in it."""

    name = "aggregate"

    def __init__(self, plan: Aggregate) -> None:
        self.keys = plan.keys
        known = {column.name: column for column in plan.source.schema}
        self.table = KeyTable({key: polars_type(known[key].kind) for key in plan.keys})
        retracting = plan.source.changes
        self.groups = SharingGroups(plan.aggregations, plan.source.schema, retracting, plan.ttl_ms)
        self._rows, self._marks = Growing(), np.zeros(16, np.bool_)
        self.expiry = Expiry.of(plan.ttl_ms)
        counted = any(_counts_all(one) for one in plan.aggregations)
        self._moves = not retracting and (counted or self.expiry is not None)
        """Whether every row brings its group's row out again: then there is nothing to compare."""

    @property
    def rows(self) -> Slots:
        """How many rows are in each group."""
        return self._rows.values

    @property
    def state_rows(self) -> int:
        return int((self.rows > 0).sum())

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        direction = signs(rows)
        if self.expiry is not None:
            self.lapse(self.expiry, moment.now)
        slots = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        self._reserve(int(slots.max()) + 1)
        if self.expiry is not None:
            self._bury_over(self.expiry, np.unique(slots))
            kept = self._begun(slots, direction)
            if not kept.all():
                rows, slots, direction = rows.filter(pl.Series(kept)), slots[kept], direction[kept]
                if not rows.height:
                    return None
        touched = np.empty(len(slots), np.int64)
        touched = touched[: int(scatter.touched(slots, self._marks, touched))]
        lived = self.rows[touched] > 0
        before = self.groups.results(touched) if self.befores or not self._moves else None
        scatter.count(slots, np.ones(len(slots), np.bool_), direction, self.rows)
        self.groups.update(rows, slots, direction, len(self.rows), moment)
        lives, after = self.rows[touched] > 0, self.groups.results(touched)
        if self.expiry is not None:
            self.expiry.touch(touched)
        if before is None:
            return self._given(touched, np.where(lived, AFTER, INSERT), after)
        made = self._changes(touched, (lived, before), (lives, after))
        self._bury(touched[~lives])
        return made

    def _given(self, slots: Slots, kinds: Slots, after: pl.DataFrame) -> pl.DataFrame:
        """New rows alone."""
        columns = self.table.rows(slots).get_columns() if self.keys else []
        return pl.DataFrame([*columns, *after.get_columns(), pl.Series(KIND, kinds.astype(np.int8))])

    def _reserve(self, count: int) -> None:
        if count > len(self.rows):
            self._rows.extend(np.zeros(count - len(self.rows), np.int64))
        if count > len(self._marks):
            self._marks = np.zeros(2 * count, np.bool_)
        self.groups.reserve(count)

    def _changes(
        self,
        slots: Slots,
        old: tuple[NDArray[np.bool_], pl.DataFrame],
        new: tuple[NDArray[np.bool_], pl.DataFrame],
    ) -> pl.DataFrame | None:
        (lived, before), (lives, after) = old, new
        # Where groups are forgotten an equal row goes out too: who reads it shall know that the group still counts.
        moved = ~_same(before, after, len(slots)) if self.expiry is None else np.ones(len(slots), np.bool_)
        taken, given = lived & (~lives | (moved & self.befores)), lives & (~lived | moved)
        if not (taken.any() or given.any()):
            return None
        keys = self.table.rows(slots) if self.keys else None
        # each group's old row and its new one next to each other: 2n rows of which some are taken
        order = np.arange(2 * len(slots)).reshape(2, -1).T.ravel()
        chosen = order[np.stack([taken, given], axis=1).ravel()]
        kinds = np.concatenate([np.where(lives, BEFORE, DELETE), np.where(lived, AFTER, INSERT)])[chosen]
        both = pl.concat([before, after], rechunk=True)[chosen] if before.width else pl.DataFrame()
        columns = [] if keys is None else keys[chosen % len(slots)].get_columns()
        return pl.DataFrame([*columns, *both.get_columns(), pl.Series(KIND, kinds.astype(np.int8))])

    # --- what is forgotten -----------------------------------------------------------------------------------

    def _begun(self, slots: Slots, direction: Slots) -> NDArray[np.bool_]:
        """The rows that count: what takes a row back from a group that is not there, before one comes, does nothing."""
        back = (direction < 0) & (self.rows[slots] <= 0)
        if not back.any():
            return ~back
        first = np.full(int(slots.max()) + 1, len(slots), np.int64)
        comes = np.flatnonzero(direction > 0)
        np.minimum.at(first, slots[comes], comes)
        kept: NDArray[np.bool_] = ~back | (np.arange(len(slots)) > first[slots])
        return kept

    def lapse(self, expiry: Expiry, now: Now) -> None:
        """It is now: groups whose time is over are forgotten, a slice at a time, and so are values in them."""
        self.groups.lapse(now)
        gone = expiry.lapsed(now)
        gone = gone[gone < len(self.rows)]
        self._bury(gone[self.rows[gone] > 0])

    @property
    def wakes_ms(self) -> int:
        return min(super().wakes_ms, self.groups.wakes_ms)

    def _bury_over(self, expiry: Expiry, slots: Slots) -> None:
        """Groups that are asked for after their time begin anew."""
        over = slots[~expiry.fresh(slots) & (self.rows[slots] > 0)]
        if len(over):
            self.groups.reset(over)
            self.rows[over] = 0

    def _bury(self, dead: Slots) -> None:
        """Empty groups start anew should they come back; once they are the most, they are forgotten."""
        if not len(dead):
            return
        self.groups.reset(dead)
        self.rows[dead] = 0
        alive = np.flatnonzero(self.rows > 0)
        if self.keys and len(self.rows) > 1024 and len(alive) * 2 < len(self.rows):
            self._keep(alive)

    def _keep(self, alive: Slots) -> None:
        self.table.keep(alive)
        self.groups.keep(alive)
        self._rows = Growing(self.rows[alive])
        if self.expiry is not None:
            self.expiry.reset(self.expiry.stamps[alive].copy())

    def snapshot(self) -> Blocks:
        alive = np.flatnonzero(self.rows > 0)
        if self.keys and len(alive) * 10 < len(self.rows) * 9:  # renumbering costs 1 µs a key
            self._keep(alive)
        cells = prefixed(self.groups.snapshot(len(self.rows)), "cells")
        made = {"rows": pl.DataFrame({"rows": self.rows}), "keys": self.table.growth(), **cells}
        if self.expiry is not None:
            made["stamps"] = pl.DataFrame({"stamp": self.expiry.stamps})
        return made

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self._rows = Growing(blocks["rows"]["rows"].to_numpy())
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        self.groups.restore(nested(blocks, "cells"))
        if self.expiry is not None:
            self.expiry.reset(blocks["stamps"]["stamp"].to_numpy().copy())


def _counts_all(plan: Aggregation) -> bool:
    """Whether it is COUNT(*)."""
    return plan.function.upper() == "COUNT" and plan.argument is None and plan.condition is None


def _same(before: pl.DataFrame, after: pl.DataFrame, rows: int) -> NDArray[np.bool_]:
    same = np.ones(rows, np.bool_)
    for name in before.columns:
        same &= before[name].eq_missing(after[name]).to_numpy()
    return same
