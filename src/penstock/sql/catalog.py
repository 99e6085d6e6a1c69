"""The tables and views a pipeline knows, by name; Python's declarations and SQL's live in the same one.

Knows names; where rows come from is the plan's.
"""

from dataclasses import dataclass, field, replace

from sqlglot import exp

from penstock.engine.functions.user import TableFunction, UserCall, UserFunction
from penstock.engine.plan import Node, Project, Scan, Sink, Table
from penstock.engine.plan.lifetimes import lasting
from penstock.engine.plan.settings import TTL
from penstock.sql.dialect import WINDOW_FUNCTIONS, FlinkParser
from penstock.sql.faults import At, QueryError, did_you_mean
from penstock.sql.nodes.intervals import milliseconds_of
from penstock.sql.nodes.values import ONE
from penstock.sql.support import function_names


def _scanned(table: Table) -> Node:
    """The rows of a table; columns that users' functions make are made above the scan, where calls are made."""
    called = {name: expr for name, expr in table.computed if expr.find(UserCall) is not None}
    if not called:
        return Scan(table)
    if table.watermark is not None and table.watermark.column in called:
        raise QueryError(
            f"event time of `{table.name}` cannot be what a user's function gives",
            remedy="a column of the record, or one that SQL's own functions make of it",
        )
    kept = tuple(column for column in table.schema if column.name not in called)
    computed = tuple(pair for pair in table.computed if pair[0] not in called)
    base = replace(table, schema=kept, computed=computed)
    made = tuple((c, called.get(c.name, exp.column(c.name, quoted=True))) for c in table.schema)
    return Project(Scan(base), made)


class NoTargetError(QueryError):
    """An INSERT names a table that nobody has declared."""


@dataclass
class Catalog:
    """What has been declared so far, in order, and the sinks that are filled."""

    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, Node] = field(default_factory=dict)
    sinks: list[Sink] = field(default_factory=list)
    functions: dict[str, UserFunction | TableFunction] = field(default_factory=dict)
    """Users' functions, by name in capitals: SQL does not tell cases apart there."""
    settings: dict[str, str] = field(default_factory=dict)
    """What SET said, of what changes plans."""

    def add_sink(self, sink: Sink) -> None:
        """Fill a table, by the settings as they are now."""
        ttl_ms = milliseconds_of(self.settings.get(TTL, "0"))
        self.sinks.append(replace(sink, source=lasting(sink.source, ttl_ms)) if ttl_ms else sink)

    def add_table(self, table: Table, at: At = None, *, exist_ok: bool = False) -> None:
        """Declare a table; a name stands for one thing only."""
        if table.name == ONE.name:
            raise QueryError(f"a table cannot be called `{ONE.name}`", at, remedy="choose another name")
        if not self._taken(table.name, at, exist_ok):
            self.tables[table.name] = table

    def add_view(self, name: str, node: Node, at: At = None, *, exist_ok: bool = False) -> None:
        """Name a query."""
        if not self._taken(name, at, exist_ok):
            self.views[name] = node

    def _taken(self, name: str, at: At, exist_ok: bool) -> bool:
        if name not in self.tables and name not in self.views:
            return False
        if not exist_ok:
            raise QueryError(
                f"`{name}` is declared twice", at, remedy="choose another name, or write IF NOT EXISTS"
            )
        return True

    def add_function(self, function: UserFunction | TableFunction) -> None:
        """Let SQL call a function of the user's."""
        name = function.name.upper()
        if name in (
            *function_names(),
            *FlinkParser.FUNCTIONS,
            *FlinkParser.FUNCTION_PARSERS,
            *WINDOW_FUNCTIONS,
        ):
            raise QueryError(f"{name} is one of SQL's own functions", remedy="choose another name")
        if name in self.functions:
            raise QueryError(f"the function {name} is declared twice", remedy="choose another name")
        self.functions[name] = function

    def resolved(self, tree: exp.Expression) -> exp.Expression:
        """The tree, in place, with the calls of users' functions as such."""
        for call in reversed(list(tree.find_all(exp.Anonymous))):  # those within others first
            function = self.functions.get(call.name.upper())
            if isinstance(function, UserFunction):
                made = UserCall(this=function, expressions=call.expressions)
                call.replace(made.update_positions(call))
        return tree

    def relation(self, name: str, at: At = None) -> Node:
        """The rows behind a name: a view's query, or a scan of a table that can be read."""
        if name in self.views:
            return self.views[name]
        if name not in self.tables:
            raise QueryError(
                f"there is no table `{name}`",
                at,
                remedy=did_you_mean(name, [*self.tables, *self.views], "tables"),
            )
        table = self.tables[name]
        if table.connector in ("print", "blackhole"):
            raise QueryError(f"`{name}` is a {table.connector} table: it can only be written", at)
        return _scanned(table)

    def target(self, name: str, at: At = None) -> Table:
        """The table behind a name that an INSERT fills."""
        if name in self.views:
            raise QueryError(
                f"`{name}` is a view: it cannot be written", at, remedy="CREATE TABLE … WITH ('connector'=…)"
            )
        if name not in self.tables:
            raise NoTargetError(
                f"there is no table `{name}`", at, remedy=did_you_mean(name, self.tables, "tables")
            )
        if self.tables[name].connector == "datagen":
            raise QueryError(f"`{name}` is a datagen table: it can only be read", at)
        return self.tables[name]
