"""Intervals: ``INTERVAL '1' MINUTE`` in one spelling, and as milliseconds for windows and watermarks.

Knows no columns: an interval's value is a literal.
"""

from decimal import Decimal, InvalidOperation

from sqlglot import exp

from penstock.sql.faults import QueryError

SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 7 * 86400}
MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def canonical(interval: exp.Interval) -> exp.Interval:
    """The interval in SECONDs or MONTHs, so that equal lengths make equal plans."""
    unit = interval.args.get("unit")
    word = unit.name.upper().rstrip("S") if isinstance(unit, exp.Var) else ""
    value = interval.this
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


def of_text(value: str, unit: str) -> exp.Interval:
    """``INTERVAL 'value' unit``."""
    return exp.Interval(this=exp.Literal.string(value), unit=exp.Var(this=unit))


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
