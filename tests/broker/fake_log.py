"""A log in memory with the log's surface: what the broker's tests run on where no disk is of interest."""

from collections.abc import Mapping, Sequence

from penstock import record
from penstock.clock import Now
from penstock.later import Steps
from penstock.log import NewTopic
from penstock.record import BatchInfo


class DiskFull(Exception):  # noqa: N818  # the name that the log gives it
    """No room."""


class Partition:
    def __init__(self, topic: str, index: int, always: bool) -> None:
        self.topic, self.index, self._always = topic, index, always
        self.start_offset = self.end_offset = self._durable = 0
        self.batches: list[tuple[BatchInfo, bytes]] = []

    @property
    def durable_offset(self) -> int:
        return self._durable if self._always else self.end_offset

    @property
    def size_bytes(self) -> int:
        return sum(len(batch) for _, batch in self.batches)

    def append(self, batches: bytearray, infos: Sequence[BatchInfo], now: Now) -> int:
        base = self.end_offset
        for info in infos:
            record.place(batches, info.position, self.end_offset)
            self.end_offset += info.count
            whole = bytes(batches[info.position : info.position + info.size])
            self.batches.append((next(record.scan(whole)), whole))
        return base

    def read(self, offset: int, bytes_max: int, *, end: int) -> bytes:
        out = b""
        for info, batch in self.batches:
            if info.last_offset >= offset and info.last_offset < end:
                if out and len(out) + len(batch) > bytes_max:
                    break
                out += batch
        return out

    read_near = read

    def find(self, timestamp_ms: int) -> Steps[tuple[int, int] | None]:
        yield from ()
        for _, batch in self.batches:
            for one in record.decode(batch):
                if one.timestamp_ms >= timestamp_ms:
                    return one.offset, one.timestamp_ms
        return None

    def find_youngest(self) -> Steps[tuple[int, int] | None]:
        yield from ()
        times = [(one.timestamp_ms, -one.offset) for _, batch in self.batches for one in record.decode(batch)]
        return (-max(times)[1], max(times)[0]) if times else None

    def truncate_before(self, offset: int) -> int:
        self.batches = [(info, batch) for info, batch in self.batches if info.last_offset >= offset]
        self.start_offset = max(self.start_offset, offset)
        return self.start_offset


class Topic:
    def __init__(
        self, name: str, topic_id: bytes, partitions: list[Partition], configs: dict[str, str], internal: bool
    ) -> None:
        self.name, self.topic_id, self.partitions = name, topic_id, partitions
        self.configs, self.internal = configs, internal


class FakeLog:
    """`always` as the log's sync option: False makes everything durable at once."""

    def __init__(self, always: bool = True) -> None:
        self.topics: dict[str, Topic] = {}
        self.by_id: dict[bytes, Topic] = {}
        self.place = "memory"
        self.cluster_id = "cluster"
        self._always, self._made = always, 0

    def create_topic(
        self, name: str, partitions: int, configs: Mapping[str, str], now: Now, internal: bool = False
    ) -> Topic:
        self._made += 1
        parts = [Partition(name, index, self._always) for index in range(partitions)]
        topic = self.topics[name] = Topic(
            name, self._made.to_bytes(16, "big"), parts, dict(configs), internal
        )
        self.by_id[topic.topic_id] = topic
        return topic

    def create_topics(self, wanted: Sequence[NewTopic], now: Now) -> list[Topic]:
        return [self.create_topic(new.name, new.partitions, new.configs, now, new.internal) for new in wanted]

    def delete_topics(self, names: Sequence[str]) -> None:
        for name in names:
            self.delete_topic(name)

    def delete_topic(self, name: str) -> None:
        del self.by_id[self.topics.pop(name).topic_id]

    def add_partitions(self, name: str, total: int, now: Now) -> None:
        partitions = self.topics[name].partitions
        partitions += [Partition(name, index, self._always) for index in range(len(partitions), total)]

    def set_configs(self, name: str, configs: Mapping[str, str]) -> None:
        self.topics[name].configs = dict(configs)

    def truncate_before(self, targets: Mapping[Partition, int]) -> int:
        for partition, offset in targets.items():
            partition.truncate_before(offset)
        return 0

    def space(self) -> tuple[int, int]:
        return 1000, 400

    def sync(self) -> list[Partition]:
        moved = [p for t in self.topics.values() for p in t.partitions if p._durable < p.end_offset]
        for partition in moved:
            partition._durable = partition.end_offset
        return moved
