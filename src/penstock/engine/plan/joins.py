"""Rows of two inputs side by side."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from penstock.engine.plan.node import Node, columns_of
from penstock.engine.types import Expr, Schema

PADDED_LEFT, PADDED_RIGHT = ("RIGHT", "FULL"), ("LEFT", "FULL")
"""Kinds of join whose left, and whose right, columns are null where nothing matches."""


@dataclass(frozen=True)
class Within:
    """Times of the two sides lie close: ``right + low_ms <= left <= right + high_ms``. Both are event time."""

    left: str
    right: str
    low_ms: int
    high_ms: int


@dataclass(frozen=True)
class Join(Node):
    """Pairs of rows that agree in `keys` (left column, right column) and for which `condition` is true.

    `kind` is ``INNER LEFT RIGHT FULL SEMI ANTI``; the last two give the left row alone, if it has a match or if it
    has none. Columns of the two sides have different names. A null key matches nothing. With `within` rows are let
    go once time has passed them (interval join); with `window` the sides carry the same windows, whose bounds are
    among `keys`, that left column is the window's end, and each window's pairs come when it closes. With `nulls`
    (NOT IN) a null in the one key there is matches every row, as it cannot be told that it does not. A regular join
    forgets a row of either side after its `ttl_ms` (0: never; None: not said).
    """

    keeps_rows = True

    left: Node
    right: Node
    kind: str
    keys: tuple[tuple[str, str], ...]
    condition: Expr | None = None
    within: Within | None = None
    window: str | None = None
    nulls: bool = False
    ttl_ms: tuple[int | None, int | None] = (None, None)

    @property
    def schema(self) -> Schema:
        """The left columns, then the right ones."""
        left, right = self.left.schema, self.right.schema
        if self.kind in ("SEMI", "ANTI"):
            return left
        if self.kind in PADDED_LEFT:
            left = tuple(replace(column, nullable=True) for column in left)
        if self.kind in PADDED_RIGHT:
            right = tuple(replace(column, nullable=True) for column in right)
        return left + right

    @property
    def inputs(self) -> tuple[Node, ...]:
        """Left is port 0, right is port 1."""
        return self.left, self.right

    def on(self, *inputs: Node) -> "Join":
        """The same over other sides."""
        left, right = inputs
        return replace(self, left=left, right=right)

    @property
    def changes(self) -> bool:
        """A row may lose its match, or get its first one, later; not where time or a window decides for good."""
        settled = self.within is not None or self.window is not None
        outer = self.kind not in ("INNER", "SEMI")
        return self.left.changes or self.right.changes or (outer and not settled)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The condition."""
        return () if self.condition is None else (self.condition,)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted of each side, its keys, its time, and what the condition reads."""
        read = {*wanted} | columns_of(*self.expressions)
        if self.within is not None:
            read |= {self.within.left, self.within.right}
        left, right = ({column.name for column in side.schema} for side in self.inputs)
        return (read & left) | {key for key, _ in self.keys}, (read & right) | {key for _, key in self.keys}


@dataclass(frozen=True)
class AsOf(Node):
    """Each left row with the right table's row of the same key as it was at the left row's time (temporal join,
    ``FOR SYSTEM_TIME AS OF``). `time` is the left event-time column, None for processing time: the row as it is now.

    `kind` is INNER or LEFT. The right side is a table with a key; `keys` pair left columns with it.
    """

    keeps_rows = True

    left: Node
    right: Node
    kind: str
    keys: tuple[tuple[str, str], ...]
    time: str | None
    right_time: str | None
    condition: Expr | None = None

    @property
    def schema(self) -> Schema:
        """The left columns, then the right ones."""
        right = self.right.schema
        if self.kind == "LEFT":
            right = tuple(replace(column, nullable=True) for column in right)
        return self.left.schema + right

    @property
    def inputs(self) -> tuple[Node, ...]:
        """Left is port 0, right is port 1."""
        return self.left, self.right

    def on(self, *inputs: Node) -> "AsOf":
        """The same over other sides."""
        left, right = inputs
        return replace(self, left=left, right=right)

    @property
    def changes(self) -> bool:
        """Rows are joined once: only the left side's own changes remain."""
        return self.left.changes

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The condition."""
        return () if self.condition is None else (self.condition,)

    def reads(self, wanted: AbstractSet[str]) -> tuple[set[str], ...]:
        """What is wanted of each side, its keys and its time."""
        times = {time for time in (self.time, self.right_time) if time is not None}
        read = {*wanted} | columns_of(*self.expressions) | times
        left, right = ({column.name for column in side.schema} for side in self.inputs)
        return (read & left) | {key for key, _ in self.keys}, (read & right) | {key for _, key in self.keys}
