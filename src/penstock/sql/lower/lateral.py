"""LATERAL TABLE(f(x)): a join whose right side is what a user's table function gives for each row of the left.

Source: Flink documentation, "Joins", "Table Function". Knows clauses and names; the node is made in `nodes`.
"""

from collections.abc import Callable

from sqlglot import exp

from penstock.engine.functions.user import TableCall, TableFunction
from penstock.engine.plan import Node
from penstock.engine.types import Schema
from penstock.sql.catalog import Catalog
from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.lower.binder import Part, bind
from penstock.sql.lower.select import Relation
from penstock.sql.nodes.lateral import expanded, named

USAGE = "CROSS JOIN LATERAL TABLE(f(x)) AS t (a, b), or LEFT JOIN LATERAL TABLE(f(x)) AS t (a, b) ON TRUE"


def lateral(relation: Relation, join: exp.Join, catalog: Catalog) -> Relation:
    """The relation, each row beside the function's rows for it."""
    tree = join.this
    function, call = _called(tree, catalog)
    alias = tree.args.get("alias")
    columns = _own(function.emits, [c.name for c in alias.columns] if alias is not None else [], call)
    arguments = [bind(argument, relation.scope) for argument in call.expressions]
    bound = TableCall(this=function, expressions=arguments).update_positions(call)
    outer = for_every_row(join, "a table function is joined for every row", call, USAGE)
    return beside(relation, columns, alias, lambda made: expanded(relation.node, bound, made, outer))


def for_every_row(join: exp.Join, otherwise: str, at: exp.Expression, remedy: str) -> bool:
    """Whether rows for which nothing is given remain (LEFT JOIN … ON TRUE); a QueryError for any condition."""
    outer, on = join.side == "LEFT", join.args.get("on")
    always = isinstance(on, exp.Boolean) and on.this
    known = join.side in ("", "LEFT") and (always if outer or on is not None else True)
    if not known or join.args.get("using"):
        raise QueryError(otherwise, at, remedy=remedy)
    return outer


def beside(
    relation: Relation, columns: Schema, alias: exp.TableAlias | None, node: Callable[[Schema], Node]
) -> Relation:
    """The relation with the columns of `node` beside its own, under names that it has not, in scope as `alias` says."""
    made, taken = list[str](), {column.name for column in relation.node.schema}
    for column in columns:
        name, number = column.name, 0
        while name in taken:
            name, number = f"{column.name}{number}", number + 1
        taken.add(name)
        made.append(name)
    names = (alias.name,) if alias is not None and alias.name else ()
    part = Part(names, {column.name: name for column, name in zip(columns, made, strict=True)})
    return Relation(node(named(columns, made)), (), (*relation.scope.parts, part))


def _called(tree: exp.Expression, catalog: Catalog) -> tuple[TableFunction, exp.Anonymous]:
    inner = tree.this
    call = inner.expressions[0] if isinstance(inner, exp.Anonymous) and len(inner.expressions) == 1 else None
    if not isinstance(call, exp.Anonymous) or inner.name.upper() != "TABLE":
        raise QueryError("LATERAL takes TABLE and a table function's call", inner, remedy=USAGE)
    function = catalog.functions.get(call.name.upper())
    if not isinstance(function, TableFunction):
        known = [one.name for one in catalog.functions.values() if isinstance(one, TableFunction)]
        raise QueryError(
            f"there is no table function {call.name}",
            call,
            remedy=did_you_mean(call.name, known, "table functions")
            if known
            else "@app.table_function(emits={…}) in Python declares one",
        )
    return function, call


def _own(columns: Schema, names: list[str], at: exp.Expression) -> Schema:
    if not names:
        return columns
    if len(names) != len(columns):
        raise QueryError(f"{len(names)} names for {len(columns)} columns", at)
    return named(columns, names)
