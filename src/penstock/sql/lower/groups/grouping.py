"""GROUP BY and aggregates: expressions around aggregates become an `Aggregate` node and a projection over it.

Knows groups and windows as columns; how rows get their windows is `windows`'.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import SET, WINDOW_NAMES, Aggregate, Aggregation, Node, Project, Window
from penstock.engine.types import Column
from penstock.sql.dialect import ArrayAgg, Collect, ListAgg
from penstock.sql.faults import At, QueryError
from penstock.sql.lower.groups.sets import SetCall, Sets
from penstock.sql.nodes.build import Item, columns_of, projected, quoted
from penstock.sql.nodes.kinds import kind
from penstock.sql.nodes.traits import WINDOW_BOUNDS, window_columns, window_roles

AGGREGATES: dict[type[exp.Expression], str] = {
    exp.Count: "COUNT",
    exp.Sum: "SUM",
    exp.Min: "MIN",
    exp.Max: "MAX",
    exp.Avg: "AVG",
    exp.StddevPop: "STDDEV_POP",
    exp.StddevSamp: "STDDEV_SAMP",
    exp.VariancePop: "VAR_POP",
    exp.Variance: "VAR_SAMP",
    exp.FirstValue: "FIRST_VALUE",
    exp.LastValue: "LAST_VALUE",
    ListAgg: "LISTAGG",
    ArrayAgg: "ARRAY_AGG",
    Collect: "COLLECT",
}


def is_aggregate(node: exp.Expression) -> bool:
    """Whether the node is an aggregate call, with or without FILTER."""
    return type(node) in AGGREGATES or isinstance(node, exp.Filter)


def has_aggregate(node: exp.Expression) -> bool:
    """Whether an aggregate stands anywhere in the expression; one with OVER, or in a subquery, groups nothing here."""
    parts = node.walk(prune=lambda part: isinstance(part, exp.Window | exp.Subquery | exp.Select))
    return any(type(part) in AGGREGATES for part in parts)


@dataclass
class Grouping:
    """The groups of one SELECT: keys by name, and the aggregates its clauses turn out to need."""

    source: Node
    keys: list[Item]
    sets: Sets | None = None
    aggregations: list[tuple[exp.Expression, Aggregation]] = field(default_factory=list)

    def claim(self, name: str, node: exp.Expression) -> None:
        """Compute an aggregate under a name of the user's, if that is free."""
        taken = [key for key, _ in self.keys] + [made.column.name for _, made in self.aggregations]
        if name not in taken and not any(known == node for known, _ in self.aggregations):
            self.aggregations.append((node, aggregation(name, node, self.source)))

    def over(self, node: exp.Expression) -> exp.Expression:
        """The expression over the groups: keys and aggregates become columns; refuses any other column."""
        for name, key in self.keys:
            if node == key:
                return _at(quoted(name), node)
        if isinstance(node, SetCall) and self.sets is not None:
            return self.sets.value(node)
        if is_aggregate(node):
            return _at(quoted(self._aggregate(node)), node)
        if isinstance(node, exp.Column):
            raise QueryError(
                f"`{node.name}` is neither grouped by nor aggregated",
                node,
                remedy=f"add it to GROUP BY, or take MAX({node.name}), LAST_VALUE({node.name}), …",
            )
        made = type(node)(**{key: self._over_argument(value) for key, value in node.args.items()})
        return made.update_positions(node)

    def _over_argument(self, value: object) -> object:
        if isinstance(value, exp.Expression):
            return self.over(value)
        return [self._over_argument(v) for v in value] if isinstance(value, list) else value

    def _aggregate(self, node: exp.Expression) -> str:
        for known, made in self.aggregations:
            if known == node:
                return made.column.name
        name = f"$agg{len(self.aggregations)}"
        self.aggregations.append((node, aggregation(name, node, self.source)))
        return name

    def node(self) -> Node:
        """The finished `Aggregate`."""
        return aggregated(self.source, self.keys, [made for _, made in self.aggregations], self.sets)


def _at(made: exp.Column, node: exp.Expression) -> exp.Column:
    made.this.update_positions(
        node if isinstance(node, exp.Func) else next(iter(node.find_all(exp.Identifier)), node)
    )
    return made


def aggregation(name: str, node: exp.Expression, source: Node) -> Aggregation:
    """One bound aggregate call as the plan has it."""
    call, condition = (node.this, node.expression.this) if isinstance(node, exp.Filter) else (node, None)
    function = AGGREGATES.get(type(call))
    if function is None:
        raise QueryError("FILTER (WHERE …) belongs to an aggregate", node)
    if condition is not None and kind(condition, source.schema) not in ("BOOLEAN", kinds.NULL):
        raise QueryError("a FILTER's condition is BOOLEAN", condition)
    argument, distinct = call.this, False
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) != 1 or argument.args.get("on"):
            raise QueryError(
                f"{function}(DISTINCT …) takes one expression",
                call,
                remedy=f"SELECT DISTINCT the columns in a subquery, then {function}(…)",
            )
        argument, distinct = argument.expressions[0], function not in ("MIN", "MAX")
    separator = call.args.get("separator")
    if separator is not None:
        if not (isinstance(separator, exp.Literal) and separator.is_string):
            raise QueryError("LISTAGG's separator is a text in quotes", separator, remedy="LISTAGG(x, ', ')")
        function = f"LISTAGG '{separator.name}'"
    if call.expressions:
        raise QueryError(f"{function} takes one argument", call)
    if isinstance(argument, exp.Star):
        argument = None
    inner = next((part for part in (argument, condition) if part is not None and has_aggregate(part)), None)
    if inner is not None:
        raise QueryError(
            "an aggregate cannot stand inside another one", inner, remedy="aggregate in a subquery first"
        )
    found = kind(argument, source.schema) if argument is not None else None
    result = kinds.of_aggregate(function, found)
    if result is None or (found is None and function != "COUNT"):
        raise QueryError(
            f"{function} is not defined for {found or '*'}",
            call,
            remedy="CAST what it is of to a kind it takes",
        )
    return Aggregation(Column(name, result, function != "COUNT"), function, argument, distinct, condition)


def aggregated(
    source: Node, keys: Sequence[Item], aggregations: Sequence[Aggregation], sets: Sets | None = None
) -> Node:
    """Groups of a node's rows. Keys that are expressions become columns first, below the window where there is one.

    Of several `sets` the number stands behind the keys.
    """
    sets = sets if sets is not None and sets.several else None
    named = _bounds_under_other_names(source, keys)
    if named:
        return _under_their_own_names(source, keys, aggregations, named, sets)
    window = _window_of(source, [key for key in keys if sets is None or key[0] not in sets.varying])
    computed = [(name, key) for name, key in keys if not (isinstance(key, exp.Column) and key.name == name)]
    if computed:
        source = _with_columns(source, computed, _needed(keys, aggregations))
    if window:
        source, aggregations = _above_window(source, [name for name, _ in keys], aggregations)
    names = tuple(name for name, _ in keys)
    if sets is not None:
        return Aggregate(sets.over(source), (*names, SET.name), tuple(aggregations), window)
    at = next((key for _, key in keys), None)
    return Aggregate(_session(source, names, at) if window else source, names, tuple(aggregations), window)


def _session(source: Node, keys: Sequence[str], at: At) -> Node:
    """A session's window with the keys that its sessions are of: those that are grouped by."""
    if not (isinstance(source, Window) and source.kind == "SESSION"):
        return source
    grouped = tuple(key for key in keys if key not in WINDOW_NAMES)
    if source.keys and set(source.keys) != set(grouped):
        raise QueryError(
            f"the sessions are of ({', '.join(source.keys)}), the groups of ({', '.join(grouped)})",
            at,
            remedy="PARTITION BY and GROUP BY the same columns",
        )
    return replace(source, keys=grouped)


def _bounds_under_other_names(source: Node, keys: Sequence[Item]) -> dict[str, str]:
    """Grouped columns that are a window's by another name, and which of its three each is."""
    known = {column.name for column in source.schema}
    roles = {name: role for name, role in window_roles(source).items() if role not in known}
    return {key.name: roles[key.name] for _, key in keys if isinstance(key, exp.Column) and key.name in roles}


def _under_their_own_names(
    source: Node,
    keys: Sequence[Item],
    aggregations: Sequence[Aggregation],
    named: Mapping[str, str],
    sets: Sets | None,
) -> Node:
    """The groups, with the window's columns called as the engine calls them meanwhile."""

    def back(node: exp.Expression | None) -> exp.Expression | None:
        if node is None:
            return None
        return node.transform(
            lambda part: (
                quoted(named[part.name]) if isinstance(part, exp.Column) and part.name in named else part
            )
        )

    inner = projected(source, [(named.get(c.name, c.name), quoted(c.name)) for c in source.schema])
    made = [replace(a, argument=back(a.argument), condition=back(a.condition)) for a in aggregations]
    own = [(name, back(key)) for name, key in keys]
    varying = sets.varying if sets is not None else ()
    node = aggregated(
        inner,
        [
            (key.name if isinstance(key, exp.Column) and name not in varying else name, key)
            for name, key in own
            if key is not None
        ],
        made,
        sets,
    )
    number = [SET.name] if sets is not None else []
    names = [*(name for name, _ in keys), *number, *(a.column.name for a in aggregations)]
    given = zip(node.schema, names, strict=True)
    return projected(node, [(name, quoted(column.name)) for column, name in given])


def _window_of(source: Node, keys: Sequence[Item]) -> bool:
    """Whether the groups are those of a window: both of its bounds are grouped by."""
    bounds = window_columns(source)
    grouped = {key.name: name for name, key in keys if isinstance(key, exp.Column) and key.name in bounds}
    for bound, name in grouped.items():
        if bound != name:
            raise QueryError(
                f"{bound} cannot be renamed in GROUP BY", remedy=f"keep `{bound}` and rename it in SELECT"
            )
    missing = [bound for bound in WINDOW_BOUNDS if bound in bounds and bound not in grouped]
    if not grouped.keys() & set(WINDOW_BOUNDS) or not bounds.issuperset(WINDOW_BOUNDS):
        return False  # groups over all windows, as in Flink: a running aggregate
    if missing:
        raise QueryError(
            f"GROUP BY has one bound of the window and leaves {missing[0]} out",
            next((key for _, key in keys), None),
            remedy="GROUP BY window_start, window_end, …",
        )
    if source.changes:
        raise QueryError(
            "a window over rows that change is not offered yet", next((key for _, key in keys), None)
        )
    return True


def _needed(keys: Iterable[Item], aggregations: Iterable[Aggregation]) -> set[str]:
    plain = {key.name for name, key in keys if isinstance(key, exp.Column) and key.name == name}
    parts = [part for a in aggregations for part in (a.argument, a.condition) if part is not None]
    return plain.union(*(columns_of(part) for part in parts))


def _with_columns(source: Node, computed: Sequence[Item], needed: set[str]) -> Node:
    """The needed columns and the computed ones, as a projection under the window if none of them reads its columns."""
    for name, key in computed:
        if name in needed:
            raise QueryError(
                f"the group's name `{name}` is a column's name too", key, remedy="choose another name with AS"
            )
    reads = set().union(*(columns_of(key) for _, key in computed))
    if isinstance(source, Window) and not reads & set(WINDOW_NAMES):
        kept = [c.name for c in source.source.schema if c.name in needed or c.name == source.time]
        return replace(source, source=projected(source.source, [*((n, quoted(n)) for n in kept), *computed]))
    windows = window_columns(source)
    kept = [c.name for c in source.schema if c.name in needed or c.name in windows]
    return projected(source, [*((n, quoted(n)) for n in kept), *computed])


def _above_window(
    source: Node, keys: Sequence[str], aggregations: Sequence[Aggregation]
) -> tuple[Node, Sequence[Aggregation]]:
    """What aggregates compute from the window's own columns becomes columns of a projection above the window.

    An aggregate right on a window can then take a row once for all its windows, which such values would forbid.
    """
    parts = [part for a in aggregations for part in (a.argument, a.condition) if part is not None]
    reading = [part for part in parts if columns_of(part) & set(WINDOW_NAMES)]
    if not reading:
        return source, aggregations
    names = {part: f"$window{number}" for number, part in enumerate(dict.fromkeys(reading))}
    kept = {*keys, *WINDOW_NAMES}.union(*(columns_of(part) for part in parts if part not in names))
    items = [(c.name, quoted(c.name)) for c in source.schema if c.name in kept]
    made = projected(source, [*items, *((name, part) for part, name in names.items())])
    return made, [
        replace(
            a,
            argument=quoted(names[a.argument]) if a.argument in names else a.argument,
            condition=quoted(names[a.condition]) if a.condition in names else a.condition,
        )
        for a in aggregations
    ]


def distinct(source: Node) -> Node:
    """Each different row once."""
    keys = [(c.name, quoted(c.name)) for c in source.schema]
    if isinstance(source, Project) and all(
        expr == key for (_, expr), (_, key) in zip(source.columns, keys, strict=True)
    ):
        source = source.source
    return aggregated(source, keys, ())
