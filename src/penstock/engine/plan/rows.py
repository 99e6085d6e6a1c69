"""Steps that look at one row at a time: filter, projection, arrays as rows; and rows of several inputs together."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from penstock.engine.plan.node import Node, columns_of
from penstock.engine.types import Column, Expr, Schema


@dataclass(frozen=True)
class Filter(Node):
    """Rows for which `condition` is true (not false, not null)."""

    source: Node
    condition: Expr

    @property
    def schema(self) -> Schema:
        """The source's columns."""
        return self.source.schema

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The condition."""
        return (self.condition,)


@dataclass(frozen=True)
class Project(Node):
    """New columns, each an expression over the source's."""

    source: Node
    columns: tuple[tuple[Column, Expr], ...]

    @property
    def schema(self) -> Schema:
        """The new columns."""
        return tuple(column for column, _ in self.columns)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """What makes each column."""
        return tuple(expr for _, expr in self.columns)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What the wanted columns are made of; without any, the one that `narrowed` keeps."""
        kept = [expr for column, expr in self.columns if column.name in wanted]
        return (columns_of(*(kept or self.expressions[:1])),)

    def narrowed(self, wanted: AbstractSet[str]) -> Node:
        """Only the wanted columns, and one at least."""
        kept = tuple(pair for pair in self.columns if pair[0].name in wanted) or self.columns[:1]
        return Project(self.source, kept)


@dataclass(frozen=True)
class Repeat(Node):
    """Each row as often as its column `times` says; the other columns remain."""

    source: Node
    times: str

    @property
    def schema(self) -> Schema:
        """The source's columns but for the count."""
        return tuple(column for column in self.source.schema if column.name != self.times)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted, and the count."""
        return ({*wanted, self.times},)


@dataclass(frozen=True)
class Beside(Node):
    """Each row beside each of the rows, none or many, that `value` gives for it.

    With `outer` a row for which it gives none stands beside nulls.
    """

    keeps_rows = True

    source: Node
    value: Expr
    columns: Schema
    outer: bool = False

    @property
    def schema(self) -> Schema:
        """The source's columns, then those of the value's rows."""
        if self.outer:
            return self.source.schema + tuple(replace(column, nullable=True) for column in self.columns)
        return self.source.schema + self.columns

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The value."""
        return (self.value,)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted of the source, and what the value is made of."""
        made = {column.name for column in self.columns}
        return (({*wanted} - made) | columns_of(self.value),)


@dataclass(frozen=True)
class Unnest(Beside):
    """The rows are an array's elements, or the pairs of a map (``CROSS JOIN UNNEST(a)``).

    Elements that are rows give a column for each field. `numbered`: the last column says which element it is, from 1.
    """

    numbered: bool = False


@dataclass(frozen=True)
class Union(Node):
    """The rows of all sources (UNION ALL); their schemas agree by position."""

    sources: tuple[Node, ...]

    @property
    def schema(self) -> Schema:
        """The first source's columns."""
        return self.sources[0].schema

    @property
    def inputs(self) -> tuple[Node, ...]:
        """All sources."""
        return self.sources

    def on(self, *inputs: Node) -> "Union":
        """The same over other sources."""
        return Union(inputs)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """All columns: they meet by position."""
        return tuple({column.name for column in source.schema} for source in self.sources)
