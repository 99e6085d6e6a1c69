"""Intervals: ``INTERVAL '1' MINUTE`` in one spelling, and as milliseconds for windows and watermarks.

Knows no columns: an interval's value is a literal.
"""

import re
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from penstock import durations
from penstock.sql.faults import QueryError

SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 7 * 86400}
MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def canonical(interval: exp.Interval) -> exp.Interval:
    """The interval in SECONDs or MONTHs, so that equal lengths make equal plans."""
    unit = interval.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        return _of_span(interval, _word(unit.this), _word(unit.expression))
    word, value = _word(unit), interval.this
    negative = isinstance(value, exp.Neg)
    literal = value.this if negative else value
    if not isinstance(literal, exp.Literal) or word not in {**SECONDS, **MONTHS}:
        raise QueryError(
            "this interval is not offered",
            interval,
            remedy="write one unit, as in INTERVAL '90' SECOND or '1.5' HOUR",
        )
    try:
        amount = Decimal(literal.name) * (-1 if negative else 1)
    except InvalidOperation:
        raise QueryError(
            f"'{literal.name}' is not a number of {word}s", interval, remedy="INTERVAL '90' SECOND"
        ) from None
    if not amount.is_finite():
        raise QueryError(f"'{literal.name}' is not a number of {word}s", interval)
    scaled = amount * SECONDS.get(word, MONTHS.get(word, 1))
    made = of_text(format(scaled.normalize(), "f"), "SECOND" if word in SECONDS else "MONTH")
    start = literal.meta.get("start")
    if start is not None:
        made.this.meta["start"] = start
    return made


def _word(unit: exp.Expression | None) -> str:
    """A unit's name, whatever its precision: DAYS, YEAR(4)."""
    if isinstance(unit, exp.Func) and not isinstance(unit, exp.Anonymous):
        return unit.sql_name()
    return unit.name.upper().rstrip("S") if isinstance(unit, exp.Var | exp.Anonymous) else ""


def _of_span(interval: exp.Interval, first: str, last: str) -> exp.Interval:
    """``'1 02:03:04.5' DAY TO SECOND`` and ``'1-2' YEAR TO MONTH``."""
    text = interval.this.name if isinstance(interval.this, exp.Literal) else ""
    units = list(_SPANS.get((first, last), ()))
    form = "([+-]?)" + "".join(_NUMBER + _BETWEEN[unit] * (unit != last) for unit in units)
    parts = re.fullmatch(form, text.strip())
    if not units or parts is None:
        raise QueryError(
            "this interval is not offered",
            interval,
            remedy="as in INTERVAL '1 02:03:04.5' DAY TO SECOND, or '1-2' YEAR TO MONTH",
        )
    scale = {**SECONDS, **MONTHS}
    counts = (Decimal(part) * scale[unit] for unit, part in zip(units, parts.groups()[1:], strict=True))
    total = sum(counts, Decimal(0))
    value = format((-total if parts[1] == "-" else total).normalize(), "f")
    made = of_text(value, "SECOND" if last in SECONDS else "MONTH")
    made.this.meta.update(interval.this.meta)
    return made


_ORDER = ("DAY", "HOUR", "MINUTE", "SECOND")
_SPANS = {
    ("YEAR", "MONTH"): ("YEAR", "MONTH"),
    **{(a, b): _ORDER[i : j + 1] for i, a in enumerate(_ORDER) for j, b in enumerate(_ORDER) if i < j},
}
_NUMBER = r"(\d+(?:\.\d+)?)"
_BETWEEN = {"YEAR": "-", "MONTH": "", "DAY": " ", "HOUR": ":", "MINUTE": ":", "SECOND": ""}
"""What stands behind each unit's number."""


def of_text(value: str, unit: str) -> exp.Interval:
    """``INTERVAL 'value' unit``."""
    return exp.Interval(this=exp.Literal.string(value), unit=exp.Var(this=unit))


def milliseconds_of(text: str) -> int:
    """A duration as options and hints have it, ``1 h``, ``500ms``; a bare number counts milliseconds (Flink's TimeUtils)."""
    return int(text) if text.strip().isdigit() else durations.milliseconds(text)


def of_ms(milliseconds: int) -> exp.Interval:
    """The canonical interval of so many milliseconds."""
    return of_text(format((Decimal(milliseconds) / 1000).normalize(), "f"), "SECOND")


def milliseconds(interval: exp.Expression, what: str) -> int:
    """The length of a day-time interval literal in whole milliseconds."""
    if not isinstance(interval, exp.Interval):
        raise QueryError(f"{what} must be an interval", interval, remedy="as in INTERVAL '10' SECOND")
    fixed = canonical(interval)
    if fixed.args["unit"].name != "SECOND":
        raise QueryError(
            f"{what} cannot be in months or years", interval, remedy="use DAY, HOUR, MINUTE or SECOND"
        )
    length = Decimal(fixed.this.name) * 1000
    if length != int(length):
        raise QueryError(f"{what} is finer than a millisecond", interval)
    return int(length)
