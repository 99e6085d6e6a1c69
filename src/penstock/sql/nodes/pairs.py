"""Joins as plan nodes: what a condition says is taken apart into keys, filters of one side, bounds on time, and the rest.

Takes bound expressions over both sides' columns, whose names differ. Knows no SQL text and no clauses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import (
    WINDOW_NAMES,
    Aggregate,
    AsOf,
    Filter,
    Join,
    Node,
    Window,
    Within,
    columns_of,
    conjuncts,
)
from penstock.sql.ddl.types import data_type
from penstock.sql.faults import At, QueryError
from penstock.sql.nodes.bounds import bound_of
from penstock.sql.nodes.build import projected, quoted
from penstock.sql.nodes.kinds import kind
from penstock.sql.nodes.traits import event_times, row_key, window_roles

FILTERED_LEFT, FILTERED_RIGHT = ("INNER", "RIGHT", "SEMI"), ("INNER", "LEFT", "SEMI", "ANTI")
"""Kinds of join in which a condition on one side alone may drop that side's rows beforehand."""


def paired(left: Node, right: Node, how: str, condition: exp.Expression | None) -> Join:
    """Rows of both sides for which a condition holds; `how` is INNER, LEFT, RIGHT, FULL, SEMI or ANTI."""
    return refined(Join(left, right, how, ()), [] if condition is None else conjuncts(condition))


def refined(join: Join, conditions: Iterable[exp.Expression]) -> Join:
    """The join under further conditions, each put where it costs least."""
    rest = [] if join.condition is None else conjuncts(join.condition)
    for condition in conditions:
        join, left_over = _absorbed(join, condition)
        rest += left_over
    join = _within(_windowed(join), rest)
    return replace(join, condition=_all_of(rest))


def doubtful(left: Node, right: Node, pair: exp.EQ, rest: Sequence[exp.Expression]) -> Join | None:
    """The left rows that NOT IN keeps: whose value is known not to be among the right ones (under `rest`, where they
    differ from row to row); None where the sides of the comparison are not one of each node's."""
    if not (columns_of(pair.this) <= _names(left) and columns_of(pair.expression) <= _names(right)):
        return None
    join = _keyed(Join(left, right, "ANTI", ()), pair.this, pair.expression)
    if not rest:  # one null, and one of each value, says it all
        ((_, key),) = join.keys
        join = replace(join, right=Aggregate(projected(join.right, [(key, quoted(key))]), (key,), ()))
    return replace(join, nulls=True, condition=_all_of(rest))


def _all_of(conditions: Sequence[exp.Expression]) -> exp.Expression | None:
    if not conditions:
        return None
    made = conditions[0]
    for condition in conditions[1:]:
        made = exp.And(this=made, expression=condition)
    return made


def _absorbed(join: Join, condition: exp.Expression) -> tuple[Join, list[exp.Expression]]:
    """The join with a condition in it, and the condition itself where it can be no key and no filter of a side."""
    _check(condition, join.left, join.right)
    if isinstance(condition, exp.Boolean) and condition.this:
        return join, []
    reads = columns_of(condition)
    left, right = _names(join.left), _names(join.right)
    if reads <= left and join.kind in FILTERED_LEFT:
        return replace(join, left=narrowed(join.left, condition)), []
    if reads <= right and join.kind in FILTERED_RIGHT:
        return replace(join, right=narrowed(join.right, condition)), []
    if isinstance(condition, exp.EQ):
        sides = columns_of(condition.this), columns_of(condition.expression)
        if all(sides) and sides[0] <= left and sides[1] <= right:
            return _keyed(join, condition.this, condition.expression), []
        if all(sides) and sides[0] <= right and sides[1] <= left:
            return _keyed(join, condition.expression, condition.this), []
    return join, [condition]


def filtered(node: Node, condition: exp.Expression) -> Node:
    """The rows for which a condition holds."""
    _check(condition, node)
    return narrowed(node, condition)


def narrowed(node: Node, condition: exp.Expression) -> Node:
    """A filter, where it costs least: below a window whose columns it does not read (same rows, and fewer of them to
    assign), and part by part within an inner join."""
    if isinstance(node, Window) and not columns_of(condition) & set(WINDOW_NAMES):
        return replace(node, source=narrowed(node.source, condition))
    if isinstance(node, Join) and node.kind == "INNER":
        return refined(node, conjuncts(condition))
    return Filter(node, condition)


def _check(condition: exp.Expression, *nodes: Node) -> None:
    found = kind(condition, tuple(column for node in nodes for column in node.schema))
    if found not in ("BOOLEAN", kinds.NULL):
        raise QueryError(
            f"a condition is BOOLEAN, this is {found}", condition, remedy="compare it with something"
        )


def _names(node: Node) -> set[str]:
    return {column.name for column in node.schema}


def _keyed(join: Join, left: exp.Expression, right: exp.Expression) -> Join:
    """The join with one more pair of keys; keys that are expressions become columns, both of one kind."""
    kinds_ = kind(left, join.left.schema), kind(right, join.right.schema)
    common = kinds.wider(*kinds_)
    if common is None:
        raise QueryError(
            f"{kinds_[0]} and {kinds_[1]} cannot be compared", left, remedy=f"CAST(… AS {kinds_[0]})"
        )
    taken = _names(join.left) | _names(join.right)  # joins below may have named some so
    number = next(n for n in count() if not {f"$l{n}", f"$r{n}"} & taken)
    one, left_name = _column(join.left, _as(left, kinds_[0], common), f"$l{number}")
    other, right_name = _column(join.right, _as(right, kinds_[1], common), f"$r{number}")
    return replace(join, left=one, right=other, keys=(*join.keys, (left_name, right_name)))


def _as(node: exp.Expression, found: str, wanted: str) -> exp.Expression:
    if found == wanted or (kinds.is_text(found) and kinds.is_text(wanted)):
        return node
    if kinds.is_time(found) and kinds.is_time(wanted):
        return node
    return exp.Cast(this=node, to=data_type(wanted))


def _column(node: Node, expr: exp.Expression, name: str) -> tuple[Node, str]:
    if isinstance(expr, exp.Column):
        return node, expr.name
    kept = [(column.name, quoted(column.name)) for column in node.schema]
    return projected(node, [*kept, (name, expr)]), name


def as_of(
    left: Node, right: Node, how: str, condition: exp.Expression, time: str | None, at: At = None
) -> AsOf:
    """Each left row with the right table's row of its time: `time` is a left event-time column, or None for now."""
    if left.changes:
        raise QueryError(
            "a temporal join's left side only appends", at, remedy="join the table as it is, without FOR"
        )
    join = Join(left, right, "INNER", ())
    rest: list[exp.Expression] = []
    for part in conjuncts(condition):
        made, left_over = _absorbed(replace(join, kind="FULL"), part)
        join, rest = made, rest + left_over
    key = row_key(right)
    if key is None or not set(key) <= {name for _, name in join.keys}:
        raise QueryError(
            "FOR SYSTEM_TIME AS OF needs a table with a key, and ON has to compare all of it",
            at,
            remedy="PRIMARY KEY (id) NOT ENFORCED in an upsert-kafka table, and ON a.id = b.id",
        )
    times = sorted(event_times(right))
    if time is not None and not times:
        raise QueryError(
            "the versioned table has no event time", at, remedy="WATERMARK FOR … in its CREATE TABLE"
        )
    return AsOf(join.left, join.right, how, join.keys, time, times[0] if time else None, _all_of(rest))


def _windowed(join: Join) -> Join:
    """A join whose keys are the same windows of both sides is settled window by window."""
    if join.window is not None or join.left.changes or join.right.changes:
        return join
    left, right = window_roles(join.left), window_roles(join.right)
    roles = {
        left.get(one): one for one, other in join.keys if left.get(one) and left.get(one) == right.get(other)
    }
    if {"window_start", "window_end"} <= roles.keys():
        return replace(join, window=roles["window_end"])
    return join


def _within(join: Join, rest: list[exp.Expression]) -> Join:
    """Bounds on both sides' event times, out of what is left: the join is then settled as time passes."""
    if join.within is not None or join.window is not None or join.left.changes or join.right.changes:
        return join
    for left in sorted(event_times(join.left)):
        for right in sorted(event_times(join.right)):
            if (left, right) in join.keys:
                return replace(join, within=Within(left, right, 0, 0))
            found = [(condition, bound_of(condition, left, right)) for condition in rest]
            bounds = [bound for _, bound in found if bound is not None]
            lows = [bound.low_ms for bound in bounds if bound.low_ms is not None]
            highs = [bound.high_ms for bound in bounds if bound.high_ms is not None]
            if lows and highs:
                rest[:] = [condition for condition, bound in found if bound is None]
                return replace(join, within=Within(left, right, max(lows), min(highs)))
    return join
