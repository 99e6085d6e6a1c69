"""Top-N and deduplication: ``ROW_NUMBER() OVER (PARTITION BY … ORDER BY …)`` and a WHERE that bounds it.

Source: Flink documentation, "Top-N", "Deduplication", "Window Top-N". A rank has a meaning only with its bound, so
the inner query hands it on as `Numbered`, and the outer one's WHERE makes a `Top` of it.
"""

from dataclasses import dataclass, field

from sqlglot import exp

from penstock.engine.plan import Aggregation, Node, Order, Over, Project, Top, conjuncts, walk
from penstock.engine.types import Column, Schema
from penstock.sql.faults import QueryError
from penstock.sql.nodes.pairs import filtered
from penstock.sql.nodes.traits import clock_times, event_times, window_roles

USAGE = (
    "SELECT … FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS n FROM t) WHERE n <= 10"
)


@dataclass(frozen=True)
class Numbered(Node):
    """Rows with their place in their group; no plan holds one, a bound turns it into `Top`."""

    source: Node
    keys: tuple[str, ...]
    order: tuple[Order, ...]
    name: str
    at: exp.Expression | None = field(default=None, compare=False)

    @property
    def schema(self) -> Schema:
        """The source's columns and the number."""
        return (*self.source.schema, Column(self.name, "BIGINT", False))


def number_in(node: Node) -> tuple[Numbered, str] | None:
    """The numbering below projections that only hand columns on, and what its number is called on top of them."""
    if isinstance(node, Numbered):
        return node, node.name
    if not isinstance(node, Project):
        return None
    below = number_in(node.source)
    if below is None:
        return None
    names = [c.name for c, e in node.columns if isinstance(e, exp.Column) and e.name == below[1]]
    return (below[0], names[0]) if len(names) == 1 else None


def bounded(node: Node, condition: exp.Expression) -> Node:
    """The rows for which a condition holds; where they are numbered, one part of it must bound the number."""
    found = number_in(node)
    if found is None:
        return filtered(node, condition)
    numbering, name = found
    parts = [one for part in conjuncts(condition) for one in _ends(part)]
    limits = [(part, limit) for part in parts if (limit := _limit(part, name)) is not None]
    if not limits and _time(numbering) is not None:
        return filtered(settled(node), condition)
    if not limits:
        raise QueryError(
            f"`{name}` is a ROW_NUMBER, and nothing bounds it", condition, remedy=f"WHERE {name} <= 10"
        )
    made = _top(node, numbering, name, min(limit for _, limit in limits))
    for part in parts:
        if all(part is not bound for bound, _ in limits) or _picks(part):
            made = filtered(made, part)
    return made


def _top(node: Node, numbering: Numbered, name: str, limit: int) -> Node:
    """The projections above the numbering, over the `Top` that takes its place."""
    roles = window_roles(numbering.source)
    ends = [key for key in numbering.keys if roles.get(key) == "window_end"]
    starts = [key for key in numbering.keys if roles.get(key) == "window_start"]
    window = ends[0] if ends and starts and not numbering.source.changes else None
    times = event_times(numbering.source)
    newest = limit == 1 and [one.column in times and one.descending for one in numbering.order] == [True]
    top: Node = Top(numbering.source, numbering.keys, numbering.order, limit, numbering.name, window, newest)
    return _replaced(node, numbering, top)


def _replaced(node: Node, numbering: Numbered, top: Node) -> Node:
    if node is numbering or node == numbering:
        return top
    assert isinstance(node, Project)
    return Project(_replaced(node.source, numbering, top), node.columns)


def _limit(part: exp.Expression, name: str) -> int | None:
    """What a comparison bounds the number to: ``n <= 3``, ``n < 4``, ``3 >= n``, ``n = 1``."""
    if not isinstance(part, exp.LTE | exp.LT | exp.GTE | exp.GT | exp.EQ):
        return None
    one, other = part.this, part.expression
    turned = isinstance(part, exp.GTE | exp.GT)
    if turned:
        one, other = other, one
    if isinstance(part, exp.EQ) and not isinstance(one, exp.Column):
        one, other = other, one
    if not (isinstance(one, exp.Column) and one.name == name and isinstance(other, exp.Literal)):
        return None
    if other.is_string or not other.name.isdigit():
        raise QueryError("a ROW_NUMBER is bounded by a whole number", part, remedy=f"{name} <= 10")
    limit = int(other.name) - (1 if isinstance(part, exp.LT | exp.GT) else 0)
    if limit < 1:
        raise QueryError("no row has such a number", part, remedy=f"numbers begin at 1: {name} <= 10")
    return limit


def _ends(part: exp.Expression) -> list[exp.Expression]:
    """``n BETWEEN 2 AND 3`` as its two comparisons."""
    if not isinstance(part, exp.Between):
        return [part]
    low = exp.GTE(this=part.this, expression=part.args["low"])
    return [low, exp.LTE(this=part.this, expression=part.args["high"])]


def _picks(part: exp.Expression) -> bool:
    """Whether a bound asks for one row other than the first: those before it are needed, and do not come out."""
    return isinstance(part, exp.EQ) and "1" not in (part.this.name, part.expression.name)


def settled(node: Node) -> Node:
    """The rows of a query that bounds no number: those numbered in the order of time are counted, others refused."""
    if isinstance(node, Numbered):
        return _counted(node)
    if not any(isinstance(part, Numbered) for part in walk(node)):
        return node
    return node.on(*map(settled, node.inputs))


def _counted(node: Numbered) -> Over:
    """A number in the order of time is how many rows there are up to each, and does not change (as Flink has it)."""
    time = _time(node)
    if time is None:
        raise QueryError("a ROW_NUMBER needs a bound", node.at, remedy=USAGE)
    count = Aggregation(Column(node.name, "BIGINT", False), "COUNT")
    clock = time in clock_times(node.source)
    return Over(node.source, node.keys, time, (count,), by_rows=True, clock=clock)


def _time(node: Numbered) -> str | None:
    """The column of time that rows are numbered by, upwards and alone."""
    by = node.order[0]
    times = event_times(node.source) | clock_times(node.source)
    return (
        by.column
        if len(node.order) == 1 and not by.descending and by.column in times and not node.source.changes
        else None
    )
