"""Moments: interval arithmetic, parts of dates, formatting, and the current time.

A moment is microseconds in UTC; the session's time zone is UTC. Knows nothing of SQL text.
"""

import functools
import re
from datetime import timedelta

import numpy as np
import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast
from penstock.engine.functions.patterns import java_pattern
from penstock.engine.functions.table import NOW, Value, function, known, refuse
from penstock.engine.run.columns import integers
from penstock.engine.types import FIRST_US, LAST_US
from penstock.errors import PenstockError

_US = {
    "MILLISECOND": 1000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000, "DAY": 86_400_000_000,
    "WEEK": 7 * 86_400_000_000,
}  # fmt: skip
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_MONTHS_MAX = 12 * 9999


def shift(moment: Value, interval: Value, sign: int) -> Value:
    """A moment or a date, moved by an interval."""
    if not (kinds.is_time(moment.kind) or moment.kind == "DATE"):
        raise refuse("+ INTERVAL", moment, interval, remedy="add intervals to timestamps and dates only")
    length = sign * known("INTERVAL", interval, "length")
    time = _moment("+ INTERVAL", moment)
    if interval.kind == kinds.MONTHS:
        return _known(moment, time.dt.offset_by(f"{max(-_MONTHS_MAX, min(length, _MONTHS_MAX))}mo"))
    return _known(moment, within(time.cast(pl.Int64), length // timedelta(microseconds=1)))


def _known(like: Value, time: pl.Expr) -> Value:
    """A moment as one of the same kind as `like`; NULL beyond the years 1 to 9999, which nothing can show."""
    micros = time.cast(pl.Int64)
    made = pl.when(micros.is_between(FIRST_US, LAST_US)).then(micros).cast(pl.Datetime("us"))
    return Value(like.kind, made.cast(pl.Date) if like.kind == "DATE" else made)


def within(micros: pl.Expr, by: int) -> pl.Expr:
    """A moment's microseconds moved by a constant, without overflow."""
    span = LAST_US - FIRST_US
    return micros + max(-2 * span, min(by, 2 * span))


def _moment(name: str, value: Value) -> pl.Expr:
    if kinds.is_text(value.kind) or value.kind == kinds.NULL:
        return cast(value, "TIMESTAMP(3)").expr
    if value.kind == "DATE":
        return value.expr.cast(pl.Datetime("us"))
    if not kinds.is_time(value.kind):
        raise refuse(name, value, remedy="CAST it to a TIMESTAMP first")
    return value.expr


_PARTS = {
    "YEAR": lambda t: t.dt.year(), "QUARTER": lambda t: t.dt.quarter(), "MONTH": lambda t: t.dt.month(),
    "WEEK": lambda t: t.dt.week(), "DAY": lambda t: t.dt.day(), "DAYOFMONTH": lambda t: t.dt.day(),
    "DAYOFYEAR": lambda t: t.dt.ordinal_day(), "DOY": lambda t: t.dt.ordinal_day(),
    "DAYOFWEEK": lambda t: t.dt.weekday().cast(pl.Int64) % 7 + 1, "DOW": lambda t: t.dt.weekday().cast(pl.Int64) % 7 + 1,
    "ISODOW": lambda t: t.dt.weekday(), "HOUR": lambda t: t.dt.hour(), "MINUTE": lambda t: t.dt.minute(),
    "SECOND": lambda t: t.dt.second(), "MILLISECOND": lambda t: t.dt.millisecond(),
    "EPOCH": lambda t: t.cast(pl.Int64) // 1_000_000,
}  # fmt: skip


@function("EXTRACT", arguments=(2, 2))
def extract(unit: Value, moment: Value) -> Value:
    """EXTRACT(unit FROM moment): BIGINT."""
    name = str(unit.constant)
    if name not in _PARTS:
        raise PenstockError(f"EXTRACT({name}) is not offered", remedy="offered: " + ", ".join(_PARTS))
    return Value("BIGINT", _PARTS[name](_moment("EXTRACT", moment)).cast(pl.Int64))


def _part(name: str, moment: Value) -> Value:
    return Value("BIGINT", _PARTS[name](_moment(name, moment)).cast(pl.Int64))


for _name in (
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAYOFYEAR",
    "DAYOFMONTH",
    "DAYOFWEEK",
    "HOUR",
    "MINUTE",
    "SECOND",
):
    function(_name, arguments=(1, 1))(functools.partial(_part, _name))


def floor_to(moment: Value, unit: str) -> Value:
    """FLOOR(moment TO unit); weeks begin on Sunday, as Calcite's."""
    every = {"YEAR": "1y", "QUARTER": "1q", "MONTH": "1mo", "DAY": "1d", "HOUR": "1h", "MINUTE": "1m", "SECOND": "1s",
             "MILLISECOND": "1ms"}  # fmt: skip
    time = _moment("FLOOR", moment)
    if unit == "WEEK":
        return _known(moment, time.dt.offset_by("1d").dt.truncate("1w").dt.offset_by("-1d"))
    if unit not in every:
        raise PenstockError(f"FLOOR(… TO {unit}) is not offered", remedy="offered: WEEK, " + ", ".join(every))
    return _known(moment, time.dt.truncate(every[unit]))


def ceiling_to(moment: Value, unit: str) -> Value:
    """CEIL(moment TO unit): the moment itself where it is whole."""
    low = floor_to(moment, unit)
    step = {"YEAR": "1y", "QUARTER": "3mo", "MONTH": "1mo", "WEEK": "1w", "DAY": "1d", "HOUR": "1h", "MINUTE": "1m",
            "SECOND": "1s", "MILLISECOND": "1ms"}[unit]  # fmt: skip
    above = _known(moment, low.expr.dt.offset_by(step).cast(pl.Datetime("us")))
    return Value(moment.kind, pl.when(low.expr == moment.expr).then(moment.expr).otherwise(above.expr))


@function("TIMESTAMPADD", arguments=(3, 3))
def timestamp_add(unit: Value, count: Value, moment: Value) -> Value:
    """TIMESTAMPADD(unit, count, moment)."""
    name = _unit(unit)
    time = _moment("TIMESTAMPADD", moment)
    if name in _MONTHS:
        most = _MONTHS_MAX // _MONTHS[name]
        months = count.expr.cast(pl.Int64).clip(-most, most) * _MONTHS[name]
        return _known(moment, time.dt.offset_by(pl.concat_str(months.cast(pl.String), pl.lit("mo"))))
    most = 2 * (LAST_US - FIRST_US) // _US[name]
    return _known(moment, time.cast(pl.Int64) + count.expr.cast(pl.Int64).clip(-most, most) * _US[name])


@function("TIMESTAMPDIFF", arguments=(3, 3))
def timestamp_diff(unit: Value, first: Value, second: Value) -> Value:
    """Whole units from `first` to `second`, towards zero: INT."""
    name = _unit(unit)
    one, other = _moment("TIMESTAMPDIFF", first), _moment("TIMESTAMPDIFF", second)
    if name in _MONTHS:
        return Value("INT", _towards_zero(_months_between(one, other), _MONTHS[name]).cast(pl.Int32))
    apart = other.cast(pl.Int64) - one.cast(pl.Int64)
    return Value("INT", _towards_zero(apart, _US[name]).cast(pl.Int32, wrap_numerical=True))


def _towards_zero(number: pl.Expr, unit: int) -> pl.Expr:
    return pl.when(number < 0).then(-(-number // unit)).otherwise(number // unit)


def _months_between(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    months = (
        (other.dt.year() - one.dt.year()).cast(pl.Int64) * 12
        + other.dt.month().cast(pl.Int64)
        - one.dt.month()
    )
    into = one.cast(pl.Int64) - one.dt.truncate("1mo").cast(pl.Int64)
    left = other.cast(pl.Int64) - other.dt.truncate("1mo").cast(pl.Int64)
    early = (months > 0) & (left < into)
    behind = (months < 0) & (left > into)
    return months - early.cast(pl.Int64) + behind.cast(pl.Int64)


def _unit(unit: Value) -> str:
    name = str(unit.constant).upper().removeprefix("SQL_TSI_").rstrip("S")
    if name not in _US and name not in _MONTHS:
        raise PenstockError(
            f"the time unit {name} is not offered", remedy="offered: " + ", ".join([*_US, *_MONTHS])
        )
    return name


@function("DATE_FORMAT", arguments=(2, 2))
def date_format(moment: Value, pattern: Value) -> Value:
    """Java's pattern letters; a text is read as a TIMESTAMP first."""
    form = java_pattern(str(known("DATE_FORMAT", pattern, "pattern")))
    time = _moment("DATE_FORMAT", moment)
    step = next((step for shown, step in _STEPS if re.search(shown, form)), "1d")
    if step is None:
        return Value("STRING", time.dt.strftime(form))
    # Events come close together in time, so that most are written as the one before.
    return Value("STRING", time.dt.truncate(step).map_batches(lambda s: _written(s, form), pl.String))


_STEPS = ((r"%[.\d]*f", None), ("%-?[ST]", "1s"), ("%-?M", "1m"), ("%-?[HIp]", "1h"))
"""The finest part that a pattern shows, and what times can be cut to; None: as they are."""


def _written(moments: pl.Series, form: str) -> pl.Series:
    """Each run of equal moments is written once."""
    held = integers(moments)
    turns = np.flatnonzero(held[1:] != held[:-1]) + 1
    if moments.null_count() or 4 * len(turns) > len(held) or not len(held):
        return moments.dt.strftime(form)
    runs = np.zeros(len(held), np.int64)
    runs[turns] = 1
    first = moments[np.concatenate([[0], turns])].dt.strftime(form)
    return first[np.cumsum(runs)].alias(moments.name)


@function("TO_TIMESTAMP", arguments=(1, 2))
def to_timestamp(text: Value, pattern: Value | None = None) -> Value:
    """A TIMESTAMP(3) from a text in ``yyyy-MM-dd HH:mm:ss`` form, or in the form given; NULL where it is none."""
    if not kinds.is_text(text.kind):
        raise refuse("TO_TIMESTAMP", text, remedy="TO_TIMESTAMP_LTZ takes a number since the epoch")
    if pattern is None:
        return cast(text, "TIMESTAMP(3)")
    form = java_pattern(str(known("TO_TIMESTAMP", pattern, "pattern")))
    if "%H" in form or "%I" in form:
        return Value("TIMESTAMP(3)", text.expr.str.to_datetime(form, time_unit="us", strict=False))
    return Value("TIMESTAMP(3)", text.expr.str.to_date(form, strict=False).cast(pl.Datetime("us")))


@function("TO_TIMESTAMP_LTZ", arguments=(1, 2))
def to_timestamp_ltz(number: Value, precision: Value | None = None) -> Value:
    """A TIMESTAMP_LTZ(3) from epoch seconds (precision 0) or milliseconds (3)."""
    if kinds.is_text(number.kind):
        return cast(cast(number, "TIMESTAMP(3)"), "TIMESTAMP_LTZ(3)")
    digits = 3 if precision is None else int(known("TO_TIMESTAMP_LTZ", precision, "precision"))
    if digits not in (0, 3):
        raise PenstockError(f"TO_TIMESTAMP_LTZ takes the precision 0 or 3, not {digits}")
    micros = (
        number.expr.cast(pl.Float64) if not kinds.is_integer(number.kind) else number.expr.cast(pl.Int64)
    ) * (1_000_000 if digits == 0 else 1000)
    step = 1_000_000 if digits == 0 else 1000
    offered = number.expr.is_between(FIRST_US // step, LAST_US // step)
    return Value("TIMESTAMP_LTZ(3)", pl.when(offered).then(micros.cast(pl.Int64).cast(pl.Datetime("us"))))


@function("TO_DATE", arguments=(1, 2))
def to_date(text: Value, pattern: Value | None = None) -> Value:
    """A DATE from a text; NULL where it is none."""
    if pattern is None:
        return cast(text, "DATE")
    return Value(
        "DATE", text.expr.str.to_date(java_pattern(str(known("TO_DATE", pattern, "pattern"))), strict=False)
    )


@function("UNIX_TIMESTAMP", arguments=(0, 2))
def unix_timestamp(moment: Value | None = None, pattern: Value | None = None) -> Value:
    """Seconds since the epoch: of now, or of a text."""
    time = pl.col(NOW) if moment is None else _moment("UNIX_TIMESTAMP", moment)
    if moment is not None and pattern is not None:
        time = to_timestamp(moment, pattern).expr
    return Value("BIGINT", time.cast(pl.Int64) // 1_000_000)


@function("FROM_UNIXTIME", arguments=(1, 2))
def from_unixtime(seconds: Value, pattern: Value | None = None) -> Value:
    """Epoch seconds as a text, ``yyyy-MM-dd HH:mm:ss`` unless told otherwise."""
    whole = seconds.expr.cast(pl.Int64)
    shown = whole.is_between(FIRST_US // 1_000_000, LAST_US // 1_000_000)
    time = (pl.when(shown).then(whole) * 1_000_000).cast(pl.Datetime("us"))
    form = "yyyy-MM-dd HH:mm:ss" if pattern is None else str(known("FROM_UNIXTIME", pattern, "pattern"))
    return Value("STRING", time.dt.strftime(java_pattern(form)))


@function("CURRENT_TIMESTAMP", "NOW", "CURRENT_ROW_TIMESTAMP", "PROCTIME", arguments=(0, 1))
def current_timestamp(places: Value | None = None) -> Value:
    """The batch's time, with local time zone."""
    return Value("TIMESTAMP_LTZ(3)", pl.col(NOW))


@function("LOCALTIMESTAMP", arguments=(0, 1))
def local_timestamp(places: Value | None = None) -> Value:
    """The batch's time in the session's zone, UTC."""
    return Value("TIMESTAMP(3)", pl.col(NOW))


@function("CURRENT_DATE", arguments=(0, 0))
def current_date() -> Value:
    """The batch's day in UTC."""
    return Value("DATE", pl.col(NOW).cast(pl.Date))
