"""Conditions: comparison, three-valued logic, CASE and the functions that choose among values.

Knows nothing of SQL text.
"""

import functools
import operator

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast, convert
from penstock.engine.functions.table import NOTHING, VARIADIC, Value, function, refuse
from penstock.engine.types import is_nested, is_row, polars_type, row_fields

_COMPARE = {
    "=": pl.Expr.eq, "<>": pl.Expr.ne, "<": pl.Expr.lt, "<=": pl.Expr.le, ">": pl.Expr.gt, ">=": pl.Expr.ge,
    "IS DISTINCT FROM": pl.Expr.ne_missing, "IS NOT DISTINCT FROM": pl.Expr.eq_missing,
}  # fmt: skip


def together(name: str, *values: Value) -> tuple[str, list[pl.Expr]]:
    """The values in their common kind; raises where there is none."""
    kind: str | None = kinds.NULL
    for value in values:
        kind = kinds.wider(kind, value.kind) if kind is not None else None
    if kind is None:
        raise refuse(name, *values, remedy="CAST one side so that both are of one kind")
    if kind == kinds.NULL:
        return kind, [value.expr for value in values]
    return kind, [convert(value, kind).expr for value in values]


def _compared(sign: str, left: Value, right: Value) -> Value:
    pair = _meet(left, right)
    kind, (one, other) = together(sign, *pair)
    if is_nested(kind) and sign in ("<", "<=", ">", ">="):
        raise refuse(sign, left, right, remedy="compare parts of it: nested values have no order")
    if is_row(kind) and sign in ("=", "<>"):
        return _rows_compared(sign, Value(kind, one), Value(kind, other))
    return Value("BOOLEAN", _COMPARE[sign](one, other))


def _rows_compared(sign: str, left: Value, right: Value) -> Value:
    """Field by field: equal where all are, different where one is."""
    found = [
        _compared(
            sign,
            Value(f.kind, left.expr.struct.field(f.name)),
            Value(f.kind, right.expr.struct.field(f.name)),
        ).expr
        for f in row_fields(left.kind)
    ]
    return Value("BOOLEAN", functools.reduce(operator.and_ if sign == "=" else operator.or_, found))


def _meet(left: Value, right: Value) -> tuple[Value, Value]:
    """Flink compares a text with a number or a moment by casting the text."""
    if kinds.is_text(left.kind) and not kinds.is_text(right.kind) and right.kind != kinds.NULL:
        return cast(left, "DOUBLE" if kinds.is_integer(right.kind) else right.kind), right
    if kinds.is_text(right.kind) and not kinds.is_text(left.kind) and left.kind != kinds.NULL:
        return left, cast(right, "DOUBLE" if kinds.is_integer(left.kind) else left.kind)
    return left, right


for _sign in _COMPARE:
    function(_sign, arguments=(2, 2))(functools.partial(_compared, _sign))


def _truth(name: str, *values: Value) -> list[pl.Expr]:
    if any(value.kind not in ("BOOLEAN", kinds.NULL) for value in values):
        raise refuse(name, *values, remedy="write a comparison")
    return [value.expr.cast(pl.Boolean) if value.kind == kinds.NULL else value.expr for value in values]


@function("AND", arguments=(2, 2))
def both(left: Value, right: Value) -> Value:
    """Three-valued: false wins over null."""
    one, other = _truth("AND", left, right)
    return Value("BOOLEAN", one & other)


@function("OR", arguments=(2, 2))
def either(left: Value, right: Value) -> Value:
    """Three-valued: true wins over null."""
    one, other = _truth("OR", left, right)
    return Value("BOOLEAN", one | other)


@function("NOT", arguments=(1, 1))
def negate(value: Value) -> Value:
    """Null stays null."""
    return Value("BOOLEAN", ~_truth("NOT", value)[0])


@function("IS NULL", arguments=(1, 1))
def is_null(value: Value) -> Value:
    """Never null itself."""
    return Value("BOOLEAN", value.expr.is_null())


@function("IS TRUE", arguments=(1, 1))
def is_true(value: Value) -> Value:
    """Null is not true."""
    return Value("BOOLEAN", _truth("IS TRUE", value)[0].fill_null(False))


@function("IS FALSE", arguments=(1, 1))
def is_false(value: Value) -> Value:
    """Null is not false."""
    return Value("BOOLEAN", ~_truth("IS FALSE", value)[0].fill_null(True))


@function("IN", arguments=(2, VARIADIC))
def is_in(value: Value, *options: Value) -> Value:
    """True if equal to one; null if to none and there is a null among them or the value is null."""
    constants = [option.constant for option in options]
    kind, exprs = together("IN", value, *(_meet(value, option)[1] for option in options))
    if None not in constants and kinds.is_integer(kind):
        return Value("BOOLEAN", exprs[0].is_in(pl.Series(constants, dtype=polars_type(kind)).implode()))
    if None not in constants and kinds.is_text(kind):
        return Value("BOOLEAN", exprs[0].is_in(pl.Series(constants, dtype=pl.String).implode()))
    return Value("BOOLEAN", pl.any_horizontal(exprs[0] == other for other in exprs[1:]))


@function("CASE", arguments=(3, VARIADIC))
def case(*values: Value) -> Value:
    """Condition, value, condition, value, …, default; IF is its shortest form."""
    tests, arms = _truth("CASE", *values[:-1:2]), [*values[1:-1:2], values[-1]]
    kind, results = together("CASE", *arms)
    chosen = results[-1]
    for test, result in zip(reversed(tests), reversed(results[:-1]), strict=True):
        chosen = pl.when(test).then(result).otherwise(chosen)
    return Value(kind, chosen)


@function("COALESCE", "IFNULL", arguments=(1, VARIADIC))
def coalesce(*values: Value) -> Value:
    """The first that is not null."""
    kind, exprs = together("COALESCE", *values)
    return Value(kind, pl.coalesce(exprs))


@function("NULLIF", arguments=(2, 2))
def null_if(left: Value, right: Value) -> Value:
    """The first, unless it equals the second."""
    same = _compared("=", left, right)
    return Value(left.kind, pl.when(same.expr.fill_null(False)).then(pl.lit(None)).otherwise(left.expr))


@function("GREATEST", arguments=(1, VARIADIC))
def greatest(*values: Value) -> Value:
    """Null if any is null."""
    return _outermost("GREATEST", pl.max_horizontal, values)


@function("LEAST", arguments=(1, VARIADIC))
def least(*values: Value) -> Value:
    """Null if any is null."""
    return _outermost("LEAST", pl.min_horizontal, values)


def _outermost(name: str, choose: "functools.partial[pl.Expr] | object", values: tuple[Value, ...]) -> Value:
    kind, exprs = together(name, *values)
    if kind == kinds.NULL:
        return NOTHING
    whole = functools.reduce(lambda a, b: a & b, (one.is_not_null() for one in exprs))
    return Value(kind, pl.when(whole).then(choose(*exprs)))  # type: ignore[operator]  # one of polars' two functions
