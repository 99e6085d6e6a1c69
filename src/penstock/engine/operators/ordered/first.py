"""The first row of each group, where it can be told by whole numbers: deduplication, one pass over each batch.

Rows that may be taken back, more than one row a group, and orders by texts or decimals are `top`'s.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import lists
from penstock.engine.operators.operator import AFTER, BEFORE, INSERT, KIND, Blocks, Moment
from penstock.engine.plan import Order, Top
from penstock.engine.room import widened
from penstock.engine.run.columns import Growing, integers, pick, there
from penstock.engine.run.kept.expiry import Expiry, Forgetting
from penstock.engine.run.kept.store import Store
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import polars_type

Numbers = NDArray[np.int64]
LOWEST = np.iinfo(np.int64).min


class Ranks:
    """What rows are ordered by, as whole numbers: null lowest, as in Flink; floats by their bits."""

    def __init__(self, order: Sequence[Order], newest: bool) -> None:
        self.names, self.newest = [one.column for one in order], newest
        self.directions = np.array([-1 if one.descending else 1 for one in order], np.int64)

    @staticmethod
    def fit(types: Mapping[str, pl.DataType], order: Sequence[Order]) -> bool:
        """Whether all columns that are ordered by can be such numbers."""
        return all(_is_whole(types[one.column]) for one in order)

    def of(self, rows: pl.DataFrame) -> Numbers:
        """One line of numbers a row."""
        made = np.empty((rows.height, len(self.names)), np.int64)
        for place, name in enumerate(self.names):
            made[:, place] = _numbers(rows[name])
        return made


def _is_whole(kind: pl.DataType) -> bool:
    return (
        kind in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Boolean, pl.Float32, pl.Float64)
        or kind.is_temporal()
    )


def _numbers(column: pl.Series) -> Numbers:
    if column.dtype.is_float():
        # + 0.0 makes one zero of two; all NaNs are one, above infinity
        floats = column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
        bits = np.where(np.isnan(floats), np.float64("nan"), floats).view(np.int64)
        made = np.where(bits < 0, ~bits ^ LOWEST, bits)
    else:
        made = integers(column)
    return np.where(there(column), made, LOWEST) if column.null_count() else made


class FirstRow(Forgetting):
    """`rows` holds versions of first rows, `heads` says which is each group's."""

    name = "top"

    def __init__(self, plan: Top) -> None:
        self.types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        self.keys, self.rank = plan.keys, plan.rank
        self.ranks = Ranks(plan.order, plan.newest)
        self.table = KeyTable({key: self.types[key] for key in plan.keys})
        self.expiry = Expiry.of(plan.ttl_ms)
        self._clear()

    def _clear(self) -> None:
        self.rows = Store(self.types)
        self._heads, self._full, self._winners = Growing(), Growing(), Growing()
        self._bounds = np.empty((16, len(self.ranks.names)), np.int64)

    @property
    def state_rows(self) -> int:
        return int((self._heads.values >= 0).sum())

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        if self.expiry is not None:
            self.lapse(self.expiry, moment.now)
        slots = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        self._reserve(int(slots.max()) + 1)
        if self.expiry is not None:
            self._bury(slots[~self.expiry.fresh(slots)])
        winners = self._winners.values
        lists.first_rows(
            slots,
            self.ranks.of(rows),
            self.ranks.directions,
            self.ranks.newest,
            self._bounds,
            self._full.values,
            winners,
        )
        touched = np.unique(slots)
        changed = touched[winners[touched] >= 0]
        changed = changed[np.argsort(winners[changed])]
        if not len(changed):
            return None
        chosen = winners[changed]
        winners[changed] = -1
        if self.expiry is not None:
            self.expiry.touch(changed)
        return self._replaced(changed, pick(rows, self.types)[chosen])

    def _replaced(self, slots: Numbers, rows: pl.DataFrame) -> pl.DataFrame:
        heads = self._heads.values
        old = heads[slots]
        had = old >= 0
        heads[slots] = np.arange(len(self.rows), len(self.rows) + rows.height)
        kept = had if self.befores else np.zeros(len(had), np.bool_)
        before = self.rows.take(old[kept])
        self.rows.append(rows)
        if len(self.rows) > 4096 and len(heads) * 2 < len(self.rows):
            self._compact()
        order = np.argsort(
            np.concatenate([np.flatnonzero(kept) * 2, np.arange(len(slots)) * 2 + 1]), kind="stable"
        )
        kinds = np.concatenate([np.full(before.height, BEFORE), np.where(had, AFTER, INSERT)]).astype(
            np.int8
        )[order]
        made = pl.concat([before, rows], rechunk=True)[order] if before.height else rows
        extra = [] if self.rank is None else [pl.Series(self.rank, np.ones(len(order), np.int64))]
        return made.with_columns(*extra, pl.Series(KIND, kinds))

    def _reserve(self, count: int) -> None:
        more = count - len(self._heads)
        if more <= 0:
            return
        nothing = np.full(more, -1, np.int64)
        self._heads.extend(nothing)
        self._winners.extend(nothing)
        self._full.extend(np.zeros(more, np.int64))
        self._bounds = widened(self._bounds, count, 0)

    def lapse(self, expiry: Expiry, now: Now) -> None:
        """It is now: groups whose time is over are forgotten, a slice at a time."""
        gone = expiry.lapsed(now)
        if len(gone):
            self._bury(gone)
            if 2 * self.state_rows < len(self._heads):
                self._compact()

    def _bury(self, slots: Numbers) -> None:
        self._heads.values[slots] = -1
        self._full.values[slots] = 0

    def _compact(self) -> None:
        alive = np.flatnonzero(self._heads.values >= 0)
        if self.expiry is not None and len(alive) < len(self._heads):
            if self.keys:
                self.table.keep(alive)
            self._heads, self._full = Growing(self._heads.values[alive]), Growing(self._full.values[alive])
            self._winners = Growing(self._winners.values[alive])
            self._bounds = np.ascontiguousarray(self._bounds[np.append(alive, np.zeros(16, np.int64))])
            self.expiry.reset(self.expiry.stamps[alive].copy())
        self.rows.keep(self._heads.values)
        self._heads.values[:] = np.arange(len(self._heads))

    def snapshot(self) -> Blocks:
        heads = pl.DataFrame({"head": self._heads.values})
        made: Blocks = {"keys": self.table.growth(), "rows": self.rows.growth(), "heads": heads}
        if self.expiry is not None:
            made["stamps"] = pl.DataFrame({"stamp": self.expiry.stamps})
        return made

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        rows = blocks["rows"]
        heads = blocks["heads"]["head"].to_numpy() if "heads" in blocks else np.arange(rows.height)
        self._clear()
        self._reserve(len(heads))
        self.rows.append(rows)
        self._heads.values[:] = heads
        alive = np.flatnonzero(heads >= 0)
        self._full.values[alive] = 1
        self._bounds[alive] = self.ranks.of(rows)[heads[alive]]
        if self.expiry is not None:
            self.expiry.reset(blocks["stamps"]["stamp"].to_numpy().copy())
