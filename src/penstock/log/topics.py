"""The topics of one log: which there are, under which names and ids, how `penstock.json` keeps them, how long records stay.

Each change is written down, safely, before it holds. Knows folders and partitions; knows nothing of records, nor of
how their bytes become safe.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from penstock.clock import Now
from penstock.log.disk import Disk, DiskFailed
from penstock.log.durability.sync import Dirty
from penstock.log.folders import clear_strangers, set_aside
from penstock.log.partition import Partition
from penstock.log.segments.segment import Files
from penstock.log.settings import LogOptions, Settings, valid_name
from penstock.log.state import DELETED, FORMAT, STATE_NAME, State, TopicState, replace


class NewTopic(NamedTuple):
    """A topic that is to be made."""

    name: str
    partitions: int
    configs: Mapping[str, str]
    internal: bool = False


class Topic:
    """A topic that stands. `topic_id` is a UUID's 16 bytes; `configs` holds only what was set."""

    __slots__ = ("configs", "created_ms", "internal", "name", "partitions", "settings", "topic_id")

    def __init__(self, name: str, topic_id: bytes, *, created_ms: int, internal: bool) -> None:
        self.name, self.topic_id = name, topic_id
        self.created_ms, self.internal = created_ms, internal
        self.configs: dict[str, str] = {}
        self.settings = Settings({}, LogOptions())
        self.partitions: list[Partition] = []


class Topics:
    """All topics, by name and by id. `forget` is told of each partition that is deleted."""

    def __init__(
        self, disk: Disk, files: Files, dirty: Dirty, options: LogOptions, forget: Callable[[Partition], None]
    ) -> None:
        self.cluster_id = ""
        self.by_name: dict[str, Topic] = {}
        self.by_id: dict[bytes, Topic] = {}
        self._disk, self._files, self._dirty, self._options = disk, files, dirty, options
        self._forget = forget
        self._renamed = False  # folders, and the names are not safe yet
        self._strangers: set[str] = set()  # folders that are not ours, though their names could be

    def partitions(self) -> list[Partition]:
        """Those of all topics."""
        return [partition for topic in self.by_name.values() for partition in topic.partitions]

    # --- at a start --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """In an empty data directory: a cluster id, and no topics."""
        self.cluster_id = base64.urlsafe_b64encode(self._disk.unique()).decode().rstrip("=")
        self.keep()

    def load(self, state: State) -> None:
        """The topics as they were written down; their partitions are yet to be opened."""
        self.cluster_id = state.cluster_id
        for entry in state.topics:
            topic = self._add(entry)
            for index, start in entry.starts.items():
                topic.partitions[index].start_offset = start

    def clear_strangers(self) -> list[str]:
        """Folders of topics that were deleted go; somebody else's stay, which is told."""
        ours = {partition.folder for partition in self.partitions()}
        told, self._strangers = clear_strangers(self._disk, ours, self.by_id)
        return told

    # --- changes -----------------------------------------------------------------------------------------------

    def create(self, wanted: Sequence[NewTopic], now: Now) -> list[Topic]:
        """New topics with one write: all of them, or none. Raises ValueError for what no topic can be."""
        if len({new.name for new in wanted}) < len(wanted):
            raise ValueError("a topic is named twice")
        for new in wanted:
            if new.name in self.by_name or not valid_name(new.name) or new.partitions < 1:
                raise ValueError(f"topic {new.name!r} with {new.partitions} partitions cannot be created")
            Settings(new.configs, self._options)
        made = [self._add(_first_entry(new, self._disk.unique(), now)) for new in wanted]
        if not made:
            return made
        try:
            self._make_room([partition for topic in made for partition in topic.partitions])
            self.keep()
        except BaseException:
            for topic in made:
                del self.by_name[topic.name], self.by_id[topic.topic_id]
            raise
        return made

    def delete(self, names: Sequence[str]) -> None:
        """Forget topics with one write: all of them, or none. KeyError where there is no such topic."""
        gone = [self.by_name[name] for name in dict.fromkeys(names)]
        if not gone:
            return
        before = dict(self.by_name)
        for topic in gone:
            del self.by_name[topic.name]
        try:
            self.keep()
        except BaseException:
            self.by_name.update(before)
            raise
        for topic in gone:
            self._bury(topic)

    def set_configs(self, name: str, configs: Mapping[str, str]) -> None:
        """Replace a topic's configuration. KeyError, or ValueError for a value the log cannot read."""
        topic = self.by_name[name]
        settings, before = Settings(configs, self._options), topic.configs
        topic.configs = dict(configs)
        try:
            self.keep()
        except BaseException:
            topic.configs = before
            raise
        topic.settings = settings

    def add_partitions(self, name: str, total: int) -> None:
        """Give a topic `total` partitions. KeyError, or ValueError where it has as many."""
        topic = self.by_name[name]
        before = len(topic.partitions)
        if total <= before:
            raise ValueError(f"topic {name!r} has {before} partitions already")
        self._grow(topic, total)
        try:
            self._make_room(topic.partitions[before:])
            self.keep()
        except BaseException:
            del topic.partitions[before:]
            raise

    def keep(self) -> None:
        """Write the topics and start offsets down, safely."""
        if self._dirty.failure:
            raise self._dirty.failure
        entries = [_entry(topic) for topic in self.by_name.values()]
        try:
            if self._renamed:  # lest a crash leaves a deleted topic's folder to a new topic of its name
                self._disk.sync_folder("")
                self._renamed = False
            replace(self._disk, STATE_NAME, msgspec.json.encode(State(FORMAT, self.cluster_id, entries)))
        except OSError as error:
            self._dirty.failure = DiskFailed(str(error))
            raise self._dirty.failure from error

    # --- one topic ---------------------------------------------------------------------------------------------

    def _add(self, entry: TopicState) -> Topic:
        topic_id = bytes.fromhex(entry.topic_id)
        topic = Topic(entry.name, topic_id, created_ms=entry.created_ms, internal=entry.internal)
        topic.configs, topic.settings = entry.configs, Settings(entry.configs, self._options)
        self._grow(topic, entry.partitions)
        self.by_name[entry.name] = self.by_id[topic_id] = topic
        return topic

    def _grow(self, topic: Topic, total: int) -> None:
        interval = self._options.index_interval_bytes
        for index in range(len(topic.partitions), total):
            topic.partitions.append(Partition(topic, index, self._files, self._dirty, interval))

    def _make_room(self, partitions: Sequence[Partition]) -> None:
        """Somebody's folder that has a new partition's name gets another one."""
        for partition in partitions:
            if partition.folder in self._strangers:
                set_aside(self._disk, partition.folder)
                self._strangers.remove(partition.folder)
                self._renamed = True

    def _bury(self, topic: Topic) -> None:
        """Free the names at once, a new topic may want them; the disk thread removes what is there."""
        del self.by_id[topic.topic_id]
        for partition in topic.partitions:
            self._forget(partition)
            partition.deleted = True
            for segment in partition.segments:
                partition.discard(segment)
            if partition.housed:
                grave = f"{partition.key}{DELETED}"
                self._disk.rename(partition.folder, grave)
                self._renamed = True
                self._dirty.doomed.append(grave + "/")


def _first_entry(new: NewTopic, topic_id: bytes, now: Now) -> TopicState:
    return TopicState(
        new.name, topic_id.hex(), new.partitions, dict(new.configs), new.internal, created_ms=now.wall_ms
    )


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


def start_after(
    partition: Partition, settings: Settings, now: Now, longer_ms: int = 0, more_bytes: int = 0
) -> int:
    """The start offset that retention asks for now; the present one where nothing has to go.

    With `longer_ms` and `more_bytes`: what it would ask for if it kept records that much longer, and that many more.

    Whole segments go, the oldest first. The last one goes only by age, and only when all of it is durable.
    """
    start, left = partition.start_offset, partition.size_bytes
    if not settings.deletes:
        return start
    for segment in partition.segments:
        last = segment is partition.segments[-1]
        if segment.end > partition.durable_offset or (segment.size == 0 and not segment.sealed):
            break
        newest_ms = segment.max_ms if segment.max_ms >= 0 else segment.born_ms
        old = 0 <= settings.retention_ms < now.wall_ms - newest_ms - longer_ms
        much = 0 <= settings.retention_bytes <= left - segment.size - more_bytes and not last
        if not (old or much):
            break
        start, left = max(start, segment.end), left - segment.size
    return start
