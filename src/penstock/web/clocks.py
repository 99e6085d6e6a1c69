"""Where the web process reads its clocks."""

import time

from penstock.clock import Now


def read_clocks() -> Now:
    """Both clocks, now."""
    return Now(time.monotonic(), time.time_ns() // 1_000_000)
