"""Windows over event time, grouping sets, and aggregates over groups."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from penstock.engine.plan.node import Node
from penstock.engine.types import Column, Expr, Schema

WINDOW_COLUMNS = (
    Column("window_start", "TIMESTAMP(3)", False),
    Column("window_end", "TIMESTAMP(3)", False),
    Column("window_time", "TIMESTAMP(3)", False),
)
WINDOW_NAMES = tuple(column.name for column in WINDOW_COLUMNS)


@dataclass(frozen=True)
class Window(Node):
    """Assign each row to its windows over event-time column `time`; adds window_start, window_end, window_time.

    TUMBLE has `slide_ms == size_ms`; HOP has a smaller slide and a row in `size_ms / slide_ms` windows. CUMULATE's
    windows begin every `size_ms` and grow by `slide_ms` up to `size_ms`. SESSION's last until no row of the same
    `keys` has come for `size_ms`. With `clock` the time is the wall's (PROCTIME), and windows close by it.
    """

    source: Node
    kind: str
    time: str
    size_ms: int
    slide_ms: int
    offset_ms: int = 0
    keys: tuple[str, ...] = ()
    clock: bool = False

    @property
    def schema(self) -> Schema:
        """The source's columns and the window's three."""
        return self.source.schema + WINDOW_COLUMNS

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted of the rows, and what places them."""
        return (set(wanted).difference(WINDOW_NAMES) | {self.time, *self.keys},)


SET = Column("$set", "INT", False)
"""Which grouping set a row is of."""


@dataclass(frozen=True)
class GroupingSets(Node):
    """Each row once for each of the `sets`, whose number from 0 column `$set` says: those of the columns `keys` that are
    not in the set are NULL (Flink's Expand). An aggregate by all keys and `$set` has the groups of every set."""

    source: Node
    keys: tuple[str, ...]
    sets: tuple[tuple[str, ...], ...]

    @property
    def schema(self) -> Schema:
        """The source's columns, of which the keys may be NULL, and the set's number."""
        kept = (replace(c, nullable=True) if c.name in self.keys else c for c in self.source.schema)
        return (*kept, SET)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted, and the keys."""
        return ({*wanted, *self.keys} - {SET.name},)


@dataclass(frozen=True)
class Aggregation:
    """One aggregate: ``COUNT SUM MIN MAX AVG STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP FIRST_VALUE LAST_VALUE``.

    `argument` is None for ``COUNT(*)``; `condition` is ``FILTER (WHERE …)``.
    """

    column: Column
    function: str
    argument: Expr | None = None
    distinct: bool = False
    condition: Expr | None = None


@dataclass(frozen=True)
class Peak:
    """Of a window's rows those whose `column` is the largest in it, or the smallest; all that are."""

    column: str
    largest: bool


@dataclass(frozen=True)
class Aggregate(Node):
    """Group by `keys` (source column names). With `window` the source carries a window's columns, each group's row
    comes once, when the watermark passes the window's end; without, every change of a group is an update.

    Output columns: the keys, then the aggregates. With `window`, those of window_start, window_end and
    window_time that are grouped by stand among the keys. Without `window`, a group that no row came to for `ttl_ms` is
    forgotten (0: never; None: not said). With `window`, rows that come so `late_ms` after it fired change what it gave.
    With `peak` only those rows of each window come; that is for rules to say, and no part of what the query is.
    """

    source: Node
    keys: tuple[str, ...]
    aggregations: tuple[Aggregation, ...]
    window: bool = False
    ttl_ms: int | None = None
    late_ms: int = 0
    peak: Peak | None = field(default=None, repr=False)  # states are known by their plans' words

    @property
    def schema(self) -> Schema:
        """The keys, then the aggregates."""
        known = {column.name: column for column in self.source.schema}
        return tuple(known[key] for key in self.keys) + tuple(a.column for a in self.aggregations)

    @property
    def changes(self) -> bool:
        """Unless each group comes once."""
        return not self.window or self.late_ms > 0

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """Arguments and conditions."""
        parts = (part for a in self.aggregations for part in (a.argument, a.condition))
        return tuple(part for part in parts if part is not None)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """Keys and arguments: which groups there are does not depend on what is wanted of them."""
        return super().reads(set(self.keys))
