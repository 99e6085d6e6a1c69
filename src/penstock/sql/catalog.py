"""The tables and views a pipeline knows, by name; Python's declarations and SQL's live in the same one.

Knows names; where rows come from is the plan's.
"""

from dataclasses import dataclass, field

from penstock.engine.plan import Node, Scan, Sink, Table
from penstock.sql.faults import At, QueryError, did_you_mean


@dataclass
class Catalog:
    """What has been declared so far, in order, and the sinks that are filled."""

    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, Node] = field(default_factory=dict)
    sinks: list[Sink] = field(default_factory=list)

    def add_table(self, table: Table, at: At = None, *, exist_ok: bool = False) -> None:
        """Declare a table; a name stands for one thing only."""
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
        return Scan(table)

    def target(self, name: str, at: At = None) -> Table:
        """The table behind a name that an INSERT fills."""
        if name in self.views:
            raise QueryError(
                f"`{name}` is a view: it cannot be written", at, remedy="CREATE TABLE … WITH ('connector'=…)"
            )
        if name not in self.tables:
            raise QueryError(
                f"there is no table `{name}`", at, remedy=did_you_mean(name, self.tables, "tables")
            )
        if self.tables[name].connector == "datagen":
            raise QueryError(f"`{name}` is a datagen table: it can only be read", at)
        return self.tables[name]
