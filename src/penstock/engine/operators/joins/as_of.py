"""Temporal joins: each left row with the right table's row as it was at the left row's time, or as it is now.

By event time left rows wait until the watermark has passed them, and of each key's versions only those that a later
row may still ask for are kept (Flink's TemporalRowTimeJoinOperator). By the clock nothing waits.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.expressions import bind
from penstock.engine.operators.joins.sides import types_of
from penstock.engine.operators.operator import (
    BEFORE,
    DELETE,
    KIND,
    Blocks,
    Moment,
    Operator,
    carried,
    due_at,
    signs,
)
from penstock.engine.plan import AsOf
from penstock.engine.run.columns import integers, pick, stack, there
from penstock.engine.run.kept.shelves import Shelves
from penstock.engine.run.keys import KeyTable

Numbers = NDArray[np.int64]
FOREVER_US = 2**62
GONE, PLACE, SEQUENCE = "$gone", "$place", "$seq"


class Pairing:
    """What both kinds share: the condition, and how left and right rows become one."""

    def __init__(self, plan: AsOf) -> None:
        self.left, self.right = types_of(plan.left.schema), types_of(plan.right.schema)
        self.keys = [left for left, _ in plan.keys], [right for _, right in plan.keys]
        self.outer = plan.kind == "LEFT"
        self.condition = None
        if plan.condition is not None:
            self.condition = bind(plan.condition, plan.left.schema + plan.right.schema).expr.cast(pl.Boolean)

    def paired(self, left: pl.DataFrame, places: Numbers, right: pl.DataFrame) -> pl.DataFrame | None:
        """Left rows beside their right ones: `places` says which left row each right row belongs to."""
        if self.condition is not None and right.height:
            both = pick(left, self.left)[places].hstack(right)
            held = both.with_columns(self.condition.alias("$ok"))["$ok"].fill_null(False)
            places, right = places[held.to_numpy()], right.filter(held)
        made = self._beside(left, places, right)
        if not self.outer:
            return made if made.height else None
        alone = np.setdiff1d(np.arange(left.height), places)
        order = np.argsort(np.concatenate([places, alone]), kind="stable")
        return pl.concat([made, self._beside(left, alone, self._nothing(len(alone)))], rechunk=True)[order]

    def _beside(self, left: pl.DataFrame, places: Numbers, right: pl.DataFrame) -> pl.DataFrame:
        own = pick(left, [*self.left, *carried(left)])[places]
        return pl.DataFrame(
            [*own.get_columns()[: len(self.left)], *right.get_columns(), *own.get_columns()[len(self.left) :]]
        )

    def _nothing(self, rows: int) -> pl.DataFrame:
        columns = [pl.Series(n, [None], dtype=kind).new_from_index(0, rows) for n, kind in self.right.items()]
        return pl.DataFrame(columns)


class LookupJoin(Operator):
    """The right table's rows as they are when a left row arrives."""

    name = "lookup join"

    def __init__(self, plan: AsOf) -> None:
        self.pairing = Pairing(plan)
        self.table = KeyTable({key: self.pairing.right[key] for key in self.pairing.keys[1]})
        self.shelves = Shelves(self.pairing.right, plan.right.changes)

    @property
    def state_rows(self) -> int:
        return self.shelves.living

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        slots = self._slots(rows, port)
        if port == 0:
            places, numbers = self.shelves.of(slots)
            return self.pairing.paired(rows, places, self.shelves.take(numbers))
        kept = slots >= 0
        direction = signs(rows)
        if not kept.all():
            rows, slots, direction = rows.filter(pl.Series(kept)), slots[kept], direction[kept]
        if rows.height:
            self.shelves.add(rows, slots, direction)
            if self.shelves.crowded:
                self.shelves.sweep()
        return None

    def _slots(self, rows: pl.DataFrame, port: int) -> Numbers:
        keys = self.pairing.keys[port]
        held = pick(rows, keys).clone()  # it gets other names
        held.columns = list(self.table.schema)
        whole = np.logical_and.reduce([there(held[name]) for name in held.columns])
        slots = np.full(rows.height, -1, np.int64)
        slots[whole] = self.table.number(held if whole.all() else held.filter(pl.Series(whole)))
        return slots

    def snapshot(self) -> Blocks:
        return {"keys": self.table.growth(), **self.shelves.snapshot("rows")}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.table.clear()
        self.table.number(blocks["keys"])
        self.shelves.restore(blocks, "rows")


class VersionJoin(Operator):
    """The right table's rows as they were at each left row's event time."""

    name = "temporal join"

    def __init__(self, plan: AsOf) -> None:
        assert plan.time is not None
        assert plan.right_time is not None
        self.pairing = Pairing(plan)
        self.time, self.right_time = plan.time, plan.right_time
        self.waiting = pl.DataFrame(schema=self.pairing.left)
        self.versions = pl.DataFrame(schema={**self.pairing.right, GONE: pl.Boolean})
        self.first_us, self._pruned = FOREVER_US, 0

    @property
    def state_rows(self) -> int:
        return self.waiting.height + self.versions.height

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        if port == 1:
            self._learn(rows)
            return None
        times = rows[self.time]
        late = integers(times) <= moment.before_ms * 1000
        if times.null_count():
            late |= ~there(times)
        if late.any():
            self.drop_late(rows.filter(pl.Series(late)), moment)
            rows = rows.filter(pl.Series(~late))
        if rows.height:
            self.waiting = stack(self.waiting, pick(rows, self.pairing.left))
            self.first_us = min(self.first_us, int(integers(rows[self.time]).min()))
        return None

    @property
    def due_ms(self) -> int:
        return due_at(self.first_us)

    def _learn(self, rows: pl.DataFrame) -> None:
        gone = np.zeros(rows.height, np.bool_)
        if KIND in rows.columns:
            kinds = rows[KIND].to_numpy()
            gone = kinds == DELETE
            if (kinds == BEFORE).any():
                rows, gone = rows.filter(pl.Series(kinds != BEFORE)), gone[kinds != BEFORE]
        made = pick(rows, self.pairing.right).with_columns(pl.Series(GONE, gone))
        self.versions = stack(self.versions, made.filter(pl.col(self.right_time).is_not_null()))

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        due = None
        if self.first_us <= watermark_ms * 1000:
            passed = pl.Series(integers(self.waiting[self.time]) <= watermark_ms * 1000)
            due = self.waiting.filter(passed).sort(self.time, maintain_order=True)
            self.waiting = self.waiting.filter(~passed).rechunk()
            self.first_us = (
                int(integers(self.waiting[self.time]).min()) if self.waiting.height else FOREVER_US
            )
        made = None if due is None else self._joined(due)
        if self.versions.height > 2 * self._pruned + 4096:
            self._prune(watermark_ms)
        return made

    def _joined(self, left: pl.DataFrame) -> pl.DataFrame | None:
        own, theirs = self.pairing.keys
        right = self.versions.with_row_index(SEQUENCE).sort(self.right_time, maintain_order=True)
        sought = left.select(
            pl.col(self.time).alias("$at"), *(pl.col(n).alias(f"$k{i}") for i, n in enumerate(own))
        )
        found = sought.with_row_index(PLACE).join_asof(
            right.select(
                pl.col(self.right_time).alias("$at"),
                SEQUENCE,
                GONE,
                *(pl.col(n).alias(f"$k{i}") for i, n in enumerate(theirs)),
            ),
            on="$at",
            by=[f"$k{i}" for i in range(len(own))],
            check_sortedness=False,
        )
        keys = [pl.col(f"$k{i}").is_not_null() for i in range(len(own))]
        found = found.filter(pl.col(SEQUENCE).is_not_null(), ~pl.col(GONE), *keys)
        places, numbers = found[PLACE].to_numpy().astype(np.int64), found[SEQUENCE].to_numpy()
        return self.pairing.paired(left, places, pick(self.versions, self.pairing.right)[numbers])

    def _prune(self, watermark_ms: int) -> None:
        """Of what has passed only each key's last version can still be asked for."""
        passed = pl.Series(integers(self.versions[self.right_time]) <= watermark_ms * 1000)
        old = self.versions.filter(passed).sort(self.right_time, maintain_order=True)
        last = old.unique(subset=self.pairing.keys[1], keep="last", maintain_order=True).filter(~pl.col(GONE))
        self.versions = pl.concat([last, self.versions.filter(~passed)], rechunk=True)
        self._pruned = self.versions.height

    def snapshot(self) -> Blocks:
        return {"waiting": self.waiting, "versions": self.versions}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.waiting, self.versions = blocks["waiting"], blocks["versions"]
        self.first_us = int(integers(self.waiting[self.time]).min()) if self.waiting.height else FOREVER_US
        self._pruned = self.versions.height
