"""Names and shapes of scalar expressions: a parsed tree becomes the plan's, over the columns in sight.

Columns become bare and quoted, parentheses and sqlglot's flags go, casts and intervals get one spelling. SQL and the
Python API both come through here, so that equal queries make equal trees. Knows no clauses.
"""

import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.types import Schema
from penstock.sql.ddl.types import data_type, kind_from
from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.nodes import intervals
from penstock.sql.support import EXPRESSIONS_REFUSED, FUNCTIONS_REFUSED, function_names

# How sqlglot remembers other dialects' meanings; Flink's is the only one here.
FLAGS = ("safe", "typed", "big_int", "coalesce", "ignore_nulls", "nested", "is_numeric", "fraction_in_string")

BOUND = "bound"

# Their first argument is a unit, as in TIMESTAMPDIFF(SECOND, a, b), and no column.
UNIT_FIRST = ("TIMESTAMPADD", "TIMESTAMPDIFF")


@dataclass(frozen=True, slots=True)
class Part:
    """One table in sight: the names it goes by, and its columns as they are written → as the plan calls them."""

    names: tuple[str, ...]
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns an expression may name: those of one table that goes by `names`, or of several `joined`."""

    schema: Schema
    names: tuple[str, ...] = ()
    joined: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every table in sight; columns that belong to none (a window's) come last."""
        if not self.joined:
            return (Part(self.names, {column.name: column.name for column in self.schema}),)
        owned = {name for part in self.joined for name in part.columns.values()}
        loose = {c.name: c.name for c in self.schema if c.name not in owned}
        return (*self.joined, Part((), loose)) if loose else self.joined

    def column(self, node: exp.Column) -> exp.Column:
        """The plan's form of a column reference; refuses names that are not there, or are there twice."""
        parts = self._named(node) if node.table or node.args.get("db") is not None else self.parts
        found = [part.columns[node.name] for part in parts if node.name in part.columns]
        if not found:
            known = [name for part in parts for name in part.columns]
            raise QueryError(
                f"there is no column `{node.name}`", node, remedy=did_you_mean(node.name, known, "columns")
            )
        if len(found) > 1:
            names = [f"{part.names[-1]}.{node.name}" for part in parts if part.names]
            apart = len(set(names)) == len(names)
            remedy = f"write {' or '.join(names)}" if apart else "give each table a name of its own, with AS"
            raise QueryError(f"`{node.name}` is a column of several tables", node, remedy=remedy)
        made = exp.column(found[0], quoted=True)
        made.this.update_positions(node.this)
        return made

    @property
    def tables(self) -> set[str]:
        """The names that tables in sight go by."""
        return {name for part in self.parts for name in part.names}

    def knows(self, node: exp.Column) -> bool:
        """Whether a table or a column in sight goes by the name's first word."""
        first, qualified = node.parts[0].name, len(node.parts) > 1
        return (qualified and first in self.tables) or any(first in part.columns for part in self.parts)

    def reference(self, node: exp.Column) -> exp.Expression:
        """A column, or a field of a nested row: ``bid.price`` where no table is called bid."""
        path = [part.name for part in node.parts]
        tables = {name for part in self.parts for name in part.names}
        known = {name for part in self.parts for name in part.columns}
        if len(path) == 1 or path[0] in tables or path[0] not in known:
            if len(path) > 2 and path[0] in tables:
                return _fields(self.column(exp.column(path[1], table=path[0])), node.parts[2:])
            return self.column(node)
        return _fields(self.column(exp.Column(this=node.parts[0])), node.parts[1:])

    def _named(self, node: exp.Column) -> list[Part]:
        found = [part for part in self.parts if node.table in part.names and node.args.get("db") is None]
        if found:
            return found
        names = [name for part in self.parts for name in part.names]
        raise QueryError(
            f"there is no table `{node.table}` in sight",
            node,
            remedy=did_you_mean(node.table, names, "tables"),
        )


def _fields(column: exp.Expression, names: Sequence[exp.Expr]) -> exp.Expression:
    made = column
    for name in names:
        made = exp.Dot(this=made, expression=exp.to_identifier(name.name, quoted=True))
        made.expression.update_positions(name)
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


def _between(node: exp.Expression, scope: Scope) -> exp.Expression:
    """SYMMETRIC takes the bounds in either order; nobody below knows the word."""
    bound = _rebuilt(node, scope)
    if not bound.args.pop("symmetric", None):
        return bound
    turned = exp.Between(this=bound.this.copy(), low=bound.args["high"].copy(), high=bound.args["low"].copy())
    return exp.Or(this=bound, expression=turned).update_positions(node)


def _compared(node: exp.Expression, scope: Scope) -> exp.Expression:
    """``(a, b) = (1, 2)``: equal where all parts are, different where one is."""
    left, right = node.this, node.expression
    if not (isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple)):
        return _rebuilt(node, scope)
    pairs = list(zip(left.expressions, right.expressions, strict=False))
    if len(left.expressions) != len(right.expressions) or not pairs:
        raise QueryError(
            f"row values of {len(left.expressions)} and {len(right.expressions)} columns are compared",
            node,
            remedy="as many on both sides: (a, b) = (1, 2)",
        )
    parts = [bind(type(node)(this=one, expression=other), scope) for one, other in pairs]
    joined = exp.And if isinstance(node, exp.EQ) else exp.Or
    return functools.reduce(lambda one, other: joined(this=one, expression=other), parts)


def _in(node: exp.Expression, scope: Scope) -> exp.Expression:
    """``(a, b) IN ((1, 2), …)``: equal to one of them."""
    if not isinstance(node.this, exp.Tuple) or not node.expressions:
        return _rebuilt(node, scope)
    equal = [bind(exp.EQ(this=node.this, expression=one), scope) for one in node.expressions]
    return functools.reduce(lambda one, other: exp.Or(this=one, expression=other), equal)


def _column(node: exp.Expression, scope: Scope) -> exp.Expression:
    assert isinstance(node, exp.Column)
    if isinstance(node.this, exp.Star):
        raise QueryError("* cannot stand in an expression", node)
    return node.copy() if node.meta.get(BOUND) else scope.reference(node)


def bound(name: str) -> exp.Column:
    """A column as the plan has it, that `bind` leaves alone."""
    made = exp.column(name, quoted=True)
    made.meta[BOUND] = True
    return made


def _dot(node: exp.Expression, scope: Scope) -> exp.Expression:
    """A field deeper than a column's name can say: ``a.b.c.d.e``."""
    return exp.Dot(
        this=bind(node.this, scope), expression=exp.to_identifier(node.expression.name, quoted=True)
    )


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


def _bracket(node: exp.Expression, scope: Scope) -> exp.Expression:
    """``a[i]``, ``m[key]``, or ``MAP[key, value, …]``."""
    held, places = node.this, node.expressions
    word = isinstance(held, exp.Column) and not held.table and not held.this.args.get("quoted")
    if word and held.name.upper() == "MAP" and not scope.knows(held):
        return exp.Anonymous(this="MAP", expressions=[bind(one, scope) for one in places]).update_positions(
            held.this
        )
    if len(places) != 1 or isinstance(places[0], exp.Slice):
        raise QueryError("brackets hold one place or key", node, remedy="a[1], or m['key']")
    made = exp.Anonymous(this="ITEM", expressions=[bind(held, scope), bind(places[0], scope)])
    return made.update_positions(next(iter(node.find_all(exp.Identifier)), node))


def _array(node: exp.Expression, scope: Scope) -> exp.Expression:
    if not node.expressions:
        raise QueryError(
            "ARRAY[] needs an element: its kind is not known otherwise", node, remedy="ARRAY[1, 2]"
        )
    return exp.Anonymous(this="ARRAY", expressions=[bind(one, scope) for one in node.expressions])


def _count(node: exp.Expression, scope: Scope) -> exp.Expression:
    if isinstance(node.this, exp.Star):
        return exp.Count(this=exp.Star()).update_positions(node)
    return _rebuilt(node, scope)


def _var(node: exp.Expression, scope: Scope) -> exp.Expression:
    return exp.Var(this=node.name.upper())


REWRITES: dict[type[exp.Expression], Callable[[exp.Expression, Scope], exp.Expression]] = {
    exp.Between: _between,
    exp.EQ: _compared,
    exp.NEQ: _compared,
    exp.In: _in,
    exp.Column: _column,
    exp.Dot: _dot,
    exp.Paren: _paren,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Interval: _interval,
    exp.Anonymous: _call,
    exp.Count: _count,
    exp.Bracket: _bracket,
    exp.Array: _array,
    exp.Var: _var,
}
