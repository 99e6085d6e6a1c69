"""How what a job puts out becomes safe with its state: in one transaction, or outputs first and state behind them.

Knows the client; knows nothing of the engine or of what the batches hold.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from penstock.client import Client, KafkaError, Transactions

Batch = tuple[str, int, bytes]
"""A topic, a partition, a record batch."""
Offsets = Mapping[str, Mapping[tuple[str, int], int]]
"""By consumer group: the offsets to commit."""
WAITING_BYTES_MAX = 32 * 1024 * 1024


@dataclass
class Parcel:
    """What one commit makes safe: batches that wait for it, or answers of those under way."""

    batches: list[Batch] = field(default_factory=list)
    answers: list[asyncio.Future[int]] = field(default_factory=list)


class Delivery(Protocol):
    """One guarantee. Between two calls of `seal`, `put` takes what belongs together."""

    async def open(self) -> None:
        """Make sure that nobody else delivers for this job, where the guarantee needs that."""

    def put(self, topic: str, partition: int, batch: bytes) -> None:
        """Take a batch; never waits."""

    @property
    def full(self) -> bool:
        """Whether so much waits that a commit should not."""

    def seal(self) -> Parcel:
        """What was put since the last time."""

    async def commit(self, parcel: Parcel, state: Sequence[Batch], offsets: Offsets) -> list[int]:
        """Make a parcel and the state's batches safe; the offsets of the latter."""

    async def close(self) -> None:
        """Let go; what is not committed is as if it had never been, or repeated."""


class ExactlyOnce:
    """One Kafka transaction a commit. Who opens the job's transactional id fences whoever had it."""

    def __init__(self, client: Client, transactional_id: str) -> None:
        self._writer: Transactions = client.transactions(transactional_id)
        self._waiting: list[Batch] = []
        self._bytes = 0

    async def open(self) -> None:
        """Fence other workers of this job; what they left open is aborted."""
        await self._writer.open()

    def put(self, topic: str, partition: int, batch: bytes) -> None:
        """Hold it until the commit: the transaction before may still be ending."""
        self._waiting.append((topic, partition, batch))
        self._bytes += len(batch)

    @property
    def full(self) -> bool:
        """Whether a commit should not wait."""
        return self._bytes > WAITING_BYTES_MAX

    def seal(self) -> Parcel:
        """What was put since the last time."""
        parcel, self._waiting, self._bytes = Parcel(self._waiting), [], 0
        return parcel

    async def commit(self, parcel: Parcel, state: Sequence[Batch], offsets: Offsets) -> list[int]:
        """All of it in one transaction."""
        writer, batches = self._writer, [*parcel.batches, *state]
        await writer.enlist({(topic, partition) for topic, partition, _ in batches})
        answers = [writer.push(*batch) for batch in batches]
        for group, positions in offsets.items():
            await writer.send_offsets(group, positions)
        await writer.end()
        return [answer.result() for answer in answers[len(parcel.batches) :]]

    async def close(self) -> None:
        """Abort what is open, so that readers of committed records do not wait for its timeout."""
        if self._writer.is_open:
            try:
                async with asyncio.timeout(0.5):
                    await self._writer.end(commit=False)
            except (KafkaError, TimeoutError):
                pass  # whoever opens the id next does it
        await self._writer.close()


class AtLeastOnce:
    """Outputs go out at once; a commit waits for them, then writes the state: a crash between repeats rows."""

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        self._client, self._say = client, say
        self._under_way: deque[tuple[asyncio.Future[int], int]] = deque()
        self._bytes = 0

    async def open(self) -> None:
        """Nobody is fenced."""

    def put(self, topic: str, partition: int, batch: bytes) -> None:
        """Start writing it."""
        while self._under_way and self._settled(self._under_way[0][0]):
            self._bytes -= self._under_way.popleft()[1]
        self._under_way.append((self._client.push(topic, partition, batch), len(batch)))
        self._bytes += len(batch)

    @staticmethod
    def _settled(answer: asyncio.Future[int]) -> bool:
        """Written; what failed stays, for the commit to raise."""
        return answer.done() and not answer.cancelled() and answer.exception() is None

    @property
    def full(self) -> bool:
        """Whether a commit should not wait."""
        return self._bytes > WAITING_BYTES_MAX

    def seal(self) -> Parcel:
        """What was put since the last time, and is not safe yet."""
        answers = [answer for answer, _ in self._under_way]
        self._under_way.clear()
        self._bytes = 0
        return Parcel(answers=answers)

    async def commit(self, parcel: Parcel, state: Sequence[Batch], offsets: Offsets) -> list[int]:
        """Outputs, then state, then the groups' offsets."""
        await asyncio.gather(*parcel.answers, *(self._client.push(*batch) for batch in parcel.batches))
        found = [await self._client.append(*batch) for batch in state]
        for group, positions in offsets.items():
            try:
                await self._client.commit(group, positions)
            except KafkaError as error:  # a display of lag is all that suffers
                self._say(f"offsets were not committed for group {group}: {error.message}")
        return found

    async def close(self) -> None:
        """Nothing to let go of."""
