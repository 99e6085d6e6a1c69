"""One run of one job: from what was kept on, records in, rows out, commits beside, until told to stop.

The engine's step runs inline: the worker owns its process. Knows sources, sinks and commits by their shapes; knows
nothing of files, of restarts, or of other jobs.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from penstock.client import Client, FencedError, KafkaError
from penstock.clock import Now
from penstock.engine import kernels
from penstock.engine.job import EngineOptions, Job, Output, Snapshot
from penstock.engine.plan import Plan, settings
from penstock.errors import PenstockError
from penstock.work.commit.commits import Commits
from penstock.work.commit.delivery import AtLeastOnce, Delivery, ExactlyOnce
from penstock.work.commit.letters import DeadLetters
from penstock.work.commit.pace import Pace
from penstock.work.connectors import connector_of
from penstock.work.connectors.shape import Arrival, Sink, Site, Source
from penstock.work.connectors.tables import duration_s, guarantee_of
from penstock.work.options import AT_LEAST_ONCE, EXACTLY_ONCE, WorkOptions
from penstock.work.state import Call, Kept, Positions, Saved, StateTopic, savepoints
from penstock.work.state.records import halted_by
from penstock.work.state.replay import BOUND, CLOCK, END, ENDED, EXPECT, IDLE, feed, replay

IDLE_LOOK_S = 0.2
REACH_S = 0.5
COLD_BYTES_MAX = 1024 * 1024
"""What is taken in while the engine's loops are being compiled: as plain Python they need seconds for a megabyte."""
COLD_S = 60.0
"""How long more than that waits for the compiler, at most, after the job has begun."""


def read_clocks() -> Now:
    """Both clocks, now."""
    return Now(time.monotonic(), time.time_ns() // 1_000_000)


@dataclass(frozen=True)
class Start:
    """The wish that a stopped job runs again: from a savepoint, or from where it stopped."""

    savepoint: str = ""


class Run:
    """One run. `open`, then `work` until it returns, then `close`; any exception ends the run, nothing is lost.

    `may_run` is set once it is known that nobody stopped the job for good; its topics may be waited for still.
    """

    def __init__(self, name: str, plan: Plan, clients: Callable[[str], Client], options: WorkOptions) -> None:
        self.name, self.plan, self.options = name, plan, options
        self.notes: list[str] = []
        self.job: Job | None = None
        self.sources: list[Source] = []
        self.sinks: list[Sink] = []
        self.guarantee = _guarantee(plan, options)
        self.may_run = asyncio.Event()
        self._clients = clients
        self._awake, self._stop = asyncio.Event(), asyncio.Event()
        self._state = StateTopic(clients(""), name, options.state_bytes_max)
        self._delivery = self._deliverer()
        # Nobody waits for a commit where outputs do not.
        first_s = options.commit_s if self.guarantee == AT_LEAST_ONCE else options.commit_first_s
        pace = Pace(min(first_s, options.commit_s), options.commit_s, time.thread_time)
        letters = DeadLetters(clients(""))
        self.commits = Commits(self._state, self._delivery, letters, pace, read_clocks, self._awake.set)
        self._opened_s = self._busy_s = 0.0
        self._heard_s: dict[tuple[int, int], float] = {}
        self._loaded = False
        said = plan.setting(settings.IDLE)  # Flink's '0 ms': never
        self._idle_after_s = duration_s(said) if said else options.idle_timeout_s
        self._idle: set[tuple[int, int]] = set()

    def _deliverer(self) -> Delivery:
        if self.guarantee == AT_LEAST_ONCE:
            return AtLeastOnce(self._clients(""), self._say)
        return ExactlyOnce(self._clients(""), f"penstock.{self.name}")

    # --- beginning -----------------------------------------------------------------------------------------------

    async def open(self, start: Start | None = None) -> bool:
        """Compile the plan, fence others, go on from what was kept, open everything. May wait for topics to appear.

        False where the job was stopped by a command, and no `start` says that it may run.
        """
        site = Site(self.name, self._clients, self._awake.set, self._say, asyncio.sleep, self.commits.put)
        # Not inline: the first compile of a plan's kernels takes seconds, and other jobs run on.
        job = await asyncio.to_thread(self._compiled)
        self.sources = [connector_of(s.table).source(s.table, site) for s in job.sources]
        self.sinks = [connector_of(s.table).sink(s.table, site) for s in job.sinks]
        await self._state.open()
        await self._delivery.open()
        await self._state.claim(self.options.name, read_clocks())
        found = await self._state.read()
        if start is not None:
            await self._state.halt(False, "", read_clocks())
            found = await self._load(start.savepoint, found, job) if start.savepoint else found
        elif self._state.halted:
            self._say_halted(self._state.halted)
            return False
        self.may_run.set()
        kept = self._restore(job, found)
        if found and not kept:  # a restore that failed half-way leaves the job in doubt
            job = await asyncio.to_thread(self._compiled)
        if kept:
            await replay(job, self.sources, kept.calls)
        self.job = job
        self.commits.begin(job, kept, found.number if found else 0)
        await self._open_all(kept.positions if kept else {})
        return True

    def _compiled(self) -> Job:
        """The job. Its operators' time is the wall's: to ask for the processor's is a system call each time."""
        return Job(self.plan, EngineOptions(), time.perf_counter)

    async def _load(self, savepoint: str, old: Kept | None, job: Job) -> Kept:
        """Take a savepoint's state for our own; what was kept before is void from then on."""
        found = await savepoints.load(self._clients(""), savepoint, self.options.state_bytes_max)
        if found.fingerprint != job.fingerprint or found.blocks is None:
            raise PenstockError(
                f"the savepoint {savepoint} belongs to another query",
                remedy="start the job without it, or put its query back as it was",
            )
        number = old.number if old else 0
        saved = Saved(found.fingerprint, found.blocks, found.positions)
        await self._state.write(number, saved, read_clocks())
        return replace(found, number=number, needed=[])

    async def _open_all(self, positions: Positions) -> None:
        job, now = self.job, read_clocks()
        assert job
        for i, source in enumerate(self.sources):
            source.bounds = job.bounds(i)
        await asyncio.gather(
            *(sink.open() for sink in self.sinks),
            *(source.open(positions.get(i), now) for i, source in enumerate(self.sources)),
        )
        for writes, sink in zip(job.sinks, self.sinks, strict=True):
            writes.partitions = sink.partitions
        for i, source in enumerate(self.sources):
            for partition in source.positions.keys() - positions.get(i, {}).keys():
                job.expect(i, [partition])
                self.commits.called(Call(EXPECT, i, partition, 0, 0, now.wall_ms))
            for partition, end in source.bounds.items() - job.bounds(i).items():
                job.bound(i, partition, end)
                self.commits.called(Call(BOUND, i, partition, 0, end, now.wall_ms))
        self._opened_s = self._busy_s = read_clocks().mono_s
        self._heard_s = {(i, p): self._opened_s for i, s in enumerate(self.sources) for p in s.positions}

    def _restore(self, job: Job, kept: Kept | None) -> Kept | None:
        """Restore the engine's snapshot; None, and a note, where the plan cannot take it."""
        if kept is None:
            return None
        try:
            if kept.fingerprint != job.fingerprint:
                raise PenstockError("the pipeline was changed")
            if kept.blocks is not None:
                job.restore(Snapshot(kept.blocks))
        except PenstockError as error:
            self._say(f"state discarded because {error.message}: it began anew at its startup mode")
            return None
        except Exception as error:
            # Written by another version of an operator: to fail here would be to fail for ever.
            self._say(
                f"state discarded because it cannot be read ({error!r}): it began anew at its startup mode"
            )
            return None
        return kept

    def waits(self) -> list[str]:
        """Why no window can fire, in words: partitions without a record hold event time back."""
        if self.job is None or not self._heard_s:
            return []
        found = []
        for index, told in enumerate(self.job.source_measures()):
            table = self.job.sources[index].table
            heard = {p: s > self._opened_s for (i, p), s in self._heard_s.items() if i == index}
            silent = [p for p, spoke in heard.items() if not spoke]
            if table.watermark is None or told.watermark_ms is not None or len(silent) in (0, len(heard)):
                continue
            names = ", ".join(str(p) for p in sorted(silent))
            found.append(
                f"windows over {table.name} wait for partition {names} of {table.topic}, which has no records: "
                "'scan.watermark.idle-timeout' = '5 s' in its WITH lets them go on"
            )
        return found

    def _say(self, note: str) -> None:
        self.notes = [*self.notes[-4:], note]

    # --- working -------------------------------------------------------------------------------------------------

    async def work(self, stop: asyncio.Event) -> bool:
        """Go on until `stop` is set, then commit what was read; or until all sources ended: then True."""
        self._stop = stop
        waking = asyncio.create_task(pass_on(stop, self._awake))
        try:
            while not stop.is_set():
                self._awake.clear()
                now = read_clocks()
                busy = await self._step(now)
                await self._look_for_ends(now)
                await self._look_for_idle(now)
                await self._look_at_the_clock(now)
                if self.sources and all(source.ended for source in self.sources):
                    await self._finish()
                    return True
                self._commit_what_is_due(now)
                await self._rest(busy)
            async with asyncio.timeout(self.options.drain_s):
                await self.commit()
                await self._keep_all()
        except TimeoutError:
            self._say("stopped before the last commit was acknowledged: the next start reads its input again")
        except FencedError as error:
            raise await self._fenced(error) from error
        finally:
            waking.cancel()
        return False

    async def _step(self, now: Now) -> bool:
        """One micro-batch from every source that has something."""
        busy = False
        for index, source in self._in_turn():
            for arrival in source.read(now):
                busy = True
                self._heard_s[index, arrival.partition] = now.mono_s
                self._idle.discard((index, arrival.partition))
                if arrival.rows is not None or len(arrival.batches):
                    await self._compiled_for(arrival)
                    await self._feed(index, arrival, now)
                # Between batches the loop turns once: fetches, acknowledgements and the commit under way go on.
                await asyncio.sleep(0)
                await self.commits.room()
        if busy:
            self._busy_s = now.mono_s
            self.commits.moved = True
        return busy

    def _in_turn(self) -> list[tuple[int, Source]]:
        """The sources to read: at first only the tables that others' rows look up, until they are there whole."""
        assert self.job
        every = list(enumerate(self.sources))
        if not self._loaded:
            loading = [(i, s) for i, s in every if self.job.sources[i].first and s.lag and not s.ended]
            self._loaded = not loading
            return loading or every
        return every

    async def _compiled_for(self, arrival: Arrival) -> None:
        """Let a large arrival wait for the compiler, which it would hold up."""
        while (
            len(arrival.batches) > COLD_BYTES_MAX
            and kernels.interpreting()
            and not self._stop.is_set()
            and read_clocks().mono_s < self._opened_s + COLD_S
        ):
            await asyncio.sleep(0.05)

    async def _feed(self, index: int, arrival: Arrival, now: Now) -> None:
        assert self.job
        began_s, began_cpu_s = time.monotonic(), time.thread_time()
        kind, outputs = feed(self.job, index, arrival, now)
        call = Call(kind, index, arrival.partition, arrival.first, arrival.end, now.wall_ms)
        took_s, cpu_s = time.monotonic() - began_s, time.thread_time() - began_cpu_s
        self.commits.called(call, len(arrival.batches), took_s, cpu_s)
        await self._emit(outputs)

    async def _emit(self, outputs: list[Output]) -> None:
        for output in outputs:
            if output.sink is not None:
                await self.sinks[output.sink].write(output)
            if output.dead_letters:
                self.commits.bury(output.dead_letters)

    async def _look_for_ends(self, now: Now) -> None:
        """Tell the engine of bounded inputs that were read whole, while others go on: they hold nothing back."""
        assert self.job
        if all(source.ended for source in self.sources):
            return  # they end together
        for index, source in enumerate(self.sources):
            if source.ended and not self.job.ended(index):
                outputs = self.job.on_end(now, index)
                self.commits.called(Call(ENDED, index, 0, 0, 0, now.wall_ms))
                await self._emit(outputs)
            for partition, end in source.bounds.items():
                if source.positions[partition] >= end and not source.ended:
                    await self._rested(index, partition, now)

    async def _rested(self, index: int, partition: int, now: Now) -> None:
        """Tell the engine, once, that a partition is idle."""
        assert self.job
        if (index, partition) in self._idle:
            return
        self._idle.add((index, partition))
        outputs = self.job.on_idle(index, partition, now)
        self.commits.called(Call(IDLE, index, partition, 0, 0, now.wall_ms))
        await self._emit(outputs)

    async def _look_for_idle(self, now: Now) -> None:
        """Tell the engine of partitions that were silent for their idle timeout and have nothing waiting.

        The longest silent first: while one partition still counts, event time moves to where it stands.
        """
        assert self.job
        for (index, partition), heard_s in sorted(self._heard_s.items(), key=lambda item: item[1]):
            source = self.sources[index]
            after_s = self._idle_after_s if source.idle_after_s is None else source.idle_after_s
            if not after_s or now.mono_s - heard_s < after_s or (index, partition) in self._idle:
                continue
            if source.caught_up(partition) and not source.ended:
                await self._rested(index, partition, now)

    async def _look_at_the_clock(self, now: Now) -> None:
        """Let windows over the wall's clock close."""
        assert self.job
        if now.wall_ms >= self.job.due_ms:
            outputs = self.job.on_clock(now)
            self.commits.called(Call(CLOCK, 0, 0, 0, 0, now.wall_ms))
            await self._emit(outputs)

    async def _rest(self, busy: bool) -> None:
        """Wait for the next thing to do."""
        now = read_clocks()
        waits = [s for source in self.sources if (s := source.next_s(now)) is not None]
        if (due_s := self.commits.wait_s(now)) is not None:
            waits.append(due_s)
        if self.commits.snapshots.since.calls:
            waits.append(max(0.05, self._busy_s + self.options.snapshot_idle_s - now.mono_s))
        if self.job is not None:
            waits.append((self.job.due_ms - now.wall_ms) / 1000)
        if self._idle_after_s or any(source.idle_after_s for source in self.sources):
            waits.append(IDLE_LOOK_S)
        wait_s = 0.0 if busy else max(0.0, min(waits, default=3600.0))
        try:
            async with asyncio.timeout(wait_s):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def _finish(self) -> None:
        """A bounded input has ended: close all windows, keep the last word."""
        assert self.job
        now = read_clocks()
        outputs = self.job.on_end(now)
        self.commits.called(Call(END, 0, 0, 0, 0, now.wall_ms))
        await self._emit(outputs)
        await self.commit()
        await self._keep_all()

    # --- committing ----------------------------------------------------------------------------------------------

    def _commit_what_is_due(self, now: Now) -> None:
        """Begin a commit, or a snapshot where nothing has happened for a while; they go on beside the engine."""
        self.commits.check()
        if self.commits.wait_s(now) == 0.0:
            self._seal(now)
        elif now.mono_s - self._busy_s >= self.options.snapshot_idle_s and not self.commits.dirty:
            self.commits.snapshot()

    def _seal(self, now: Now) -> None:
        positions = {i: dict(source.positions) for i, source in enumerate(self.sources)}
        offsets: dict[str, dict[tuple[str, int], int]] = {}
        for source in self.sources:
            if source.offsets:
                offsets.setdefault(source.offsets[0], {}).update(source.offsets[1])
        self.commits.seal(positions, offsets, self.sources, self.sinks, now)

    async def commit(self) -> None:
        """Commit all that was done, and wait for it."""
        await self.commits.settled()
        if self.commits.dirty:
            self._seal(read_clocks())
            await self.commits.settled()

    async def _keep_all(self) -> None:
        """A whole snapshot as the last thing, so that the next start has nothing to do again.

        Not where the server is away: all is safe without, and who stops should not wait for it.
        """
        try:
            async with asyncio.timeout(REACH_S):
                await self._clients("").reach()
        except (KafkaError, TimeoutError):
            return
        self.commits.snapshot()
        await self.commits.snapshots.finish()
        await self.commit()

    async def halt(self, savepoint: str) -> None:
        """After `work`: stay stopped, also under the workers to come; `savepoint` names a copy of the state to keep."""
        await self.commit()
        if savepoint:
            saved, bytes_max = await self.commits.saved(), self.options.state_bytes_max
            await savepoints.save(self._clients(""), savepoint, saved, bytes_max, read_clocks())
        await self._state.halt(True, savepoint, read_clocks())
        self._say_halted(halted_by(savepoint))

    def _say_halted(self, why: str) -> None:
        self._say(f"{why}; penstock job start {self.name} lets it go on")

    async def _fenced(self, error: FencedError) -> PenstockError:
        """Who took over; the error itself where nobody did, and only time ran out."""
        for _ in range(10):
            if other := await self._state.claimed_by():
                return PenstockError(
                    f"{other} runs the job {self.name} now: this one has stopped, and nothing is done twice",
                    remedy="let one worker have the file (--share), or restart the job here to take it back",
                )
            await asyncio.sleep(0.2)
        return error

    async def close(self) -> None:
        """Let go of everything; what is not committed is read again."""
        await self.commits.close()
        for source in self.sources:
            await source.close()


def _guarantee(plan: Plan, options: WorkOptions) -> str:
    """What all its written tables ask for; the strongest, where they differ; the worker's where none asks."""
    asked = {guarantee_of(sink.table) or options.guarantee for sink in plan.sinks}
    return EXACTLY_ONCE if EXACTLY_ONCE in asked or not asked else AT_LEAST_ONCE


async def pass_on(one: asyncio.Event, other: asyncio.Event) -> None:
    """Set `other` once `one` is set."""
    await one.wait()
    other.set()
