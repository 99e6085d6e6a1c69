"""A Kafka in memory for one test, with transactions, and a client of it that dies at the step it was told to.

Written with none of the client's code: what a commit relies on is said here once more, in plain words. A client's steps
are counted, before and after each thing that it does to the log; `crash_at` is the one that kills it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from penstock import record
from penstock.calls import EARLIEST, LATEST
from penstock.client import Chunk, FencedError, KafkaError, ReaderOptions, TopicMeta
from penstock.record import Record

Part = tuple[str, int]


class Crash(Exception):  # noqa: N818  # it is no error, it is what the test is about
    """The process is gone."""


@dataclass
class Stored:
    """A batch in the log; `decided`: None while its transaction is open, else whether it counts."""

    base: int
    end: int
    batch: bytes
    decided: bool | None = True


@dataclass
class World:
    """Topics, groups and transactional ids: what survives every crash."""

    logs: dict[Part, list[Stored]] = field(default_factory=dict)
    starts: dict[Part, int] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    open: dict[str, list[Stored]] = field(default_factory=dict)
    pending: dict[str, dict[tuple[str, Part], int]] = field(default_factory=dict)
    commits: dict[tuple[str, Part], int] = field(default_factory=dict)
    wakes: list[Callable[[], None]] = field(default_factory=list)

    def create(self, topic: str, partitions: int = 1) -> None:
        for partition in range(partitions):
            self.logs.setdefault((topic, partition), [])

    def partitions(self, topic: str) -> int:
        return sum(name == topic for name, _ in self.logs)

    def append(self, part: Part, batch: bytes, decided: bool | None = True) -> Stored:
        assert record.intact(batch)
        log = self.logs[part]
        base = log[-1].end if log else 0
        placed = bytearray(batch)
        record.place(placed, 0, base)
        stored = Stored(base, base + next(record.scan(placed)).count, bytes(placed), decided)
        log.append(stored)
        self.wake()
        return stored

    def end(self, name: str, commit: bool) -> None:
        """Decide a transaction, and leave a marker behind it in each partition."""
        mine = self.open.pop(name, [])
        for part, log in self.logs.items():
            if any(stored in log for stored in mine):
                log.append(Stored(log[-1].end, log[-1].end + 1, b""))
                self.wake()
            _ = part
        for stored in mine:
            stored.decided = commit
        for key, offset in self.pending.pop(name, {}).items():
            if commit:
                self.commits[key] = offset
        self.wake()

    def wake(self) -> None:
        for wake in self.wakes:
            wake()

    def stable(self, part: Part) -> int:
        log = self.logs[part]
        return next((s.base for s in log if s.decided is None), log[-1].end if log else 0)

    def committed(self, topic: str) -> list[list[Record]]:
        """What a reader of committed records has seen, partition by partition."""
        return [
            [
                Record(r.key, r.value, 0)
                for stored in self.logs[topic, partition]
                if stored.decided and stored.batch and stored.base < self.stable((topic, partition))
                for r in record.decode(stored.batch)
            ]
            for partition in range(self.partitions(topic))
        ]


class SimClient:
    """One process's client."""

    def __init__(self, world: World, crash_at: int = -1) -> None:
        self.world, self.crash_at = world, crash_at
        self.steps: list[str] = []
        self.dead = False

    def step(self, name: str) -> None:
        """One more step; the last one, perhaps."""
        if self.dead or len(self.steps) == self.crash_at:
            self.dead = True
            raise Crash(name)
        self.steps.append(name)

    async def reach(self) -> None:
        self.step("reach")

    async def metadata(self, topics: Iterable[str]) -> dict[str, TopicMeta]:
        self.step("metadata")
        counts = {name: self.world.partitions(name) for name in topics}
        missing = "UNKNOWN_TOPIC_OR_PARTITION"
        return {n: TopicMeta(n, b"", count, False, None if count else missing) for n, count in counts.items()}

    async def create_topic(self, name: str, partitions: int = 1, *_: Any, **__: Any) -> bool:
        self.step("create topic")
        self.world.create(name, partitions)
        return True

    async def partitions(self, topic: str) -> int:
        return self.world.partitions(topic)

    async def cluster_id(self) -> str:
        return "sim"

    async def offsets(self, topic: str, at: int = LATEST, *, committed: bool = False) -> dict[int, int]:
        found = {}
        for partition in range(self.world.partitions(topic)):
            part = (topic, partition)
            log = self.world.logs[part]
            end = self.world.stable(part) if committed else log[-1].end if log else 0
            found[partition] = self.world.starts.get(part, 0) if at == EARLIEST else end
        return found

    async def delete_records(self, topic: str, befores: Mapping[int, int]) -> None:
        self.step("trim")
        for partition, before in befores.items():
            part = (topic, partition)
            self.world.starts[part] = before
            self.world.logs[part] = [s for s in self.world.logs[part] if s.end > before]
        self.step("trimmed")

    async def commit(self, group: str, positions: Mapping[Part, int]) -> None:
        self.world.commits.update({(group, part): offset for part, offset in positions.items()})

    async def committed(self, group: str, parts: Iterable[Part]) -> dict[Part, int]:
        return {p: self.world.commits[group, p] for p in parts if (group, p) in self.world.commits}

    async def append(self, topic: str, partition: int, batch: bytes) -> int:
        return await self.push(topic, partition, batch)

    def push(self, topic: str, partition: int, batch: bytes) -> "asyncio.Future[int]":
        self.step(f"append to {topic}")
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        answer.set_result(self.world.append((topic, partition), bytes(batch)).base)
        self.step(f"appended to {topic}")
        return answer

    def transactions(self, name: str) -> "SimTransactions":
        return SimTransactions(self, name)

    def reader(self, positions: Mapping[Part, int], *, options: ReaderOptions) -> "SimReader":
        return SimReader(self.world, dict(positions), options.committed)


class SimTransactions:
    """As `client.Transactions`."""

    def __init__(self, client: SimClient, name: str) -> None:
        self._client, self._world, self._name = client, client.world, name
        self._epoch = 0
        self._parts: set[Part] = set()
        self.is_open = False

    async def open(self) -> None:
        self._client.step("fence")
        self._world.end(self._name, False)
        self._epoch = self._world.epochs[self._name] = self._world.epochs.get(self._name, 0) + 1
        self._client.step("fenced")

    def _check(self) -> None:
        if self._world.epochs[self._name] != self._epoch:
            raise FencedError(self._name, KafkaError("PRODUCER_FENCED", "fenced"))

    async def enlist(self, parts: Iterable[Part]) -> None:
        await self._turn("enlist")
        self._parts = set(parts)
        self.is_open = True
        await self._turn("enlisted")

    async def _turn(self, name: str) -> None:
        """Every answer takes its time: others go on meanwhile."""
        self._check()
        self._client.step(name)
        await asyncio.sleep(0)

    def push(self, topic: str, partition: int, batch: bytes) -> "asyncio.Future[int]":
        assert (topic, partition) in self._parts
        self._check()
        self._client.step(f"write to {topic}")
        stored = self._world.append((topic, partition), bytes(batch), None)
        self._world.open.setdefault(self._name, []).append(stored)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        answer.set_result(stored.base)
        self._client.step(f"written to {topic}")
        return answer

    async def send_offsets(self, group: str, positions: Mapping[Part, int]) -> None:
        await self._turn("offsets")
        pending = self._world.pending.setdefault(self._name, {})
        pending.update({(group, part): offset for part, offset in positions.items()})
        await self._turn("offsets sent")

    async def end(self, *, commit: bool = True) -> None:
        await self._turn("end")
        self._world.end(self._name, commit)
        self.is_open = False
        await self._turn("ended")

    async def close(self) -> None:
        pass


class SimReader:
    """As `client.Reader`, one batch of a partition at a time: so every run makes the engine's calls in the same cuts."""

    def __init__(self, world: World, positions: dict[Part, int], committed: bool) -> None:
        self.positions, self._world, self._committed = positions, world, committed
        self.on_arrival: Callable[[], None] = lambda: None
        self.trouble = None
        self._takes, self._ready_s = 0, 0.0
        world.wakes.append(self._woken)

    def _woken(self) -> None:
        self.on_arrival()

    @property
    def high_watermarks(self) -> dict[Part, int]:
        return {part: self._world.stable(part) for part in self.positions}

    def take(self) -> list[Chunk]:
        found: list[Chunk] = []
        loop = asyncio.get_running_loop()
        if loop.time() < self._ready_s:
            return found
        for part, at in self.positions.items():
            stable = self._world.stable(part)
            for stored in self._world.logs[part]:
                if stored.end > at and (stored.base < stable or not self._committed):
                    shown = stored.batch if stored.decided or not self._committed else b""
                    found.append(Chunk(*part, max(at, stored.base), shown, stable, stored.end))
                    break
        for chunk in found:
            self.positions[chunk.topic, chunk.partition] = chunk.next_offset
        if found:
            # Perhaps there is more: now, so that steps meet a commit under way, or after it.
            self._takes += 1
            pause_s = 0.003 * (self._takes % 2)
            self._ready_s = loop.time() + pause_s
            loop.call_later(pause_s + 0.0001, self._woken)
        return found

    async def read(self, timeout_s: float | None = None) -> list[Chunk]:
        for _ in range(1000):
            if found := self.take():
                return found
            await asyncio.sleep(0.001)
        return []

    async def close(self) -> None:
        if self._woken in self._world.wakes:
            self._world.wakes.remove(self._woken)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
