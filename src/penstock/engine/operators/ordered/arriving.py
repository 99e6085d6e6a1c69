"""OVER by the clock: rows are answered as they come, in that order. What is known of a group may have a lifetime.

Running totals are forgotten when no row came for that long (Flink's StateTtlConfig), rows of a bounded frame between once
and one and a half times that (its KeyedProcessFunctionWithCleanupState, which moves its timer only then).
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from penstock.clock import Now
from penstock.engine.operators.operator import Blocks, Moment
from penstock.engine.operators.ordered.over import Numbers, OverAggregate
from penstock.engine.plan import Over
from penstock.engine.run.columns import pick
from penstock.engine.run.kept.expiry import Expiry, Forgetting


class ArrivingOver(OverAggregate, Forgetting):
    """A group without a stamp, in `expiry`, is not there."""

    def __init__(self, plan: Over) -> None:
        super().__init__(plan)
        self.by_rows = True
        self.slack_ms = (plan.ttl_ms or 0) // 2 if self.bounded else 0
        self.expiry = Expiry.of(plan.ttl_ms + self.slack_ms if plan.ttl_ms else None)

    @property
    def state_rows(self) -> int:
        if self.bounded or self.expiry is None:
            return super().state_rows
        return self.past.living + int((self.expiry.stamps > 0).sum())

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        return self._looked_back(pick(rows, self.types), moment)

    def _times(self, rows: pl.DataFrame) -> Numbers:
        return np.zeros(rows.height, np.int64)

    # --- what is forgotten -----------------------------------------------------------------------------------

    def _slots(self, due: pl.DataFrame, moment: Moment) -> Numbers:
        if self.expiry is None:
            return super()._slots(due, moment)
        self.lapse(self.expiry, moment.now)
        slots = super()._slots(due, moment)
        touched = np.unique(slots)
        self._forget(touched[~self.expiry.fresh(touched)])
        known = touched[touched < len(self.expiry.stamps)]
        lasting = (
            known[self.expiry.stamps[known] + self.slack_ms >= moment.now.wall_ms]
            if self.slack_ms
            else known[:0]
        )
        self.expiry.touch(np.setdiff1d(touched, lasting, assume_unique=True))
        return slots

    def lapse(self, expiry: Expiry, now: Now) -> None:
        """It is now: groups whose time is over are forgotten, a slice at a time."""
        gone = expiry.lapsed(now)
        if not len(gone):
            return
        self._forget(gone)
        alive = np.flatnonzero(expiry.stamps > 0)
        if self.keys and len(expiry.stamps) > 1024 and len(alive) * 2 < len(expiry.stamps):
            self._keep(expiry, alive)

    def _forget(self, slots: Numbers) -> None:
        if not len(slots):
            return
        assert self.expiry is not None
        self.expiry.stamps[slots] = 0
        self.past.drop(self.past.of(slots)[1])
        if not self.bounded:
            self.groups.reset(slots)

    def _keep(self, expiry: Expiry, alive: Numbers) -> None:
        """Only these groups, numbered anew."""
        numbers = np.zeros(len(expiry.stamps), np.int64)
        numbers[alive] = np.arange(len(alive))
        self.table.keep(alive)
        self.past.sweep()
        self.past.renumber(numbers)
        if not self.bounded:
            self.groups.keep(alive)
        expiry.reset(expiry.stamps[alive].copy())

    def snapshot(self) -> Blocks:
        if self.expiry is None:
            return super().snapshot()
        return {**super().snapshot(), "stamps": pl.DataFrame({"stamp": self.expiry.stamps})}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        super().restore(blocks)
        if self.expiry is not None:
            self.expiry.reset(blocks["stamps"]["stamp"].to_numpy().copy())
