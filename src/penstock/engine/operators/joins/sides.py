"""What all joins share: two sides' rows on shelves by key, and pairs of them as frames.

Knows nothing of when pairs are given out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.expressions import asks_time, bind
from penstock.engine.operators.operator import Blocks, Moment
from penstock.engine.operators.stages import with_now
from penstock.engine.plan import Join, columns_of
from penstock.engine.run.columns import pick, there
from penstock.engine.run.kept.shelves import Shelves
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import Schema, polars_type

Numbers = NDArray[np.int64]


def types_of(schema: Schema) -> dict[str, pl.DataType]:
    """A schema's columns as polars has them."""
    return {column.name: polars_type(column.kind) for column in schema}


class Side:
    """One input: its columns, its key columns, and the rows that may still find a match."""

    def __init__(self, schema: Schema, keys: Sequence[str], changes: bool, ttl_ms: int | None = None) -> None:
        self.types, self.keys = types_of(schema), list(keys)
        self.shelves = Shelves(self.types, changes, ttl_ms)

    def nothing(self, rows: int) -> list[pl.Series]:
        """So many rows of nulls."""
        return [pl.Series(n, [None], dtype=kind).new_from_index(0, rows) for n, kind in self.types.items()]


class Sides:
    """Both inputs over one table of keys."""

    def __init__(self, plan: Join) -> None:
        self.both = (
            Side(plan.left.schema, [key for key, _ in plan.keys], plan.left.changes, plan.ttl_ms[0]),
            Side(plan.right.schema, [key for _, key in plan.keys], plan.right.changes, plan.ttl_ms[1]),
        )
        left = self.both[0]
        self.nulls = plan.nulls
        self.table = KeyTable({key: left.types[key] for key in left.keys})
        self.condition = None
        if plan.condition is not None:
            schema = plan.left.schema + plan.right.schema
            self.condition = bind(plan.condition, schema).expr.cast(pl.Boolean)
            self.read = columns_of(plan.condition)
            self.timed = asks_time(self.condition)

    def slots(self, rows: pl.DataFrame, port: int) -> Numbers:
        """Each row's key number; -1 where a key is null, which matches nothing."""
        keys = self.both[port].keys
        if not keys:
            return np.zeros(rows.height, np.int64)
        held = pick(rows, keys).clone()  # it gets other names
        held.columns = list(self.table.schema)
        if self.nulls:
            return self.table.number(held)
        whole = np.logical_and.reduce([there(held[name]) for name in held.columns])
        if whole.all():
            return self.table.number(held)
        slots = np.full(rows.height, -1, np.int64)
        slots[whole] = self.table.number(held.filter(pl.Series(whole)))
        return slots

    def matches(
        self, rows: pl.DataFrame, slots: Numbers, port: int, moment: Moment
    ) -> tuple[Numbers, Numbers]:
        """The other side's rows that match, as (place in `rows`, row number of the other side)."""
        found = self._doubtful if self.nulls else self._equal
        places, numbers = found(rows, slots, port)
        if self.condition is None or not len(places):
            return places, numbers
        pairs = self.pairs(rows, places, numbers, port, self.read)
        if self.timed:
            pairs = with_now(pairs, moment.now)
        held = pairs.select(self.condition.alias("ok")).to_series().fill_null(False)
        kept = (
            held.to_numpy() if len(held) == len(places) else np.full(len(places), bool(held[0]))
        )  # a condition without columns gives one row
        return places[kept], numbers[kept]

    def _equal(self, rows: pl.DataFrame, slots: Numbers, port: int) -> tuple[Numbers, Numbers]:
        """The other side's rows of the same key."""
        return self.both[1 - port].shelves.of(slots)

    def _doubtful(self, rows: pl.DataFrame, slots: Numbers, port: int) -> tuple[Numbers, Numbers]:
        """The other side's rows that are not known to have another key: those of the same, and wherever null stands."""
        others = self.both[1 - port].shelves
        known = there(rows[self.both[port].keys[0]])
        nothing = int(self.table.number(pl.DataFrame(schema=self.table.schema).clear(1))[0])
        same = others.of(np.where(known, slots, -1))
        null = others.of(np.where(known, nothing, -1))
        every, unknown = np.flatnonzero(others.copies > 0), np.flatnonzero(~known)
        parts = same, null, (np.repeat(unknown, len(every)), np.tile(every, len(unknown)))
        places, numbers = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = np.argsort(places, kind="stable")
        return places[order], numbers[order]

    def pairs(
        self, rows: pl.DataFrame, places: Numbers, numbers: Numbers, port: int, wanted: set[str] | None = None
    ) -> pl.DataFrame:
        """Rows of one port beside rows of the other side's shelves: left columns first."""
        mine, others = self.both[port], self.both[1 - port]
        own = [name for name in mine.types if wanted is None or name in wanted]
        other = [name for name in others.types if wanted is None or name in wanted]
        one = pick(rows, own)[places].get_columns() if own else []
        two = others.shelves.take(numbers, other).get_columns() if other else []
        return pl.DataFrame(one + two if port == 0 else two + one)

    def alone(self, rows: pl.DataFrame, port: int) -> pl.DataFrame:
        """Rows of one port beside nulls."""
        one = pick(rows, self.both[port].types).get_columns()
        two = self.both[1 - port].nothing(rows.height)
        return pl.DataFrame(one + two if port == 0 else two + one)

    def lapse(self, now: Now) -> None:
        """It is now: let go of rows whose time is over."""
        if now.wall_ms >= self.wakes_ms:
            for side in self.both:
                side.shelves.lapse(now)
            self.tidy()
        for side in self.both:
            if side.shelves.expiry is not None:
                side.shelves.expiry.now_ms = now.wall_ms

    @property
    def wakes_ms(self) -> int:
        """When `lapse` has something to do."""
        return min(side.shelves.wakes_ms for side in self.both)

    def tidy(self) -> None:
        """Sweep out what is gone once it is the most, and then keys that nobody has."""
        crowded = [side for side in self.both if side.shelves.crowded]
        for side in crowded:
            side.shelves.sweep()
        if crowded:
            self.forget()

    def forget(self) -> None:
        """Let go of keys that no row has, once they are the most."""
        if not self.table.schema or len(self.table) <= 4096:
            return
        used = np.unique(np.concatenate([side.shelves.slots for side in self.both]))
        if len(used) * 2 < len(self.table):
            self.keep(used)

    def keep(self, used: Numbers) -> None:
        """Only these keys, numbered anew. Both sides' shelves are swept."""
        numbers = np.full(len(self.table), -1, np.int64)
        numbers[used] = np.arange(len(used))
        self.table.keep(used)
        for side in self.both:
            side.shelves.sweep()
            side.shelves.renumber(numbers)

    @property
    def living(self) -> int:
        """How many rows are kept."""
        return sum(side.shelves.living for side in self.both)

    def snapshot(self) -> Blocks:
        """Keys, and both sides' rows."""
        left, right = self.both
        return {
            "keys": self.table.growth(), **left.shelves.snapshot("left"), **right.shelves.snapshot("right")
        }  # fmt: skip

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        """The opposite of `snapshot`."""
        self.table.clear()
        if self.table.schema:
            self.table.number(blocks["keys"])
        for side, name in zip(self.both, ("left", "right"), strict=True):
            side.shelves.restore(blocks, name)
