"""Runs the broker's errands on threads, piece by piece, so that neither the loop nor other errands wait for long.

A lane has its threads, and a bound on how many errands are under way at a time, in turn; the others wait as they came.
Knows errands; knows no disk.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from penstock.broker.turns.errands import READING, SEEKING, SLICING, Errand
from penstock.errors import Refusal, Refused

logger = logging.getLogger("penstock.serve")

LANES: Final = {READING: (4, 64), SEEKING: (1, 4), SLICING: (1, 64)}
"""Threads, and errands under way at a time: a search may hold a batch unpacked, a read holds nothing, and
slices are of requests that are counted (`budget`)."""


class Lane:
    """`done` is called whenever an errand is over."""

    def __init__(self, name: str, threads: int, most: int, done: Callable[[], None]) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._most, self._done = most, done
        self._waiting: deque[Errand] = deque()
        self._under_way = 0

    def add(self, errand: Errand) -> None:
        """Begin it, now or when others are over."""
        self._waiting.append(errand)
        self._begin()

    def _begin(self) -> None:
        while self._waiting and self._under_way < self._most:
            errand = self._waiting.popleft()
            self._under_way += 1
            self._run(errand)

    def _run(self, errand: Errand) -> None:
        if errand.piece is None:
            self._under_way -= 1
            self._begin()
            self._done()
            return
        running = asyncio.get_running_loop().run_in_executor(self._pool, errand.piece)
        running.add_done_callback(partial(self._ran, errand))

    def _ran(self, errand: Errand, running: "asyncio.Future[object]") -> None:
        if running.cancelled():
            return
        error = running.exception()
        try:
            errand.go_on(error if isinstance(error, Exception) else running.result())
        except Exception:
            logger.exception("a search or a read met a defect")
            errand.fail(Refused(Refusal.CORRUPT, "a defect of the server, see its log"))
        self._run(errand)

    def close(self) -> None:
        """What has not begun is left."""
        self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)


class ErrandRuns:
    """All lanes."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._lanes = {name: Lane(name, threads, most, done) for name, (threads, most) in LANES.items()}

    def add(self, errands: Sequence[Errand]) -> None:
        """Each to its lane."""
        for errand in errands:
            self._lanes[errand.lane].add(errand)

    def close(self) -> None:
        """At the server's end."""
        for lane in self._lanes.values():
            lane.close()
