"""The log's side of compaction: chooses a partition, hands out the work, and takes over what is ready.

Everything here runs on the log's thread and does not block: names are changed, nothing is made safe. Knows topics and
partitions; how batches are cut is `Filter`'s.
"""

from collections.abc import Iterable
from math import inf

from penstock.clock import Now
from penstock.log.compaction.choose import Choice, choose
from penstock.log.compaction.cleaning import Cleaning, Group, Source
from penstock.log.compaction.filter import Filter
from penstock.log.compaction.keys import KeyMap
from penstock.log.compaction.swap import CLEANED, KINDS
from penstock.log.partition import Partition
from penstock.log.segments.segment import Files, Segment
from penstock.log.settings import LogOptions
from penstock.log.topics import Topic

_RETRY_S = 60.0


class Cleaner:
    """One cleaning at a time."""

    def __init__(self, files: Files, options: LogOptions) -> None:
        self.cleaned = 0  # partitions, since the start
        self.bytes_gone = 0
        self._files, self._options = files, options
        self._running: Cleaning | None = None
        self._later_s: dict[Partition, float] = {}  # those that could not be cleaned, and when to look again
        self._wait_s = 0.0

    def begin(self, topics: Iterable[Topic], now: Now) -> Cleaning | None:
        """Clean the partition that needs it most; None where none does, or one is being cleaned."""
        if self._running is not None or now.mono_s < self._wait_s:
            return None
        candidates = (
            (partition, topic.settings)
            for topic in topics
            if topic.settings.compacts
            for partition in topic.partitions
            if len(partition.segments) > 1 and self._later_s.get(partition, 0.0) <= now.mono_s
        )
        choice = choose(candidates, now, self._first_ms)
        if choice is None:
            return None
        self._running = self._cleaning(choice, now)
        return self._running

    def _cleaning(self, choice: Choice, now: Now) -> Cleaning:
        partition, end = choice.partition, choice.segments[-1].end
        settings = partition.settings
        filtering = Filter(
            choice.clean, end, KeyMap(self._options.compaction_bytes), now.wall_ms, settings.delete_retention_ms,
        )  # fmt: skip
        sources = [Source(s.path, s.base, s.end, s.size) for s in choice.segments]
        return Cleaning(
            self._files.disk,
            partition,
            sources,
            filtering,
            settings.segment_bytes,
            self._options.index_interval_bytes,
        )

    def _first_ms(self, partition: Partition, segment: Segment) -> int:
        info = next(self._files.walk(segment, 0, segment.size), None)
        return segment.max_ms if info is None else info.base_timestamp_ms

    def end(self, cleaning: Cleaning, alive: bool, now: Now) -> Partition | None:
        """Take over what a slice of the work left; the partition where segments were swapped. `alive`: its topic."""
        moved = None
        if cleaning.ready is not None:
            if alive and self._swap(cleaning.partition, cleaning.ready):
                cleaning.swapped, moved = True, cleaning.partition
            cleaning.ready = None
        if cleaning.over:
            self._running = None
            self._note_end(cleaning, now)
        return moved

    def stop(self) -> None:
        """Clean no more: what is half done is removed at the next start."""
        if self._running is not None:
            self._running.stop()

    def _note_end(self, cleaning: Cleaning, now: Now) -> None:
        self._later_s.pop(cleaning.partition, None)
        if not cleaning.complete:
            self._later_s[cleaning.partition] = inf if cleaning.damaged else now.mono_s + _RETRY_S
        if cleaning.full:
            self._wait_s = now.mono_s + _RETRY_S
        if cleaning.complete:
            cleaning.partition.clean_offset = max(cleaning.partition.clean_offset, cleaning.end)
            self.cleaned += 1
            self.bytes_gone += cleaning.bytes_before - cleaning.bytes_after

    def _swap(self, partition: Partition, group: Group) -> bool:
        """Step 3 of `swap`: only the names change, and what readers see."""
        bases = [source.base for source in group.sources]
        number = next((n for n, s in enumerate(partition.segments) if s.base == bases[0]), None)
        if number is None:
            return False  # retention was faster
        old = partition.segments[number : number + len(bases)]
        if [(s.base, s.size) for s in old] != [(source.base, source.size) for source in group.sources]:
            return False
        for kind in KINDS:
            self._files.disk.rename(group.segment.path + kind + CLEANED, group.segment.path + kind)
        partition.replace(number, old, group.segment)
        return True
