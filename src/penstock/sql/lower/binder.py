"""Names and shapes of scalar expressions: a parsed tree becomes the plan's, over the columns in sight.

Columns become bare and quoted, parentheses and sqlglot's flags go, casts and intervals get one spelling. SQL and the
Python API both come through here, so that equal queries make equal trees. Knows no clauses.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.types import Schema
from penstock.sql.ddl.types import data_type, kind_from
from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.lower import intervals
from penstock.sql.support import EXPRESSIONS_REFUSED, FUNCTIONS_REFUSED, function_names

# How sqlglot remembers other dialects' meanings; Flink's is the only one here.
FLAGS = ("safe", "typed", "big_int", "coalesce", "ignore_nulls", "nested", "is_numeric", "fraction_in_string")

# Their first argument is a unit, as in TIMESTAMPDIFF(SECOND, a, b), and no column.
UNIT_FIRST = ("TIMESTAMPADD", "TIMESTAMPDIFF")


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns an expression may name, and the names their table goes by."""

    schema: Schema
    names: tuple[str, ...] = ()

    def column(self, node: exp.Column) -> exp.Column:
        """The plan's form of a column reference; refuses names that are not there."""
        known = [column.name for column in self.schema]
        if node.args.get("db") is not None or (node.table and node.table not in self.names):
            if node.table in known:
                raise QueryError(
                    f"`{node.table}` is a column without fields", node, remedy="nested rows are not offered"
                )
            raise QueryError(
                f"there is no table `{node.table}` in sight",
                node,
                remedy=did_you_mean(node.table, self.names, "tables"),
            )
        if node.name not in known:
            raise QueryError(
                f"there is no column `{node.name}`", node, remedy=did_you_mean(node.name, known, "columns")
            )
        made = exp.column(node.name, quoted=True)
        made.this.update_positions(node.this)
        return made


def bind(node: exp.Expression, scope: Scope) -> exp.Expression:
    """The plan's form of an expression; raises `QueryError` at the part that has no meaning here."""
    reason = EXPRESSIONS_REFUSED.get(type(node))
    if reason:
        raise QueryError(reason.message, node, remedy=reason.remedy)
    missing = [key for key, needed in node.arg_types.items() if needed and node.args.get(key) in (None, [])]
    if missing and isinstance(node, exp.Func) and not isinstance(node, exp.Anonymous):
        raise QueryError(f"{node.sql_name()} lacks an argument", node)
    rewrite = REWRITES.get(type(node))
    return rewrite(node, scope) if rewrite else _rebuilt(node, scope)


def _rebuilt(node: exp.Expression, scope: Scope) -> exp.Expression:
    arguments: dict[str, object] = {}
    for key, value in node.args.items():
        if isinstance(value, exp.Expression):
            arguments[key] = bind(value, scope)
        elif isinstance(value, list):
            arguments[key] = [bind(v, scope) if isinstance(v, exp.Expression) else v for v in value]
        elif value is not None and key not in FLAGS:
            arguments[key] = value
    return type(node)(**arguments).update_positions(node)


def _column(node: exp.Expression, scope: Scope) -> exp.Expression:
    assert isinstance(node, exp.Column)
    if isinstance(node.this, exp.Star):
        raise QueryError("* cannot stand in an expression", node)
    return scope.column(node)


def _paren(node: exp.Expression, scope: Scope) -> exp.Expression:
    return bind(node.this, scope)


def _cast(node: exp.Expression, scope: Scope) -> exp.Expression:
    kind = kind_from(node.args["to"], node)
    return type(node)(this=bind(node.this, scope), to=data_type(kind)).update_positions(node)


def _interval(node: exp.Expression, scope: Scope) -> exp.Expression:
    assert isinstance(node, exp.Interval)
    return intervals.canonical(node)


def _call(node: exp.Expression, scope: Scope) -> exp.Expression:
    name = node.name.upper()
    reason = FUNCTIONS_REFUSED.get(name)
    if reason:
        raise QueryError(f"{name}: {reason.message}", node, remedy=reason.remedy)
    if name not in function_names():
        near = difflib.get_close_matches(name, function_names(), n=1, cutoff=0.75)
        remedy = f"did you mean {near[0]}?" if near else "the docs list the functions that are offered"
        raise QueryError(f"there is no function {name} here", node, remedy=remedy)
    arguments = [
        exp.Var(this=argument.name.upper()) if name in UNIT_FIRST and index == 0 else bind(argument, scope)
        for index, argument in enumerate(node.expressions)
    ]
    return exp.Anonymous(this=name, expressions=arguments).update_positions(node)


def _count(node: exp.Expression, scope: Scope) -> exp.Expression:
    if isinstance(node.this, exp.Star):
        return exp.Count(this=exp.Star()).update_positions(node)
    return _rebuilt(node, scope)


def _var(node: exp.Expression, scope: Scope) -> exp.Expression:
    return exp.Var(this=node.name.upper())


REWRITES: dict[type[exp.Expression], Callable[[exp.Expression, Scope], exp.Expression]] = {
    exp.Column: _column,
    exp.Paren: _paren,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Interval: _interval,
    exp.Anonymous: _call,
    exp.Count: _count,
    exp.Var: _var,
}
