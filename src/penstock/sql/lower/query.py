"""Queries: SELECT, UNION ALL, WITH and FROM become plan nodes, clause by clause.

Knows the order in which clauses apply; what each does to the rows is in the files beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from penstock.engine.plan import Node, Window
from penstock.sql.catalog import Catalog
from penstock.sql.dialect import TableFunction
from penstock.sql.faults import QueryError
from penstock.sql.lower import windows
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.lower.build import Item, filtered, projected, quoted, unioned, windowed
from penstock.sql.lower.grouping import AGGREGATES, Grouping, distinct, has_aggregate, is_aggregate
from penstock.sql.lower.traits import WINDOW_NAMES
from penstock.sql.support import (
    CLAUSES_REFUSED,
    GROUPINGS_REFUSED,
    RELATIONS_REFUSED,
    SET_OPERATIONS_REFUSED,
)

SELECT_PARTS = {
    "expressions",
    "from_",
    "where",
    "group",
    "having",
    "distinct",
    "with_",
    "kind",
    "operation_modifiers",
}
TABLE_PARTS = {"this", "alias", "db", "catalog"}
# A catalog and a database may be named as Flink names the only ones here.
CATALOG, DATABASE = "default_catalog", "default_database"


@dataclass(frozen=True)
class Relation:
    """Rows in sight of a SELECT, and the names they go by."""

    node: Node
    names: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """What its expressions may name."""
        return Scope(self.node.schema, self.names)


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
        if isinstance(tree, exp.Union):
            return scope._union(tree)
        reason = SET_OPERATIONS_REFUSED.get(type(tree)) or RELATIONS_REFUSED.get(type(tree))
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

    def _union(self, tree: exp.Union) -> Node:
        _refuse_parts(tree, {"this", "expression", "distinct", "with_", "by_name", "side", "kind", "on"})
        if any(tree.args.get(part) for part in ("by_name", "side", "kind", "on")):
            raise QueryError("this UNION is not Flink SQL", tree, remedy="UNION ALL, columns by position")
        node = unioned([self.lower(tree.this), self.lower(tree.expression)], [tree.this, tree.expression])
        return distinct(node) if tree.args.get("distinct") else node

    def _from(self, tree: exp.Expression) -> Relation:
        reason = RELATIONS_REFUSED.get(type(tree))
        if reason:
            raise QueryError(reason.message, tree, remedy=reason.remedy)
        if tree.args.get("joins"):
            raise QueryError(
                CLAUSES_REFUSED["joins"].message,
                tree.args["joins"][0],
                remedy=CLAUSES_REFUSED["joins"].remedy,
            )
        if isinstance(tree, TableFunction):
            node: Node = windows.over_table(tree, self._from_table(windows.table_argument(tree)).node)
            return _aliased(node, tree, ())
        if isinstance(tree, exp.Subquery):
            _refuse_parts(tree, {"this", "alias", "with_"})
            return _aliased(self._with(tree).lower(tree.this), tree, ())
        if isinstance(tree, exp.Table) and isinstance(tree.this, exp.Identifier):
            return self._from_table(tree)
        if isinstance(tree, exp.Table) and isinstance(tree.this, exp.Func):
            raise QueryError("a table function stands inside TABLE(…)", tree, remedy=windows.USAGE["TUMBLE"])
        raise QueryError("FROM takes a table, a view, a subquery or TABLE(window function)", tree)

    def _from_table(self, tree: exp.Table) -> Relation:
        _refuse_parts(tree, TABLE_PARTS)
        if (tree.catalog or CATALOG, tree.db or DATABASE) != (CATALOG, DATABASE):
            raise QueryError(
                "there is one catalog and one database", tree, remedy=f"name the table alone: `{tree.name}`"
            )
        if tree.name in self.named and not tree.db:
            return _aliased(self.named[tree.name], tree, (tree.name,))
        return _aliased(self.catalog.relation(tree.name, tree), tree, (tree.name,))

    def _select(self, tree: exp.Select) -> Node:
        _refuse_parts(tree, SELECT_PARTS)
        source = tree.args.get("from_")
        if source is None:
            raise QueryError("SELECT needs FROM", tree, remedy="SELECT … FROM a table of CREATE TABLE")
        relation = self._from(source.this)
        where, group, having = (tree.args.get(part) for part in ("where", "group", "having"))
        if where is not None:
            condition = bind(where.this, relation.scope)
            _no_aggregate(condition, "WHERE", "HAVING")
            relation = replace(relation, node=filtered(relation.node, condition))
        aggregating = group is not None or having is not None or any(map(has_aggregate, tree.expressions))
        node = _grouped(tree, relation) if aggregating else _plain(tree, relation)
        if not tree.args.get("distinct"):
            return node
        if tree.args["distinct"].args.get("on"):
            raise QueryError("DISTINCT ON is not Flink SQL", tree, remedy="GROUP BY")
        return distinct(node)


def _refuse_parts(tree: exp.Expression, allowed: set[str]) -> None:
    for part, value in tree.args.items():
        if value and part not in allowed:
            reason = CLAUSES_REFUSED.get(part)
            place = value[0] if isinstance(value, list) else value
            at = place if isinstance(place, exp.Expression) else tree
            if reason is None:
                raise QueryError(f"{part.strip('_').upper()} is not offered here", at)
            raise QueryError(f"{reason.construct}: {reason.message}", at, remedy=reason.remedy)


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


def _no_aggregate(node: exp.Expression, clause: str, instead: str) -> None:
    inner = next(node.find_all(*AGGREGATES, exp.Filter), None)
    if inner is not None:
        raise QueryError(f"{clause} takes no aggregates", inner, remedy=f"put the condition into {instead}")


def _items(tree: exp.Select, scope: Scope) -> list[tuple[str, exp.Expression]]:
    """The select list with names, stars spread out; expressions still as parsed."""
    items: list[tuple[str, exp.Expression]] = []
    for position, node in enumerate(tree.expressions):
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            items += _star(node, scope)
        elif isinstance(node, exp.Alias):
            items.append((node.alias, node.this))
        else:
            items.append((node.name if isinstance(node, exp.Column) else f"EXPR${position}", node))
    names: set[str] = set()
    return [(_unique(name, names), node) for name, node in items]


def _star(node: exp.Expression, scope: Scope) -> list[tuple[str, exp.Expression]]:
    star = node.this if isinstance(node, exp.Column) else node
    if any(star.args.values()):
        raise QueryError("* takes nothing after it in Flink SQL", node, remedy="list the columns")
    if isinstance(node, exp.Column) and node.table not in scope.names:
        scope.column(exp.Column(this=exp.to_identifier("*"), table=node.args["table"]))
    return [(c.name, quoted(c.name)) for c in scope.schema]


def _unique(name: str, taken: set[str]) -> str:
    """The name, with Calcite's number behind it where the select list has it already."""
    made, number = name, 0
    while made in taken:
        made, number = f"{name}{number}", number + 1
    taken.add(made)
    return made


def _plain(tree: exp.Select, relation: Relation) -> Node:
    return projected(
        relation.node, [(name, bind(node, relation.scope)) for name, node in _items(tree, relation.scope)]
    )


def _grouped(tree: exp.Select, relation: Relation) -> Node:
    group = tree.args.get("group")
    parts = group.expressions if group is not None else []
    for part, value in (group.args if group is not None else {}).items():
        if part != "expressions" and value:
            raise QueryError(GROUPINGS_REFUSED.message, group, remedy=GROUPINGS_REFUSED.remedy)
    window = next(iter(windows.grouped_windows(parts)), None)
    having = tree.args.get("having")
    if window is not None:
        relation = replace(relation, node=_group_windowed(relation.node, window))
    scope = relation.scope
    items = [(name, bind(windows.resolved(node, window), scope)) for name, node in _items(tree, scope)]
    condition = bind(windows.resolved(having.this, window), scope) if having is not None else None
    grouping = Grouping(relation.node, _keys(parts, items, window, scope))
    for name, node in items:
        if is_aggregate(node):
            grouping.claim(name, node)
    columns = [(name, grouping.over(node)) for name, node in items]
    over = grouping.over(condition) if condition is not None else None
    groups = grouping.node()
    return projected(filtered(groups, over) if over is not None else groups, columns)


def _group_windowed(node: Node, window: windows.GroupWindow) -> Window:
    return windowed(node, window.name, window.time, window.sizes, window.at)


def _keys(
    parts: list[exp.Expression], items: list[Item], window: windows.GroupWindow | None, scope: Scope
) -> list[Item]:
    keys: list[Item] = []
    for part in parts:
        if window is not None and part is window.at:
            keys += [(name, quoted(name)) for name in WINDOW_NAMES]
            continue
        node = bind(part, scope)
        if isinstance(node, exp.Literal):
            raise QueryError(
                "GROUP BY a number or text is not offered",
                part,
                remedy="repeat the expression of the select list",
            )
        _no_aggregate(node, "GROUP BY", "HAVING or the select list")
        if any(node == known for _, known in keys):
            continue
        keys.append((_key_name(node, items, {name for name, _ in keys}, scope), node))
    return keys


def _key_name(node: exp.Expression, items: list[Item], taken: set[str], scope: Scope) -> str:
    """A key's name: its column's, or for an expression the name the select list gives it, or one of our own."""
    if isinstance(node, exp.Column):
        return node.name
    known = {c.name for c in scope.schema}
    named = next((name for name, item in items if item == node), "")
    return named if named and named not in known | taken else f"$key{len(taken)}"
