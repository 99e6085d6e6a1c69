"""Where the two clocks are read; everything below is handed the reading."""

import time

from penstock.clock import Now


def read_clocks() -> Now:
    """Both clocks, now."""
    return Now(time.monotonic(), time.time_ns() // 1_000_000)
