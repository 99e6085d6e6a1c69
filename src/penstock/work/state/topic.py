"""The state topic of one job, `_penstock.state.<job>`: read whole at a start, appended to by commits, trimmed.

What no start needs any more is deleted as soon as a newer snapshot counts (DeleteRecords), so that a start reads little
more than twice the state and the journal behind it; retention deletes nothing. Knows nothing of what blocks mean.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from penstock import record
from penstock.calls import EARLIEST, ConfigChange
from penstock.client import Client, KafkaError, ReaderOptions
from penstock.clock import Now
from penstock.compression import LZ4
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.work.state.fold import Fold, Kept
from penstock.work.state.records import (
    CLAIM,
    PIECE_BYTES,
    Entry,
    Mark,
    Positions,
    claim_record,
    entry_record,
    halt_record,
    mark_record,
    piece_records,
    read,
)

CONFIGS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "segment.bytes": str(8 * 1024 * 1024),
}
PREFIX, SAVEPOINTS = "_penstock.state.", "_penstock.savepoint."


@dataclass(frozen=True)
class Saved:
    """A snapshot's blocks and what goes with them."""

    fingerprint: str
    blocks: Sequence[bytes]
    positions: Positions


class StateTopic:
    """One job's state. A run of the job has one of its own, with a `run` that no other has.

    A savepoint (`prefix` SAVEPOINTS) is a topic of the same form, with one snapshot in it, that nobody trims.
    """

    def __init__(self, client: Client, job: str, bytes_max: int, prefix: str = PREFIX) -> None:
        self.topic = f"{prefix}{job}"
        self.halted = ""
        self.run = os.urandom(6).hex()
        self._client, self._bytes_max = client, bytes_max
        self._snapshots = itertools.count(1)
        self._claim = -1

    async def open(self) -> None:
        """Make the topic where it is missing."""
        if (await self._client.metadata([self.topic]))[self.topic].error:
            await self._client.create_topic(self.topic, 1, CONFIGS, exist_ok=True)

    async def claim(self, worker: str, now: Now) -> None:
        """Say who runs the job from now on."""
        batch = record.encode([claim_record(self.run, worker, os.getpid(), now.wall_ms)])
        self._claim = await self._client.append(self.topic, 0, batch)

    async def claimed_by(self) -> str:
        """Who else claimed the job since this run did; empty where nobody has."""
        found: list[str] = []

        def take(rec: Record) -> None:
            if rec.key == CLAIM and (told := read(rec, self.topic))["run"] != self.run:
                found.append(f"worker {told['worker']} (process {told['pid']})")

        end = (await self._client.offsets(self.topic))[0]
        await self._each(max(0, self._claim), end, take, committed=False)
        return found[-1] if found else ""

    async def read(self) -> Kept | None:
        """What the job goes on from; None where there is nothing. Raises PenstockError for newer or damaged state."""
        fold = Fold(self.topic)
        start = (await self._client.offsets(self.topic, EARLIEST))[0]
        end = (await self._client.offsets(self.topic, committed=True))[0]
        await self._each(start, end, fold.take, committed=True)
        kept, self.halted = fold.kept(), fold.halted
        if kept and kept.old:  # its topic was made to drop old commits by size, which the journal must not be
            await self._client.alter_topic(self.topic, [ConfigChange("retention.bytes", "-1")])
        return kept

    async def _each(self, first: int, end: int, take: Callable[[Record], None], *, committed: bool) -> None:
        """Give `take` each record from `first` to before `end`."""
        if end <= first:
            return
        options = ReaderOptions(committed=committed)
        async with self._client.reader({(self.topic, 0): first}, options=options) as reader:
            at = first
            while at < end:
                chunks = await reader.read(30.0)
                if not chunks:
                    raise reader.trouble or PenstockError(f"the state in {self.topic} cannot be read")
                for chunk in chunks:
                    at = chunk.next_offset
                    for rec in record.decode(chunk.batches):
                        if first <= rec.offset < end:
                            take(rec)

    # --- writing -------------------------------------------------------------------------------------------------

    def entry(self, entry: Entry, now: Now) -> bytes:
        """A journal record's batch."""
        return record.encode([entry_record(entry, now.wall_ms)], codec=LZ4)

    def mark(self, mark: Mark, now: Now) -> bytes:
        """A mark's batch."""
        return record.encode([mark_record(mark, now.wall_ms)], codec=LZ4)

    def pieces(
        self, blocks: Sequence[bytes], now: Now, size: int | None = None
    ) -> tuple[str, list[int], Iterator[bytes]]:
        """A new snapshot's name, how many pieces each block has, and their batches, made as they are taken.

        `size` is the whole state's, where these blocks are a part of it. Raises PenstockError where it is larger than it may be.
        """
        size = sum(map(len, blocks)) if size is None else size
        if size > self._bytes_max:
            raise PenstockError(
                f"the job's state has {size >> 20} MiB, {self._bytes_max >> 20} MiB are allowed",
                remedy="group by fewer keys or smaller windows, or raise state_bytes_max",
            )
        name = f"{self.run}.{next(self._snapshots)}"
        counts, records = piece_records(name, blocks, now.wall_ms)
        return name, counts, _batches(records)

    async def append(self, batches: Iterator[bytes]) -> int:
        """Write batches outside of any transaction; the first one's offset, -1 where there is none."""
        first = -1
        for batch in batches:
            offset = await self._client.append(self.topic, 0, batch)
            first = offset if first < 0 else first
        return first

    async def write(self, number: int, snapshot: Saved, now: Now) -> None:
        """A whole snapshot with its mark, outside of any transaction; what stood before it is void."""
        name, counts, batches = self.pieces(snapshot.blocks, now)
        await self.append(batches)
        mark = Mark(number, snapshot.fingerprint, snapshot.positions, name, counts)
        await self.append(iter([self.mark(mark, now)]))

    async def halt(self, halted: bool, savepoint: str, now: Now) -> None:
        """Say whether the job stays stopped, also for the workers to come."""
        await self.append(iter([record.encode([halt_record(halted, savepoint, now.wall_ms)])]))

    async def trim(self, before: int) -> str:
        """Delete what stands before an offset; why that was refused, or nothing."""
        try:
            await self._client.delete_records(self.topic, {0: before})
        except KafkaError as error:
            return f"{self.topic} was not trimmed, and a start takes longer: {error.message}"
        return ""


def _batches(records: Iterable[Record]) -> Iterator[bytes]:
    """Pieces as batches; what they hold is compressed already (`engine.run.snapshot`)."""
    held: list[Record] = []
    size = 0
    for one in records:
        if held and size + len(one.value or b"") > PIECE_BYTES:
            yield record.encode(held)
            held, size = [], 0
        held.append(one)
        size += len(one.value or b"")
    if held:
        yield record.encode(held)
