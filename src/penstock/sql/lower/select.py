"""One SELECT over its rows: the select list, GROUP BY and HAVING become projections and aggregates.

Knows the clauses' order and names; where the rows come from is `query`'s.
"""

from dataclasses import dataclass, replace

from sqlglot import exp

from penstock.engine.plan import WINDOW_NAMES, Node, Window
from penstock.sql.faults import QueryError
from penstock.sql.lower import windows
from penstock.sql.lower.binder import Part, Scope, bind, bound
from penstock.sql.lower.groups.grouping import AGGREGATES, Grouping, distinct, has_aggregate, is_aggregate
from penstock.sql.lower.groups.sets import SEVERAL, Set, Sets, expanded, told_apart
from penstock.sql.lower.over.calls import placed
from penstock.sql.lower.over.ranking import settled
from penstock.sql.nodes.build import Item, projected, quoted, windowed
from penstock.sql.nodes.pairs import filtered
from penstock.sql.support import GROUPINGS_REFUSED


@dataclass(frozen=True)
class Relation:
    """Rows in sight of a SELECT, and the names they go by."""

    node: Node
    names: tuple[str, ...] = ()
    joined: tuple[Part, ...] = ()

    @property
    def scope(self) -> Scope:
        """What its expressions may name."""
        return Scope(self.node.schema, self.names, self.joined)


def selected(tree: exp.Select, relation: Relation) -> Node:
    """The rows of a SELECT whose FROM and WHERE give `relation`; raises `QueryError` at the part that is wrong."""
    distinct_ = tree.args.get("distinct")
    aggregating = groups(tree)
    if aggregating or distinct_:
        relation = replace(relation, node=settled(relation.node))
    node = _grouped(tree, relation) if aggregating else _plain(tree, relation)
    if not distinct_:
        return node
    if distinct_.args.get("on"):
        raise QueryError("DISTINCT ON is not Flink SQL", tree, remedy="GROUP BY")
    return distinct(settled(node))


def groups(tree: exp.Select) -> bool:
    """Whether a SELECT gives groups rather than rows."""
    told = any(tree.args.get(part) is not None for part in ("group", "having"))
    return told or any(map(has_aggregate, tree.expressions))


def no_aggregate(node: exp.Expression, clause: str, instead: str) -> None:
    """Refuse aggregates in a clause that looks at one row at a time."""
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
    parts = scope.parts
    if isinstance(node, exp.Column):
        parts = tuple(part for part in parts if node.table in part.names)
        if not parts:
            scope.column(exp.Column(this=exp.to_identifier("*"), table=node.args["table"]))
    return [
        (name, bound(column))
        for part in parts
        for name, column in part.columns.items()
        if not column.startswith("$")
    ]


def _unique(name: str, taken: set[str]) -> str:
    """The name, with Calcite's number behind it where the select list has it already."""
    made, number = name, 0
    while made in taken:
        made, number = f"{name}{number}", number + 1
    taken.add(made)
    return made


def _plain(tree: exp.Select, relation: Relation) -> Node:
    items = _items(tree, relation.scope)
    node, items = placed(relation.node, relation.scope, items)
    scope = replace(relation, node=node).scope
    return projected(node, [(name, bind(item, scope)) for name, item in items])


def _grouped(tree: exp.Select, relation: Relation) -> Node:
    parts, once = _parts(tree)
    window = next(iter(windows.grouped_windows(parts)), None)
    having = tree.args.get("having")
    if window is not None:
        relation = replace(relation, node=_group_windowed(relation.node, window))
    scope = relation.scope

    def asked(node: exp.Expression) -> exp.Expression:
        return bind(told_apart(windows.resolved(node, window)), scope)

    items = [(name, asked(node)) for name, node in _items(tree, scope)]
    condition = asked(having.this) if having is not None else None
    keys, sets = _grouping_keys(expanded(parts), once, items, window, scope)
    grouping = Grouping(relation.node, keys, sets)
    for name, node in items:
        if is_aggregate(node):
            grouping.claim(name, node)
    columns = [(name, grouping.over(node)) for name, node in items]
    over = grouping.over(condition) if condition is not None else None
    groups = grouping.node()
    return projected(filtered(groups, over) if over is not None else groups, columns)


def _parts(tree: exp.Select) -> tuple[list[exp.Expression], bool]:
    """The elements of GROUP BY, and whether it says DISTINCT."""
    group = tree.args.get("group")
    if group is None:
        return [], False
    for part, value in group.args.items():
        if part not in ("expressions", "all") and value:
            raise QueryError(GROUPINGS_REFUSED.message, group, remedy=GROUPINGS_REFUSED.remedy)
    parts: list[exp.Expression] = group.expressions
    if any(isinstance(part, SEVERAL) for part in parts):
        within = [inner for part in parts for inner in part.find_all(exp.Anonymous)]
        if found := windows.grouped_windows(within):
            raise QueryError(
                f"{found[0].name} in GROUP BY takes no grouping sets",
                found[0].at,
                remedy=f"FROM {windows.USAGE[found[0].name]} GROUP BY window_start, window_end, ROLLUP (k)",
            )
    return parts, group.args.get("all") is False


def _grouping_keys(
    sets: list[Set], once: bool, items: list[Item], window: windows.GroupWindow | None, scope: Scope
) -> tuple[list[Item], Sets]:
    """All keys, and which sets they are in, each set `once`; those that are not in every set under names of our own."""
    keys = _keys([part for one in sets for part in one], items, window, scope)
    if len(sets) == 1:
        return keys, Sets(tuple(keys), (frozenset(range(len(keys))),))
    places = {key: place for place, (_, key) in enumerate(keys)}
    found = tuple(frozenset(places[bind(part, scope)] for part in one) for one in sets)
    found = tuple(dict.fromkeys(found)) if once else found
    varying = Sets(tuple(keys), found).varying
    named = [(f"$by{place}" if name in varying else name, key) for place, (name, key) in enumerate(keys)]
    return named, Sets(tuple(named), found)


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
        no_aggregate(node, "GROUP BY", "HAVING or the select list")
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
