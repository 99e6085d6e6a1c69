"""The transactions of one transactional id, one after the other: what is written in one is seen whole, or not at all.

    writer = client.transactions("penstock.machine")
    await writer.open()                                        # whoever had the id before is fenced
    await writer.enlist([("out", 0), ("out", 1)])
    writer.push("out", 0, batch)
    await writer.send_offsets("group", {("in", 0): 42})
    await writer.end()                                         # or end(commit=False)

Source: KIP-98; spoken as before KIP-890, so that every Kafka from 2.1 on takes it. Knows nothing of what is written.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from penstock.calls import Bytes, ProducerIdentity
from penstock.client.admin.offsets import NO_PLACE, Place
from penstock.client.cluster import TRANSACTION, Cluster
from penstock.client.errors import FencedError, KafkaError, failure
from penstock.client.writing.identity import new_identity
from penstock.client.writing.lane import Lane, Sender

T = TypeVar("T")
Part = tuple[str, int]
_FENCED = ("PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH")


class Transactions:
    """One transactional id. After an error nothing more is written before the next `open`; `end(False)` may be tried.

    Raises FencedError where another producer opened the id, or the server ended a transaction that took too long.
    """

    def __init__(self, cluster: Cluster, transactional_id: str, timeout_ms: int = 60_000) -> None:
        self.transactional_id, self.timeout_ms = transactional_id, timeout_ms
        self.identity: ProducerIdentity | None = None
        self.is_open = False
        self._cluster = cluster
        self._enlisted: set[Part | str] = set()
        self._lanes: dict[Part, Lane] = {}
        self._pushed: list[asyncio.Future[int]] = []
        self._failed: KafkaError | None = None

    async def open(self) -> ProducerIdentity:
        """Take the id: who had it is fenced, what it left open is aborted, what it had decided is finished."""
        self._drop_lanes()
        self._failed, self.is_open = None, False
        self._enlisted.clear()
        found = await self._persist(
            lambda: new_identity(self._cluster, self.transactional_id, self.timeout_ms)
        )
        assert found
        self.identity = found
        return found

    async def enlist(self, parts: Iterable[Part]) -> None:
        """These partitions will be written to; the first call begins the transaction."""
        if self._failed:
            raise self._failed
        topics: dict[str, list[int]] = {}
        for topic, partition in set(parts) - self._enlisted:
            topics.setdefault(topic, []).append(partition)
        if not topics:
            return
        row = {
            "v3_and_below_transactional_id": self.transactional_id,
            "v3_and_below_producer_id": self._mine.producer_id,
            "v3_and_below_producer_epoch": self._mine.producer_epoch,
            "v3_and_below_topics": [{"name": t, "partitions": sorted(p)} for t, p in topics.items()],
        }
        self.is_open = True  # even where the answer is lost

        async def attempt() -> None:
            answer = await self._ask("AddPartitionsToTxn", row)
            for topic in answer.results_by_topic_v3_and_below:
                for part in topic.results_by_partition:
                    self._refuse(part.partition_error_code, f"write to {topic.name}-{part.partition_index}")

        await self._persist(attempt)
        self._enlisted |= {(t, p) for t, ps in topics.items() for p in ps}

    def push(self, topic: str, partition: int, batch: Bytes) -> asyncio.Future[int]:
        """Start an append to an enlisted partition; the future gives its base offset. `end` waits for it."""
        if self._failed:
            raise self._failed
        part = (topic, partition)
        if part not in self._enlisted:
            raise ValueError(f"{topic}-{partition} is not enlisted in this transaction")
        lane = self._lanes.get(part)
        if lane is None:
            sender = Sender(self._identity, self.transactional_id)
            lane = self._lanes[part] = Lane(self._cluster, part, -1, sender)
        answer = lane.push(batch)
        self._pushed.append(answer)
        return answer

    async def send_offsets(self, group: str, positions: Mapping[Part, int], place: Place = NO_PLACE) -> None:
        """A group's offsets, committed with the transaction: as its member shows its `place`, or of a group of none.

        A member whose place is another's by now is refused (KIP-447; by Kafka 2.5 and later).
        """
        row = self._row()
        self.is_open = True

        async def attempt() -> None:
            answer = await self._ask("AddOffsetsToTxn", {**row, "group_id": group})
            self._refuse(answer.error_code, f"commit offsets of group {group}")

        if group not in self._enlisted:
            await self._persist(attempt)
            self._enlisted.add(group)
        await self._persist(lambda: self._commit_offsets(group, positions, place))

    async def _commit_offsets(self, group: str, positions: Mapping[Part, int], place: Place) -> None:
        topics: dict[str, list[dict[str, Any]]] = {}
        for (topic, partition), offset in positions.items():
            part = {
                "partition_index": partition,
                "committed_offset": offset,
                "committed_leader_epoch": -1,
                "committed_metadata": "",
            }
            topics.setdefault(topic, []).append(part)
        row = {
            **self._row(),
            "group_id": group,
            "generation_id": place.generation,
            "member_id": place.member_id,
            "group_instance_id": None,
            "topics": [{"name": name, "partitions": parts} for name, parts in topics.items()],
        }
        answer = await self._cluster.ask_coordinator(group, "TxnOffsetCommit", row)
        for found in answer.topics:
            for part in found.partitions:
                what = f"commit {found.name}-{part.partition_index} for group {group}"
                self._refuse(part.error_code, what)

    async def end(self, *, commit: bool = True) -> None:
        """Decide. Waits for all that was pushed; a commit raises where any of it failed, and decides nothing."""
        pushed, self._pushed = self._pushed, []
        settled = await asyncio.gather(*pushed, return_exceptions=True)
        failed = [each for each in settled if isinstance(each, BaseException)]
        if failed:
            error = failed[0]
            self._failed = self._failed or self._told(error) if isinstance(error, KafkaError) else None
            if commit:
                raise self._failed or error
        if not self.is_open:
            return
        row = {**self._row(), "committed": commit}

        async def attempt() -> None:
            answer = await self._ask("EndTxn", row)
            self._refuse(answer.error_code, f"{'commit' if commit else 'abort'} as {self.transactional_id}")

        before, self._failed = self._failed, None if not commit else self._failed
        try:
            await self._persist(attempt)
        finally:
            self._failed = before or self._failed
        self.is_open = False
        self._enlisted.clear()

    async def close(self) -> None:
        """Let go of what is under way; a transaction that is open is aborted by the next `open`, or by its timeout."""
        self._drop_lanes()

    # --- asking --------------------------------------------------------------------------------------------------

    @property
    def _mine(self) -> ProducerIdentity:
        if self.identity is None:
            raise ValueError("open the transactional id first")
        return self.identity

    async def _identity(self) -> ProducerIdentity | None:
        return self._mine

    def _row(self) -> dict[str, Any]:
        return {
            "transactional_id": self.transactional_id,
            "producer_id": self._mine.producer_id,
            "producer_epoch": self._mine.producer_epoch,
        }

    async def _ask(self, api: str, row: Mapping[str, Any]) -> Any:
        return await self._cluster.ask_coordinator(self.transactional_id, api, row, TRANSACTION)

    def _refuse(self, code: int, what: str) -> None:
        if code:
            raise failure(code, what)

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Retried where that helps; any other error ends this producer's epoch."""
        if self._failed:
            raise self._failed
        try:
            return await self._cluster.persist(attempt)
        except KafkaError as error:
            self._failed = self._told(error)
            raise self._failed from error

    def _told(self, error: KafkaError) -> KafkaError:
        return FencedError(self.transactional_id, error) if error.name in _FENCED else error

    def _drop_lanes(self) -> None:
        lanes: Sequence[Lane] = list(self._lanes.values())
        self._lanes.clear()
        self._pushed = []
        for lane in lanes:
            lane.cancel()
