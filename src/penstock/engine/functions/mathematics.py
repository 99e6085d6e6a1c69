"""Numbers: arithmetic with Flink's kinds, rounding and the usual functions.

Integers wrap on overflow and divide towards zero; dividing an exact number by zero gives NULL (Flink would fail the
job); floating point follows IEEE 754. Knows nothing of SQL text.
"""

import functools
import math
from datetime import timedelta

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast, convert
from penstock.engine.functions.table import Value, constant, function, known, refuse
from penstock.engine.functions.times import shift
from penstock.engine.types import polars_type


def _arithmetic(sign: str, left: Value, right: Value) -> Value:
    moved = _with_times(sign, left, right)
    if moved is not None:
        return moved
    kind = kinds.arithmetic(sign, left.kind, right.kind)
    if kind is None:
        raise refuse(sign, left, right, remedy="CAST texts to numbers first")
    if kinds.is_decimal(kind):
        return Value(kind, _decimal(sign, left, right, kind))
    wide = (
        kinds.wider(left.kind, right.kind) or kind
    )  # a rest is of the divisor's kind, and computed in the wider one
    one, other = convert(left, wide).expr, convert(right, wide).expr
    if sign in "+-*":
        return Value(kind, one + other if sign == "+" else one - other if sign == "-" else one * other)
    if kinds.is_float(kind):
        return Value(kind, _divided(one, other) if sign == "/" else _float_rest(one, other))
    quotient = _quotient(one, other)
    return Value(kind, quotient if sign == "/" else (one - quotient * other).cast(polars_type(kind)))


def _divided(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """To the last bit: by one number for all of several rows polars multiplies by its reciprocal, and 3 / 10 is not 0.3."""
    if other.meta.root_names():
        return one / other
    return one / (other + one.is_null().cast(pl.Float32) * 0.0)


def _quotient(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Integer division towards zero, as Java's: polars rounds down."""
    down = one // other
    inexact = (down * other != one) & ((one < 0) != (other < 0))
    return down + inexact.cast(pl.Int8)


def _float_rest(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Java's %: the sign of the dividend."""
    size = one.abs() % other.abs()
    return pl.when(one < 0).then(-size).otherwise(size)


def _decimal(sign: str, left: Value, right: Value, kind: str) -> pl.Expr:
    scale = kinds.digits(kind)[1]
    inner = max(kinds.digits(left.kind)[1], kinds.digits(right.kind)[1], scale)
    wide = pl.Decimal(kinds.DECIMAL_MAX, inner)
    one, other = left.expr.cast(wide, strict=False), right.expr.cast(wide, strict=False)
    target = polars_type(kind)
    if sign == "+":
        made = one + other
    elif sign == "-":
        made = one - other
    elif sign == "*":
        made = one * other
    else:
        other = pl.when(other != 0).then(other)
        made = one / other if sign == "/" else _decimal_rest(one, other)
    return made.cast(target, strict=False)


def _decimal_rest(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    size = one.abs() % other.abs()
    return pl.when(one < 0).then(-size).otherwise(size)


def _with_times(sign: str, left: Value, right: Value) -> Value | None:
    """Moments and intervals: moment ± interval, interval + moment, interval ± interval, interval * number."""
    if sign in "+-" and kinds.is_interval(right.kind) and not kinds.is_interval(left.kind):
        return shift(left, right, 1 if sign == "+" else -1)
    if sign == "+" and kinds.is_interval(left.kind) and not kinds.is_interval(right.kind):
        return shift(right, left, 1)
    if sign in "+-" and left.kind == right.kind and left.kind in (kinds.DURATION, kinds.MONTHS):
        joined = known(sign, left, "interval") + (1 if sign == "+" else -1) * known(sign, right, "interval")
        return Value(left.kind, pl.lit(joined), joined)
    if sign == "*" and kinds.DURATION in (left.kind, right.kind):
        length, times = (left, right) if left.kind == kinds.DURATION else (right, left)
        span: timedelta = known(sign, length, "interval") * float(known(sign, times, "factor"))
        return Value(kinds.DURATION, pl.lit(span), span)
    return None


for _sign in "+-*/%":
    function(*((_sign, "MOD") if _sign == "%" else (_sign,)), arguments=(2, 2))(
        functools.partial(_arithmetic, _sign)
    )


def _number(name: str, value: Value) -> Value:
    if not kinds.is_number(value.kind) and value.kind != kinds.NULL:
        raise refuse(name, value, remedy="CAST it to a number first")
    return value if value.kind != kinds.NULL else cast(value, "DOUBLE")


@function("NEGATIVE", arguments=(1, 1))
def negative(value: Value) -> Value:
    """Unary minus; the smallest integer stays as it is (it wraps)."""
    value = _number("-", value)
    return Value(
        value.kind,
        pl.lit(0, dtype=polars_type(value.kind)) - value.expr
        if kinds.is_integer(value.kind)
        else -value.expr,
    )


@function("ABS", arguments=(1, 1))
def absolute(value: Value) -> Value:
    """The size; the smallest integer stays negative, as Java's Math.abs."""
    value = _number("ABS", value)
    return Value(value.kind, value.expr.abs())


@function("CEIL", "CEILING", arguments=(1, 2))
def ceiling(value: Value, unit: Value | None = None) -> Value:
    """To the next whole number up, or with a unit (CEIL(ts TO HOUR)) to the next whole unit."""
    if unit is not None:
        from penstock.engine.functions.times import ceiling_to

        return ceiling_to(value, str(unit.constant))
    return _rounded("CEIL", value, pl.Expr.ceil)


@function("FLOOR", arguments=(1, 2))
def floor(value: Value, unit: Value | None = None) -> Value:
    """To the next whole number down, or with a unit (FLOOR(ts TO HOUR)) to the whole unit before."""
    if unit is not None:
        from penstock.engine.functions.times import floor_to

        return floor_to(value, str(unit.constant))
    return _rounded("FLOOR", value, pl.Expr.floor)


def _rounded(name: str, value: Value, towards: object) -> Value:
    value = _number(name, value)
    if kinds.is_integer(value.kind):
        return value
    if kinds.is_decimal(value.kind):
        precision, scale = kinds.digits(value.kind)
        if scale == 0:
            return value
        kind = kinds.decimal(precision, 0)
        return Value(kind, towards(value.expr).cast(polars_type(kind), strict=False))  # type: ignore[operator]
    return Value(value.kind, towards(value.expr))  # type: ignore[operator]  # pl.Expr.floor or .ceil


@function("ROUND", arguments=(1, 2))
def rounded(value: Value, places: Value | None = None) -> Value:
    """Half away from zero, as Flink's (BigDecimal HALF_UP)."""
    return _to_places("ROUND", value, places, 1)


@function("TRUNCATE", arguments=(1, 2))
def truncated(value: Value, places: Value | None = None) -> Value:
    """Digits after `places` cut off."""
    return _to_places("TRUNCATE", value, places, 0)


def _to_places(name: str, value: Value, places: Value | None, halves: int) -> Value:
    """The nearest value of so many places towards zero, once `halves` of a step were added to its size."""
    value = _number(name, value)
    digits = 0 if places is None else int(known(name, places, "number of places"))
    if kinds.is_decimal(value.kind):
        return _decimal_to_places(value, digits, halves)
    if kinds.is_integer(value.kind):
        return (
            Value(
                value.kind,
                _whole_steps(value.expr, -digits, halves).cast(polars_type(value.kind), wrap_numerical=True),
            )
            if digits < 0
            else value
        )
    if digits >= 0 and halves:
        return Value(value.kind, value.expr.round(digits, mode="half_away_from_zero"))
    unit = 10.0**digits
    scaled = value.expr.cast(pl.Float64) * unit
    size = (scaled.abs() + halves * 0.5).floor()
    return cast(
        Value(
            "DOUBLE",
            _divided(pl.when(scaled < 0).then(-size).otherwise(size), pl.lit(unit, dtype=pl.Float64)),
        ),
        value.kind,
    )


def _whole_steps(number: pl.Expr, zeros: int, halves: int) -> pl.Expr:
    """A whole number with `zeros` zeros at its end."""
    step, wide = 10 ** min(zeros, 30), number.cast(pl.Int128)
    size = (wide.abs() + halves * step // 2) // step * step
    return pl.when(wide < 0).then(pl.lit(0, dtype=pl.Int128) - size).otherwise(size)


def _decimal_to_places(value: Value, digits: int, halves: int) -> Value:
    precision, scale = kinds.digits(value.kind)
    if digits >= scale:
        return value
    kept = max(digits, 0)
    # rounding may add a digit in front (LogicalTypeMerging.findRoundDecimalType)
    kind = kinds.decimal(1 + precision - scale + kept, kept)
    unscaled = (value.expr.cast(pl.Decimal(38, scale)) * pl.lit(10**scale).cast(pl.Decimal(38, 0))).cast(
        pl.Int128
    )
    made = _whole_steps(unscaled, scale - digits, halves).cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, scale))
    return Value(
        kind, (made / pl.lit(10**scale).cast(pl.Decimal(38, 0))).cast(polars_type(kind), strict=False)
    )


@function("SIGN", arguments=(1, 1))
def sign(value: Value) -> Value:
    """-1, 0 or 1 in the argument's kind."""
    value = _number("SIGN", value)
    return Value(value.kind, value.expr.cast(pl.Float64).sign().cast(polars_type(value.kind)))


@function("POWER", "POW", arguments=(2, 2))
def power(value: Value, exponent: Value) -> Value:
    """A DOUBLE, also for integers."""
    return Value("DOUBLE", _double("POWER", value).pow(_double("POWER", exponent)))


@function("LOG", arguments=(1, 2))
def logarithm(first: Value, second: Value | None = None) -> Value:
    """LOG(x) is natural, LOG(base, x)."""
    if second is None:
        return Value("DOUBLE", _double("LOG", first).log())
    if first.constant in (2, 10):  # exact for powers, which a quotient of logarithms is not
        base = float(first.constant)
        x = _double("LOG", second)
        return Value("DOUBLE", x.log10() if base == 10 else x.log(2))
    return Value("DOUBLE", _divided(_double("LOG", second).log(), _double("LOG", first).log()))


def _double(name: str, value: Value) -> pl.Expr:
    return convert(_number(name, value), "DOUBLE").expr


def _of_double(name: str, compute: object, value: Value) -> Value:
    return Value("DOUBLE", compute(_double(name, value)))  # type: ignore[operator]  # from the table below


_OF_DOUBLE = {
    "SQRT": pl.Expr.sqrt, "LN": pl.Expr.log, "LOG10": pl.Expr.log10, "EXP": pl.Expr.exp, "SIN": pl.Expr.sin,
    "LOG2": lambda x: x.log(2), "COS": pl.Expr.cos, "TAN": pl.Expr.tan, "COT": pl.Expr.cot, "ASIN": pl.Expr.arcsin,
    "ACOS": pl.Expr.arccos, "ATAN": pl.Expr.arctan, "SINH": pl.Expr.sinh, "COSH": pl.Expr.cosh,
    "TANH": pl.Expr.tanh, "DEGREES": pl.Expr.degrees, "RADIANS": pl.Expr.radians,
}  # fmt: skip
for _name, _compute in _OF_DOUBLE.items():
    function(_name, arguments=(1, 1))(functools.partial(_of_double, _name, _compute))


@function("ATAN2", arguments=(2, 2))
def arctan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y)."""
    return Value("DOUBLE", pl.arctan2(_double("ATAN2", y), _double("ATAN2", x)))


@function("PI", arguments=(0, 0))
def pi() -> Value:
    """3.14…"""
    return constant("DOUBLE", math.pi)


@function("E", arguments=(0, 0))
def euler() -> Value:
    """2.71…"""
    return constant("DOUBLE", math.e)
