"""The log's side of compaction: chooses a partition, hands out the work, and takes over what is ready.

Everything here runs on the log's thread and does not block: names are changed, nothing is made safe. Knows topics and
partitions; how batches are cut is `Filter`'s.
"""

from collections.abc import Iterable

from penstock.clock import Now
from penstock.log.compaction.choose import Choice, choose
from penstock.log.compaction.cleaning import Cleaning, Group, Source
from penstock.log.compaction.filter import Filter
from penstock.log.compaction.keys import KeyMap
from penstock.log.compaction.swap import CLEANED, KINDS
from penstock.log.compaction.transactions import Transactions
from penstock.log.partition import Partition
from penstock.log.segment import Files, Segment
from penstock.log.topic import LogOptions, Topic

_RETRY_S = 60.0


class Cleaner:
    """One cleaning at a time. `transactions` is set by who knows them."""

    def __init__(self, files: Files, options: LogOptions) -> None:
        self.transactions: Transactions | None = None
        self.cleaned = 0  # partitions, since the start
        self.bytes_gone = 0
        self._files, self._options = files, options
        self._running: Cleaning | None = None
        self._damaged: set[Partition] = set()
        self._wait_s = 0.0

    def begin(self, topics: Iterable[Topic], now: Now) -> Cleaning | None:
        """Clean the partition that needs it most; None where none does, or one is being cleaned."""
        if self._running is not None or now.mono_s < self._wait_s:
            return None
        told = self.transactions
        candidates = (
            (partition, topic.settings, told.stable_offset(partition) if told else partition.durable_offset)
            for topic in topics
            if topic.settings.compacts
            for partition in topic.partitions
            if len(partition.segments) > 1 and partition not in self._damaged
        )
        choice = choose(candidates, now, self._first_ms)
        if choice is None:
            return None
        self._running = self._cleaning(choice, now)
        return self._running

    def _cleaning(self, choice: Choice, now: Now) -> Cleaning:
        partition, told, end = choice.partition, self.transactions, choice.segments[-1].end
        settings = partition.settings
        filtering = Filter(
            choice.clean, end, KeyMap(self._options.compaction_bytes), now.wall_ms, settings.delete_retention_ms,
            told.aborted(partition, partition.start_offset, end) if told else None,
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
        if cleaning.damaged:
            self._damaged.add(cleaning.partition)
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
