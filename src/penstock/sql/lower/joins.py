"""JOIN, the comma, CROSS JOIN and USING: two relations become one, with both sides' names in sight.

Knows clauses and names; what a condition does to the rows is `pairs`'.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from penstock.engine.plan import Node
from penstock.sql.faults import QueryError
from penstock.sql.lower.binder import Part, Scope, bind
from penstock.sql.lower.over.ranking import settled
from penstock.sql.lower.select import Relation, no_aggregate
from penstock.sql.nodes.build import projected, quoted
from penstock.sql.nodes.pairs import as_of, paired
from penstock.sql.nodes.traits import clock_times, event_times, is_proctime
from penstock.sql.support import JOINS_REFUSED

KINDS = {"": "INNER", "LEFT": "LEFT", "RIGHT": "RIGHT", "FULL": "FULL"}


def joined(left: Relation, right: Relation, join: exp.Join) -> Relation:
    """The relation that a JOIN makes of what stands before it and its own table."""
    how = kind_of(join)
    left, right = (replace(side, node=settled(side.node)) for side in (left, right))
    other = apart(left.node, right)
    parts = (*left.scope.parts, *other.scope.parts)
    scope = Scope(left.node.schema + other.node.schema, (), parts)
    condition = _condition(join, left.scope, other.scope, scope)
    version = join.this.args.get("version")
    if version is not None:
        node: Node = _temporal(left, other, how, condition, join)
        return Relation(node, (), _merged(parts, join))
    return Relation(paired(left.node, other.node, how, condition), (), _merged(parts, join))


def _temporal(
    left: Relation, right: Relation, how: str, condition: exp.Expression | None, join: exp.Join
) -> Node:
    asked = join.this.args["version"].expression
    if how not in ("INNER", "LEFT") or condition is None:
        raise QueryError(
            "a temporal join is JOIN or LEFT JOIN, with ON",
            join,
            remedy="LEFT JOIN t FOR SYSTEM_TIME AS OF a.ts AS t ON …",
        )
    if is_proctime(asked):
        return as_of(left.node, right.node, how, condition, None, join)
    time = bind(asked, left.scope)
    if isinstance(time, exp.Column) and time.name in clock_times(left.node):
        return as_of(left.node, right.node, how, condition, None, join)
    if not (isinstance(time, exp.Column) and time.name in event_times(left.node)):
        raise QueryError(
            "FOR SYSTEM_TIME AS OF takes a time column of the left side",
            asked,
            remedy="an event-time column (WATERMARK FOR …), or one that is PROCTIME()",
        )
    return as_of(left.node, right.node, how, condition, time.name, join)


def kind_of(join: exp.Join) -> str:
    """INNER, LEFT, RIGHT or FULL; refuses what Flink has not."""
    if join.method or join.side not in KINDS or join.kind not in ("", "INNER", "OUTER", "CROSS"):
        words = " ".join(filter(None, (join.method, join.side, join.kind)))
        reason = JOINS_REFUSED.get(join.method or join.kind)
        raise QueryError(
            reason.message if reason else f"{words} JOIN is not Flink SQL",
            join,
            remedy=reason.remedy if reason else "JOIN, LEFT JOIN, RIGHT JOIN, FULL JOIN or CROSS JOIN",
        )
    if join.side and not (join.args.get("on") or join.args.get("using")):
        raise QueryError(f"{join.side} JOIN needs ON", join, remedy="… JOIN t ON a.id = t.id")
    if join.kind == "CROSS" and (join.args.get("on") or join.args.get("using")):
        raise QueryError("CROSS JOIN takes no condition", join, remedy="JOIN t ON a.id = t.id")
    return KINDS[join.side]


def apart(left: Node, right: Relation) -> Relation:
    """The right relation with other names for the columns that the left side has too (Calcite's: ``id0``)."""
    taken = {column.name for column in left.schema}
    renamed: dict[str, str] = {}
    for column in right.node.schema:
        made, number = column.name, 0
        while made in taken:
            made, number = f"{column.name}{number}", number + 1
        taken.add(made)
        renamed[column.name] = made
    if all(name == made for name, made in renamed.items()):
        return right
    node = projected(right.node, [(made, quoted(name)) for name, made in renamed.items()])
    return Relation(node, (), tuple(_through(part, renamed) for part in right.scope.parts))


def _through(part: Part, renamed: Mapping[str, str]) -> Part:
    return Part(part.names, {name: renamed[column] for name, column in part.columns.items()})


def _condition(join: exp.Join, left: Scope, right: Scope, both: Scope) -> exp.Expression | None:
    on, using = join.args.get("on"), join.args.get("using")
    if on is not None:
        condition = bind(on, both)
        no_aggregate(condition, "ON", "WHERE, over a subquery")
        return condition
    made: exp.Expression | None = None
    for name in using or []:
        equal = exp.EQ(
            this=left.column(exp.Column(this=name)), expression=right.column(exp.Column(this=name))
        )
        made = equal if made is None else exp.And(this=made, expression=equal)
    return made


def _merged(parts: tuple[Part, ...], join: exp.Join) -> tuple[Part, ...]:
    """After USING a column is there once, as the left side's; RIGHT and FULL joins would need both, and say so."""
    names = {name.name for name in join.args.get("using") or []}
    if not names:
        return parts
    if join.side in ("RIGHT", "FULL"):
        raise QueryError("USING goes with JOIN and LEFT JOIN", join, remedy="write ON a.id = b.id")
    *before, last = parts
    kept = {name: column for name, column in last.columns.items() if name not in names}
    return (*before, Part(last.names, kept))
