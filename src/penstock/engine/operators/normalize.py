"""An upsert topic as a changelog: the last row of each key is kept, so a change can say what it replaces.

Flink's ChangelogNormalize: a new key is +I, a known one -U and +U, a deletion -D with the row as it was; an equal
row gives nothing, neither does deleting what is not there. Knows nothing of topics.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import scatter
from penstock.engine.operators.operator import (
    AFTER,
    BEFORE,
    DELETE,
    INSERT,
    KIND,
    Blocks,
    Moment,
)
from penstock.engine.plan import Table
from penstock.engine.run.columns import Growing, pick
from penstock.engine.run.kept.expiry import Expiry, Forgetting
from penstock.engine.run.kept.store import Store
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import Schema, polars_type

Numbers = NDArray[np.int64]


class Normalize(Forgetting):
    """`rows` holds versions of rows in order; `heads` says which is the last of each key (-1: deleted)."""

    name = "changelog"

    def __init__(self, table: Table, schema: Schema, ttl_ms: int | None = None) -> None:
        known = {column.name: column for column in table.schema}
        self.keys, self.names = list(table.key), [column.name for column in schema]
        self.table = KeyTable({key: polars_type(known[key].kind) for key in table.key})
        self.schema = {column.name: polars_type(column.kind) for column in schema}
        self.rows = Store(self.schema)
        self._heads = Growing()
        self.expiry = Expiry.of(ttl_ms)
        self.gone_at: str | None = None
        """The column with the time since when a row counts, where nobody but those who ask for versions reads the rows: a
        deletion then bears its own time, not the one of the row that it takes away."""

    @property
    def heads(self) -> Numbers:
        """Each key's last version."""
        return self._heads.values

    @property
    def state_rows(self) -> int:
        return int((self.heads >= 0).sum())

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        if self.expiry is not None:
            self.lapse(self.expiry, moment.now)
        slots = self.table.number(pick(rows, self.keys))
        if len(self.table) > len(self.heads):
            self._heads.extend(np.full(len(self.table) - len(self.heads), -1, np.int64))
        kinds = rows[KIND].to_numpy() if KIND in rows.columns else np.zeros(rows.height, np.int8)
        if self.expiry is not None:
            self.heads[slots[~self.expiry.fresh(slots)]] = -1
            self.expiry.touch(slots)
        start = len(self.rows)
        before = np.full(rows.height, start, np.int64)
        gone = (kinds == DELETE) | (kinds == BEFORE)
        scatter.versions(slots, gone, self.heads, before)
        self.rows.append(rows)
        made = self._changes(np.arange(start, start + rows.height), before, gone)
        self._forget()
        return made

    def _changes(self, now: Numbers, before: Numbers, gone: NDArray[np.bool_]) -> pl.DataFrame | None:
        had = before >= 0
        old, new = self.rows.take(np.where(had, before, now)), self.rows.take(now)
        if self.gone_at is not None:
            when = pl.when(pl.Series(gone)).then(pl.coalesce(new[self.gone_at], old[self.gone_at]))
            old = old.with_columns(when.otherwise(pl.col(self.gone_at)).alias(self.gone_at))
        # Where rows are forgotten an equal one goes out too: who reads it shall know that it still counts.
        same = had & ~gone if self.expiry is None else np.zeros(len(now), np.bool_)
        for name in self.names:
            same &= old[name].eq_missing(new[name]).to_numpy()
        taken, given = had & ~same, ~gone & ~same
        if not (taken.any() or given.any()):
            return None
        order = np.arange(2 * len(now)).reshape(2, -1).T.ravel()
        chosen = order[np.stack([taken, given], axis=1).ravel()]
        kinds = np.concatenate([np.where(gone, DELETE, BEFORE), np.where(had, AFTER, INSERT)])[chosen]
        return pl.concat([old, new], rechunk=True)[chosen].hstack([pl.Series(KIND, kinds.astype(np.int8))])

    def lapse(self, expiry: Expiry, now: Now) -> None:
        """It is now: keys whose time is over are forgotten, a slice at a time."""
        gone = expiry.lapsed(now)
        if len(gone):
            self.heads[gone] = -1
            self._forget()

    def _forget(self) -> None:
        """Drop versions that were replaced, and keys that were deleted, once they are the most."""
        alive = np.flatnonzero(self.heads >= 0)
        if len(self.rows) > 4096 and len(alive) * 2 < len(self.rows):
            self._keep(alive)

    def _keep(self, alive: Numbers) -> None:
        self.rows.keep(self.heads[alive])
        self.table.keep(alive)
        self._heads = Growing(np.arange(len(alive)))
        if self.expiry is not None:
            self.expiry.reset(self.expiry.stamps[alive].copy())

    def snapshot(self) -> Blocks:
        heads = pl.DataFrame({"head": self.heads})
        made: Blocks = {"rows": self.rows.growth(), "keys": self.table.growth(), "heads": heads}
        if self.expiry is not None:
            made["stamps"] = pl.DataFrame({"stamp": self.expiry.stamps})
        return made

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.rows.clear()
        self.rows.append(blocks["rows"])
        self._heads = Growing(
            blocks["heads"]["head"].to_numpy() if "heads" in blocks else np.arange(len(self.rows))
        )
        self.table.clear()
        self.table.number(blocks["keys"])
        if self.expiry is not None:
            self.expiry.reset(blocks["stamps"]["stamp"].to_numpy().copy())
