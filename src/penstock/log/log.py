"""The log: topics of partitions in one data directory, and the rounds that make their bytes safe.

Everything runs on one thread, except `Sync.run`. Time and disk are passed in. Knows nothing of clients.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import msgspec

from penstock.clock import Now
from penstock.errors import PenstockError
from penstock.log.compaction.cleaner import Cleaner
from penstock.log.compaction.cleaning import Cleaning
from penstock.log.disk import Disk, DiskFailed
from penstock.log.durability.journal import Journal, Range
from penstock.log.durability.sync import Dirty, Sync
from penstock.log.partition import Partition
from penstock.log.recovery import Recovery
from penstock.log.segments.segment import Files, Segment
from penstock.log.settings import LogOptions
from penstock.log.state import FORMAT, Checkpoint, PartitionPoint, load_checkpoint, load_state
from penstock.log.topics import NewTopic, Topic, Topics, start_after

_SYNC_KINDS = ("always", "interval", "never")
_RETAIN_SLICE = 256

Pins = Callable[[Partition, int, Now], int]
"""Where a partition may begin, of which retention would forget all below an offset: whoever still reads it may hold that
back. Asked at each look, until it agrees."""


class Log:
    """All topics. Made by `Log.open`."""

    def __init__(self, disk: Disk, options: LogOptions) -> None:
        self.cuts: list[str] = []  # what recovery had to cut, for people
        self._disk, self._options = disk, options
        most = min(options.open_files_max, disk.descriptors())
        self._files = Files(disk, most, options.index_interval_bytes)
        self._journal = Journal(disk, options.journal_bytes, held_max=most // 2)
        self._round_max = max(1, most // 2)  # segments of one sync
        self._dirty = Dirty(follow=options.sync != "always")
        self._topics = Topics(disk, self._files, self._dirty, options, self._forget)
        self._dirty.keep = self._topics.keep
        self._running: Sync | None = None
        self.cleaner = Cleaner(self._files, options)
        self._points: dict[str, PartitionPoint] = {}
        self._moved: dict[Partition, None] = {}  # since the last checkpoint
        self._moved_bytes = 0
        self._sync_at_s = self._checkpoint_at_s = 0.0
        self._retain_at = 0
        self.pins: Pins = lambda partition, target, now: target

    @classmethod
    def open(cls, disk: Disk, options: LogOptions, now: Now) -> "Log":
        """Take the data directory and recover what it holds.

        Raises PenstockError where it is in use, cannot be written, is damaged, or has a newer format.
        """
        if options.sync not in _SYNC_KINDS:
            raise PenstockError(f"sync is {options.sync!r}", remedy="it takes " + ", ".join(_SYNC_KINDS))
        disk.lock()
        try:
            log = cls(disk, options)
            log._recover(now)
        except BaseException:
            disk.unlock()
            raise
        return log

    # --- recovery ----------------------------------------------------------------------------------------------

    def _recover(self, now: Now) -> None:
        self._checkpoint_at_s = now.mono_s + self._options.checkpoint_ms / 1000
        state = load_state(self._disk)
        if state is None:
            self._topics.begin()
            return
        self._disk.sync_folder("")  # a killed process may have written the state and not come to this
        self._topics.load(state)
        points = load_checkpoint(self._disk)
        recovery = Recovery(self._disk, self._files, self._options.index_interval_bytes, now)
        partitions = self._topics.partitions()
        recovery.visit(partitions, points)
        recovery.replay(self._journal, partitions)
        for partition in partitions:
            recovery.open(partition, points.get(partition.key))
        self.cuts = recovery.cuts + self._topics.clear_strangers()
        self._points = {p.key: known for p in partitions if (known := p.known())}
        self._secure(recovery, now)

    def _secure(self, recovery: Recovery, now: Now) -> None:
        """Make safe what was found behind the checkpoint: from now on it counts as durable."""
        for folder in recovery.folders:
            self._disk.sync_folder(folder)
        self._adopt(recovery)
        for segment, partition in recovery.suspects.items():
            segment.newborn = True  # a killed process may not have come to make its name safe
            partition.doubt()
            if segment.synced < segment.size:
                self._dirty.add(segment, partition, 0)
            if segment is partition.segments[-1]:
                partition.point = partition.point_now(segment)
                self._moved[partition] = None
        if recovery.suspects:
            self._checkpoint_at_s = now.mono_s  # lest the next start looks at all that again
        while self._dirty.segments:
            self._finish(now)
            if self._dirty.failure:
                raise PenstockError(str(self._dirty.failure), place=self._disk.place)

    def _adopt(self, recovery: Recovery) -> None:
        """The journal goes on, with the segments that only it has safe."""
        held: list[tuple[int, Range]] = []
        for (partition, base), halves in recovery.replayed.items():
            for segment in partition.segments:
                if segment.base == base:
                    segment.newborn = True
                    partition.doubt()
                    held += [(half, self._range(segment, partition)) for half in halves]
        self._release(self._journal.adopt(held))

    # --- topics ------------------------------------------------------------------------------------------------

    @property
    def place(self) -> str:
        """The data directory, for people."""
        return self._disk.place

    def space(self) -> tuple[int, int]:
        """The file system's bytes, all and free; -1 where they are not known."""
        return self._disk.space()

    @property
    def cluster_id(self) -> str:
        """The data directory's own id, as clients see it."""
        return self._topics.cluster_id

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The topics by name."""
        return self._topics.by_name

    @property
    def by_id(self) -> Mapping[bytes, Topic]:
        """The topics by id."""
        return self._topics.by_id

    def create_topic(
        self, name: str, partitions: int, configs: Mapping[str, str], now: Now, internal: bool = False
    ) -> Topic:
        """A new topic, safe on disk. Raises ValueError for what the broker should have refused."""
        return self.create_topics([NewTopic(name, partitions, configs, internal)], now)[0]

    def create_topics(self, wanted: Sequence[NewTopic], now: Now) -> list[Topic]:
        """New topics, safe on disk with one write: all of them, or none. Raises ValueError as `create_topic`."""
        return self._topics.create(wanted, now)

    def delete_topic(self, name: str) -> None:
        """Forget a topic and its records; the files are removed by the next syncs. KeyError if there is none."""
        self.delete_topics([name])

    def delete_topics(self, names: Sequence[str]) -> None:
        """Forget topics with one write: all of them, or none. KeyError as `delete_topic`."""
        self._topics.delete(names)

    def _forget(self, partition: Partition) -> None:
        """A partition of a topic that is deleted."""
        self._points.pop(partition.key, None)
        self._moved.pop(partition, None)
        self._dirty.homes.pop(partition, None)

    def set_configs(self, name: str, configs: Mapping[str, str]) -> None:
        """Replace a topic's configuration. KeyError, or ValueError for a value the log cannot read."""
        self._topics.set_configs(name, configs)

    def add_partitions(self, name: str, total: int, now: Now) -> None:
        """Give a topic `total` partitions, which must be more than it has."""
        self._topics.add_partitions(name, total)

    # --- making bytes safe -------------------------------------------------------------------------------------

    def begin_sync(self, now: Now) -> Sync | None:
        """A round with all that is dirty now; None where nothing is due, or a round runs already.

        Run it (on any thread), then hand it to `end_sync`.
        """
        if self._running or self._dirty.failure:
            return None
        dirty, due = self._dirty, self._take_due(now)
        checkpoint = self._checkpoint_due(now)
        if not (due or dirty.doomed or checkpoint):
            return None
        ranges = [self._range(segment, partition) for segment, partition in due.items()]
        doomed, dirty.doomed = dirty.doomed, []
        sync = Sync(self._disk, ranges, doomed, self._journal)
        if checkpoint:
            sync.index_tails, sync.checkpoint = self._checkpoint(now)
        self._running = sync
        return sync

    def _take_due(self, now: Now) -> dict[Segment, Partition]:
        dirty = self._dirty
        if self._options.sync == "never":
            due = {segment: dirty.segments.pop(segment) for segment in list(dirty.segments) if segment.sealed}
        elif self._options.sync == "interval" and now.mono_s < self._sync_at_s:
            return {}
        elif len(dirty.segments) <= self._round_max:
            due, dirty.segments = dirty.segments, {}
        else:  # the first ones first: of one partition an older segment comes before a younger one
            due = {s: dirty.segments.pop(s) for s in list(itertools.islice(dirty.segments, self._round_max))}
        if due:
            self._sync_at_s = now.mono_s + self._options.sync_interval_ms / 1000
        return due

    def _range(self, segment: Segment, partition: Partition) -> Range:
        fd = self._files.fd(segment)
        segment.pins += 1
        point = partition.point_now(segment)
        return Range(
            partition, segment, fd, segment.synced, point, segment.newborn, partition in self._dirty.homes
        )

    def end_sync(self, sync: Sync, now: Now) -> list[Partition]:
        """Count as durable what the round made safe; the partitions whose durable end moved.

        After an error in the round nothing is: every further append raises DiskFailed.
        """
        self._running = None
        if sync.error is not None:
            self._dirty.failure = DiskFailed(f"the disk failed to make data safe: {sync.error}")
        moved: dict[Partition, None] = {}
        for one in sync.ranges:
            if one.segment not in sync.held:
                self._files.unpin(one.segment)
            if sync.error is not None or one.segment.dead:
                continue
            if not sync.journaled:
                self._note_names(one)
            self._moved_bytes += one.point.position - one.segment.synced
            one.segment.synced = one.point.position
            partition = one.partition
            partition.point = one.point
            partition.durable_offset = max(partition.durable_offset, one.point.end)
            moved[partition] = self._moved[partition] = None
        self._release(sync.settled)
        return list(moved)

    def _release(self, settled: Sequence[Range]) -> None:
        for one in settled:
            self._files.unpin(one.segment)
            self._note_names(one)

    def _note_names(self, one: Range) -> None:
        """The names that lead to the segment are safe."""
        if one.newborn:
            one.segment.newborn = False
        if one.home:
            self._dirty.homes.pop(one.partition, None)

    def next_sync_s(self, now: Now) -> float | None:
        """Seconds until `begin_sync` has something to do though nothing is appended; None if never."""
        waits = [self._checkpoint_at_s - now.mono_s] if self._moved else []
        if self._dirty.segments and self._options.sync == "interval":
            waits.append(self._sync_at_s - now.mono_s)
        if self._dirty.doomed or (self._dirty.segments and self._options.sync == "always"):
            waits.append(0.0)
        return max(0.0, min(waits)) if waits else None

    # --- what is known to be whole -----------------------------------------------------------------------------

    def _checkpoint_due(self, now: Now) -> bool:
        if not self._moved:
            return False
        return self._moved_bytes >= self._options.checkpoint_bytes or now.mono_s >= self._checkpoint_at_s

    def _checkpoint(self, now: Now) -> tuple[list[tuple[str, int, bytes]], bytes]:
        """What the disk thread writes: the indexes' tails that the checkpoint counts on, and the checkpoint."""
        tails: list[tuple[str, int, bytes]] = []
        for partition in self._moved:
            if known := partition.known():
                self._points[partition.key] = known
                tails += partition.index_tails()
        self._moved, self._moved_bytes = {}, 0
        self._checkpoint_at_s = now.mono_s + self._options.checkpoint_ms / 1000
        return tails, msgspec.json.encode(Checkpoint(FORMAT, self._points))

    # --- forgetting --------------------------------------------------------------------------------------------

    def retain(self, now: Now) -> int:
        """Remove segments by age and size, in a bounded slice of the partitions; how many went.

        Call it again and again; each call goes on where the last one ended.
        """
        partitions = self._topics.partitions()
        if not partitions or self._dirty.failure:
            return 0
        first = self._retain_at % len(partitions)
        turn = (partitions[first:] + partitions[:first])[:_RETAIN_SLICE]
        self._retain_at = first + len(turn)
        targets = {p: start_after(p, p.settings, now) for p in turn}
        return self.truncate_before(
            {p: self.pins(p, target, now) for p, target in targets.items() if target > p.start_offset}
        )

    def truncate_before(self, targets: Mapping[Partition, int]) -> int:
        """Forget the records below these offsets for good (at most up to the durable ends); segments that went."""
        before: dict[Partition, int] = {}
        for partition, offset in targets.items():
            start = min(offset, partition.durable_offset)
            if start > partition.start_offset:
                before[partition] = partition.start_offset
                partition.start_offset = start
        if not before:
            return 0
        try:  # a segment goes only after it is written down that it is not needed
            self._topics.keep()
        except BaseException:
            for partition, start in before.items():
                partition.start_offset = start
            raise
        return sum(partition.drop() for partition in before)

    # --- compaction --------------------------------------------------------------------------------------------

    def begin_clean(self, now: Now) -> Cleaning | None:
        """Begin to compact the partition that needs it most, where one does. See `Cleaning` for how to go on."""
        if self._dirty.failure:
            return None
        return self.cleaner.begin(self.topics.values(), now)

    def end_clean(self, cleaning: Cleaning, now: Now) -> bool:
        """Take over what `cleaning.run` has ready; whether it is over. After an error every append raises DiskFailed."""
        if cleaning.error is not None:
            self._dirty.failure = DiskFailed(f"the disk failed while compacting: {cleaning.error}")
        alive = self.by_id.get(cleaning.partition.topic_id) is not None
        moved = self.cleaner.end(cleaning, alive, now)
        if moved is not None:
            self._moved[moved] = None
        return cleaning.over

    def close(self, now: Now) -> None:
        """Make everything safe, note that all of it is whole, and give the data directory back."""
        if self._running is not None:
            raise RuntimeError("a sync is running: end it before the log is closed")
        self.cleaner.stop()
        try:
            while self._dirty.failure is None and (self._dirty.segments or self._dirty.doomed):
                self._finish(now)
            if self._moved and self._dirty.failure is None:
                tails, checkpoint = self._checkpoint(now)
                Sync(self._disk, (), index_tails=tails, checkpoint=checkpoint).run()
            if self._dirty.failure is None:
                self._journal.close()
        finally:
            self._files.close_all()
            self._disk.unlock()

    def _finish(self, now: Now) -> None:
        """One round on this thread."""
        first = list(itertools.islice(self._dirty.segments, self._round_max))
        due = {segment: self._dirty.segments.pop(segment) for segment in first}
        doomed, self._dirty.doomed = self._dirty.doomed, []
        ranges = [self._range(segment, partition) for segment, partition in due.items()]
        sync = Sync(self._disk, ranges, doomed, self._journal)
        sync.run()
        self.end_sync(sync, now)
