"""Durations as people write them: ``"5s"``, ``"1 min"``, ``"1h"``, ``"500 ms"``, or a `timedelta`.

Knows lengths, not calendars: there are no months.
"""

import re
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from penstock.errors import PenstockError

Duration: TypeAlias = str | timedelta

UNITS_MS = {
    **dict.fromkeys(("ms", "milli", "millis", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
}
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)


def signed_milliseconds(duration: Duration) -> int:
    """As `milliseconds`; a minus in front looks back: ``"-5 min"``."""
    if isinstance(duration, timedelta):
        return -milliseconds(-duration) if duration < timedelta(0) else milliseconds(duration)
    back = duration.lstrip()
    return -milliseconds(back[1:]) if back.startswith("-") else milliseconds(duration)


def milliseconds(duration: Duration) -> int:
    """The length in whole milliseconds; raises `PenstockError` for what is not a duration, or a finer one."""
    return _whole(duration)


@lru_cache(maxsize=1024)  # timers are set with every row
def _whole(duration: Duration) -> int:
    if isinstance(duration, timedelta):
        length = Decimal(duration // timedelta(microseconds=1)) / 1000
    else:
        match = _WRITTEN.fullmatch(duration)
        if match is None or match[2].lower() not in UNITS_MS:
            raise PenstockError(
                f"{duration!r} is not a duration", remedy='as in "500 ms", "5s", "1 min", "1h", "7 days"'
            )
        length = Decimal(match[1]) * UNITS_MS[match[2].lower()]
    if length < 0 or length != int(length):
        raise PenstockError(f"{duration!r} is not a whole number of milliseconds", remedy='as in "500 ms"')
    return int(length)
