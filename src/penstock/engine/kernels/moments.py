"""Timestamps as text: parsing and printing whole columns, in Flink's SQL and ISO-8601 forms.

A moment is microseconds since the epoch in UTC. Years 0001 to 9999; up to nine digits of fraction are read and
cut off after six. Knows nothing of JSON.
"""

from typing import Any

import numpy as np
import polars as pl
from numba.extending import register_jitable
from numpy.typing import NDArray

from penstock.engine.kernels.arrow import text_buffers, text_series
from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.words import peek

SQL, ISO, LENIENT = ord(" "), ord("T"), 0
_DAY = 86_400_000_000


@register_jitable(forceinline=True, _nrt=False)
def _days(year: Any, month: Any, day: Any) -> Any:
    """Days since 1970-01-01 of a Gregorian date (Hinnant, chrono-compatible date algorithms)."""
    y = year - (1 if month <= 2 else 0)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@register_jitable(forceinline=True, _nrt=False)
def _two(data: Any, at: Any) -> Any:
    """Two digits' number, or a large negative one."""
    high, low = peek(data, at) - 48, peek(data, at + 1) - 48
    return high * 10 + low if 0 <= high <= 9 and 0 <= low <= 9 else -1000000


@register_jitable(forceinline=True, _nrt=False)
def _date(data: Any, at: Any) -> Any:
    """``yyyy-MM-dd`` as days, or the smallest number where it is none."""
    year = _two(data, at) * 100 + _two(data, at + 2)
    month, day = _two(data, at + 5), _two(data, at + 8)
    if year < 1 or month < 1 or month > 12 or day < 1 or peek(data, at + 4) != 45 or peek(data, at + 7) != 45:
        return np.int64(-9223372036854775808)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 30 if month in (4, 6, 9, 11) else 31
    if month == 2:
        last = 29 if leap else 28
    return np.int64(_days(year, month, day)) if day <= last else np.int64(-9223372036854775808)


@register_jitable(forceinline=True, _nrt=False)
def _fraction(data: Any, at: Any, end: Any, unit: Any) -> Any:
    """One to nine digits, the first of which counts `unit`; -1 where it is something else."""
    if at >= end or end - at > 9:
        return -1
    whole = np.int64(0)
    for i in range(at, end):
        digit = peek(data, i) - 48
        if digit < 0 or digit > 9:
            return -1
        whole += digit * unit
        unit //= 10
    return whole


@register_jitable(forceinline=True, _nrt=False)
def date_of(data: Any, at: Any, end: Any) -> Any:
    """Days since the epoch, or the smallest number where the text is no date."""
    return _date(data, at) if end - at == 10 else np.int64(-9223372036854775808)


@register_jitable(forceinline=True, _nrt=False)
def time_of(data: Any, at: Any, end: Any) -> Any:
    """Nanoseconds since midnight of ``HH:mm:ss`` and up to nine digits, or the smallest number where it is none."""
    none = np.int64(-9223372036854775808)
    if end - at < 8 or peek(data, at + 2) != 58 or peek(data, at + 5) != 58:
        return none
    hour, minute, second = _two(data, at), _two(data, at + 3), _two(data, at + 6)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return none
    nanos = np.int64(0)
    if end - at > 8:
        nanos = np.int64(_fraction(data, at + 9, end, 100000000))
        if peek(data, at + 8) != 46 or nanos < 0:
            return none
    return ((hour * 60 + minute) * 60 + second) * 1000000000 + nanos


@register_jitable(forceinline=True, _nrt=False)
def moment_of(data: Any, at: Any, end: Any, middle: Any, zoned: Any) -> Any:
    """Microseconds since the epoch, or the smallest number where the text is no moment; see `parse`."""
    none = np.int64(-9223372036854775808)
    if end > at and peek(data, end - 1) == 90 and (zoned or middle == 0):
        end -= 1
    elif zoned:
        return none
    size = end - at
    if size < 10 or (10 < size < 16) or size in (17, 18) or (size == 10 and middle != 0):
        return none
    days = _date(data, at)
    if days == none or size == 10:
        return days if days == none else days * 86400000000
    micros = np.int64(0)
    hour, minute, second, gap = _two(data, at + 11), _two(data, at + 14), 0, peek(data, at + 10)
    if not (gap == middle or (middle == 0 and (gap in (32, 84)))) or peek(data, at + 13) != 58:
        return none
    if size > 16:
        second = _two(data, at + 17)
        if peek(data, at + 16) != 58:
            return none
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return none
    if size > 19:
        micros = np.int64(_fraction(data, at + 20, end, 100000))
        if peek(data, at + 19) != 46 or micros < 0:
            return none
    return days * 86400000000 + ((hour * 60 + minute) * 60 + second) * 1000000 + micros


@kernel(
    "int64(const uint8[::1], const int64[::1], const boolean[::1], int64, boolean, int64[::1], boolean[::1])"
)
def parse(data, offsets, valid, middle, zoned, out, wrong):  # type: ignore[no-untyped-def]
    """Texts to moments; `wrong` marks those that are none. Returns how many are wrong.

    `middle` is the character between date and time (0: blank or T, and a date alone will do); `zoned` asks for a
    closing ``Z`` and else there must be none (with `middle` 0 it may be there or not).
    """
    count = 0
    for row in range(len(offsets) - 1):
        wrong[row] = False
        out[row] = 0
        if not valid[row]:
            continue
        found = moment_of(data, offsets[row], offsets[row + 1], middle, zoned)
        if found == -9223372036854775808:
            wrong[row] = True
            count += 1
        else:
            out[row] = found
    return count


@register_jitable(forceinline=True, _nrt=False)
def put_digits(out: Any, at: Any, number: Any, width: Any) -> None:
    """A number of so many digits."""
    for i in range(width):
        out[at + width - 1 - i] = 48 + number % 10
        number //= 10


@register_jitable(forceinline=True, _nrt=False)
def put_two(out: Any, at: Any, number: Any) -> None:
    """A number below a hundred, of two digits."""
    tens = (number * 6554) >> 16
    out[at] = 48 + tens
    out[at + 1] = 48 + number - 10 * tens


@register_jitable(forceinline=True, _nrt=False)
def put_date(out: Any, at: Any, days: Any) -> Any:
    """``yyyy-MM-dd``, 14 bytes at most; the place behind it. Years that have not four digits have a sign, as Java writes them: the
    last window of the year 9999 ends in ``+10000``."""
    z = days + 719468
    era = z // 146097
    of_era = z - era * 146097
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    m = (5 * of_year + 2) // 153
    month = m + 3 if m < 10 else m - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    if 0 <= year < 10000:
        century = year // 100
        put_two(out, at, century)
        put_two(out, at + 2, year - 100 * century)
    else:
        out[at] = 43 if year > 0 else 45
        year, width, limit = abs(year), 4, np.int64(10000)
        while year >= limit:
            width, limit = width + 1, limit * 10
        put_digits(out, at + 1, year, width)
        at += width - 3
    out[at + 4] = 45
    put_two(out, at + 5, month)
    out[at + 7] = 45
    put_two(out, at + 8, of_year - (153 * m + 2) // 5 + 1)
    return at + 10


@register_jitable(forceinline=True, _nrt=False)
def put_moment(out: Any, at: Any, micros: Any, middle: Any, zoned: Any, places: Any) -> Any:
    """A moment, 30 bytes at most, see `show`; the place behind it."""
    days = micros // 86400000000
    rest = micros - days * 86400000000
    seconds = rest // 1000000
    at = put_date(out, at, days)
    out[at] = middle
    minutes = seconds // 60
    hours = minutes // 60
    put_two(out, at + 1, hours)
    out[at + 3] = 58
    put_two(out, at + 4, minutes - 60 * hours)
    out[at + 6] = 58
    put_two(out, at + 7, seconds - 60 * minutes)
    at += 9
    scaled = rest % 1000000
    width = places
    if places < 0:
        width = 6 if scaled else 0
    if width == 3 or (places < 0 and width == 6 and scaled % 1000 == 0):
        scaled //= 1000
        width = 3
    else:
        for _ in range(6 - width):
            scaled //= 10
    if places < 0:
        while width > 0 and scaled % 10 == 0:
            scaled //= 10
            width -= 1
    if width > 0:
        out[at] = 46
        put_digits(out, at + 1, scaled, width)
        at += 1 + width
    if zoned:
        out[at] = 90
        at += 1
    return at


@kernel(
    "int64(const int64[::1], const boolean[::1], int64, boolean, int64, uint8[::1], int64[::1])", UNCOUNTED
)
def show(micros, valid, middle, zoned, places, out, offsets):  # type: ignore[no-untyped-def]
    """Moments to texts, 30 bytes at most each; `places` of -1 drops zeros at the fraction's end, as Flink's JSON does.

    Returns the bytes written.
    """
    at = np.int64(0)
    offsets[0] = 0
    for row in range(len(micros)):
        if valid[row]:
            at = put_moment(out, at, micros[row], middle, zoned, places)
        offsets[row + 1] = at
    return at


def parse_moments(texts: pl.Series) -> pl.Series:
    """A text column as moments, NULL where a text is none: SQL or ISO form, a date alone, with or without ``Z``."""
    data, offsets, valid = text_buffers(texts)
    moments, wrong = parse_column(data, offsets, valid, LENIENT, False)
    series = pl.Series(texts.name, moments).cast(pl.Datetime("us"))
    missing = wrong | ~valid
    return (
        series.to_frame().select(pl.when(pl.Series(~missing)).then(pl.first())).to_series()
        if missing.any()
        else series
    )


def parse_column(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], valid: NDArray[np.bool_], middle: int, zoned: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The kernel over Arrow's text buffers: moments and which rows are wrong."""
    rows = len(offsets) - 1
    out, wrong = np.empty(rows, np.int64), np.empty(rows, np.bool_)
    parse(data, offsets, valid, middle, zoned, out, wrong)
    return out, wrong


def show_moments(moments: pl.Series, places: int = -1, middle: int = SQL, zoned: bool = False) -> pl.Series:
    """A moment column as texts with `places` digits of fraction (-1: as many as it needs, Flink's JSON form)."""
    micros = moments.cast(pl.Datetime("us")).to_physical()
    valid = micros.is_not_null().to_numpy()
    numbers = np.ascontiguousarray(micros.fill_null(0).to_numpy())
    out, offsets = np.empty(30 * len(numbers) + 1, np.uint8), np.empty(len(numbers) + 1, np.int64)
    size = show(numbers, valid, middle, zoned, min(places, 6), out, offsets)
    return text_series(moments.name, out[:size], offsets, valid)
