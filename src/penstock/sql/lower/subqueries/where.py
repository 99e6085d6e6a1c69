"""WHERE, with its subqueries: ``x IN (SELECT …)``, ``EXISTS (SELECT …)`` and their opposites become semi and anti joins.

Knows which rows a subquery's test keeps, NULLs and all; how a query is lowered, and how joins are settled, is others'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from penstock.engine.plan import Node, conjuncts
from penstock.sql.faults import QueryError
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.lower.groups.grouping import has_aggregate
from penstock.sql.lower.joins import apart
from penstock.sql.lower.over.ranking import bounded, settled
from penstock.sql.lower.select import Relation, no_aggregate
from penstock.sql.lower.subqueries.values import beside
from penstock.sql.nodes.pairs import doubtful, paired
from penstock.sql.support import EXPRESSIONS_REFUSED

ROWS_ONLY = ("where", "distinct", "with_")
"""Parts of a subquery that leave each of its rows a row of its FROM; any other makes new rows."""

NOTHING = Scope(())


class Queries(Protocol):
    """What lowers the subqueries: over the same catalog and WITH queries."""

    def lower(self, tree: exp.Expression) -> Node:
        """A whole query's rows."""

    def relation(self, tree: exp.Select) -> Relation:
        """What a SELECT's FROM and JOINs give."""


@dataclass(frozen=True)
class Inner(Scope):
    """The columns in sight of a subquery: its own, and where it has none of a name those of the query around it."""

    own: Scope = NOTHING
    around: Scope = NOTHING

    def reference(self, node: exp.Column) -> exp.Expression:
        """The nearest column of that name."""
        nearer = _is_own(node, self.own, self.around) or not self.around.knows(node)
        return (self.own if nearer else self.around).reference(node)


def kept(relation: Relation, condition: exp.Expression, queries: Queries) -> Relation:
    """The rows for which WHERE holds."""
    relation, (condition,) = beside(relation, [condition], queries)
    parts = conjuncts(_bare(condition))
    plain = [part for part in parts if test_of(part) is None]
    if plain:
        node = bounded(relation.node, _bound(plain, relation.scope))
        relation = replace(relation, node=node, joined=relation.scope.joined)
    for part in parts:
        test = test_of(part)
        if test is not None:
            relation = test.applied(relation, queries)
    return relation


def _bound(parts: Sequence[exp.Expression], scope: Scope) -> exp.Expression:
    made: exp.Expression | None = None
    for part in parts:
        _refuse_elsewhere(part)
        condition = bind(part, scope)
        no_aggregate(condition, "WHERE", "HAVING")
        made = condition if made is None else exp.And(this=made, expression=condition)
    assert made is not None
    return made


def _refuse_elsewhere(part: exp.Expression) -> None:
    for found in part.walk():
        if isinstance(found, exp.Exists) or (
            isinstance(found, exp.In) and found.args.get("query") is not None
        ):
            reason = EXPRESSIONS_REFUSED[exp.Exists]
            raise QueryError(reason.message, found, remedy=reason.remedy)


def _bare(node: exp.Expression) -> exp.Expression:
    """Without brackets around conditions that AND joins."""
    if isinstance(node, exp.Paren):
        return _bare(node.this)
    if isinstance(node, exp.And):
        return exp.And(this=_bare(node.this), expression=_bare(node.expression))
    return node


@dataclass(frozen=True)
class Test:
    """One IN or EXISTS: the rows it keeps have a match, or none; `values` are compared with the subquery's columns."""

    keeps: bool
    values: tuple[exp.Expression, ...]
    query: exp.Expression
    at: exp.Expression

    def applied(self, relation: Relation, queries: Queries) -> Relation:
        """The relation's rows that pass."""
        inner, own, correlated = self._inner(relation.scope, queries)
        relation = replace(relation, node=settled(relation.node))
        inner = replace(inner, node=settled(inner.node))
        other = apart(relation.node, inner)
        scope = Inner(relation.node.schema + other.node.schema, own=other.scope, around=relation.scope)
        conditions = [bind(part, scope) for part in correlated]
        for part in conditions:
            no_aggregate(part, "WHERE", "HAVING")
        pairs = self._pairs(relation.scope, scope, own)
        joined = None
        if self._unsure(pairs, scope):
            rest = [*conditions, *([_not_false(pairs)] if len(pairs) > 1 else [])]
            joined = doubtful(relation.node, other.node, pairs[0], rest)
            conditions.append(_not_false(pairs))
        else:
            conditions += pairs
        if joined is None:
            how = "SEMI" if self.keeps else "ANTI"
            joined = paired(relation.node, other.node, how, _all(conditions))
        return replace(relation, node=joined, joined=relation.scope.joined)

    def _inner(
        self, around: Scope, queries: Queries
    ) -> tuple[Relation, list[exp.Expression], list[exp.Expression]]:
        """The subquery's rows, the expressions over them that are compared, and the conditions that tie it to the query
        around it."""
        tree: exp.Expression = self.query
        while isinstance(tree, exp.Subquery) and not tree.args.get("with_"):
            tree = tree.this
        if not isinstance(tree, exp.Select) or not _plain(tree):
            return self._whole(tree, around, queries)
        relation = queries.relation(tree)
        where = tree.args.get("where")
        parts = conjuncts(_bare(where.this)) if where is not None else []
        tied = [part for part in parts if test_of(part) is None and _refers(part, relation.scope, around)]
        free = [part for part in parts if not any(part is one for one in tied)]
        if free:
            relation = kept(relation, _all(free), queries)  # type: ignore[arg-type]  # there are some
        items = self._items(tree.expressions, relation.scope)
        return relation, items, tied

    def _whole(
        self, tree: exp.Expression, around: Scope, queries: Queries
    ) -> tuple[Relation, list[exp.Expression], list[exp.Expression]]:
        try:
            node = queries.lower(tree)
        except QueryError as error:
            names = {name for part in around.parts for name in part.names}
            if isinstance(error.at, exp.Column) and error.at.table in names:
                raise QueryError(
                    "a subquery that groups or unites rows cannot name columns of the query around it",
                    error.at,
                    remedy="compare with IN what it groups by",
                ) from None
            raise
        relation = Relation(node)
        return relation, self._items([exp.Star()], relation.scope), []

    def _items(self, listed: Sequence[exp.Expression], scope: Scope) -> list[exp.Expression]:
        """The columns or expressions that IN compares with; EXISTS asks for none."""
        if not self.values:
            return []
        items: list[exp.Expression] = []
        for item in listed:
            if isinstance(item, exp.Star) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            ):
                parts = [p for p in scope.parts if isinstance(item, exp.Star) or item.table in p.names]
                items += [
                    exp.column(name, table=part.names[-1] if part.names else None)
                    for part in parts
                    for name, column in part.columns.items()
                    if not column.startswith("$")
                ]
            else:
                items.append(item.this if isinstance(item, exp.Alias) else item)
        if len(items) != len(self.values):
            raise QueryError(
                f"IN compares {len(self.values)} with {len(items)} columns", self.at, remedy="select as many"
            )
        return items

    def _pairs(self, around: Scope, scope: Inner, own: Sequence[exp.Expression]) -> list[exp.EQ]:
        """What IN compares."""
        return [
            exp.EQ(this=bind(value, around), expression=bind(item, scope))
            for value, item in zip(self.values, own, strict=True)
        ]

    def _unsure(self, pairs: Sequence[exp.EQ], scope: Inner) -> bool:
        """Whether a null may be among what NOT IN compares: a comparison that is unknown stands in the way as a match
        does (SQL:2016, 8.4)."""
        sure = {column.name for column in scope.schema if not column.nullable}
        sides = [side for pair in pairs for side in (pair.this, pair.expression)]
        known = all(isinstance(side, exp.Column) and side.name in sure for side in sides)
        return not self.keeps and not known


def _not_false(pairs: Sequence[exp.EQ]) -> exp.Expression:
    return exp.Not(this=exp.Is(this=exp.Paren(this=_all(pairs)), expression=exp.false()))


def test_of(node: exp.Expression) -> Test | None:
    """The IN or EXISTS over a subquery that a condition is, however often it is turned round."""
    keeps, inner = True, node
    while isinstance(inner, exp.Not | exp.Paren):
        keeps = keeps != isinstance(inner, exp.Not)
        inner = inner.this
    if isinstance(inner, exp.Exists):
        return Test(keeps, (), inner.this, inner)
    if isinstance(inner, exp.In) and inner.args.get("query") is not None:
        value = inner.this.unnest()
        values = tuple(value.expressions) if isinstance(value, exp.Tuple) else (value,)
        for part in values:
            _refuse_elsewhere(part)
        return Test(keeps, values, inner.args["query"], inner)
    return None


def _plain(tree: exp.Select) -> bool:
    parts = {part for part, value in tree.args.items() if value} - {"expressions", "from_", "joins", "kind"}
    windows = any(item.find(exp.Window) for item in tree.expressions)
    return parts <= {*ROWS_ONLY} - {"with_"} and not windows and not any(map(has_aggregate, tree.expressions))


def _refers(part: exp.Expression, own: Scope, around: Scope) -> bool:
    """Whether a condition names a column that only the query around has."""
    return any(
        not _is_own(column, own, around) and around.knows(column) for column in part.find_all(exp.Column)
    )


def _is_own(node: exp.Column, own: Scope, around: Scope) -> bool:
    """Whether a name is the subquery's: a table of either query comes before a nested row that is called as it."""
    first = node.parts[0].name
    if len(node.parts) > 1 and first not in own.tables and first in around.tables:
        return False
    return own.knows(node)


def _all(parts: Sequence[exp.Expression]) -> exp.Expression | None:
    made: exp.Expression | None = None
    for part in parts:
        made = part if made is None else exp.And(this=made, expression=part)
    return made
