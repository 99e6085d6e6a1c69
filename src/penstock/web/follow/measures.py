"""Measures: the broker's, as it appends them to `_penstock.metrics`, and how late this process's loop runs.

Knows numbers and names, not who asks for them.
"""

import asyncio
import shutil
from collections import deque
from pathlib import Path

import msgspec

from penstock.record import Record

LAG_EVERY_S = 0.25
LAG_POINTS = 40  # ten seconds


class _Report(msgspec.Struct):
    at_ms: int = 0
    measures: dict[str, float] = {}


_read = msgspec.json.Decoder(_Report, strict=False).decode


class Measures:
    """The newest of each."""

    def __init__(self) -> None:
        self.broker: dict[str, float] = {}
        self.broker_ms = 0
        self._lags: deque[float] = deque(maxlen=LAG_POINTS)

    def take(self, record: Record) -> None:
        """One record of `_penstock.metrics`; what cannot be read is passed over, the next comes in a second."""
        if record.key != b"broker" or record.value is None:
            return
        try:
            report = _read(record.value)
        except (ValueError, RecursionError):
            return
        self.broker, self.broker_ms = report.measures, report.at_ms

    @property
    def loop_lag_s(self) -> float:
        """The latest that a timer fired in the last ten seconds."""
        return max(self._lags, default=0.0)

    async def watch_loop(self) -> None:
        """Measure the loop for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self._lags.append(max(0.0, loop.time() - due_s))


def disk_free_bytes(folder: str) -> int | None:
    """Free space where the data lies; None where it is not on this machine."""
    if not folder or not Path(folder).is_dir():
        return None
    return shutil.disk_usage(folder).free
