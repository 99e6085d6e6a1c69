"""UNION, INTERSECT and EXCEPT, with ALL and without: rows of two queries that are held against each other as wholes.

Rows are equal where all columns are, nulls too. INTERSECT and EXCEPT count each row on either side in one aggregate, so
that a row which comes or goes on one side brings or takes it away (Flink rewrites them alike, its RewriteIntersectAllRule).
Knows nodes and the operation; knows no clauses.
"""

from collections.abc import Sequence

from sqlglot import exp

from penstock.engine.plan import Aggregate, Aggregation, Filter, Node, Repeat, Union
from penstock.engine.types import Column, Schema
from penstock.sql.faults import At
from penstock.sql.nodes.build import cast_to, projected, quoted, unioned

FIRST, LEFT, RIGHT, TIMES = "$first", "$ones", "$others", "$times"
Operation = type[exp.SetOperation]


def combined(operation: Operation, once: bool, sides: Sequence[Node], at: Sequence[At]) -> Node:
    """The rows of both sides that the operation keeps, each `once` or as often as it says; raises `QueryError` where
    their columns do not meet."""
    word = operation.key.upper() + ("" if once else " ALL")
    met = unioned(sides, at, word)
    names = tuple(column.name for column in met.schema)
    if operation is exp.Union:
        return Aggregate(met, names, ()) if once else met
    counted = Aggregate(_marked(sides, met.schema), names, _COUNTS)
    node = Filter(
        counted, _once(operation) if once else exp.GT(this=quoted(LEFT), expression=_least(operation))
    )
    kept = [(name, quoted(name)) for name in names]
    if once:
        return projected(node, kept)
    return Repeat(projected(node, [*kept, (TIMES, _copies(operation))]), TIMES)


def _marked(sides: Sequence[Node], schema: Schema) -> Node:
    """All rows, with the side that each is of."""
    names, kinds = [column.name for column in schema], [column.kind for column in schema]
    marked = [
        projected(side, [*cast_to(side, names, kinds), (FIRST, exp.Boolean(this=first))])
        for side, first in zip(sides, (True, False), strict=True)
    ]
    return Union(tuple(marked))


def _count(name: str, condition: exp.Expression) -> Aggregation:
    return Aggregation(Column(name, "BIGINT", False), "COUNT", None, False, condition)


_COUNTS = (_count(LEFT, quoted(FIRST)), _count(RIGHT, exp.Not(this=quoted(FIRST))))


def _once(operation: Operation) -> exp.Expression:
    sign = exp.GT if operation is exp.Intersect else exp.EQ
    here = exp.GT(this=quoted(LEFT), expression=exp.Literal.number(0))
    return exp.And(this=here, expression=sign(this=quoted(RIGHT), expression=exp.Literal.number(0)))


def _least(operation: Operation) -> exp.Expression:
    """How many copies on the left side come to nothing."""
    return quoted(RIGHT) if operation is exp.Except else exp.Literal.number(0)


def _copies(operation: Operation) -> exp.Expression:
    if operation is exp.Except:
        return exp.Sub(this=quoted(LEFT), expression=quoted(RIGHT))
    return exp.Least(this=quoted(LEFT), expressions=[quoted(RIGHT)])
