"""A Kafka client in whole record batches: append, read, create, commit. The one door of this package.

Knows how the parts fit together; each part (leaders, appends, reading, offsets) stands in its own file.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType

from penstock import record
from penstock.calls import LATEST, Bytes, ProducerIdentity
from penstock.client.admin import Configs, Groups, Topics, offsets
from penstock.client.admin.offsets import NO_PLACE, Place
from penstock.client.cluster import ClientOptions, Cluster
from penstock.client.members.membership import Membership, MembershipOptions
from penstock.client.reader import Part, Reader, ReaderOptions
from penstock.client.writing.identity import new_identity
from penstock.client.writing.lane import Lane, Sender
from penstock.client.writing.partitioning import partition_of
from penstock.client.writing.transactions import Transactions
from penstock.record import Record


class Client(Topics, Configs, Groups):
    """Talks to penstock or any Kafka from 2.1 on. Use ``async with Client("127.0.0.1:9092") as client``.

    Every call raises `KafkaError` once retrying is of no use or its deadline has come. One event loop, one client.
    """

    def __init__(
        self, bootstrap: str, client_id: str = "penstock", *, options: ClientOptions | None = None
    ) -> None:
        self.options = options or ClientOptions(client_id=client_id)
        super().__init__(Cluster(bootstrap, self.options))
        self._lanes: dict[tuple[str, int, int], Lane] = {}
        self._readers: list[Reader] = []
        self._identity: asyncio.Task[ProducerIdentity | None] | None = None
        self._turns: dict[str, itertools.count[int]] = {}

    async def __aenter__(self) -> "Client":
        """Connects at the first call, not here."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, giving appends under way the time that `close` gives."""
        await self.close(0.0 if error else 5.0)

    async def close(self, deadline_s: float = 5.0) -> None:
        """Wait for appends under way, at most `deadline_s`, then close every connection."""
        for reader in self._readers:
            await reader.close()
        lanes = list(self._lanes.values())
        if lanes and deadline_s > 0:
            await asyncio.wait([asyncio.ensure_future(lane.finish()) for lane in lanes], timeout=deadline_s)
        for lane in lanes:
            lane.cancel()
        self._lanes.clear()
        await self._cluster.close()

    # --- writing -------------------------------------------------------------------------------------------------

    def push(self, topic: str, partition: int, batch: Bytes, acks: int = -1) -> asyncio.Future[int]:
        """Start an append and return at once; the future gives the base offset. Order is kept per partition."""
        key = (topic, partition, acks)
        lane = self._lanes.get(key)
        if lane is None:
            sender = Sender(self._producer)
            lane = self._lanes[key] = Lane(self._cluster, (topic, partition), acks, sender)
        return lane.push(batch)

    async def append(self, topic: str, partition: int, batch: Bytes, acks: int = -1) -> int:
        """Write one ready record batch; its base offset (-1 where the server does not say)."""
        return await self.push(topic, partition, batch, acks)

    def membership(self, group: str, options: MembershipOptions | None = None) -> Membership:
        """Be a member of a consumer group, which shares partitions out."""
        return Membership(self._cluster, group, options or MembershipOptions())

    def transactions(self, transactional_id: str, timeout_ms: int = 60_000) -> Transactions:
        """Write in transactions under this id; `open` it first. A transaction may last `timeout_ms`."""
        return Transactions(self._cluster, transactional_id, timeout_ms)

    async def produce(
        self, topic: str, records: Sequence[Record], partition: int | None = None, *, codec: int = 0
    ) -> list[int]:
        """Write records: to `partition`, or by their keys as Java does; keyless ones to one partition a call.

        Returns each record's offset, in their order.
        """
        placed = await self._placed(topic, records, partition)
        sizes = list(map(record.size_of, records))
        sent = []
        for where, positions in placed.items():
            for chosen in record.runs(positions, self.options.batch_bytes_max, sizes.__getitem__):
                batch = record.encode([records[i] for i in chosen], codec=codec)
                sent.append((chosen, self.push(topic, where, batch)))
        await asyncio.gather(*(answer for _, answer in sent))
        found = [-1] * len(records)
        for chosen, answer in sent:
            base = answer.result()
            for delta, i in enumerate(chosen):
                found[i] = base + delta if base >= 0 else -1
        return found

    async def _placed(
        self, topic: str, records: Sequence[Record], partition: int | None
    ) -> dict[int, list[int]]:
        """The records' positions by partition."""
        if partition is not None:
            return {partition: list(range(len(records)))} if records else {}
        count = await self.partitions(topic)
        keyless = next(self._turns.setdefault(topic, itertools.count())) % count
        placed: dict[int, list[int]] = {}
        for i, rec in enumerate(records):
            where = keyless if rec.key is None else partition_of(rec.key, count)
            placed.setdefault(where, []).append(i)
        return placed

    async def _producer(self) -> ProducerIdentity | None:
        """A new producer id, or None where that is switched off or the server offers none."""
        if not self.options.idempotent:
            return None
        return await new_identity(self._cluster)

    # --- reading -------------------------------------------------------------------------------------------------

    def reader(
        self, positions: Mapping[Part, int], *, wait_ms: int = 500, options: ReaderOptions | None = None
    ) -> Reader:
        """Read the partitions from the given offsets on; close it, or let the client close it."""
        reader = Reader(self._cluster, positions, options or ReaderOptions(wait_ms=wait_ms))
        self._readers = [*(r for r in self._readers if not r.closed), reader]
        return reader

    async def offsets(
        self, topic: str, timestamp_ms: int = LATEST, *, committed: bool = False
    ) -> dict[int, int]:
        """By partition: the first offset at or after a time, or EARLIEST or LATEST; -1 where none is that young.

        `committed`: of what is decided; the end is where the first open transaction begins.
        """

        async def attempt() -> dict[int, int]:
            count = await self.partitions(topic)
            found = await offsets.find_offsets(
                self._cluster, [(topic, p) for p in range(count)], timestamp_ms, committed
            )
            return {partition: offset for (_, partition), (offset, _) in found.items()}

        return await self._cluster.persist(attempt)

    async def find(
        self, parts: Sequence[Part], timestamp_ms: int = LATEST, *, committed: bool = False
    ) -> dict[Part, tuple[int, int]]:
        """As `offsets`, of partitions of several topics at once: (offset, timestamp) each, both -1 where none is."""
        return await self._cluster.persist(
            lambda: offsets.find_offsets(self._cluster, parts, timestamp_ms, committed)
        )

    async def committed(
        self, group: str, parts: Sequence[Part] | None = None, *, stable: bool = False
    ) -> dict[Part, int]:
        """A group's committed offsets; partitions without one are left out. `parts` of None means all it has.

        `stable` waits for transactions that would move them.
        """
        return await self._cluster.persist(lambda: offsets.committed(self._cluster, group, parts, stable))

    async def commit(self, group: str, positions: Mapping[Part, int], place: Place = NO_PLACE) -> None:
        """Commit as the member with this place, or for a group that has no members (a simple consumer)."""
        await self._cluster.persist(lambda: offsets.commit(self._cluster, group, positions, place))
