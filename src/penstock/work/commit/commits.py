"""A job's commits, one after the other: seals what the engine did since the last, writes it beside the engine's work.

What belongs to a commit is fixed when it is sealed; while its answers are under way the engine goes on, and what it
puts out then waits for the next. So at most one commit is being written, and at most one more is being gathered.
Knows what a commit consists of; knows nothing of sources, sinks or when to stop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.clock import Now
from penstock.engine.job import Job
from penstock.work.commit.delivery import Batch, Delivery, Offsets, Parcel
from penstock.work.commit.letters import DeadLetters, Letter
from penstock.work.commit.pace import Pace
from penstock.work.commit.snapshots import Moment, Snapshots
from penstock.work.connectors.shape import Sink, Source
from penstock.work.state import Call, Entry, Kept, Positions, Saved, StateTopic
from penstock.work.state.records import Mark

CALLS_MAX = 5_000
"""A journal record stays far below a batch's largest size."""


@dataclass(frozen=True)
class Sealed:
    """What one commit writes. `whole`: the state goes with it, where a replay would come to another."""

    entry: Entry
    positions: Positions
    parcel: Parcel
    letters: list[Letter]
    offsets: Offsets
    whole: Moment | None
    mark: Mark | None


class Commits:
    """The commits of one run. `clocks` gives both clocks; `wake` is called when a commit or snapshot has ended."""

    def __init__(
        self,
        state: StateTopic,
        delivery: Delivery,
        letters: DeadLetters,
        pace: Pace,
        clocks: Callable[[], Now],
        wake: Callable[[], None],
    ) -> None:
        self.snapshots = Snapshots(state, clocks, wake)
        self.count = 0
        """How many were written."""
        self.took_s = 0.0
        """How long all of them took."""
        self.moved = False
        """Whether inputs went on, perhaps past records that nobody sees."""
        self._state, self._delivery, self._letters, self._pace = state, delivery, letters, pace
        self._clocks, self._wake = clocks, wake
        self._job: Job | None = None
        self._calls: list[Call] = []
        self._buried: list[Letter] = []
        self._number = 0
        self._fresh = ""
        self._told: Positions = {}
        self._needed: deque[tuple[int, int]] = deque()
        self._task: asyncio.Task[None] | None = None

    def begin(self, job: Job, kept: Kept | None, number: int) -> None:
        """Go on from what was kept; None: from nothing, behind journal record `number` that is void now."""
        self._job = job
        self._number = kept.number if kept else number
        self._fresh = "" if kept else job.fingerprint
        if kept:
            self._told = {source: dict(parts) for source, parts in kept.positions.items()}
            self._needed.extend(kept.needed)
            self.snapshots.since.calls = len(kept.calls) + kept.old

    # --- gathering -----------------------------------------------------------------------------------------------

    def called(self, call: Call, bytes_in: int = 0, took_s: float = 0.0, cpu_s: float = 0.0) -> None:
        """The engine was asked something, took so long, and so much of the processor."""
        self._calls.append(call)
        since = self.snapshots.since
        since.bytes_in += bytes_in
        since.worked_s += took_s
        since.calls += 1
        self._pace.worked(took_s, cpu_s)

    def put(self, topic: str, partition: int, batch: bytes) -> None:
        """A batch for the next commit."""
        self._delivery.put(topic, partition, batch)

    def bury(self, letters: Sequence[Letter]) -> None:
        """Dead letters for the next commit."""
        self._buried += letters

    @property
    def dirty(self) -> bool:
        """Whether the next commit has something to write."""
        return bool(self._calls or self._buried or self._fresh or self.moved or self.snapshots.ready)

    @property
    def busy(self) -> bool:
        """Whether a commit is being written."""
        return self._task is not None

    def wait_s(self, now: Now) -> float | None:
        """In how many seconds the next commit is due; None where nothing waits for it, or one is under way."""
        if self._task or not self.dirty:
            return None
        return 0.0 if self._full else max(0.0, self._pace.next_s - now.mono_s)

    @property
    def _full(self) -> bool:
        return self._delivery.full or len(self._calls) >= CALLS_MAX

    async def room(self) -> None:
        """Wait while one commit is being written and the next is full."""
        if self._task and self._full:
            await self.settled()

    def figures(self) -> dict[str, float]:
        """Since this start: how many commits there were and the seconds between sealing one and its last answer; how
        far apart they are now; how many snapshots, how large the newest is, and how long it took."""
        since = self.snapshots.since
        return {
            "commits": self.count,
            "seconds": round(self.took_s, 6),
            "interval_s": round(self._pace.interval_s, 6),
            "snapshots": self.snapshots.count,
            "snapshot_bytes": since.size,
            "snapshot_s": round(since.cost_s, 6),
        }

    # --- committing ----------------------------------------------------------------------------------------------

    def seal(
        self,
        positions: Positions,
        offsets: Offsets,
        sources: Sequence[Source],
        sinks: Sequence[Sink],
        now: Now,
    ) -> None:
        """Begin to write all that was gathered. None may be under way."""
        assert self._job and not self._task
        self._pace.begun(now.mono_s)
        moved = _moved(self._told, positions)
        self._number += 1
        entry = Entry(self._number, self._calls, positions if self._fresh else moved, self._fresh)
        self._told = positions
        self._calls, self._fresh, self.moved = [], "", False
        letters, self._buried = self._buried, []
        ready, whole = self.snapshots.ready, None
        if not self._job.repeatable:
            entry = Entry(entry.number, [], entry.positions, entry.fresh)
            whole = Moment(self._number, self._job.freeze(), positions)
            self.snapshots.since.done()
        elif self.snapshots.since.much and not self.snapshots.under_way:
            self.snapshots.begin(self._moment(self._job, positions))
        sealed = Sealed(entry, positions, self._delivery.seal(), letters, offsets, whole, ready)
        self._task = asyncio.create_task(self._write(sealed, sources, sinks, now))
        self._task.add_done_callback(lambda _: self._wake())

    def snapshot(self) -> None:
        """Begin a snapshot of the state now, where nothing was called since the last commit."""
        assert self._job and not self._calls
        if not self.snapshots.under_way and self.snapshots.since.calls and self._job.repeatable:
            self.snapshots.begin(self._moment(self._job, self._told))

    def _moment(self, job: Job, positions: Positions) -> Moment:
        return Moment(self._number, job.freeze(self.snapshots.known), positions)

    async def saved(self) -> Saved:
        """The state as of the last commit, where nothing was called since."""
        assert self._job and not self._calls
        frozen = self._job.freeze()
        return Saved(frozen.fingerprint, (await asyncio.to_thread(frozen.pack)).blocks, self._told)

    def check(self) -> None:
        """Raise what went wrong with a commit or snapshot that has ended."""
        if self._task and self._task.done():
            task, self._task = self._task, None
            task.result()
        self.snapshots.check()

    async def settled(self) -> None:
        """Wait for the commit under way; raises what went wrong with it."""
        if self._task:
            await asyncio.wait([self._task])
        self.check()

    async def _write(
        self, sealed: Sealed, sources: Sequence[Source], sinks: Sequence[Sink], began: Now
    ) -> None:
        for sink in sinks:  # what no transaction reaches is safe before the state says so
            await sink.flush()
        letters = await self._letters.batches(sealed.letters)
        sealed.parcel.batches += letters
        pieces, mark = await self.snapshots.packed(sealed.whole) if sealed.whole else ([], sealed.mark)
        state = [self._state.entry(sealed.entry, began), *pieces]
        if mark:
            state.append(self._state.mark(mark, began))
        batches: list[Batch] = [(self._state.topic, 0, batch) for batch in state]
        written = await self._delivery.commit(sealed.parcel, batches, sealed.offsets)
        self.count += 1
        self.took_s += self._clocks().mono_s - began.mono_s
        self._needed.append((sealed.entry.number, written[0]))
        self._pace.ended(self.snapshots.since.cost_s if sealed.whole else 0.0)
        for index, source in enumerate(sources):
            await source.committed(sealed.positions[index])
        if mark:
            await self._trim(mark, written[1] if sealed.whole else self.snapshots.first_offset)

    async def _trim(self, mark: Mark, first: int) -> None:
        """The snapshot counts: what only its predecessors needed goes. `first` is its first piece's offset."""
        if mark is self.snapshots.ready:
            self.snapshots.committed()
        while self._needed and self._needed[0][0] <= mark.number:
            self._needed.popleft()
        before = min([first, *(offset for _, offset in list(self._needed)[:1])])
        if before > 0:
            await self._state.trim(before)

    async def close(self) -> None:
        """Give up what is under way."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self.snapshots.close()
        await self._delivery.close()


def _moved(told: Positions, now: Positions) -> Positions:
    """The positions that are not as they were told last."""
    moved: Positions = {}
    for source, parts in now.items():
        before = told.get(source, {})
        changed = {p: offset for p, offset in parts.items() if before.get(p) != offset}
        if changed:
            moved[source] = changed
    return moved
