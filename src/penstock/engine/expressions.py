"""Scalar SQL expressions → typed polars expressions, with Flink's semantics.

`bind` walks a sqlglot tree once and gives each node's kind and computation together. Functions stand in
`functions/`, one file a family; this file knows columns, literals, operators, and how sqlglot spells calls.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from sqlglot import exp

from penstock.engine.functions import FUNCTIONS, kinds
from penstock.engine.functions.casts import cast
from penstock.engine.functions.table import NOTHING, NOW, Value, constant, kind_of_type
from penstock.engine.functions.user import UserCall
from penstock.engine.types import Column, Expr, Schema, is_nested, is_row, polars_type, row_fields
from penstock.errors import PenstockError

Scope = dict[str, Column]

__all__ = ["NOW", "asks_time", "bind", "compile_to"]


def bind(node: Expr, schema: Schema) -> Value:
    """The kind and the polars expression of `node` over columns of `schema`; raises `PenstockError`."""
    return _bind(node, {column.name: column for column in schema})


def compile_to(node: Expr, schema: Schema, kind: str) -> pl.Expr:
    """The polars expression of `node`, cast to `kind` where it is of another."""
    return cast(bind(node, schema), kind).expr


def asks_time(expr: pl.Expr) -> bool:
    """Whether the expression reads the current time, and so needs the column `NOW`."""
    return NOW in expr.meta.root_names()


def _bind(node: Expr, scope: Scope) -> Value:
    rule = _NODES.get(type(node))
    if rule is not None:
        made = rule(node, scope)
        return made if isinstance(node, UserCall) else _folded(made)
    name, arguments = _call(node)
    body = FUNCTIONS.get(name)
    if body is None:
        raise PenstockError(
            f"{name} is not a function the engine offers",
            remedy="rewrite it with the functions that are listed in docs",
        )
    return _folded(body(*(_bind(argument, scope) for argument in arguments)))


def _folded(value: Value) -> Value:
    """A value that no column takes part in, computed once and for all; a function of polars' gives a row otherwise."""
    if value.is_constant or kinds.is_interval(value.kind) or value.expr.meta.root_names():
        return value
    kind = polars_type(value.kind)
    if is_nested(value.kind):
        return Value(value.kind, pl.lit(pl.select(value.expr.cast(kind)).to_series()).first())
    return constant(value.kind, pl.select(value.expr.cast(kind)).item())


# --- leaves ----------------------------------------------------------------------------------------------------


def _column(node: Expr, scope: Scope) -> Value:
    column = scope.get(node.name)
    if column is None:
        raise PenstockError(f"there is no column {node.name}", remedy="columns here: " + ", ".join(scope))
    return Value(column.kind, pl.col(column.name))


def _field(node: Expr, scope: Scope) -> Value:
    value, name = _bind(node.this, scope), node.expression.name
    fields = {field.name: field for field in row_fields(value.kind)} if is_row(value.kind) else {}
    if name not in fields:
        remedy = f"its fields: {', '.join(fields)}" if fields else "only a ROW has fields"
        raise PenstockError(f"{value.kind} has no field `{name}`", remedy=remedy)
    return Value(fields[name].kind, value.expr.struct.field(name))


def _literal(node: Expr, scope: Scope) -> Value:
    text = str(node.this)
    if node.is_string:
        return constant("STRING", text)
    if "e" in text.lower():
        return constant("DOUBLE", float(text))
    if "." in text:
        whole, _, rest = text.partition(".")
        # Calcite counts a leading zero: 0.908 is DECIMAL(4, 3)
        return constant(f"DECIMAL({len(whole) + len(rest)}, {len(rest)})", Decimal(text))
    number = int(text)
    if number < 2**31:
        return constant("INT", number)
    if number < 2**63:
        return constant("BIGINT", number)
    return constant(f"DECIMAL({len(text)}, 0)", Decimal(text))


def _boolean(node: Expr, scope: Scope) -> Value:
    return constant("BOOLEAN", bool(node.this))


def _null(node: Expr, scope: Scope) -> Value:
    return NOTHING


def _negative(node: Expr, scope: Scope) -> Value:
    value = _bind(node.this, scope)
    if value.kind == "BIGINT" and value.constant == 2**31:
        return constant("INT", -(2**31))
    if value.constant is not None and not isinstance(value.constant, (str, bool)):
        return constant(value.kind, -value.constant) if not kinds.is_interval(value.kind) else _flip(value)
    return FUNCTIONS["NEGATIVE"](value)


def _flip(value: Value) -> Value:
    return Value(value.kind, pl.lit(-value.constant), -value.constant)


_UNIT_MS = {
    "MILLISECOND": 1,
    "SECOND": 1000,
    "MINUTE": 60_000,
    "HOUR": 3_600_000,
    "DAY": 86_400_000,
    "WEEK": 604_800_000,
}
_UNIT_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def _interval(node: Expr, scope: Scope) -> Value:
    unit, text = node.args.get("unit"), str(node.this.name if node.this is not None else "")
    if isinstance(unit, exp.IntervalSpan):
        return _span(text, unit.this.name.upper(), unit.expression.name.upper())
    name = (unit.name if unit is not None else "SECOND").upper().rstrip("S")
    try:
        if name in _UNIT_MONTHS:
            return Value(kinds.MONTHS, pl.lit(int(text) * _UNIT_MONTHS[name]), int(text) * _UNIT_MONTHS[name])
        length = timedelta(milliseconds=float(Decimal(text) * _UNIT_MS[name]))
    except (KeyError, ArithmeticError, ValueError):
        raise PenstockError(f"INTERVAL '{text}' {name} is not understood") from None
    return Value(kinds.DURATION, pl.lit(length), length)


def _span(text: str, first: str, last: str) -> Value:
    if (first, last) == ("YEAR", "MONTH"):
        years, _, months = text.lstrip("+-").partition("-")
        sign = -1 if text.startswith("-") else 1
        return Value(
            kinds.MONTHS,
            pl.lit(sign * (int(years) * 12 + int(months))),
            sign * (int(years) * 12 + int(months)),
        )
    units = ["DAY", "HOUR", "MINUTE", "SECOND"]
    try:
        parts = text.lstrip("+-").replace(" ", ":").split(":")
        names = units[units.index(first) : units.index(last) + 1]
        total = sum(Decimal(part) * _UNIT_MS[name] for part, name in zip(parts, names, strict=True))
    except (ValueError, ArithmeticError):
        raise PenstockError(f"INTERVAL '{text}' {first} TO {last} is not understood") from None
    length = timedelta(milliseconds=float(-total if text.startswith("-") else total))
    return Value(kinds.DURATION, pl.lit(length), length)


# --- structure -------------------------------------------------------------------------------------------------


def _inner(node: Expr, scope: Scope) -> Value:
    return _bind(node.this, scope)


def _cast(node: Expr, scope: Scope) -> Value:
    kind = kind_of_type(node.args["to"])
    value = _bind(node.this, scope)
    made = cast(value, kind)
    if isinstance(value.constant, str) and kinds.name_of(kind) in ("TIMESTAMP", "DATE", "TIME"):
        literal = pl.select(made.expr).item()
        if literal is None and not isinstance(node, exp.TryCast):
            raise PenstockError(
                f"'{value.constant}' is not a {kind}", remedy="write it as 2026-11-22 11:00:00.123"
            )
        return Value(kind, pl.lit(literal, dtype=polars_type(kind)), literal)
    return made


def _case(node: Expr, scope: Scope) -> Value:
    base = node.args.get("this")
    values: list[Value] = []
    for arm in node.args["ifs"]:
        test = exp.EQ(this=base.copy(), expression=arm.this.copy()) if base is not None else arm.this
        values += [_bind(test, scope), _bind(arm.args["true"], scope)]
    default = node.args.get("default")
    return FUNCTIONS["CASE"](*values, NOTHING if default is None else _bind(default, scope))


def _if(node: Expr, scope: Scope) -> Value:
    otherwise = node.args.get("false")
    return FUNCTIONS["CASE"](
        _bind(node.this, scope),
        _bind(node.args["true"], scope),
        NOTHING if otherwise is None else _bind(otherwise, scope),
    )


def _in(node: Expr, scope: Scope) -> Value:
    if node.args.get("query") is not None or node.args.get("unnest") is not None:
        raise PenstockError("IN (SELECT …) is not offered yet", remedy="list the values")
    return FUNCTIONS["IN"](_bind(node.this, scope), *(_bind(one, scope) for one in node.expressions))


def _between(node: Expr, scope: Scope) -> Value:
    value = _bind(node.this, scope)
    low = FUNCTIONS[">="](value, _bind(node.args["low"], scope))
    high = FUNCTIONS["<="](value, _bind(node.args["high"], scope))
    return FUNCTIONS["AND"](low, high)


def _is(node: Expr, scope: Scope) -> Value:
    value = _bind(node.this, scope)
    right = node.expression
    if isinstance(right, exp.Null):
        return FUNCTIONS["IS NULL"](value)
    if isinstance(right, exp.Boolean):
        return FUNCTIONS["IS TRUE" if right.this else "IS FALSE"](value)
    if isinstance(right, exp.JSON):
        return FUNCTIONS["IS JSON"](value, constant("STRING", str(right.this or "VALUE").upper()))
    raise PenstockError(
        f"IS {right.sql()} is not offered", remedy="use IS [NOT] NULL, TRUE, FALSE or DISTINCT FROM"
    )


def _like(node: Expr, scope: Scope) -> Value:
    escape, like = None, node
    if isinstance(node, exp.Escape):
        escape, like = node.expression, node.this
    values = [_bind(like.this, scope), _bind(like.expression, scope)]
    name = "SIMILAR" if isinstance(like, exp.SimilarTo) else "LIKE"
    made = FUNCTIONS[name](*values, *([_bind(escape, scope)] if escape is not None else []))
    return FUNCTIONS["NOT"](made) if like.args.get("negate") else made


def _user(node: Expr, scope: Scope) -> Value:
    """A call of a user's function has a kind; its values are an `Apply`'s (`run.calls` takes it out of here)."""
    assert isinstance(node, UserCall)
    function = node.function
    function.check([_bind(argument, scope).kind for argument in node.expressions])
    return Value(function.returns, pl.lit(None, dtype=polars_type(function.returns)))


# --- how sqlglot spells calls ----------------------------------------------------------------------------------


def _call(node: Expr) -> tuple[str, list[Expr]]:
    """The name a call goes by in the table, and its arguments in Flink's order."""
    spelling = _SPELLINGS.get(type(node))
    if spelling is not None:
        return spelling(node)
    if isinstance(node, exp.Anonymous):
        return str(node.this).upper(), [_unit(argument) for argument in node.expressions]
    if not isinstance(node, exp.Func):
        raise PenstockError(f"{node.sql()} is not offered by the engine")
    arguments: list[Expr] = []
    for name in node.arg_types:
        value = node.args.get(name)
        arguments += (
            value if isinstance(value, list) else [value] if isinstance(value, exp.Expression) else []
        )
    return node.sql_name().upper(), arguments


def _check_read(node: Expr, read: Collection[str]) -> None:
    """sqlglot keeps some of a call's meaning in flags (LIKE's `negate`): one that is not read would be lost."""
    for name, value in node.args.items():
        if value and name not in read and name not in _MEANINGLESS:
            raise PenstockError(f"{node.sql()} is not offered: {name} is not understood")


_MEANINGLESS = {"safe", "typed", "coalesce", "ignore_nulls", "_type", "position_type"}


def _unit(argument: Expr) -> Expr:
    """A time unit stands as a bare word: hand it on as a text (a column of that name is not quoted either)."""
    if isinstance(argument, exp.Var):
        return exp.Literal.string(argument.name.upper())
    bare = isinstance(argument, exp.Column) and not argument.this.args.get("quoted") and not argument.table
    return exp.Literal.string(argument.name.upper()) if bare and argument.name.upper() in _UNITS else argument


_UNITS = {*_UNIT_MS, *_UNIT_MONTHS}


def _trim(node: Expr) -> tuple[str, list[Expr]]:
    side = str(node.args.get("position") or "BOTH").upper()
    name = {"LEADING": "LTRIM", "TRAILING": "RTRIM"}.get(side, "TRIM")
    return name, [node.this, *([node.expression] if node.args.get("expression") is not None else [])]


def _pad(node: Expr) -> tuple[str, list[Expr]]:
    name = "LPAD" if node.args.get("is_left") else "RPAD"
    fill = node.args.get("fill_pattern")
    return name, [node.this, node.expression, *([fill] if fill is not None else [])]


def _rounding(node: Expr) -> tuple[str, list[Expr]]:
    name = "FLOOR" if isinstance(node, exp.Floor) else "CEIL"
    unit = node.args.get("to")
    return name, [node.this, *([exp.Literal.string(unit.name.upper())] if unit is not None else [])]


def _extract(node: Expr) -> tuple[str, list[Expr]]:
    return "EXTRACT", [exp.Literal.string(node.this.name.upper()), node.expression]


def _difference(node: Expr) -> tuple[str, list[Expr]]:
    unit = node.args.get("unit")
    return "TIMESTAMPDIFF", [
        exp.Literal.string(unit.name.upper() if unit is not None else ""),
        node.expression,
        node.this,
    ]


def _addition(node: Expr) -> tuple[str, list[Expr]]:
    unit = node.args.get("unit")
    return "TIMESTAMPADD", [
        exp.Literal.string(unit.name.upper() if unit is not None else ""),
        node.expression,
        node.this,
    ]


def _log(node: Expr) -> tuple[str, list[Expr]]:
    return "LOG", [node.this, *([node.expression] if node.args.get("expression") is not None else [])]


def _chosen(name: str, *parts: str) -> Callable[[Any], tuple[str, list[Expr]]]:
    def spelled(node: Any) -> tuple[str, list[Expr]]:
        _check_read(node, ("expression", *parts) if isinstance(node, exp.Initcap) else parts)
        return name, [node.args[part] for part in parts if node.args.get(part) is not None]

    return spelled


def _listed(name: str, *parts: str) -> Callable[[Any], tuple[str, list[Expr]]]:
    def spelled(node: Any) -> tuple[str, list[Expr]]:
        _check_read(node, (*parts, "expressions"))
        return name, [*(node.args[part] for part in parts), *node.expressions]

    return spelled


_SPELLINGS: dict[type, Callable[[Any], tuple[str, list[Expr]]]] = {
    exp.Trim: _trim, exp.Pad: _pad, exp.Floor: _rounding, exp.Ceil: _rounding, exp.Extract: _extract,
    exp.TimestampDiff: _difference, exp.DateDiff: _difference, exp.TimestampAdd: _addition, exp.Log: _log,
    exp.Length: _chosen("CHAR_LENGTH", "this"), exp.StrPosition: _chosen("POSITION", "substr", "this"),
    exp.Substring: _chosen("SUBSTRING", "this", "start", "length"), exp.Pow: _chosen("POWER", "this", "expression"),
    exp.RegexpExtract: _chosen("REGEXP_EXTRACT", "this", "expression", "position", "group"),
    exp.RegexpReplace: _chosen("REGEXP_REPLACE", "this", "expression", "replacement"),
    exp.RegexpLike: _chosen("REGEXP", "this", "expression"),
    exp.Round: _chosen("ROUND", "this", "decimals"), exp.Trunc: _chosen("TRUNCATE", "this", "decimals"),
    exp.Initcap: _chosen("INITCAP", "this"), exp.Replace: _chosen("REPLACE", "this", "expression", "replacement"),
    exp.Coalesce: _listed("COALESCE", "this"), exp.Greatest: _listed("GREATEST", "this"),
    exp.Least: _listed("LEAST", "this"), exp.Concat: _listed("CONCAT"), exp.ConcatWs: _listed("CONCAT_WS"),
    exp.CurrentTimestamp: _listed("CURRENT_TIMESTAMP"), exp.Localtimestamp: _listed("LOCALTIMESTAMP"),
    exp.CurrentDate: _listed("CURRENT_DATE"), exp.DPipe: _chosen("CONCAT", "this", "expression"),
    exp.Nullif: _chosen("NULLIF", "this", "expression"), exp.Chr: _listed("CHR"),
    exp.Overlay: _chosen("OVERLAY", "this", "expression", "from_", "for_"),
    exp.DayOfWeek: _chosen("DAYOFWEEK", "this"), exp.DayOfMonth: _chosen("DAYOFMONTH", "this"),
    exp.DayOfYear: _chosen("DAYOFYEAR", "this"),
    **{
        node: _chosen(sign, "this", "expression")
        for node, sign in {
            exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.EQ: "=", exp.NEQ: "<>",
            exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.And: "AND", exp.Or: "OR",
            exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM",
        }.items()
    },
    exp.Not: _chosen("NOT", "this"),
}  # fmt: skip

_NODES: dict[type, Callable[[Any, Scope], Value]] = {
    exp.Column: _column, exp.Literal: _literal, exp.Boolean: _boolean, exp.Null: _null, exp.Neg: _negative,
    exp.Interval: _interval, exp.Paren: _inner, exp.Alias: _inner, exp.Cast: _cast, exp.TryCast: _cast,
    exp.Case: _case, exp.If: _if, exp.In: _in, exp.Between: _between, exp.Is: _is, exp.Like: _like,
    exp.SimilarTo: _like,
    exp.Escape: _like, exp.Dot: _field, UserCall: _user,
}  # fmt: skip
