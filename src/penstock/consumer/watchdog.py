"""Looks from a thread of its own whether an event loop still runs: what blocks it cannot say so itself.

It fails loudly: an error in the log with where the loop stands, and `StalledError` out of the consumer as soon as the
loop runs again. Knows nothing of records.
"""

import asyncio
import contextlib
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable

from penstock.errors import PenstockError

log = logging.getLogger("penstock.consumer")


class StalledError(PenstockError):
    """A consumer, or a handler of it, did not get on for too long."""


def stalled(why: str) -> StalledError:
    """Said in the log, and to be raised."""
    log.error("the consumer stalled: %s", why)
    remedy = "mend what holds it up, or allow more time with stall="
    return StalledError(f"the consumer stalled: {why.splitlines()[0]}", remedy=remedy)


class Watchdog:
    """Made in the loop that it watches, which is to call `beat` often; `fail` is called in that loop."""

    def __init__(self, stall_s: float, fail: Callable[[StalledError], None]) -> None:
        self.stall_s, self._fail = stall_s, fail
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._beaten_s = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="penstock-watchdog", daemon=True).start()

    def beat(self) -> None:
        """The loop runs."""
        self._beaten_s = time.monotonic()

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self.stall_s / 4)):
            still_s = time.monotonic() - self._beaten_s
            if still_s > self.stall_s:
                frame = sys._current_frames().get(self._loop_thread)
                where = "".join(traceback.format_stack(frame)) if frame else ""
                error = stalled(f"something blocks the event loop, for {still_s:.0f} s now\n{where}")
                with contextlib.suppress(RuntimeError):  # a closed loop: nobody is left to be told
                    self._loop.call_soon_threadsafe(self._fail, error)
                return
