"""What a user's class is told with each call, and what it may wish for: timers, and to forget its key.

Wishes are gathered and carried out when the call has ended well. Knows nothing of how.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.durations import milliseconds
from penstock.engine.operators.user.failures import WrongError
from penstock.engine.operators.user.states import Key
from penstock.engine.run.watermarks import END_MS, START_MS

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)


class Context:
    """The second argument of `on_row` and `on_timer`; good for that one call."""

    def __init__(self, by_event: bool, has_timer: bool, forget: Callable[[], None]) -> None:
        self._by_event, self._has_timer, self._forget = by_event, has_timer, forget
        self.wishes: list[tuple[str, bool, int | None]] = []
        self.cleared = False

    def enter(self, key: Key, at_us: int | None, now_ms: int, watermark_ms: int, firing: bool) -> None:
        """A call begins, of `on_row` or, `firing`, of `on_timer`."""
        self._firing = firing
        self._key, self._at_us, self._now_us, self._watermark_ms = key, at_us, now_ms * 1000, watermark_ms
        self.wishes = []
        self.cleared = False

    @property
    def key(self) -> Any:
        """The key's value; of a key of several columns a tuple."""
        return self._key[0] if len(self._key) == 1 else self._key

    @property
    def time(self) -> datetime | None:
        """The row's event time, or the time that the timer was set for."""
        return None if self._at_us is None else EPOCH + self._at_us * MICROSECOND

    @property
    def now(self) -> datetime:
        """The wall's clock, in UTC and without a zone."""
        return EPOCH + self._now_us * MICROSECOND

    @property
    def watermark(self) -> datetime | None:
        """Up to when all rows have come; None before the first and after the last."""
        known = START_MS < self._watermark_ms < END_MS
        return EPOCH + timedelta(milliseconds=self._watermark_ms) if known else None

    def timer(
        self,
        name: str,
        *,
        after: str | timedelta | None = None,
        at: datetime | None = None,
        clock: bool | None = None,
    ) -> None:
        """Have `on_timer` called with this name; the same name moves it.

        `after` counts from the row's event time, with `clock` from now by the wall's clock; a stream without event
        time goes by the clock anyway. `at` is a moment.
        """
        if not self._has_timer:
            raise WrongError("it sets a timer and has no on_timer(self, name, ctx)")
        by_clock = not self._by_event if clock is None else clock
        if by_clock is False and not self._by_event:
            raise WrongError("the stream has no event time: its timers go by the clock")
        due_us = self._due_us(after, at, by_clock)
        reached_us = self._now_us if by_clock else self._at_us
        if self._firing and reached_us is not None and due_us <= reached_us:
            raise WrongError(
                "a timer that is set as one fires is later than that one, or it would fire for ever"
            )
        self.wishes.append((name, by_clock, due_us))

    def _due_us(self, after: str | timedelta | None, at: datetime | None, by_clock: bool) -> int:
        if (after is None) == (at is None):
            raise WrongError("a timer takes after= or at=")
        if at is not None:
            plain = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
            return (plain - EPOCH) // MICROSECOND
        origin_us = self._now_us if by_clock else self._at_us
        if origin_us is None:
            raise WrongError("the row has no event time to count from: ctx.timer(…, at=…), or clock=True")
        assert after is not None
        return origin_us + milliseconds(after) * 1000

    def cancel(self, name: str) -> None:
        """Take a timer back."""
        self.wishes += [(name, False, None), (name, True, None)]

    def clear(self) -> None:
        """Forget the key: its fields have their first values again, and its timers are taken back."""
        self.cleared, self.wishes = True, []
        self._forget()
