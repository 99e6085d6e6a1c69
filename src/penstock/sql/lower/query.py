"""Queries: SELECT, UNION and its kin, WITH and FROM become plan nodes, clause by clause.

Knows the order in which clauses apply; what each does to the rows is in the files beside it.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from sqlglot import exp

from penstock.engine.plan import Node, Scan
from penstock.sql.catalog import Catalog
from penstock.sql.dialect import TableFunction
from penstock.sql.faults import QueryError
from penstock.sql.lower import windows
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.lower.joins import joined
from penstock.sql.lower.lateral import lateral
from penstock.sql.lower.over.named import check_columns, written_out
from penstock.sql.lower.over.ranking import settled
from penstock.sql.lower.select import Relation, groups, selected
from penstock.sql.lower.subqueries.values import beside
from penstock.sql.lower.subqueries.where import kept
from penstock.sql.lower.unnest import unnested
from penstock.sql.nodes import hints
from penstock.sql.nodes.build import projected, quoted
from penstock.sql.nodes.lateness import allowed_ms, lenient
from penstock.sql.nodes.sets import combined
from penstock.sql.nodes.values import ONE, valued
from penstock.sql.support import CLAUSES_REFUSED, RELATIONS_REFUSED

SELECT_PARTS = {
    "expressions",
    "from_",
    "joins",
    "where",
    "group",
    "having",
    "distinct",
    "with_",
    "kind",
    "operation_modifiers",
    "hint",
    "windows",
}
SET_PARTS = {"this", "expression", "distinct", "with_", "by_name", "side", "kind", "on"}
TABLE_PARTS = {"this", "alias", "db", "catalog", "joins"}
JOIN_PARTS = {"this", "side", "kind", "method", "on", "using"}
# A catalog and a database may be named as Flink names the only ones here.
CATALOG, DATABASE = "default_catalog", "default_database"


@dataclass(frozen=True)
class Queries:
    """Lowers queries over a catalog; `named` are the WITH queries in sight."""

    catalog: Catalog
    named: Mapping[str, Node]

    def lower(self, tree: exp.Expression) -> Node:
        """A query's node; raises `QueryError` for what is wrong with it or not offered."""
        scope = self._with(tree)
        if isinstance(tree, exp.Subquery):
            _refuse_parts(tree, {"this", "alias", "with_"})
            return scope.lower(tree.this)
        if isinstance(tree, exp.SetOperation):
            return scope._united(tree)
        if isinstance(tree, exp.Values):
            return _valued(tree)
        reason = RELATIONS_REFUSED.get(type(tree))
        if reason or not isinstance(tree, exp.Select):
            raise QueryError(
                reason.message if reason else "this is not a query",
                tree,
                remedy=reason.remedy if reason else "",
            )
        return scope._select(tree)

    def _with(self, tree: exp.Expression) -> "Queries":
        clause = tree.args.get("with_")
        if clause is None:
            return self
        if clause.args.get("recursive"):
            raise QueryError("WITH RECURSIVE is not offered", clause)
        scope = self
        for cte in clause.expressions:
            node = _renamed(scope.lower(cte.this), cte.args.get("alias"))
            scope = replace(scope, named={**scope.named, cte.alias: node})
        return scope

    def _united(self, tree: exp.SetOperation) -> Node:
        _refuse_parts(tree, SET_PARTS)
        if any(tree.args.get(part) for part in ("by_name", "side", "kind", "on")):
            raise QueryError("this is not Flink SQL", tree, remedy="UNION ALL, columns by position")
        made = [settled(self.lower(side)) for side in (tree.this, tree.expression)]
        return combined(type(tree), bool(tree.args.get("distinct")), made, [tree.this, tree.expression])

    def _from(self, tree: exp.Expression, versioned: bool = False) -> Relation:
        reason = RELATIONS_REFUSED.get(type(tree))
        if reason:
            raise QueryError(reason.message, tree, remedy=reason.remedy)
        if isinstance(tree, TableFunction):
            source = settled(self._from_table(windows.table_argument(tree)).node)
            node: Node = windows.over_table(tree, source)
            return _aliased(node, tree, ())
        if isinstance(tree, exp.Values):
            return _aliased(_valued(tree), tree, ())
        if isinstance(tree, exp.Subquery):
            _refuse_parts(tree, {"this", "alias", "with_", "joins"})
            return _aliased(self._with(tree).lower(tree.this), tree, ())
        if isinstance(tree, exp.Table) and isinstance(tree.this, exp.Identifier):
            return self._from_table(tree, TABLE_PARTS | {"version"} if versioned else TABLE_PARTS)
        if isinstance(tree, exp.Table) and isinstance(tree.this, exp.Func):
            raise QueryError("a table function stands inside TABLE(…)", tree, remedy=windows.USAGE["TUMBLE"])
        raise QueryError("FROM takes a table, a view, a subquery or TABLE(window function)", tree)

    def _from_table(self, tree: exp.Table, parts: Set[str] = TABLE_PARTS) -> Relation:
        _refuse_parts(tree, parts)
        if (tree.catalog or CATALOG, tree.db or DATABASE) != (CATALOG, DATABASE):
            raise QueryError(
                "there is one catalog and one database", tree, remedy=f"name the table alone: `{tree.name}`"
            )
        if tree.name in self.named and not tree.db:
            return _aliased(self.named[tree.name], tree, (tree.name,))
        return _aliased(self.catalog.relation(tree.name, tree), tree, (tree.name,))

    def _select(self, tree: exp.Select) -> Node:
        lifetimes = hints.read(tree.args.get("hint"))
        tree = written_out(tree)
        relation = self._joined(tree, lifetimes)
        check_columns(tree, relation.scope)
        named = relation.names
        where = tree.args.get("where")
        if where is not None:
            relation = kept(relation, where.this, self)
        if not groups(tree):
            relation, items = beside(relation, tree.expressions, self)
            if any(item is not old for item, old in zip(items, tree.expressions, strict=True)):
                tree = tree.copy()
                tree.set("expressions", items)
        made = lifetimes.on_groups(selected(tree, relation), relation.node, named)
        lifetimes.check(named)
        return lenient(made, relation.node, allowed_ms(self.catalog.settings, tree), tree)

    def relation(self, tree: exp.Select) -> Relation:
        """What a SELECT's FROM and JOINs give."""
        return self._joined(tree, hints.read(None))

    def _joined(self, tree: exp.Select, lifetimes: hints.Lifetimes) -> Relation:
        _refuse_parts(tree, SELECT_PARTS)
        source = tree.args.get("from_")
        if source is None:
            if not tree.expressions or any(isinstance(item, exp.Star) for item in tree.expressions):
                raise QueryError("SELECT needs FROM", tree, remedy="SELECT … FROM a table of CREATE TABLE")
            return Relation(Scan(ONE))
        relation = self._from(source.this)
        joins = [*(source.this.args.get("joins") or []), *(tree.args.get("joins") or [])]
        for join in joins:
            _refuse_parts(join, JOIN_PARTS)
            if isinstance(join.this, exp.Unnest):
                relation = unnested(relation, join)
            elif isinstance(join.this, exp.Lateral):
                relation = lateral(relation, join, self.catalog)
            else:
                other = self._from(join.this, versioned=True)
                made = joined(relation, other, join)
                node = lifetimes.on_join(made.node, relation.names, other.names)
                relation = replace(made, node=node)
        return relation


def _refuse_parts(tree: exp.Expression, allowed: Set[str]) -> None:
    for part, value in tree.args.items():
        if value and part not in allowed:
            reason = CLAUSES_REFUSED.get(part)
            place = value[0] if isinstance(value, list) else value
            at = place if isinstance(place, exp.Expression) else tree
            if reason is None:
                raise QueryError(f"{part.strip('_').upper()} is not offered here", at)
            raise QueryError(f"{reason.construct}: {reason.message}", at, remedy=reason.remedy)


def _valued(tree: exp.Values) -> Node:
    """The rows of VALUES; one that is written as ROW(…) is its fields, as in Flink."""
    rows = []
    for one in tree.expressions:
        parts = one.expressions
        row = parts[0] if len(parts) == 1 else None
        parts = row.expressions if isinstance(row, exp.Anonymous) and row.name.upper() == "ROW" else parts
        rows.append([bind(part, Scope(())) for part in parts])
    return valued(rows, tree)


def _aliased(node: Node, tree: exp.Expression, names: tuple[str, ...]) -> Relation:
    alias = tree.args.get("alias")
    if alias is None:
        return Relation(node, names)
    return Relation(_renamed(node, alias), (alias.name,) if alias.name else names)


def _renamed(node: Node, alias: exp.Expression | None) -> Node:
    columns = alias.args.get("columns") if alias is not None else None
    return renamed(node, [c.name for c in columns], columns[0]) if columns else node


def renamed(node: Node, names: list[str], at: exp.Expression | None) -> Node:
    """The node's columns under other names, as ``AS t (a, b)`` and ``CREATE VIEW v (a, b)`` give them."""
    if len(names) != len(node.schema):
        raise QueryError(f"{len(names)} names for {len(node.schema)} columns", at)
    return projected(node, [(n, quoted(c.name)) for n, c in zip(names, node.schema, strict=True)])
