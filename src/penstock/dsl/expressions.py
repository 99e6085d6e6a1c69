"""Expressions in Python: `col.amount * 2 > 100` builds the tree that the SQL would.

Operators build sqlglot nodes and never compare in Python, so `and`, `or`, `not`, `if` and chained comparisons raise
with the remedy. Knows no schema: names and kinds are checked where an expression meets a stream.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from sqlglot import exp

from penstock.dsl.schemas import kind_of_hint
from penstock.durations import milliseconds
from penstock.errors import PenstockError
from penstock.sql.ddl.types import data_type
from penstock.sql.explain import text_of
from penstock.sql.nodes.intervals import of_ms

Operand: TypeAlias = "Expression | str | int | float | bool | Decimal | datetime | date | timedelta | None"


class Expression:
    """A value computed from a row's columns, or from a group's rows."""

    __slots__ = ("node",)

    def __init__(self, node: exp.Expression) -> None:
        self.node = node

    def __repr__(self) -> str:
        return text_of(self.node)

    def __bool__(self) -> NoReturn:
        raise PenstockError(
            f"{self!r} is an expression: it has no truth value before it runs",
            remedy="write & for and, | for or, ~ for not, with parentheses: (col.a > 1) & (col.b < 3)",
        )

    def __add__(self, other: Operand) -> Expression:
        return _binary(exp.Add, self, other)

    def __radd__(self, other: Operand) -> Expression:
        return _binary(exp.Add, other, self)

    def __sub__(self, other: Operand) -> Expression:
        return _binary(exp.Sub, self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return _binary(exp.Sub, other, self)

    def __mul__(self, other: Operand) -> Expression:
        return _binary(exp.Mul, self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return _binary(exp.Mul, other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return _binary(exp.Div, self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return _binary(exp.Div, other, self)

    def __mod__(self, other: Operand) -> Expression:
        return _binary(exp.Mod, self, other)

    def __rmod__(self, other: Operand) -> Expression:
        return _binary(exp.Mod, other, self)

    def __neg__(self) -> Expression:
        return Expression(exp.Neg(this=self.node.copy()))

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]  # builds a comparison
        return _binary(exp.EQ, self, _comparable(other))

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]  # builds a comparison
        return _binary(exp.NEQ, self, _comparable(other))

    def __lt__(self, other: Operand) -> Expression:
        return _binary(exp.LT, self, other)

    def __le__(self, other: Operand) -> Expression:
        return _binary(exp.LTE, self, other)

    def __gt__(self, other: Operand) -> Expression:
        return _binary(exp.GT, self, other)

    def __ge__(self, other: Operand) -> Expression:
        return _binary(exp.GTE, self, other)

    def __and__(self, other: Operand) -> Expression:
        return _binary(exp.And, self, other)

    def __rand__(self, other: Operand) -> Expression:
        return _binary(exp.And, other, self)

    def __or__(self, other: Operand) -> Expression:
        return _binary(exp.Or, self, other)

    def __ror__(self, other: Operand) -> Expression:
        return _binary(exp.Or, other, self)

    def __invert__(self) -> Expression:
        return Expression(exp.Not(this=self.node.copy()))

    __hash__ = None  # type: ignore[assignment]  # `==` builds a node, so no set or dict could find one again

    def is_null(self) -> Expression:
        """``IS NULL``."""
        return Expression(exp.Is(this=self.node.copy(), expression=exp.Null()))

    def is_not_null(self) -> Expression:
        """``IS NOT NULL``."""
        return ~self.is_null()

    def is_in(self, values: Iterable[Operand]) -> Expression:
        """``IN (value, …)``."""
        return Expression(exp.In(this=self.node.copy(), expressions=[lift(v).node for v in values]))

    def between(self, low: Operand, high: Operand) -> Expression:
        """``BETWEEN low AND high``, both included."""
        return Expression(exp.Between(this=self.node.copy(), low=lift(low).node, high=lift(high).node))

    def like(self, pattern: str) -> Expression:
        """``LIKE pattern``: % stands for any text, _ for one character."""
        return _binary(exp.Like, self, pattern)

    def cast(self, kind: str | type) -> Expression:
        """``CAST(… AS kind)``: a Python type, or SQL's words as in ``"DECIMAL(10, 2)"``."""
        return Expression(exp.Cast(this=self.node.copy(), to=data_type(kind_of_hint("cast", kind))))

    def desc(self) -> Expression:
        """``… DESC``, in an order: the largest first, nulls last."""
        return Expression(exp.Ordered(this=self.node.copy(), desc=True, nulls_first=False))

    def asc(self) -> Expression:
        """The smallest first, nulls before all: what an order is without a word."""
        return Expression(exp.Ordered(this=self.node.copy(), desc=False, nulls_first=True))

    def filter(self, condition: Expression) -> Expression:
        """``aggregate FILTER (WHERE condition)``: only rows for which the condition holds."""
        return Expression(exp.Filter(this=self.node.copy(), expression=exp.Where(this=lift(condition).node)))


class Columns:
    """`col.name`, or `col["name"]` where the name is a Python word. With a `side`, of that side of a join."""

    def __init__(self, side: str | None = None) -> None:
        self._side = side

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Expression:
        return Expression(exp.column(name, table=self._side, quoted=True))


col = Columns()
left, right = Columns("left"), Columns("right")
"""The two sides in a join's `on`, where both have a column of that name: ``left.id == right.id``."""
now = Expression(exp.Anonymous(this="PROCTIME", expressions=[]))
"""The wall's clock at the moment a row is looked at: ``PROCTIME()``."""


def lift(value: Any) -> Expression:
    """A Python value as an expression; expressions stay what they are."""
    if isinstance(value, Expression):
        return Expression(value.node.copy())
    return Expression(_literal(value))


def _literal(value: Any) -> exp.Expression:
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return exp.Cast(this=exp.Literal.string(moment.isoformat(sep=" ")), to=data_type("TIMESTAMP(6)"))
    if isinstance(value, date):
        return exp.Cast(this=exp.Literal.string(value.isoformat()), to=data_type("DATE"))
    if isinstance(value, timedelta):
        return of_ms(milliseconds(value))
    raise PenstockError(
        f"{value!r} has no place in an expression",
        remedy="a number, text, bool, None, datetime, date or timedelta",
    )


def _number(value: float | Decimal) -> exp.Expression:
    if not math.isfinite(value):
        raise PenstockError(f"{value!r} has no literal in SQL", remedy="compare with a finite number")
    literal = exp.Literal.number(format(abs(value), "f") if isinstance(value, Decimal) else repr(abs(value)))
    return exp.Neg(this=literal) if value < 0 else literal


def _comparable(value: Operand) -> Operand:
    if value is None:
        raise PenstockError("= NULL is never true", remedy=".is_null() or .is_not_null()")
    return value


def _binary(kind: type[exp.Expression], left: Operand, right: Operand) -> Expression:
    return Expression(kind(this=lift(left).node, expression=lift(right).node))
