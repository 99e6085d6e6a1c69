"""Steps that run users' own Python: rows made of a row, batches made of batches, and classes with state and timers.

`Apply` is how the engine computes calls that stand in expressions; plans that are written have none.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from penstock.engine.functions.user import FrameFunction, ProcessClass, TableCall, UserCall
from penstock.engine.plan.node import Node, columns_of
from penstock.engine.plan.rows import Beside
from penstock.engine.types import Column, Expr, Schema


@dataclass(frozen=True)
class Call:
    """One call and the column that it makes; with `when` only rows for which that is true are asked about."""

    column: Column
    call: UserCall
    when: Expr | None = None


@dataclass(frozen=True)
class Apply(Node):
    """The source's columns and one for each call; a call may read the columns of those before it."""

    source: Node
    calls: tuple[Call, ...]

    @property
    def schema(self) -> Schema:
        """The source's columns, then the calls'."""
        return self.source.schema + tuple(call.column for call in self.calls)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """Calls and their conditions."""
        parts = (part for one in self.calls for part in (one.call, one.when))
        return tuple(part for part in parts if part is not None)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted of the source and what the calls read."""
        made = {one.column.name for one in self.calls}
        return (({*wanted} | columns_of(*self.expressions)) - made,)

    def narrowed(self, wanted: AbstractSet[str]) -> Node:
        """Without calls that nobody reads."""
        kept, read = list[Call](), {*wanted}
        for one in reversed(self.calls):
            if one.column.name in read:
                kept.append(one)
                read |= columns_of(one.call, one.when)
        return Apply(self.source, tuple(reversed(kept))) if kept else self.source


@dataclass(frozen=True)
class Expand(Beside):
    """The rows are those of a table function's call (``CROSS JOIN LATERAL TABLE(f(x))``)."""

    value: TableCall


@dataclass(frozen=True)
class MapBatches(Node):
    """What a function makes of each batch of rows; it sees all columns. `time` is the emitted event time, if any."""

    source: Node
    function: FrameFunction
    time: str | None = None

    @property
    def schema(self) -> Schema:
        """The function's columns."""
        return self.function.emits

    @property
    def changes(self) -> bool:
        """What is emitted stays."""
        return False

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """All: nobody knows what the function looks at."""
        return ({column.name for column in self.source.schema},)


@dataclass(frozen=True)
class Process(Node):
    """What a class emits, that sees the rows of each key one by one, keeps state by key and sets timers.

    `clock` is the source's event time, None where it has none; `time` the emitted one, if any.
    """

    source: Node
    function: ProcessClass
    keys: tuple[str, ...]
    clock: str | None = None
    time: str | None = None

    @property
    def schema(self) -> Schema:
        """The class's columns."""
        return self.function.emits

    @property
    def changes(self) -> bool:
        """What is emitted stays."""
        return False

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """All: nobody knows what the class looks at."""
        return ({column.name for column in self.source.schema},)
