"""A cluster in memory with the methods of `penstock.client.Client` that web/ uses: for tests without a broker.

Appends wake readers; `away` makes every call fail as a client's does when no server answers.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType

from penstock import record
from penstock.calls import EARLIEST, LATEST, GroupInfo, GroupMember
from penstock.client.cluster import TopicMeta
from penstock.client.errors import ConnectionLostError, KafkaError
from penstock.client.reader import Chunk, ReaderOptions
from penstock.client.writing.partitioning import partition_of
from penstock.record import Record

Part = tuple[str, int]
CHUNK_RECORDS = 1000


class FakeTopic:
    """A topic: each partition its records; offsets below `starts` are gone."""

    def __init__(self, topic_id: bytes, partitions: int, configs: Mapping[str, str]) -> None:
        self.topic_id, self.configs = topic_id, dict(configs)
        self.partitions: list[list[Record]] = [[] for _ in range(partitions)]
        self.starts = [0] * partitions
        self.ends = [0] * partitions


class FakeClient:
    """In place of a client."""

    def __init__(self) -> None:
        self.topics: dict[str, FakeTopic] = {}
        self.away = False
        self.members: dict[str, list[GroupMember]] = {}
        self.commits: dict[str, dict[Part, int]] = {}
        self._ids = itertools.count(1)
        self.moved = asyncio.Event()

    def _topic(self, name: str) -> FakeTopic:
        self._answer()
        if name not in self.topics:
            raise KafkaError("UNKNOWN_TOPIC_OR_PARTITION", f"use the topic {name}", code=3, retriable=True)
        return self.topics[name]

    def _answer(self) -> None:
        if self.away:
            raise ConnectionLostError("no server answers")

    async def metadata(self, topics: Sequence[str] | None = None) -> dict[str, TopicMeta]:
        self._answer()
        names = self.topics if topics is None else topics
        return {name: self._meta(name) for name in names}

    def _meta(self, name: str) -> TopicMeta:
        if name not in self.topics:
            return TopicMeta(name, b"", 0, False, "UNKNOWN_TOPIC_OR_PARTITION")
        topic = self.topics[name]
        return TopicMeta(name, topic.topic_id, len(topic.partitions), name.startswith("__"))

    async def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        *,
        exist_ok: bool = False,
    ) -> bool:
        self._answer()
        if name in self.topics:
            if exist_ok:
                return False
            raise KafkaError("TOPIC_ALREADY_EXISTS", f"create the topic {name}", code=36)
        self.topics[name] = FakeTopic(next(self._ids).to_bytes(16, "big"), max(partitions, 1), configs or {})
        return True

    async def delete_topic(self, name: str) -> None:
        self._topic(name)
        del self.topics[name]
        self._move()

    async def partitions(self, topic: str) -> int:
        return len(self._topic(topic).partitions)

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        return {"cleanup.policy": "delete", **self._topic(name).configs}

    def put(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """Append at once; the base offset."""
        held = self._topic(topic)
        base = held.ends[partition]
        held.partitions[partition] += [
            Record(r.key, r.value, r.timestamp_ms, r.headers, base + i) for i, r in enumerate(records)
        ]
        held.ends[partition] += len(records)
        self._move()
        return base

    def _move(self) -> None:
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()

    async def produce(self, topic: str, records: Sequence[Record], partition: int | None = None) -> list[int]:
        count = await self.partitions(topic)
        placed = [partition if partition is not None else partition_of(r.key or b"", count) for r in records]
        return [self.put(topic, place, [each]) for place, each in zip(placed, records, strict=True)]

    async def offsets(
        self, topic: str, timestamp_ms: int = LATEST, *, committed: bool = False
    ) -> dict[int, int]:
        held = self._topic(topic)
        if timestamp_ms == EARLIEST:
            return dict(enumerate(held.starts))
        if timestamp_ms == LATEST:
            return dict(enumerate(held.ends))
        return {
            p: next((r.offset for r in records if r.timestamp_ms >= timestamp_ms), -1)
            for p, records in enumerate(held.partitions)
        }

    async def groups(self) -> list[GroupInfo]:
        self._answer()
        return [GroupInfo(name, "Stable", "consumer") for name in sorted(self.commits)]

    async def describe_groups(self, groups: Sequence[str]) -> dict[str, GroupInfo]:
        self._answer()
        return {
            name: GroupInfo(name, "Stable", "consumer", "range", tuple(self.members.get(name, ())))
            if name in self.commits
            else GroupInfo(name, "Dead", "")
            for name in groups
        }

    async def committed(self, group: str, parts: Sequence[Part] | None = None) -> dict[Part, int]:
        return dict(self.commits[group])

    def reader(
        self, positions: Mapping[Part, int], *, wait_ms: int = 500, options: ReaderOptions | None = None
    ) -> "FakeReader":
        return FakeReader(self, positions)

    async def close(self, deadline_s: float = 0.0) -> None:
        """Every client of a site is this one: nothing to close."""

    async def __aenter__(self) -> "FakeClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class FakeReader:
    """In place of a reader."""

    def __init__(self, client: FakeClient, positions: Mapping[Part, int]) -> None:
        self.client, self.positions = client, dict(positions)
        self.ids = {topic: client._topic(topic).topic_id for topic, _ in positions}

    async def __aenter__(self) -> "FakeReader":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def read(self, timeout_s: float | None = None) -> list[Chunk]:
        while True:
            moved = self.client.moved
            if chunks := [chunk for part in self.positions if (chunk := self._chunk(part))]:
                return chunks
            try:
                async with asyncio.timeout(timeout_s):
                    await moved.wait()
            except TimeoutError:
                return []

    def _chunk(self, part: Part) -> Chunk | None:
        topic, at = self.client._topic(part[0]), self.positions[part]
        if at < topic.starts[part[1]] or at > topic.ends[part[1]]:
            raise KafkaError("OFFSET_OUT_OF_RANGE", f"read {part} at {at}", code=1)
        first = topic.ends[part[1]] - len(topic.partitions[part[1]])
        records = topic.partitions[part[1]][max(0, at - first) :][:CHUNK_RECORDS]
        if not records:
            return None
        batches = record.encode(records, base_offset=records[0].offset)
        self.positions[part] = records[-1].offset + 1
        return Chunk(*part, at, batches, topic.ends[part[1]], self.positions[part])
