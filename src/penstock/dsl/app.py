"""An app: the topics, tables and pipelines that a Python file declares, as one plan over one catalog.

SQL and Python see each other's tables. Knows nothing of running: `penstock.testing.app.App` adds `test`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from penstock.dsl import user
from penstock.dsl.ordering import By
from penstock.dsl.schemas import SchemaLike, schema_of
from penstock.dsl.streams import Stream
from penstock.dsl.versions import everywhere, versioned
from penstock.durations import Duration, milliseconds
from penstock.engine.plan import Node, Plan, Scan, Sink, Table, Watermark, settings
from penstock.engine.types import Column, Schema
from penstock.errors import PenstockError
from penstock.sql.catalog import Catalog, NoTargetError
from penstock.sql.ddl import options as with_options
from penstock.sql.ddl.checks import check_time, checked
from penstock.sql.faults import did_you_mean
from penstock.sql.lower.sink import sinked
from penstock.sql.script import plan_of, run

Body = TypeVar("Body", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)
KAFKA = {"connector": "kafka", "format": "json", "scan.startup.mode": "earliest-offset"}
UPSERT = {"connector": "upsert-kafka", "key.format": "json", "value.format": "json"}


class App:
    """Declares what flows where.

    >>> app = App("shop")
    >>> payments = app.topic("payments", {"card": str, "amount": float, "at": datetime}, event_time="at", late="5s")
    >>> payments.filter(col.amount > 100).to("large")
    """

    def __init__(self, name: str, *, ttl: Duration | None = None, late_rows: str | None = None) -> None:
        """With `ttl` joins, groups, top-N and the last rows of tables forget what nobody wrote for so long. Rows that come
        too late for every window go to the topic `late_rows`, as JSON; without one they are only counted."""
        self.name = name
        self.catalog = Catalog()
        if ttl is not None:
            self.catalog.settings[settings.TTL] = str(milliseconds(ttl))
        if late_rows is not None:
            self.catalog.settings[settings.LATE_TOPIC] = late_rows
        self._later: list[str] = []
        self._versioned: dict[str, Table] = {}

    def topic(
        self,
        name: str,
        schema: SchemaLike,
        *,
        event_time: str | None = None,
        late: Duration = "0 ms",
        options: Mapping[str, str] | None = None,
    ) -> Stream:
        """A topic of records: `event_time` names the column that windows go by, `late` how far behind it rows come.

        `options` are Flink's, as in WITH (…), over the defaults.
        """
        columns = schema_of(schema)
        watermark = _watermark(columns, event_time, late)
        return self._declared(
            Table(name, columns, {**KAFKA, "topic": name, **(options or {})}, (), watermark)
        )

    def table(
        self,
        name: str,
        schema: SchemaLike,
        *,
        key: str | tuple[str, ...],
        event_time: str | None = None,
        late: Duration = "0 ms",
        options: Mapping[str, str] | None = None,
    ) -> Stream:
        """A table that changes: the last row of each key counts. `event_time` names the column that says since when."""
        table = _upsert_table(name, schema_of(schema), key, options)
        return self._declared(replace(table, watermark=_watermark(table.schema, event_time, late)))

    def live(self, name: str, stream: Stream, *, key: str | tuple[str, ...]) -> Stream:
        """Keep a stream's last row of each key as a live table, for the API, the console and other pipelines."""
        table = _upsert_table(name, stream.schema, key, None)
        sink = sinked(table, stream.node)
        self.catalog.add_table(table)
        # Within the app the name reads the stream itself: the same rows, without the way through the topic.
        self.catalog.views[name] = stream.node
        self.catalog.add_sink(sink)
        return stream

    def function(
        self,
        body: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        returns: Any = None,
        batch: bool = False,
        nulls: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """A decorator: a Python function as a function of columns, here and in `app.sql`.

        It is called row by row with Python's values; with `batch` with polars Series, and returns a Series. What it
        returns is `returns`, or its type hint. It is not called for a null, and the result is null then, unless a
        parameter's hint allows None, or `nulls` says so. One whose answers may differ says ``deterministic=False``:
        the job then keeps its state with every commit.

        >>> @app.function
        ... def euros(cents: int) -> float:
        ...     return cents / 100
        """
        if body is None:
            return partial(
                self.function,
                name=name,
                returns=returns,
                batch=batch,
                nulls=nulls,
                deterministic=deterministic,
            )
        made = user.declared(
            body, name=name, returns=returns, batch=batch, nulls=nulls, deterministic=deterministic
        )
        self.catalog.add_function(made)
        return user.Function(made)

    def table_function(
        self,
        body: Callable[..., Any] | None = None,
        *,
        emits: SchemaLike,
        name: str | None = None,
        nulls: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """A decorator: a Python generator as a function that gives rows, for `stream.lateral` and LATERAL TABLE.

        >>> @app.table_function(emits={"word": str})
        ... def words(text: str):
        ...     yield from text.split()
        """
        if body is None:
            return partial(
                self.table_function, emits=emits, name=name, nulls=nulls, deterministic=deterministic
            )
        made = user.declared_table(body, name=name, emits=emits, nulls=nulls, deterministic=deterministic)
        self.catalog.add_function(made)
        return user.Function(made)

    def map_batches(
        self, stream: Stream, *, emits: SchemaLike, to: str | None = None, **more: Any
    ) -> Callable[[Body], Body]:
        """A decorator: `stream.map_batches` of the function, written `to` a topic or under the function's name."""

        def declare(body: Body) -> Body:
            self._name_or_write(user.name_of(body), to, stream.map_batches(body, emits=emits, **more))
            return body

        return declare

    def process(
        self, stream: Stream, *, by: By, emits: SchemaLike, to: str | None = None, **more: Any
    ) -> Callable[[Class], Class]:
        """A decorator: `stream.process` of the class, written `to` a topic or under the class's name."""

        def declare(body: Class) -> Class:
            self._name_or_write(body.__name__, to, stream.process(body, by=by, emits=emits, **more))
            return body

        return declare

    def _name_or_write(self, name: str, to: str | None, stream: Stream) -> None:
        if to is None:
            self.catalog.add_view(name, stream.node)
        else:
            stream.to(to)

    def write(self, name: str, stream: Stream) -> None:
        """What `stream.to(name)` does."""
        table = self.catalog.tables.get(name)
        if table is None:
            if stream.node.changes:
                raise PenstockError(
                    f"the stream changes rows it gave before, and the topic {name} only appends",
                    remedy=f'app.live("{name}", stream, key=…), or aggregate over a window',
                )
            table = Table(
                name, _declarable(stream.schema), {"connector": "kafka", "topic": name, "format": "json"}
            )
            sink = Sink(table, stream.node)
            self.catalog.add_table(table)
        else:
            sink = sinked(self.catalog.target(name), stream.node)
        self.catalog.add_sink(sink)

    def stream(self, name: str) -> Stream:
        """The rows of a table or view that was declared before, in Python or in SQL."""
        return Stream(self, self.catalog.relation(name))

    def sql(self, text: str) -> None:
        """Run Flink SQL statements against the app's tables: CREATE TABLE, CREATE VIEW, INSERT INTO.

        An INSERT INTO a table that is not declared yet waits for the end of the program.
        """
        try:
            run(text, self.catalog, place=f"{self.name}: app.sql")
        except PenstockError as error:
            if not isinstance(error.__context__, NoTargetError):
                raise
            self._later.append(text)

    def plan(self) -> Plan:
        """Everything the app writes, as one plan; raises `PenstockError` if that is nothing."""
        while self._later:
            run(self._later[0], self.catalog, place=f"{self.name}: app.sql")
            del self._later[0]
        if not self.catalog.sinks:
            raise PenstockError(
                f"the app {self.name} writes nothing", remedy="stream.to(…), app.live(…) or app.sql(…)"
            )
        return everywhere(plan_of(self.catalog), self._versioned)

    @property
    def writes_nothing(self) -> bool:
        """Whether it declares no pipeline: it may have tasks."""
        return not self.catalog.sinks and not self._later

    def version(self, node: Node) -> Node:
        """A table's rows with the time since when each counts, which their records' timestamps tell."""
        made, table = versioned(node)
        self._versioned[table.name] = table
        return made

    def _declared(self, table: Table) -> Stream:
        with_options.check(table.options, {})
        self.catalog.add_table(checked(table))
        return Stream(self, Scan(table))


def _watermark(columns: Schema, name: str | None, late: Duration) -> Watermark | None:
    if name is None:
        return None
    found = {c.name: c.kind for c in columns}
    if name not in found:
        raise PenstockError(f"there is no column {name}", remedy=did_you_mean(name, found, "columns"))
    check_time(name, found[name])
    return Watermark(name, milliseconds(late))


def _upsert_table(
    name: str, columns: Schema, key: str | tuple[str, ...], options: Mapping[str, str] | None
) -> Table:
    keys = (key,) if isinstance(key, str) else tuple(key)
    known = [c.name for c in columns]
    for part in keys:
        if part not in known:
            raise PenstockError(
                f"{name}: there is no column {part} for its key", remedy=did_you_mean(part, known, "columns")
            )
    return Table(name, _declarable(columns, keys), {**UPSERT, "topic": name, **(options or {})}, keys)


def _declarable(columns: Schema, keys: tuple[str, ...] = ()) -> Schema:
    """The columns as ``CREATE TABLE`` would declare them: only a key is never null."""
    return tuple(Column(c.name, c.kind, c.name not in keys) for c in columns)
