"""Steps that need rows in order: top-N, the first and the last of each key, aggregates over the rows before.

Writes the select list that SQL would have, ROW_NUMBER() and OVER in it, and lowers it as SQL is.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TypeAlias

from sqlglot import exp

from penstock.dsl.expressions import Expression, lift
from penstock.durations import Duration, milliseconds
from penstock.engine.plan import Node
from penstock.errors import PenstockError
from penstock.sql.lower.binder import Scope, bind, bound
from penstock.sql.lower.groups.grouping import is_aggregate
from penstock.sql.lower.over.calls import placed
from penstock.sql.lower.over.lag import is_lag
from penstock.sql.lower.over.ranking import bounded
from penstock.sql.lower.select import Relation, selected
from penstock.sql.nodes.build import Item, projected, quoted
from penstock.sql.nodes.intervals import of_ms
from penstock.sql.nodes.traits import event_times

By: TypeAlias = Expression | str | Sequence[Expression | str]
NUMBER = "$number"


def top(node: Node, limit: int, by: By, order: By, rank: str | None) -> Node:
    """Of each group the first rows by an order."""
    if limit < 1:
        raise PenstockError("top takes a number of rows, 1 or more")
    ordered = [_ordered(part) for part in _nodes(order)]
    if not ordered:
        raise PenstockError("top needs an order", remedy="order=col.amount.desc()")
    number = exp.Window(
        this=exp.RowNumber(), partition_by=_nodes(by), order=exp.Order(expressions=ordered), over="OVER"
    )
    name = NUMBER if rank is None else rank
    _check_fresh(node, [name])
    inner = exp.Select(expressions=[exp.Star(), exp.alias_(number, name, quoted=True)])
    bound = exp.LTE(this=quoted(name), expression=exp.Literal.number(limit))
    ranked = Relation(selected(inner, Relation(node)))
    best = Relation(bounded(ranked.node, bind(bound, ranked.scope)))
    return selected(exp.Select(expressions=[exp.Star()]), best)


def by_time(node: Node, descending: bool) -> Expression:
    """The order of a stream's event time."""
    times = sorted(event_times(node))
    if len(times) != 1:
        raise PenstockError(
            f"the stream has {'no' if not times else 'more than one'} event-time column",
            remedy="say what is first: order=col.version" if not times else "say which: order=col.at",
        )
    time = Expression(quoted(times[0]))
    return time.desc() if descending else time.asc()


def over(
    node: Node,
    by: By,
    reach: tuple[int | None, Duration | None],
    order_by: Expression | None,
    aggregates: Mapping[str, Expression],
) -> Node:
    """All columns, and aggregates over each row and those before it: so many rows, or so long."""
    rows, time = reach
    if not aggregates:
        raise PenstockError("over needs an aggregate", remedy="over(by=…, total=fn.sum(col.amount))")
    if rows is not None and time is not None:
        raise PenstockError("over looks back by rows or by time, not by both")
    _check_fresh(node, aggregates)
    ordered = by_time(node, False) if order_by is None else order_by.asc()
    order = exp.Order(expressions=[ordered.node])
    items: list[Item] = [(c.name, bound(c.name)) for c in node.schema]
    for name, value in aggregates.items():
        call = lift(value).node
        if not (is_aggregate(call) or is_lag(call)):
            raise PenstockError(f"{name} is no aggregate", remedy="as in fn.sum(col.amount)")
        parts = {
            "partition_by": _nodes(by),
            "order": order.copy(),
            "spec": _frame(rows, time),
            "over": "OVER",
        }
        items.append((name, exp.Window(this=call, **parts)))
    made, items = placed(node, Scope(node.schema), items)
    return projected(made, [(name, bind(item, Scope(made.schema))) for name, item in items])


def _check_fresh(node: Node, names: Container[str]) -> None:
    taken = next((column.name for column in node.schema if column.name in names), None)
    if taken is not None:
        raise PenstockError(f"the stream has a column {taken} already", remedy="choose another name")


def _frame(rows: int | None, time: Duration | None) -> exp.WindowSpec | None:
    if rows is None and time is None:
        return None
    start = exp.Literal.number(rows) if rows is not None else of_ms(milliseconds(time or ""))
    kind = "ROWS" if rows is not None else "RANGE"
    return exp.WindowSpec(kind=kind, start=start, start_side="PRECEDING", end="CURRENT ROW")


def _nodes(parts: By) -> list[exp.Expression]:
    several = [parts] if isinstance(parts, Expression | str) else list(parts)
    return [quoted(part) if isinstance(part, str) else lift(part).node for part in several]


def _ordered(node: exp.Expression) -> exp.Expression:
    return node if isinstance(node, exp.Ordered) else Expression(node).asc().node
