"""When a job's whole state is written, and doing so beside the job: frozen at once, packed on a thread, appended.

A start replays what was read since the last snapshot: so one is due once that much input came in as the snapshot
weighs, or so much work was done that doing it again would take long, or nothing happens. Of what only grows it holds what
the ones before it do not, until what these hold in vain is as much as the state. Its pieces are appended outside of
transactions, since nothing counts before its mark, which goes with a commit. Knows no operator.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from penstock.clock import Now
from penstock.engine.run.kept.growth import Known
from penstock.engine.run.snapshot import Frozen
from penstock.work.state import Positions, StateTopic
from penstock.work.state.records import Mark

BYTES_MIN = 32 * 1024 * 1024
WORK_MIN_S = 1.0
COSTS = 20.0
"""So many times what the last snapshot took may be worked before the next."""
SPAN, LINKS_MAX = 2.0, 50
"""So many times what the state weighs may be read at a start, in so many snapshots."""


@dataclass
class Since:
    """What happened since the last snapshot."""

    bytes_in: int = 0
    worked_s: float = 0.0
    calls: int = 0
    size: int = field(default=0)
    """How large the state is, packed, as of the last snapshot, in bytes."""
    cost_s: float = field(default=0.0)
    """How long it took, in seconds."""

    @property
    def much(self) -> bool:
        """Whether the next one is due."""
        heavy = self.worked_s > max(WORK_MIN_S, COSTS * self.cost_s)
        return heavy or self.bytes_in > max(BYTES_MIN, self.size)

    def done(self) -> None:
        """One was frozen."""
        self.bytes_in = self.calls = 0
        self.worked_s = 0.0


@dataclass(frozen=True)
class Moment:
    """What a snapshot holds: the state after journal record `number`, and the positions that go with it."""

    number: int
    frozen: Frozen
    positions: Positions


@dataclass
class Chain:
    """The last whole snapshot and those that go on from it."""

    links: list[tuple[str, list[int]]] = field(default_factory=list)
    """Their names, and how many pieces each block has."""
    weight: int = 0
    """What they weigh together, in bytes."""
    sizes: dict[str, int] = field(default_factory=dict)
    """What still counts of that, by frame, in bytes."""
    known: Known = field(default_factory=dict)

    @property
    def size(self) -> int:
        """What the state weighs, in bytes."""
        return sum(self.sizes.values())

    @property
    def long(self) -> bool:
        """Whether a start would read too much of what counts no more."""
        return self.weight > SPAN * self.size or len(self.links) >= LINKS_MAX

    def goes_on(self, frozen: Frozen, blocks: Sequence[bytes]) -> "Chain":
        """With one more; or that alone, where it needs none of these."""
        sizes = {
            name: len(block) + (self.sizes[name] if name in frozen.firsts else 0)
            for name, block in zip(frozen.frames, blocks[1:], strict=True)
        }
        links, size = (self.links, self.weight) if frozen.firsts else ([], 0)
        return Chain(list(links), size + sum(map(len, blocks)), sizes, frozen.known)


class Snapshots:
    """Writes one snapshot at a time. `ready` is its mark, to be committed; `wake` is called once it is there."""

    def __init__(self, state: StateTopic, clocks: Callable[[], Now], wake: Callable[[], None]) -> None:
        self.since = Since()
        self.count = 0
        """How many were written."""
        self.ready: Mark | None = None
        self.first_offset = -1
        self._state, self._clocks, self._wake = state, clocks, wake
        self._chain = Chain()
        self._task: asyncio.Task[None] | None = None

    @property
    def known(self) -> Known:
        """What the next one need not hold."""
        return {} if self._chain.long else self._chain.known

    @property
    def under_way(self) -> bool:
        """Whether one is being written, or waits for its mark to be committed."""
        return self._task is not None or self.ready is not None

    def begin(self, moment: Moment) -> None:
        """Write a snapshot beside everything else."""
        self.since.done()
        self._task = asyncio.create_task(self._write(moment))
        self._task.add_done_callback(lambda _: self._wake())

    def check(self) -> None:
        """Raise what went wrong with the one under way, if it has ended."""
        if self._task and self._task.done():
            task, self._task = self._task, None
            task.result()

    async def finish(self) -> None:
        """Wait for the one under way."""
        if self._task:
            await asyncio.wait([self._task])
            self.check()

    async def packed(self, moment: Moment) -> tuple[Iterator[bytes], Mark]:
        """The batches of a snapshot, made as they are taken, and its mark."""
        began_s = self._clocks().mono_s
        blocks = (await asyncio.to_thread(moment.frozen.pack)).blocks
        chain = self._chain = self._chain.goes_on(moment.frozen, blocks)
        name, counts, batches = self._state.pieces(blocks, self._clocks(), chain.size)
        mark = Mark(
            moment.number, moment.frozen.fingerprint, moment.positions, name, counts, list(chain.links)
        )
        chain.links.append((name, counts))
        self.since.size, self.since.cost_s = chain.size, self._clocks().mono_s - began_s
        self.count += 1
        return batches, mark

    async def _write(self, moment: Moment) -> None:
        began_s = self._clocks().mono_s
        batches, mark = await self.packed(moment)
        offset = await self._state.append(batches)
        if not mark.behind:
            self.first_offset = offset
        self.since.cost_s = self._clocks().mono_s - began_s
        self.ready = mark

    def committed(self) -> None:
        """The mark counts."""
        self.ready = None

    async def close(self) -> None:
        """Give up the one under way."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
