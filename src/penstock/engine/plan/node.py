"""What every plan node is. Nodes are frozen dataclasses that compare by value; each tells what rows it gives and what
it asks of the nodes it reads. Knows none of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, ClassVar, Self

from sqlglot import exp

from penstock.engine.types import Expr, Schema


class Node(ABC):
    """One step of a query. Expressions in it are over the columns of its inputs, by bare name."""

    __slots__ = ()
    keeps_rows: ClassVar[bool] = False
    """Whether it holds its inputs' rows as they are, so that a column nobody wants costs memory."""

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """The columns of its rows."""

    @property
    def inputs(self) -> "tuple[Node, ...]":
        """The nodes whose rows it reads, in the order of their ports."""
        source: Node = getattr(self, "source")  # noqa: B009  most nodes have one and call it so
        return (source,)

    def on(self, *inputs: "Node") -> Self:
        """The same step over other inputs."""
        (source,) = inputs
        made: Any = replace(self, source=source)  # type: ignore[type-var]
        return made  # type: ignore[no-any-return]

    @property
    def changes(self) -> bool:
        """Whether its rows may change or delete earlier ones, so that a sink that only appends must refuse them."""
        return any(node.changes for node in self.inputs)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The scalar expressions that stand in the node itself."""
        return ()

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """For each input, the columns that are needed so that `wanted` ones come out."""
        return ({*wanted} | columns_of(*self.expressions),)

    def narrowed(self, wanted: AbstractSet[str]) -> "Node":
        """The node without what only makes columns that nobody wants."""
        return self


def conjuncts(condition: Expr) -> list[Expr]:
    """The parts that AND holds together."""
    if isinstance(condition, exp.And):
        return conjuncts(condition.this) + conjuncts(condition.expression)
    return [condition]


def columns_of(*expressions: Expr | None) -> set[str]:
    """The columns that expressions read."""
    return {column.name for expr in expressions if expr is not None for column in expr.find_all(exp.Column)}
