"""The logical plan: what SQL text and the Python API both turn into, and what the engine runs.

Nodes are frozen dataclasses that compare by value, so a test can hold that two ways of writing a query are the
same query. Scalar expressions are sqlglot nodes whose columns are bare, resolved names of the input's schema
(`exp.column("amount", quoted=True)`); every node can tell its output schema. Knows nothing of how it will be run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from penstock.engine.types import Column, Expr, Schema

WINDOW_COLUMNS = (
    Column("window_start", "TIMESTAMP(3)", False),
    Column("window_end", "TIMESTAMP(3)", False),
    Column("window_time", "TIMESTAMP(3)", False),
)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Event time: rows of `column` come at most `late_ms` behind the latest seen (bounded out-of-orderness)."""

    column: str
    late_ms: int


@dataclass(frozen=True)
class Table:
    """A table as declared: ``CREATE TABLE name (schema, WATERMARK …, PRIMARY KEY …) WITH (options)``.

    `options` are the WITH pairs as written (Flink's keys: ``connector``, ``topic``, ``format``, ``value.format``,
    ``scan.startup.mode``, …). `computed` are columns ``name AS expression``; they stand in `schema` too.
    `metadata` maps a column to the connector's metadata key (``timestamp``, ``partition``, ``offset``, …);
    those in `virtual` are read only, so an INSERT neither fills them nor the computed columns (`written`).
    """

    name: str
    schema: Schema
    options: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    watermark: Watermark | None = None
    computed: tuple[tuple[str, Expr], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    virtual: tuple[str, ...] = ()

    @property
    def written(self) -> Schema:
        """The columns an INSERT fills, in order: without computed and virtual metadata columns."""
        skipped = {name for name, _ in self.computed}.union(self.virtual)
        return tuple(column for column in self.schema if column.name not in skipped)

    @property
    def connector(self) -> str:
        """``kafka``, ``upsert-kafka``, ``datagen``, ``print`` or ``blackhole``."""
        return self.options.get("connector", "")

    @property
    def topic(self) -> str:
        """The Kafka topic behind the table, where its connector has one."""
        return self.options.get("topic", self.name)


@dataclass(frozen=True)
class Scan:
    """Rows of a declared table, append-only for ``kafka`` and ``datagen``, updating for ``upsert-kafka``."""

    table: Table

    @property
    def schema(self) -> Schema:
        """The table's columns."""
        return self.table.schema


@dataclass(frozen=True)
class Filter:
    """Rows for which `condition` is true (not false, not null)."""

    source: "Node"
    condition: Expr

    @property
    def schema(self) -> Schema:
        """The source's columns."""
        return self.source.schema


@dataclass(frozen=True)
class Project:
    """New columns, each an expression over the source's."""

    source: "Node"
    columns: tuple[tuple[Column, Expr], ...]

    @property
    def schema(self) -> Schema:
        """The new columns."""
        return tuple(column for column, _ in self.columns)


@dataclass(frozen=True)
class Window:
    """Assign each row to its windows over event-time column `time`; adds window_start, window_end, window_time.

    TUMBLE has `slide_ms == size_ms`; HOP has a smaller slide and a row in `size_ms / slide_ms` windows.
    """

    source: "Node"
    kind: str
    time: str
    size_ms: int
    slide_ms: int
    offset_ms: int = 0

    @property
    def schema(self) -> Schema:
        """The source's columns and the window's three."""
        return self.source.schema + WINDOW_COLUMNS


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
class Aggregate:
    """Group by `keys` (source column names). With `window` the source carries a window's columns, each group's row
    comes once, when the watermark passes the window's end; without, every change of a group is an update.

    Output columns: the keys, then the aggregates. With `window`, those of window_start, window_end and
    window_time that are grouped by stand among the keys.
    """

    source: "Node"
    keys: tuple[str, ...]
    aggregations: tuple[Aggregation, ...]
    window: bool = False

    @property
    def schema(self) -> Schema:
        """The keys, then the aggregates."""
        known = {column.name: column for column in self.source.schema}
        return tuple(known[key] for key in self.keys) + tuple(a.column for a in self.aggregations)


@dataclass(frozen=True)
class Union:
    """The rows of all sources (UNION ALL); their schemas agree by position."""

    sources: tuple["Node", ...]

    @property
    def schema(self) -> Schema:
        """The first source's columns."""
        return self.sources[0].schema


Node: TypeAlias = Scan | Filter | Project | Window | Aggregate | Union


@dataclass(frozen=True)
class Sink:
    """Write a node's rows to a table; columns match `table.written` by position and are already cast to its types."""

    table: Table
    source: Node


@dataclass(frozen=True)
class Plan:
    """What one pipeline does: its sinks, planned together (a statement set), over one catalog."""

    sinks: tuple[Sink, ...]
    tables: tuple[Table, ...] = ()


def inputs(node: Node) -> tuple[Node, ...]:
    """The nodes a node reads from."""
    if isinstance(node, Scan):
        return ()
    return node.sources if isinstance(node, Union) else (node.source,)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each once per use, sources last."""
    yield node
    for source in inputs(node):
        yield from walk(source)


def updating(node: Node) -> bool:
    """Whether the node's rows may change or delete earlier ones (so a plain append-only sink must refuse them)."""
    if isinstance(node, Scan):
        return node.table.connector == "upsert-kafka"
    if isinstance(node, Aggregate) and not node.window:
        return True
    return any(updating(source) for source in inputs(node))
