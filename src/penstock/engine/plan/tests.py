"""What can be asked of a row before it is made: conditions on one column that a decoder tests as it walks over the bytes.

Knows expressions and kinds; knows nothing of how a format does it.
"""

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import polars as pl
from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan.node import conjuncts
from penstock.engine.types import Expr, Schema

_COMPARISONS: dict[type[Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_DENIED = {
    "=": "<>",
    "<>": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "IS NULL": "IS NOT NULL",
    "IS NOT NULL": "IS NULL",
}
_POLARS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LONG = range(-(2**63), 2**63)
_DECIMAL, _DIGITS = re.compile(r"\d*\.\d+"), 19
Constant = int | Decimal | str | None


@dataclass(frozen=True)
class Test:
    """``column sign value`` for any of `values`, or with a `modulus` ``MOD(column, modulus) sign value``; `sign` is one of
    ``= <> < <= > >=`` or, without values, ``IS NULL`` and ``IS NOT NULL``. A NULL passes none but ``IS NULL``."""

    column: str
    sign: str
    values: tuple[int | str, ...] = ()
    modulus: int = 0

    def __str__(self) -> str:
        held = f"MOD({self.column}, {self.modulus})" if self.modulus else self.column
        texts = [
            str(one) if isinstance(one, int) else "'" + one.replace("'", "''") + "'" for one in self.values
        ]
        if len(texts) > 1:
            return f"{held} IN ({', '.join(texts)})"
        return " ".join([held, self.sign, *texts])

    @property
    def expression(self) -> pl.Expr:
        """The same for polars."""
        held = pl.col(self.column)
        if not self.values:
            return held.is_null() if self.sign == "IS NULL" else held.is_not_null()
        if isinstance(self.values[0], int):
            held = held.cast(pl.Int64)
        if self.modulus:
            rest = held % self.modulus
            held = pl.when((held < 0) & (rest != 0)).then(rest - self.modulus).otherwise(rest)
        kind = pl.Int64 if isinstance(self.values[0], int) else pl.String
        found = [_POLARS[self.sign](held, pl.lit(value, dtype=kind)) for value in self.values]
        return pl.any_horizontal(found)


def tests_of(condition: Expr, schema: Schema) -> tuple[Test, ...]:
    """What a condition asks of a table's columns, where each part of it can be asked so; rows that pass all tests of a part are
    those for which it is true."""
    known = {column.name: column.kind for column in schema}
    return tuple(test for part in conjuncts(condition) for test in _tests(part, known, denied=False))


def _tests(part: Expr, known: Mapping[str, str], denied: bool) -> tuple[Test, ...]:
    """A part's tests, none where it is no such condition; `denied`: of its opposite."""
    match part:
        case exp.Paren():
            return _tests(part.this, known, denied)
        case exp.Not():
            return _tests(part.this, known, not denied)
        case exp.Is(this=exp.Column() as column, expression=exp.Null()) if column.name in known:
            return (Test(column.name, "IS NOT NULL" if denied else "IS NULL"),)
        case exp.In():
            return _any(
                [exp.EQ(this=part.this.copy(), expression=one.copy()) for one in part.expressions],
                known,
                denied,
            )
        case exp.Or():
            return _any([part.this, part.expression], known, denied)
        case exp.Between() if not denied:
            low = _compared(exp.GTE(this=part.this.copy(), expression=part.args["low"].copy()), known)
            high = _compared(exp.LTE(this=part.this.copy(), expression=part.args["high"].copy()), known)
            return (low, high) if low is not None and high is not None else ()
    found = _compared(part, known)
    if found is None:
        return ()
    return (Test(found.column, _DENIED[found.sign], found.values, found.modulus),) if denied else (found,)


def _any(parts: list[Expr], known: Mapping[str, str], denied: bool) -> tuple[Test, ...]:
    """``a = 1 OR a = 2``: one test of several values; denied it is a test for each."""
    found = [test for part in parts for test in _tests(part, known, denied=False)]
    first = found[0] if found else None
    alike = all(
        one.sign == "=" and first is not None and (one.column, one.modulus) == (first.column, first.modulus)
        for one in found
    )
    if first is None or not alike or not all(_tests(part, known, denied=False) for part in parts):
        return ()
    values = tuple(value for one in found for value in one.values)
    if denied:
        return tuple(Test(first.column, "<>", (value,), first.modulus) for value in values)
    return (Test(first.column, "=", values, first.modulus),)


def _compared(part: Expr, known: Mapping[str, str]) -> Test | None:
    """``column sign constant``, either way round, where whole numbers or texts are compared."""
    sign = _COMPARISONS.get(type(part))
    if sign is None:
        return None
    held, other = part.this, part.expression
    if _constant(held) is not None:
        held, other, sign = other, held, _TURNED[sign]
    value, modulus = _constant(other), 0
    if isinstance(held, exp.Mul):
        held, value = _unscaled(held, sign, value)
    if isinstance(held, exp.Mod):
        held, divisor = held.this, _constant(held.expression)
        if not isinstance(divisor, int) or divisor < 1 or divisor not in _LONG:
            return None
        modulus = divisor
    if not isinstance(held, exp.Column) or not isinstance(value, int | str):
        return None
    kind = known.get(held.name, "")
    # CHAR compares by rules of its own; a text beside a number is cast.
    text = kinds.is_text(kind) and kinds.name_of(kind) != "CHAR"
    if isinstance(value, str):
        return Test(held.name, sign, (value,)) if text and not modulus else None
    return Test(held.name, sign, (value,), modulus) if kinds.is_integer(kind) and value in _LONG else None


def _unscaled(product: Expr, sign: str, value: Constant) -> tuple[Expr, Constant]:
    """``0.9 * n > 10`` as ``n > 11``: n is whole, and no product of a decimal and a BIGINT is rounded."""
    factor, held = _constant(product.this), product.expression
    if factor is None:
        factor, held = _constant(held), product.this
    if not isinstance(factor, Decimal) or not isinstance(value, int | Decimal) or sign in ("=", "<>"):
        return held, None
    _, digits, power = factor.as_tuple()
    if factor <= 0 or max(len(digits), -int(power)) > _DIGITS:
        return held, None
    bound = Fraction(value) / Fraction(factor)
    return held, math.floor(bound) if sign in (">", "<=") else math.ceil(bound)


def _constant(expr: Expr) -> Constant:
    if isinstance(expr, exp.Neg):
        value = _constant(expr.this)
        return -value if isinstance(value, int | Decimal) else None
    if not isinstance(expr, exp.Literal):
        return None
    text = str(expr.this)
    if expr.is_string:
        return text
    if text.isdecimal():
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None
