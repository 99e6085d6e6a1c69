"""CAST between kinds, as Flink does it at run time.

A text that does not parse, and a number that does not fit a DECIMAL, becomes NULL: one bad record never stops a
pipeline (Flink's TRY_CAST; its plain CAST fails the job instead). Knows nothing of SQL text.
"""

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.collections.shown import shown
from penstock.engine.functions.table import Value, constant, refuse
from penstock.engine.kernels.arrow import nest, unnest
from penstock.engine.kernels.moments import parse_moments, show_moments
from penstock.engine.types import (
    bare,
    element,
    is_nested,
    polars_type,
    row_fields,
)

_BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}
_TRUE, _FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
_MICROS = 1_000_000


def cast(value: Value, kind: str) -> Value:
    """`value` as `kind`; raises `PenstockError` where Flink has no such cast."""
    if value.kind == kind:
        return value
    if value.kind == kinds.NULL:
        return Value(kind, pl.lit(None, dtype=polars_type(kind)))
    if bare(value.kind) == bare(kind):
        return Value(kind, value.expr, value.constant)
    if is_nested(value.kind) and (is_nested(kind) or kinds.is_text(kind)):
        return _nested(value, kind)
    family = _family(kind)
    rule = _RULES.get((_family(value.kind), family))
    if rule is None:
        raise refuse(
            f"CAST to {kind}", value, remedy="there is no such cast in Flink: take a part of it first"
        )
    made = rule(value, kind)
    return Value(kind, _sized(made, kind) if family == "text" else made)


def _sized(text: pl.Expr, kind: str) -> pl.Expr:
    """VARCHAR(n) cuts off what is too long, CHAR(n) also fills up with blanks."""
    if "(" not in kind:
        return text
    size = kinds.digits(kind)[0]
    cut = text.str.slice(0, size)
    return cut.str.pad_end(size) if kinds.name_of(kind) == "CHAR" else cut


def convert(value: Value, kind: str) -> Value:
    """`value` in a kind it widens to: the conversions that need no CAST."""
    literal = value.constant
    if literal is not None and kinds.is_float(kind) and kinds.is_number(value.kind):
        return constant(kind, float(literal))
    if literal is not None and kinds.is_integer(kind) and kinds.is_integer(value.kind):
        return constant(kind, literal)
    return cast(value, kind)


def _nested(value: Value, kind: str) -> Value:
    """Part by part. What is wrong with a part is told of it."""
    if kinds.is_text(kind):
        return shown(value, kind, cast)
    if kinds.name_of(value.kind) != kinds.name_of(kind):
        raise refuse(
            f"CAST to {kind}", value, remedy="there is no such cast in Flink: take a part of it first"
        )
    if kinds.name_of(kind) == "ROW":
        return _row_to_row(value, kind)
    inner, wanted = element(value.kind), element(kind)
    each = cast(Value(inner.kind, pl.col("element")), wanted.kind).expr
    target = polars_type(kind)

    def converted(lists: pl.Series) -> pl.Series:
        elements, offsets, valid = unnest(lists)
        made = elements.alias("element").to_frame().select(each.alias("element")).to_series()
        return nest(lists.name, made, offsets, valid)

    return Value(kind, value.expr.map_batches(converted, return_dtype=target))


def _row_to_row(value: Value, kind: str) -> Value:
    """Field by field, by their places."""
    have, want = row_fields(value.kind), row_fields(kind)
    if len(have) != len(want):
        raise refuse(f"CAST to {kind}", value, remedy=f"it has {len(have)} fields")
    fields = [
        cast(Value(one.kind, value.expr.struct.field(one.name)), other.kind).expr.alias(other.name)
        for one, other in zip(have, want, strict=True)
    ]
    return Value(kind, pl.when(value.expr.is_not_null()).then(pl.struct(fields)))


def _family(kind: str) -> str:
    if kinds.is_integer(kind):
        return "integer"
    if kinds.is_float(kind):
        return "float"
    if kinds.is_text(kind):
        return "text"
    name = kinds.name_of(kind)
    if name in kinds.BINARIES:
        return "binary"
    return "moment" if name in kinds.TIMES else name.lower()


def _number_to_integer(value: Value, kind: str) -> pl.Expr:
    # Java's narrowing: integers wrap around, floats cut off and stop at the ends, NaN is 0 (JLS 5.1.3)
    if kinds.is_integer(value.kind):
        return value.expr.cast(polars_type(kind), wrap_numerical=True)
    if kinds.is_decimal(value.kind):
        return value.expr.cast(pl.Int128).cast(polars_type(kind), wrap_numerical=True)
    bits = min(max(_BITS[kind], 32), 64)
    top, low = float(2 ** (bits - 1)), -(2 ** (bits - 1))
    wide = pl.Int32 if bits == 32 else pl.Int64
    number = value.expr.fill_nan(0.0)
    cut = (
        pl.when(number >= top)
        .then(pl.lit(2 ** (bits - 1) - 1, dtype=wide))
        .when(number <= -top)
        .then(pl.lit(low, dtype=wide))
        .otherwise(number.cast(wide, strict=False))
    )
    return cut.cast(polars_type(kind), wrap_numerical=True)


def _number_to_float(value: Value, kind: str) -> pl.Expr:
    return value.expr.cast(polars_type(kind))


def _number_to_decimal(value: Value, kind: str) -> pl.Expr:
    scale = kinds.digits(kind)[1]
    if kinds.is_float(value.kind):
        # the shortest decimal that reads back as the number, as BigDecimal.valueOf has it
        shortest = value.expr.cast(pl.String).cast(_spare(scale), strict=False)
        return half_up(pl.coalesce(shortest, value.expr.cast(_spare(scale), strict=False)), kind)
    if kinds.is_decimal(value.kind) and kinds.digits(value.kind)[1] > scale:
        return half_up(value.expr, kind)
    return value.expr.cast(polars_type(kind), strict=False)


def _spare(scale: int) -> pl.Decimal:
    """A decimal with digits to round off."""
    return pl.Decimal(kinds.DECIMAL_MAX, min(scale + 8, 30))


def half_up(number: pl.Expr, kind: str) -> pl.Expr:
    """A decimal as a narrower one, rounded half up (away from zero), NULL where it does not fit. polars' cast is half even."""
    rounded = number.round(kinds.digits(kind)[1], mode="half_away_from_zero")
    return rounded.cast(polars_type(kind), strict=False)


def _text_to_number(value: Value, kind: str) -> pl.Expr:
    text = value.expr.str.strip_chars()
    if kinds.is_integer(kind):
        # Flink cuts the fraction of a text off: CAST('1.9' AS INT) is 1
        return text.str.replace(r"^([+-]?\d+)\.\d*$", "$1").cast(polars_type(kind), strict=False)
    if kinds.is_decimal(kind):
        return half_up(text.cast(_spare(kinds.digits(kind)[1]), strict=False), kind)
    return text.cast(polars_type(kind), strict=False)


def _text_to_boolean(value: Value, kind: str) -> pl.Expr:
    text = value.expr.str.strip_chars().str.to_lowercase()
    return pl.when(text.is_in(_TRUE)).then(pl.lit(True)).when(text.is_in(_FALSE)).then(pl.lit(False))


def _text_to_text(value: Value, kind: str) -> pl.Expr:
    return value.expr


def _text_to_moment(value: Value, kind: str) -> pl.Expr:
    return value.expr.str.strip_chars().map_batches(parse_moments, return_dtype=pl.Datetime("us"))


def _text_to_date(value: Value, kind: str) -> pl.Expr:
    return (
        value.expr.str.strip_chars().map_batches(parse_moments, return_dtype=pl.Datetime("us")).cast(pl.Date)
    )


def _text_to_time(value: Value, kind: str) -> pl.Expr:
    return value.expr.str.strip_chars().str.to_time("%H:%M:%S%.f", strict=False)


def _number_to_text(value: Value, kind: str) -> pl.Expr:
    if not kinds.is_float(value.kind):
        return value.expr.cast(pl.String)
    return value.expr.map_batches(_java_doubles, return_dtype=pl.String)


def _java_doubles(numbers: pl.Series) -> pl.Series:
    """Double.toString: plain between 1e-3 and 1e7, else one digit before the point and ``E``."""
    text = numbers.cast(pl.String)
    size = numbers.abs()
    odd = numbers.is_not_null() & ~(((size >= 1e-3) & (size < 1e7)) | (size == 0))
    if not odd.any():
        return text
    names = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    return pl.Series(
        text.name,
        [
            t if not o else names.get(t.lower(), "") or _scientific(t)
            for t, o in zip(text.to_list(), odd.to_list(), strict=True)
        ],
        dtype=pl.String,
    )


def _scientific(shortest: str) -> str:
    from decimal import Decimal

    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    text = "".join(map(str, digits))
    power = int(exponent) + len(text) - 1
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def _boolean_to_text(value: Value, kind: str) -> pl.Expr:
    return pl.when(value.expr).then(pl.lit("TRUE")).when(~value.expr).then(pl.lit("FALSE"))


def _boolean_to_number(value: Value, kind: str) -> pl.Expr:
    return value.expr.cast(pl.Int8).cast(polars_type(kind))


def _number_to_boolean(value: Value, kind: str) -> pl.Expr:
    return value.expr != 0


def _moment_to_text(value: Value, kind: str) -> pl.Expr:
    places = kinds.fraction(value.kind)
    return value.expr.map_batches(lambda s: show_moments(s, places), return_dtype=pl.String)


def _moment_to_moment(value: Value, kind: str) -> pl.Expr:
    places = min(kinds.fraction(kind), 6)
    if places >= min(kinds.fraction(value.kind), 6):
        return value.expr
    step = 10 ** (6 - places)
    whole: pl.Expr = value.expr.cast(pl.Int64) // step * step
    return whole.cast(pl.Datetime("us"))


def _moment_to_time(value: Value, kind: str) -> pl.Expr:
    """TIME is TIME(0): whole seconds."""
    return value.expr.dt.truncate("1s").cast(pl.Time)


def _simply(value: Value, kind: str) -> pl.Expr:
    return value.expr.cast(polars_type(kind), strict=False)


def _same(value: Value, kind: str) -> pl.Expr:
    return value.expr


_NUMBERS = ("integer", "float", "decimal")
_RULES = {
    **{(source, "integer"): _number_to_integer for source in _NUMBERS},
    **{(source, "float"): _number_to_float for source in _NUMBERS},
    **{(source, "decimal"): _number_to_decimal for source in _NUMBERS},
    **{(source, "text"): _number_to_text for source in _NUMBERS},
    **{(source, "boolean"): _number_to_boolean for source in ("integer", "decimal")},
    **{("boolean", target): _boolean_to_number for target in _NUMBERS},
    **{("text", target): _text_to_number for target in _NUMBERS},
    ("boolean", "text"): _boolean_to_text,
    ("boolean", "boolean"): _same,
    ("text", "boolean"): _text_to_boolean,
    ("text", "text"): _text_to_text,
    ("text", "moment"): _text_to_moment,
    ("text", "date"): _text_to_date,
    ("text", "time"): _text_to_time,
    ("text", "binary"): _simply,
    ("binary", "text"): _simply,
    ("binary", "binary"): _same,
    ("moment", "text"): _moment_to_text,
    ("moment", "moment"): _moment_to_moment,
    ("moment", "date"): _simply,
    ("moment", "time"): _moment_to_time,
    ("date", "moment"): _simply,
    ("date", "text"): _simply,
    ("date", "date"): _same,
    ("time", "time"): _same,
    ("time", "text"): _simply,
}
