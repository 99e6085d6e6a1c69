"""Steps that need rows in order: the first of each group, and aggregates over the rows before."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from penstock.engine.plan.grouping import Aggregation
from penstock.engine.plan.node import Node
from penstock.engine.types import Column, Expr, Schema


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by. Null is lower than all: first upwards, last downwards, as in Flink."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class Top(Node):
    """Of each group of equal `keys` the first `limit` rows by `order`: top-N, and with a limit of 1 deduplication.

    `rank` is the column that tells each row its place, from 1, if the query keeps it. With `window` the source
    carries a window's columns, its bounds are among `keys`, that one is its end, and each window's rows come once,
    when it closes. Of rows that sort alike the first to come is first, with `newest` the last. Without `window`, a row
    is forgotten after `ttl_ms` (0: never; None: not said).
    """

    keeps_rows = True

    source: Node
    keys: tuple[str, ...]
    order: tuple[Order, ...]
    limit: int
    rank: str | None = None
    window: str | None = None
    newest: bool = False
    ttl_ms: int | None = None

    @property
    def schema(self) -> Schema:
        """The source's columns, and the rank."""
        return self.source.schema + (() if self.rank is None else (Column(self.rank, "BIGINT", False),))

    @property
    def changes(self) -> bool:
        """A better row pushes others out."""
        return self.window is None

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted, and what groups and sorts."""
        return ((set(wanted) - {self.rank or ""}) | {*self.keys, *(one.column for one in self.order)},)

    def narrowed(self, wanted: AbstractSet[str]) -> Node:
        """Without a rank that nobody reads: a row that only moves then changes nothing."""
        return self if self.rank is None or self.rank in wanted else replace(self, rank=None)


@dataclass(frozen=True, slots=True)
class Lag:
    """The value that column `of` had `offset` rows before: ``LAG``. Where there is no such row, that of column `default`.

    Of rows of one time each sees all the others before it, as in Flink: they have one value, and the last one's default.
    """

    column: Column
    of: str
    offset: int = 1
    default: str | None = None


@dataclass(frozen=True)
class Over(Node):
    """Aggregates over each row and those before it of the same `keys`, by event-time column `time`; with `clock` by the
    wall's, in the order in which the rows come. Such a group is forgotten after `ttl_ms` (0: never; None: not said).

    `rows` counts the rows before it that take part (ROWS BETWEEN n PRECEDING), `range_ms` how far back they lie
    (RANGE BETWEEN INTERVAL … PRECEDING); neither: all. `lags` stand only where all rows before take part. Output
    columns: the source's, then the aggregates, then the lags.
    """

    keeps_rows = True

    source: Node
    keys: tuple[str, ...]
    time: str
    aggregations: tuple[Aggregation, ...]
    rows: int | None = None
    range_ms: int | None = None
    by_rows: bool = False
    lags: tuple[Lag, ...] = ()
    clock: bool = False
    ttl_ms: int | None = None

    @property
    def waits_by_clock(self) -> bool:
        """Whether rows wait until the clock has gone on, and with it all that came in the same millisecond."""
        return self.clock and self.range_ms is not None

    @property
    def schema(self) -> Schema:
        """The source's columns, then the aggregates, then the lags."""
        return self.source.schema + self.made

    @property
    def made(self) -> Schema:
        """The columns that it adds."""
        return tuple(one.column for one in self.aggregations) + tuple(lag.column for lag in self.lags)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """Arguments and conditions."""
        parts = (part for a in self.aggregations for part in (a.argument, a.condition))
        return tuple(part for part in parts if part is not None)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted, keys, time, arguments."""
        made = {column.name for column in self.made}
        lagged = {name for lag in self.lags for name in (lag.of, lag.default) if name is not None}
        return super().reads((set(wanted) - made) | lagged | {*self.keys, self.time})
