"""Tables as declared, and the scan that reads one."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from penstock.engine.plan.node import Node
from penstock.engine.plan.tests import Clock, Test, clock_of
from penstock.engine.types import Expr, Schema

SINCE = "$since"
"""The column that tells since when a row counts, of a table that has no event time of its own: its record's timestamp."""
UPDATING = ("upsert-kafka",)
"""Connectors whose rows replace earlier ones."""


CHANGELOGS = ("debezium-json",)
"""Formats whose records say which change each is."""
TESTED = ("json", "avro", "protobuf")
"""Formats whose readers test a row before they make it."""


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
    def changelog(self) -> bool:
        """Whether its records say what they do to rows, so that any change can be read and written."""
        form = self.options.get("value.format", self.options.get("format", ""))
        return self.connector == "kafka" and form in CHANGELOGS

    @property
    def tested(self) -> bool:
        """Whether who decodes its records may leave out rows that fail a test: of rows that change others none may go, and
        what time it is has to be known of all."""
        form = self.options.get("value.format", self.options.get("format", "json"))
        timed = self.watermark is None or self.clock is not None
        return self.connector == "kafka" and form in TESTED and timed

    @property
    def stored(self) -> Schema:
        """The columns a record's value holds, in order: without those that are computed, and without metadata."""
        other = {name for name, _ in self.computed} | {name for name, _ in self.metadata}
        return tuple(column for column in self.schema if column.name not in other)

    @property
    def clock(self) -> Clock | None:
        """What tells event time, if there is any and if it can be told of a row that is not made."""
        mark = self.watermark
        return (
            None if mark is None else clock_of(mark.column, dict(self.computed).get(mark.column), self.stored)
        )

    @property
    def topic(self) -> str:
        """The Kafka topic behind the table, where its connector has one."""
        return self.options.get("topic", self.name)


@dataclass(frozen=True)
class Scan(Node):
    """Rows of a declared table, append-only for ``kafka`` and ``datagen``, updating for ``upsert-kafka``: there the last
    row of each key is known until `ttl_ms` after it came (0: for ever; None: not said)."""

    table: Table
    ttl_ms: int | None = None
    tests: tuple[Test, ...] = field(default=(), repr=False)
    """What is asked of its rows above: those that fail are not wanted. How a scan runs, not which it is."""

    @property
    def schema(self) -> Schema:
        """The table's columns."""
        return self.table.schema

    @property
    def inputs(self) -> tuple[Node, ...]:
        """None: rows begin here."""
        return ()

    def on(self, *inputs: Node) -> "Scan":
        """Itself."""
        return self

    @property
    def changes(self) -> bool:
        """As the connector says."""
        return self.table.connector in UPDATING or self.table.changelog

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """Nothing below."""
        return ()
