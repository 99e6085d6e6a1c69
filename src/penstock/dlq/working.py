"""One operation on the dead letters of a topic: its transactions, each with its marks and its audit record; its pace.

Knows the client; knows nothing of which letters are meant.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Sequence
from typing import TypeVar

from penstock import record
from penstock.client import Client, FencedError, KafkaError, Transactions
from penstock.dlq import audit, marks
from penstock.dlq.marks import Marks
from penstock.dlq.scanning import place_of
from penstock.dlq.source import Letter
from penstock.errors import PenstockError
from penstock.record import Record

LOOK_MAX = 200_000
"""How many of the newest letters are looked at to count or list them, where nobody says."""
BATCH = 500
BATCH_BYTES = 800_000
TRANSACTION_MS = 60_000
T = TypeVar("T")
Sent = tuple[str, int, Record]
"""A topic, a partition, and what goes there."""


def now_ms() -> int:
    """The time as records have it."""
    return int(time.time() * 1000)


class Working:
    """Use as a context manager: whoever works on the same topic is fenced when it begins, and can write no more."""

    def __init__(self, client: Client, topic: str, by: str, operation: str) -> None:
        self._client, self._topic, self._by, self._operation = client, topic, by, operation
        self._writer: Transactions = client.transactions(f"penstock.dlq.{topic}", TRANSACTION_MS)
        self._marks = Marks(topic, b"")

    async def __aenter__(self) -> "Working":
        """Make penstock's own topics where they are missing, and fence."""
        metas = await self._client.metadata([marks.TOPIC, audit.TOPIC, self._topic])
        if error := metas[self._topic].error:
            raise KafkaError(error, f"work on the dead letters of {self._topic}")
        for name, settings in ((marks.TOPIC, marks.SETTINGS), (audit.TOPIC, audit.SETTINGS)):
            if metas[name].error:
                await self._client.create_topic(name, 1, settings, exist_ok=True)
        self._marks = Marks(self._topic, metas[self._topic].topic_id)
        await self._writer.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """What is not committed never was."""
        await self._writer.close()

    async def write(self, taken: Sequence[Letter], sent: Sequence[Sent], state: str, what: str) -> int:
        """One transaction: what is sent, that the letters are dealt with, and who did it. The first one's offset."""
        offsets: dict[int, list[int]] = {}
        for each in taken:
            partition, offset = place_of(each.name, self._topic)
            offsets.setdefault(partition, []).append(offset)
        more = {"operation": self._operation, "by": self._by}
        noted = self._marks.records(offsets, state, now_ms(), more)
        named = {str(p): marks.ranges(each) for p, each in offsets.items()}
        to = sorted({topic for topic, _, _ in sent})
        deed = audit.Deed(what, self._topic, self._by, self._operation)
        note = deed.entry(audit.DONE, letters=named, count=len(taken), to=to)
        own = [(*marks.PART, each) for each in noted]
        try:
            return await self._transact([*sent, *own, (*audit.PART, note)])
        except FencedError as error:
            raise PenstockError(
                f"someone else began to work on the dead letters of {self._topic}: this stopped",
                remedy="what was done is done once: begin again when the other is over",
            ) from error

    async def _transact(self, sent: Sequence[Sent]) -> int:
        by_part: dict[tuple[str, int], list[Record]] = {}
        for topic, partition, each in sent:
            by_part.setdefault((topic, partition), []).append(each)
        await self._writer.enlist(by_part)
        answers = [
            self._writer.push(*part, record.encode(run))
            for part, records in by_part.items()
            for run in record.runs(records, BATCH_BYTES, record.size_of)
        ]
        await self._writer.end()
        return answers[0].result()


class Pace:
    """So many letters a second; 0 for as many as can be. `batch`: how many go at once."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.batch = max(1, min(BATCH, round(rate / 4))) if rate else BATCH
        self._done = 0
        self._began_s = time.monotonic()

    async def keep(self, more: int) -> None:
        """So many more went: wait until the next may."""
        self._done += more
        if self.rate:
            await asyncio.sleep(max(0.0, self._done / self.rate - (time.monotonic() - self._began_s)))


async def finished(work: Coroutine[object, object, T]) -> T:
    """What it gives. Whoever is told to stop stops behind it: what was done is noted."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def cut(letters: Sequence[T], count: int) -> Iterable[Sequence[T]]:
    """The letters in runs of at most `count`."""
    return (letters[at : at + count] for at in range(0, len(letters), count))
