"""The log: topics of partitions in one data directory, and the rounds that make their bytes safe.

Everything runs on one thread, except `Sync.run`. Time and disk are passed in. Knows nothing of clients.
"""

import base64
import itertools
from collections.abc import Mapping, Sequence

import msgspec

from penstock.clock import Now
from penstock.errors import PenstockError
from penstock.log.compaction.cleaner import Cleaner
from penstock.log.compaction.cleaning import Cleaning
from penstock.log.disk import Disk, DiskFailed
from penstock.log.folders import clear_strangers, set_aside
from penstock.log.journal import Journal
from penstock.log.partition import Partition
from penstock.log.recovery import Recovery
from penstock.log.segment import Files, Segment
from penstock.log.state import (
    DELETED,
    FORMAT,
    STATE_NAME,
    Checkpoint,
    PartitionPoint,
    State,
    TopicState,
    load_checkpoint,
    load_state,
    replace,
)
from penstock.log.sync import Dirty, Range, Sync
from penstock.log.topic import LogOptions, NewTopic, Settings, Topic, start_after, valid_name

_SYNC_KINDS = ("always", "interval", "never")
_RETAIN_SLICE = 256


class Log:
    """All topics. Made by `Log.open`."""

    def __init__(self, disk: Disk, options: LogOptions) -> None:
        self.cluster_id = ""
        self.cuts: list[str] = []  # what recovery had to cut, for people
        self.by_id: dict[bytes, Topic] = {}
        self._topics: dict[str, Topic] = {}
        self._disk, self._options = disk, options
        most = min(options.open_files_max, disk.descriptors())
        self._files = Files(disk, most, options.index_interval_bytes)
        self._journal = Journal(disk, options.journal_bytes, held_max=most // 2)
        self._round_max = max(1, most // 2)  # segments of one sync
        self._dirty = Dirty(follow=options.sync != "always")
        self._dirty.keep = self._keep
        self._running: Sync | None = None
        self.cleaner = Cleaner(self._files, options)
        self._points: dict[str, PartitionPoint] = {}
        self._moved: dict[Partition, None] = {}  # since the last checkpoint
        self._moved_bytes = 0
        self._sync_at_s = self._checkpoint_at_s = 0.0
        self._retain_at = 0
        self._renamed = False  # folders, and the names are not safe yet
        self._strangers: set[str] = set()  # folders that are not ours, though their names could be

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
            self.cluster_id = base64.urlsafe_b64encode(self._disk.unique()).decode().rstrip("=")
            self._keep()
            return
        self._disk.sync_folder("")  # a killed process may have written the state and not come to this
        self.cluster_id = state.cluster_id
        points = load_checkpoint(self._disk)
        recovery = Recovery(self._disk, self._files, self._options.index_interval_bytes, now)
        for entry in state.topics:
            topic = self._add(entry)
            for partition in topic.partitions:
                partition.start_offset = entry.starts.get(partition.index, 0)
        partitions = [p for topic in self._topics.values() for p in topic.partitions]
        recovery.replay(self._journal, partitions, points)
        for partition in partitions:
            recovery.open(partition, points.get(partition.key))
        self.cuts = recovery.cuts
        self._clear_strangers()
        self._points = {p.key: known for p in partitions if (known := p.known())}
        self._secure(recovery, now)

    def _add(self, entry: TopicState) -> Topic:
        topic_id = bytes.fromhex(entry.topic_id)
        topic = Topic(entry.name, topic_id, created_ms=entry.created_ms, internal=entry.internal)
        topic.configs, topic.settings = entry.configs, Settings(entry.configs, self._options)
        self._grow(topic, entry.partitions)
        self._topics[entry.name] = self.by_id[topic_id] = topic
        return topic

    def _grow(self, topic: Topic, total: int) -> None:
        interval = self._options.index_interval_bytes
        for index in range(len(topic.partitions), total):
            topic.partitions.append(Partition(topic, index, self._files, self._dirty, interval))

    def _clear_strangers(self) -> None:
        """Folders of topics that were deleted go; somebody else's stay."""
        ours = {p.folder for topic in self._topics.values() for p in topic.partitions}
        told, self._strangers = clear_strangers(self._disk, ours, self.by_id)
        self.cuts += told

    def _make_room(self, partitions: Sequence[Partition]) -> None:
        """Somebody's folder that has a new partition's name gets another one."""
        for partition in partitions:
            if partition.folder in self._strangers:
                set_aside(self._disk, partition.folder)
                self._strangers.remove(partition.folder)
                self._renamed = True

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
    def topics(self) -> Mapping[str, Topic]:
        """The topics by name."""
        return self._topics

    def create_topic(
        self, name: str, partitions: int, configs: Mapping[str, str], now: Now, internal: bool = False
    ) -> Topic:
        """A new topic, safe on disk. Raises ValueError for what the broker should have refused."""
        return self.create_topics([NewTopic(name, partitions, configs, internal)], now)[0]

    def create_topics(self, wanted: Sequence[NewTopic], now: Now) -> list[Topic]:
        """New topics, safe on disk with one write: all of them, or none. Raises ValueError as `create_topic`."""
        if len({new.name for new in wanted}) < len(wanted):
            raise ValueError("a topic is named twice")
        for new in wanted:
            if new.name in self._topics or not valid_name(new.name) or new.partitions < 1:
                raise ValueError(f"topic {new.name!r} with {new.partitions} partitions cannot be created")
            Settings(new.configs, self._options)
        made = [
            self._add(
                TopicState(
                    new.name,
                    self._disk.unique().hex(),
                    new.partitions,
                    dict(new.configs),
                    new.internal,
                    created_ms=now.wall_ms,
                )
            )
            for new in wanted
        ]
        if not made:
            return made
        try:
            self._make_room([partition for topic in made for partition in topic.partitions])
            self._keep()
        except BaseException:
            for topic in made:
                del self._topics[topic.name], self.by_id[topic.topic_id]
            raise
        return made

    def delete_topic(self, name: str) -> None:
        """Forget a topic and its records; the files are removed by the next syncs. KeyError if there is none."""
        self.delete_topics([name])

    def delete_topics(self, names: Sequence[str]) -> None:
        """Forget topics with one write: all of them, or none. KeyError as `delete_topic`."""
        gone = [self._topics[name] for name in dict.fromkeys(names)]
        if not gone:
            return
        before = dict(self._topics)
        for topic in gone:
            del self._topics[topic.name]
        try:
            self._keep()
        except BaseException:
            self._topics.update(before)
            raise
        for topic in gone:
            self._bury(topic)

    def _bury(self, topic: Topic) -> None:
        del self.by_id[topic.topic_id]
        for partition in topic.partitions:
            self._points.pop(partition.key, None)
            self._moved.pop(partition, None)
            self._dirty.homes.pop(partition, None)
            for segment in partition.segments:
                partition.discard(segment)
            if partition.housed:
                grave = f"{topic.topic_id.hex()}-{partition.index}{DELETED}"
                self._disk.rename(partition.folder, grave)
                self._renamed = True
                self._dirty.doomed.append(grave + "/")

    def set_configs(self, name: str, configs: Mapping[str, str]) -> None:
        """Replace a topic's configuration. KeyError, or ValueError for a value the log cannot read."""
        topic = self._topics[name]
        settings, before = Settings(configs, self._options), topic.configs
        topic.configs = dict(configs)
        try:
            self._keep()
        except BaseException:
            topic.configs = before
            raise
        topic.settings = settings

    def add_partitions(self, name: str, total: int, now: Now) -> None:
        """Give a topic `total` partitions, which must be more than it has."""
        topic = self._topics[name]
        before = len(topic.partitions)
        if total <= before:
            raise ValueError(f"topic {name!r} has {before} partitions already")
        self._grow(topic, total)
        try:
            self._make_room(topic.partitions[before:])
            self._keep()
        except BaseException:
            del topic.partitions[before:]
            raise

    def _keep(self) -> None:
        """Write the topics and start offsets down, safely."""
        if self._dirty.failure:
            raise self._dirty.failure
        entries = [_entry(topic) for topic in self._topics.values()]
        try:
            if self._renamed:  # lest a crash leaves a deleted topic's folder to a new topic of its name
                self._disk.sync_folder("")
                self._renamed = False
            replace(self._disk, STATE_NAME, msgspec.json.encode(State(FORMAT, self.cluster_id, entries)))
        except OSError as error:
            self._dirty.failure = DiskFailed(str(error))
            raise self._dirty.failure from error

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
        partitions = [p for topic in self._topics.values() for p in topic.partitions]
        if not partitions or self._dirty.failure:
            return 0
        first = self._retain_at % len(partitions)
        turn = (partitions[first:] + partitions[:first])[:_RETAIN_SLICE]
        self._retain_at = first + len(turn)
        return self.truncate_before({p: start_after(p, self._topics[p.topic].settings, now) for p in turn})

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
            self._keep()
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
        return self.cleaner.begin(self._topics.values(), now)

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


def _entry(topic: Topic) -> TopicState:
    starts = {p.index: p.start_offset for p in topic.partitions if p.start_offset}
    return TopicState(
        topic.name,
        topic.topic_id.hex(),
        len(topic.partitions),
        topic.configs,
        topic.internal,
        topic.created_ms,
        starts,
    )
