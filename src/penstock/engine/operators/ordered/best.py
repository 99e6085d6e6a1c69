"""The first rows of each group, of rows that only come and are ordered by whole numbers: each group's list is kept in
order, and a row is put where it belongs in it, or let go (Flink's AppendOnlyTopNFunction).

Knows nothing of rows that are taken back, of windows, of lifetimes: those are `top`'s.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.kernels import ranking
from penstock.engine.operators.operator import KIND, Blocks, Moment, Operator
from penstock.engine.operators.ordered.first import Ranks
from penstock.engine.plan import Top
from penstock.engine.room import widened
from penstock.engine.run.columns import pick
from penstock.engine.run.kept.store import Store
from penstock.engine.run.keys import KeyTable
from penstock.engine.types import polars_type

Numbers = NDArray[np.int64]
LIMIT_MAX = 64


class BestRows(Operator):
    """`sizes` says how long each group's list is, `numbers` which rows stand in it, `values` what they are ordered by."""

    name = "top"

    def __init__(self, plan: Top) -> None:
        self.types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        self.keys, self.limit, self.rank = plan.keys, plan.limit, plan.rank
        self.ranks = Ranks(plan.order, plan.newest)
        self.table = KeyTable({key: self.types[key] for key in plan.keys})
        self._clear()

    @staticmethod
    def fit(plan: Top) -> bool:
        """Whether it can do a node's work."""
        types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        grows = not plan.source.changes and plan.window is None and not plan.ttl_ms
        return grows and 1 <= plan.limit <= LIMIT_MAX and Ranks.fit(types, plan.order)

    def _clear(self) -> None:
        self.rows = Store(self.types)
        self._sizes, self._seen = np.zeros(16, np.int64), np.full(16, -1, np.int64)
        self._numbers = np.empty((16, self.limit), np.int64)
        self._values = np.empty((16, self.limit, len(self.ranks.names)), np.int64)
        self.living = 0

    @property
    def state_rows(self) -> int:
        return self.living

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        slots = self.table.number(pick(rows, self.keys)) if self.keys else np.zeros(rows.height, np.int64)
        self._reserve(int(slots.max()) + 1)
        first, ranks = len(self.rows), self.ranks
        touched, olds = np.empty(len(slots), np.int64), np.empty((len(slots), self.limit), np.int64)
        count, more = ranking.place_best(
            slots, ranks.of(rows), ranks.directions, ranks.newest, first,
            self._sizes, self._numbers, self._values, self._seen, touched, olds,
        )  # fmt: skip
        self.living += int(more)
        touched, olds = touched[: int(count)], olds[: int(count)]
        self._take_in(rows, touched, first)
        made = self._changes(touched, olds, first)
        if len(self.rows) > 4096 and self.living * 2 < len(self.rows):
            self._compact()
        return made

    def _take_in(self, rows: pl.DataFrame, touched: Numbers, first: int) -> None:
        """Keep the rows that stand in some list now."""
        places = np.full(rows.height, -1, np.int64)
        count = int(ranking.settle_best(touched, self._sizes, self._numbers, first, places))
        if count:
            chosen = np.empty(count, np.int64)
            there = np.flatnonzero(places >= 0)
            chosen[places[there]] = there
            self.rows.append(pick(rows, self.types)[chosen])

    def _changes(self, touched: Numbers, olds: Numbers, first: int) -> pl.DataFrame | None:
        room = 2 * self.limit * len(touched)
        numbers, places, kinds = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int8)
        by_rank = self.rank is not None or self.limit == 1
        count = int(
            ranking.compare_best(
                touched,
                olds,
                self._sizes,
                self._numbers,
                first,
                by_rank,
                self.befores,
                numbers,
                places,
                kinds,
            )
        )
        if not count:
            return None
        extra = [] if self.rank is None else [pl.Series(self.rank, places[:count])]
        return self.rows.take(numbers[:count]).with_columns(*extra, pl.Series(KIND, kinds[:count]))

    # --- room ------------------------------------------------------------------------------------------------

    def _reserve(self, count: int) -> None:
        self._sizes, self._seen = widened(self._sizes, count, 0), widened(self._seen, count, -1)
        self._numbers, self._values = widened(self._numbers, count, -1), widened(self._values, count, 0)

    def _stand(self) -> NDArray[np.bool_]:
        """Which places of the lists are taken."""
        made: NDArray[np.bool_] = np.arange(self.limit) < self._sizes[:, None]
        return made

    def _compact(self) -> None:
        """Forget the rows that stand in no list; the others go by group and place."""
        stand = self._stand()
        self.rows.keep(self._numbers[stand])
        self._numbers[stand] = np.arange(len(self.rows))

    def snapshot(self) -> Blocks:
        sizes = pl.DataFrame({"size": self._sizes[: len(self.table) if self.keys else 1]})
        numbers = pl.DataFrame({"number": self._numbers[self._stand()]})
        return {
            "keys": self.table.growth(), "sizes": sizes, "numbers": numbers, "rows": self.rows.growth()
        }  # fmt: skip

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.table.clear()
        if self.keys:
            self.table.number(blocks["keys"])
        self._clear()
        sizes, rows = blocks["sizes"]["size"].to_numpy(), blocks["rows"]
        self._reserve(len(sizes))
        self._sizes[: len(sizes)] = sizes
        self.rows.append(rows)
        numbers = blocks["numbers"]["number"].to_numpy() if "numbers" in blocks else np.arange(rows.height)
        self.living = len(numbers)
        stand = self._stand()
        self._numbers[stand] = numbers
        self._values[stand] = self.ranks.of(rows)[numbers]
