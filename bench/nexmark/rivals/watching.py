"""When a process that runs for ever has come to the end of what there is to read: it says so, and its CPU rests.

Knows nothing of which engine it is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from bench.nexmark.rivals import Cost

LONGEST_S = 900.0


@dataclass(frozen=True)
class Rest:
    """What rest is: for `long_s` no look, each `look_s` after the one before, found more than `share` of a core in use."""

    long_s: float = 1.5
    look_s: float = 0.05
    share: float = 0.5


def until_rest(process: psutil.Process, has_read: Callable[[], bool], rest: Rest = Rest()) -> Cost:
    """What it took until it rested, having read all. Raises RuntimeError where it does not come to that."""
    begun_s = time.monotonic()
    busy_s, looked_s, looked_cpu_s = begun_s, begun_s, 0.0
    while time.monotonic() - begun_s < LONGEST_S:
        time.sleep(rest.look_s)
        now_s, cpu_s = time.monotonic(), _cpu_s(process)
        if cpu_s - looked_cpu_s > rest.share * (now_s - looked_s):
            busy_s = now_s
        elif now_s - busy_s > rest.long_s and has_read():
            return Cost(cpu_s, busy_s - begun_s)
        looked_s, looked_cpu_s = now_s, cpu_s
    raise RuntimeError(f"the process did not come to its end in {LONGEST_S} s")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
