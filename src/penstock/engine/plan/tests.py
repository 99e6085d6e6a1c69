"""What can be asked of a row before it is made: conditions on one column, or field of one, that a decoder tests as it walks over
the bytes; and what time it is of a row that is not made.

Knows expressions and kinds; knows nothing of how a format does it.
"""

import math
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import polars as pl
from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan.node import conjuncts
from penstock.engine.types import Expr, Schema, is_row, row_fields

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
    fields: tuple[str, ...] = ()
    """What is tested is this field of the column."""

    @property
    def path(self) -> "Path":
        """The column, and its field."""
        return (self.column, *self.fields)

    def __str__(self) -> str:
        name = ".".join(self.path)
        held = f"MOD({name}, {self.modulus})" if self.modulus else name
        texts = [
            str(one) if isinstance(one, int) else "'" + one.replace("'", "''") + "'" for one in self.values
        ]
        if len(texts) > 1:
            return f"{held} IN ({', '.join(texts)})"
        return " ".join([held, self.sign, *texts])

    @property
    def expression(self) -> pl.Expr:
        """The same for polars."""
        held = value_at(self.path)
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


Path = tuple[str, ...]
"""A column, a field of it, a field of that."""


def value_at(path: Path) -> pl.Expr:
    """What is there, for polars."""
    held = pl.col(path[0])
    for field in path[1:]:
        held = held.struct.field(field)
    return held


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
        case exp.Is(expression=exp.Null()):
            path, kind = place_of(part.this, known)
            sign = "IS NOT NULL" if denied else "IS NULL"
            return (Test(path[0], sign, fields=path[1:]),) if kind else ()
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
    return (replace(found, sign=_DENIED[found.sign]),) if denied else (found,)


def _any(parts: list[Expr], known: Mapping[str, str], denied: bool) -> tuple[Test, ...]:
    """``a = 1 OR a = 2``: one test of several values; denied it is a test for each."""
    each = [_tests(part, known, denied=False) for part in parts]
    if not each or not all(each):
        return ()
    found = [test for tests in each for test in tests]
    first = found[0]
    if any(one.sign != "=" or (one.path, one.modulus) != (first.path, first.modulus) for one in found):
        return ()
    values = tuple(value for one in found for value in one.values)
    if denied:
        return tuple(replace(first, sign="<>", values=(value,)) for value in values)
    return (replace(first, values=values),)


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
    path, kind = place_of(held, known)
    if not kind or not isinstance(value, int | str):
        return None
    # CHAR compares by rules of its own; a text beside a number is cast.
    text = kinds.is_text(kind) and kinds.name_of(kind) != "CHAR"
    if isinstance(value, str):
        return Test(path[0], sign, (value,), fields=path[1:]) if text and not modulus else None
    whole = kinds.is_integer(kind) and value in _LONG
    return Test(path[0], sign, (value,), modulus, path[1:]) if whole else None


def place_of(held: Expr, known: Mapping[str, str]) -> tuple[Path, str]:
    """The column or field that an expression is and its kind, which is empty where it is none."""
    if isinstance(held, exp.Paren):
        return place_of(held.this, known)
    if isinstance(held, exp.Column):
        return (held.name,), known.get(held.name, "")
    if not isinstance(held, exp.Dot):
        return (), ""
    path, kind = place_of(held.this, known)
    fields = {field.name: field.kind for field in row_fields(kind)} if is_row(kind) else {}
    name = held.expression.name
    return (*path, name), fields.get(name, "")


def _unscaled(product: Expr, sign: str, value: Constant) -> tuple[Expr, Constant]:
    """``0.9 * n > 10`` as ``n > 11``: n is whole, and no product of a decimal and a BIGINT is rounded."""
    factor, held = _constant(product.this), product.expression
    if factor is None:
        factor, held = _constant(held), product.this
    if not isinstance(factor, Decimal) or not isinstance(value, int | Decimal) or sign in ("=", "<>"):
        return held, None
    _, digits, power = factor.as_tuple()
    if factor <= 0 or max(len(digits), 1 - int(power)) > _DIGITS:  # the zero before the point counts
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


@dataclass(frozen=True)
class Clock:
    """What tells a row's event time: the first place whose test holds, or that has none; NULL where there is no such place."""

    choices: tuple[tuple[Test | None, Path], ...]

    @property
    def expression(self) -> pl.Expr:
        """The same for polars."""
        made = pl.lit(None, dtype=pl.Datetime("us"))
        for test, path in reversed(self.choices):
            here = value_at(path)
            made = here if test is None else pl.when(test.expression).then(here).otherwise(made)
        return made


def clock_of(column: str, computed: Expr | None, schema: Schema) -> Clock | None:
    """The clock of an event-time column, that may be computed: as a field of a nested row, or by CASE one of several."""
    if computed is None:
        return Clock(((None, (column,)),))
    found = list(_choices(computed, schema))
    # Kinds of time are not mixed: from one to another a time zone leads.
    alike = len({kind for *_, kind in found}) == 1 and all(kinds.is_time(kind) for *_, kind in found)
    return Clock(tuple((test, path) for test, path, _ in found)) if alike else None


def _choices(computed: Expr, schema: Schema) -> Iterator[tuple[Test | None, Path, str]]:
    """Where the time stands, when, and its kind there: an empty one for what no decoder finds."""
    known = {column.name: column.kind for column in schema}
    rest: Expr | None = computed
    if isinstance(computed, exp.Case):
        for branch in computed.args["ifs"]:
            asked = (
                branch.this if computed.this is None else exp.EQ(this=computed.this, expression=branch.this)
            )
            tests = tests_of(asked, schema)
            path, kind = place_of(branch.args["true"], known)
            yield (tests[0], path, kind) if len(tests) == 1 else (None, (), "")
        rest = computed.args.get("default")
    if rest is not None:
        yield (None, *place_of(rest, known))
