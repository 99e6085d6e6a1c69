"""Drives compaction: slices of it on the disk thread, between the syncs, with rests so that nobody waits long for it.

A slice holds Python's lock for a few milliseconds at most, and a sync that comes meanwhile waits for no more than one.
Knows when, not what.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from penstock.log import Log
from penstock.log.compaction.cleaning import Cleaning
from penstock.serve.clocks import read_clocks

logger = logging.getLogger("penstock.serve")

WORK_MIN, WORK_MAX = 2 * 1024, 8 * 1024 * 1024


@dataclass(frozen=True)
class CompactionOptions:
    """How much of the disk thread compaction gets."""

    slice_ms: float = 2.0
    """How long compaction works before others may have the disk thread, in milliseconds."""
    busy_share: float = 0.2
    """The share of the time that compaction takes while producers wait for the disk."""
    idle_share: float = 0.8
    """The share of the time that compaction takes while nobody waits for the disk."""
    pause_s: float = 1.0
    """Time between two looks for something to compact, in seconds."""


class Compaction:
    """One task beside the driver's. `rounds` counts the syncs: whether anybody waits for the disk."""

    def __init__(
        self, log: Log, disk: Executor, rounds: Callable[[], int], fail: Callable[[str], None], options: CompactionOptions
    ) -> None:  # fmt: skip
        self.busy_s = 0.0
        self.slices = 0
        self._log, self._disk, self._rounds, self._fail, self._options = log, disk, rounds, fail, options

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._options.pause_s)
            cleaning = self._log.begin_clean(read_clocks())
            if cleaning is not None:
                await self._clean(cleaning)

    async def _clean(self, cleaning: Cleaning) -> None:
        work = WORK_MIN
        before = self._rounds()
        while not self._log.end_clean(cleaning, read_clocks()):
            took_s = await self._slice(cleaning, work)
            work = int(
                min(
                    WORK_MAX,
                    max(WORK_MIN, work * min(2.0, self._options.slice_ms / 1000 / max(took_s, 1e-6))),
                )
            )
            before, busy = self._rounds(), self._rounds() > before
            share = self._options.busy_share if busy else self._options.idle_share
            await asyncio.sleep(min(took_s, 0.1) * (1 / share - 1))
        if cleaning.error is not None:
            self._fail(f"the disk failed while compacting: {cleaning.error}")
        if cleaning.notice:
            logger.warning("%s", cleaning.notice)

    async def _slice(self, cleaning: Cleaning, work: int) -> float:
        def run() -> float:
            begun_s = read_clocks().mono_s
            cleaning.run(work)
            return read_clocks().mono_s - begun_s

        took_s = await asyncio.get_running_loop().run_in_executor(self._disk, run)
        self.busy_s += took_s
        self.slices += 1
        return took_s

    def measures(self) -> dict[str, float]:
        """Counters by Prometheus name."""
        return {
            "penstock_compaction_seconds_total": self.busy_s,
            "penstock_compaction_slices_total": float(self.slices),
            "penstock_compacted_partitions_total": float(self._log.cleaner.cleaned),
            "penstock_compacted_bytes_total": float(self._log.cleaner.bytes_gone),
        }
