"""A look at records of a topic: those that a reader of what is committed sees, or all, each with what became of it.

What is aborted is told by the answers to fetches, and is not decoded where it is not wanted. Knows no request.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from penstock import record
from penstock.calls import EARLIEST
from penstock.client.client import Client
from penstock.client.reader import Chunk, ReaderOptions
from penstock.record import Record
from penstock.web.follow.records import decoded

COMMITTED, ABORTED, OPEN = "committed", "aborted", "open"
"""What became of a record. One is open while a transaction is that began before it: readers of what is committed wait."""
BACK_TIMES, BACK_ROUNDS = 4, 4
"""How much further back is looked, and how often, where offsets are those of markers and of what was aborted."""
FETCHING = ReaderOptions(
    wait_ms=20, bytes_max=2 * 1024 * 1024, part_bytes_max=1024 * 1024, committed=True, aborted=True, reset=EARLIEST
)  # fmt: skip
Offsets = Mapping[int, int]


class Seen(NamedTuple):
    """A record, and what became of it."""

    partition: int
    record: Record
    state: str


@dataclass
class Peek:
    """One look, of at most so long and so much. `stable`: where in each partition the first open transaction begins.

    `left_out` says whether there was something that only a reader of everything sees.
    """

    client: Client
    topic: str
    stable: Offsets
    everything: bool
    until_s: float
    bytes_max: int
    left_out: bool = False
    found: list[Seen] = field(default_factory=list)
    _bytes: int = 0

    async def first(self, begins: Offsets, ends: Offsets, most: int | None) -> None:
        """Find records from `begins` up to `ends`, at most `most` of each partition; what comes in time."""
        decided = {p: min(end, self.stable[p]) for p, end in ends.items()}
        await self._read(begins, decided, most, FETCHING)
        undecided = {p: max(at, decided[p]) for p, at in begins.items() if decided[p] < ends[p]}
        if undecided and self.everything:
            await self._read(undecided, ends, most, replace(FETCHING, committed=False))
        elif undecided:
            self.left_out = True

    async def last(self, starts: Offsets, ends: Offsets, most: int) -> None:
        """Find the last ones, at least `most` of all partitions where there are as many not too far back."""
        back, tops = most, dict(ends)
        for _ in range(BACK_ROUNDS):
            begins = {p: max(starts[p], top - back) for p, top in tops.items()}
            await self.first(begins, tops, None)
            tops = {p: at for p, at in begins.items() if at > starts[p]}
            if len(self.found) >= most or not tops or self._over:
                return
            back *= BACK_TIMES

    @property
    def _over(self) -> bool:
        return self._bytes >= self.bytes_max or asyncio.get_running_loop().time() >= self.until_s

    async def _read(self, begins: Offsets, ends: Offsets, most: int | None, options: ReaderOptions) -> None:
        left = {(self.topic, p): at for p, at in begins.items() if at < ends[p]}
        counts = dict.fromkeys(begins, 0)
        if not left:
            return
        loop = asyncio.get_running_loop()
        async with self.client.reader(left, options=options) as reader:
            while left and not self._over:
                for chunk in await reader.read(self.until_s - loop.time()):
                    p = chunk.partition
                    for each in self._seen(chunk, COMMITTED if options.committed else OPEN):
                        if each.record.offset < ends[p] and (most is None or counts[p] < most):
                            self.found.append(each)
                            counts[p] += 1
                            self._bytes += size_of(each.record)
                    if chunk.next_offset >= ends[p] or counts[p] == most:
                        left.pop((self.topic, p), None)

    def _seen(self, chunk: Chunk, state: str) -> list[Seen]:
        seen = []
        for info in record.scan(chunk.batches):
            aborted = info.base_offset in chunk.aborted
            self.left_out = self.left_out or (aborted and not self.everything)
            if self.everything or not aborted:
                became = ABORTED if aborted else state
                seen += [Seen(chunk.partition, each, became) for each in decoded(chunk, info)]
        return seen


def size_of(found: Record) -> int:
    """What it takes of an answer's room."""
    return len(found.value or b"") + len(found.key or b"")
