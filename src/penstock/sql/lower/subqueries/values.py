"""Subqueries that give a value: ``WHERE k > (SELECT MAX(k) FROM b)``, ``SELECT a, (SELECT COUNT(*) FROM b) FROM t``.

The query's one row stands beside every row, NULL while there is none yet (Flink: a left join without a condition), so
the subquery must be one that gives one row whatever comes: an aggregate without GROUP BY. Knows the tree and the join.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from sqlglot import exp

from penstock.engine.plan import Aggregate, Filter, Join, Node, Project
from penstock.sql.faults import QueryError
from penstock.sql.lower.binder import bound
from penstock.sql.lower.over.ranking import settled
from penstock.sql.lower.select import Relation
from penstock.sql.nodes.build import projected, quoted
from penstock.sql.support import EXPRESSIONS_REFUSED

REMEDY = "an aggregate without GROUP BY: (SELECT MAX(x) FROM t)"


class Lowers(Protocol):
    """What lowers the subqueries: over the same catalog and WITH queries."""

    def lower(self, tree: exp.Expression) -> Node:
        """A whole query's rows."""


def beside(
    relation: Relation, parts: Sequence[exp.Expression], queries: Lowers
) -> tuple[Relation, list[exp.Expression]]:
    """The relation with the value of each subquery in `parts` as a column that nobody sees, and the parts over it."""
    made = []
    for part in parts:
        whole = exp.Paren(this=part.copy()) if _subqueries(part) else None
        for found in _subqueries(whole) if whole is not None else ():
            relation, column = _joined(relation, found, queries)
            found.replace(column)
        made.append(part if whole is None else whole.this)
    return relation, made


def _subqueries(part: exp.Expression) -> list[exp.Subquery]:
    """Those that give a value: what IN and EXISTS ask is none of them. Outer ones alone, inner ones are theirs."""
    stop = (exp.Subquery, exp.Exists, exp.Select)
    found = part.walk(prune=lambda node: isinstance(node, stop))
    return [
        node
        for node in found
        if isinstance(node, exp.Subquery)
        and isinstance(node.unnest(), exp.Query)
        and not (isinstance(node.parent, exp.In) and node.arg_key == "query")
    ]


def _joined(relation: Relation, tree: exp.Subquery, queries: Lowers) -> tuple[Relation, exp.Column]:
    names = {name for part in relation.scope.parts for name in part.names}
    try:
        node = queries.lower(tree)
    except QueryError as error:
        if isinstance(error.at, exp.Column) and error.at.table in names:
            reason = EXPRESSIONS_REFUSED[exp.Subquery]
            raise QueryError(reason.message, error.at, remedy=reason.remedy) from None
        raise
    if len(node.schema) != 1:
        raise QueryError(
            f"a subquery that stands for a value gives one column, not {len(node.schema)}",
            tree,
            remedy=REMEDY,
        )
    if not _one_row(node):
        raise QueryError(
            "a subquery that stands for a value must give one row, whatever comes", tree, remedy=REMEDY
        )
    relation = replace(relation, node=settled(relation.node))
    taken = [column.name for column in relation.node.schema]
    name = next(name for number in range(len(taken) + 1) if (name := f"$value{number}") not in taken)
    value = projected(node, [(name, quoted(node.schema[0].name))])
    joined = Join(relation.node, value, "LEFT", ())
    return replace(relation, node=joined, joined=relation.scope.joined), bound(name)


def _one_row(node: Node) -> bool:
    """Whether there is never more than one row."""
    while isinstance(node, Project | Filter):
        node = node.source
    return isinstance(node, Aggregate) and not node.keys
