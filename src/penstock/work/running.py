"""One run of one job: from its last commit on, records in, rows out, commits between, until told to stop.

The engine's step runs inline: the worker owns its process. Knows sources, sinks and the state topic by their shapes;
knows nothing of files, of restarts, or of other jobs.
"""

import asyncio
import time
from collections.abc import Callable

from penstock.client import Client
from penstock.clock import Now
from penstock.engine.job import EngineOptions, Job, Output, Snapshot
from penstock.engine.plan import Plan
from penstock.errors import PenstockError
from penstock.work.connectors import connector_of
from penstock.work.connectors.shape import Arrival, Sink, Site, Source
from penstock.work.dead_letters import DeadLetters
from penstock.work.options import WorkOptions
from penstock.work.state import Commit, StateTopic

IDLE_LOOK_S = 0.2
COMMIT_SHARE = 10
"""A commit that took t is followed by at least this many times t of work."""


def read_clocks() -> Now:
    """Both clocks, now."""
    return Now(time.monotonic(), time.time_ns() // 1_000_000)


class Run:
    """One run. `open`, then `work` until it returns, then `close`; any exception ends the run, nothing is lost."""

    def __init__(self, name: str, plan: Plan, clients: Callable[[str], Client], options: WorkOptions) -> None:
        self.name, self.plan, self.options = name, plan, options
        self.notes: list[str] = []
        self.job: Job | None = None
        self.sources: list[Source] = []
        self.sinks: list[Sink] = []
        self._clients = clients
        self._awake = asyncio.Event()
        self._state = StateTopic(clients(""), name, options.state_bytes_max)
        self._letters = DeadLetters(clients(""))
        self._dirty = False
        self._next_commit_s = self._opened_s = 0.0
        self._heard_s: dict[tuple[int, int], float] = {}
        self._idle: set[tuple[int, int]] = set()

    # --- beginning -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Compile the plan, take up the last commit, open everything. May wait for topics to appear."""
        site = Site(self.name, self._clients, self._awake.set, self._say, asyncio.sleep)
        # Not inline: the first compile of a plan's kernels takes seconds, and other jobs run on.
        job = await asyncio.to_thread(Job, self.plan, EngineOptions())
        self.sources = [connector_of(s.table).source(s.table, site) for s in job.sources]
        self.sinks = [connector_of(s.table).sink(s.table, site) for s in job.sinks]
        await self._state.open()
        kept = await self._state.read()
        commit = self._restore(job, kept)
        if kept and not commit:  # a restore that failed half-way leaves the job in doubt
            job = await asyncio.to_thread(Job, self.plan, EngineOptions())
        self.job = job
        now = read_clocks()
        positions = commit.positions if commit else {}
        await asyncio.gather(
            *(sink.open() for sink in self.sinks),
            *(source.open(positions.get(str(i)), now) for i, source in enumerate(self.sources)),
        )
        for writes, sink in zip(job.sinks, self.sinks, strict=True):
            writes.partitions = sink.partitions
        for i, source in enumerate(self.sources):
            job.expect(i, source.positions)
        self._opened_s = read_clocks().mono_s
        self._heard_s = {(i, p): self._opened_s for i, s in enumerate(self.sources) for p in s.positions}
        self._next_commit_s = self._opened_s + self.options.commit_s

    def _restore(self, job: Job, commit: Commit | None) -> Commit | None:
        """Restore the engine from a commit; None, and a note, where the plan cannot take it."""
        if commit is None:
            return None
        try:
            if commit.fingerprint != job.fingerprint:
                raise PenstockError("the pipeline was changed")
            job.restore(Snapshot(commit.blocks))
        except PenstockError as error:
            self._say(f"state discarded because {error.message}: it began anew at its startup mode")
            return None
        except Exception as error:
            # Written by another version of an operator: to fail here would be to fail for ever.
            self._say(
                f"state discarded because it cannot be read ({error!r}): it began anew at its startup mode"
            )
            return None
        return commit

    def waits(self) -> list[str]:
        """Why no window can fire, in words: partitions without a record hold event time back."""
        if self.job is None or not self._heard_s:
            return []
        found = []
        for index, told in enumerate(self.job.measures().sources):
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
        waking = asyncio.create_task(_pass_on(stop, self._awake))
        try:
            while not stop.is_set():
                self._awake.clear()
                now = read_clocks()
                busy = await self._step(now)
                await self._look_for_idle(now)
                if self.sources and all(source.ended for source in self.sources):
                    await self._finish()
                    return True
                if now.mono_s >= self._next_commit_s:
                    await self.commit()
                await self._rest(busy)
            async with asyncio.timeout(self.options.drain_s):
                await self.commit()
        except TimeoutError:
            self._say(
                "stopped before the last commit was acknowledged: its input is read again at the next start"
            )
        finally:
            waking.cancel()
        return False

    async def _step(self, now: Now) -> bool:
        """One micro-batch from every source that has something."""
        busy = False
        for index, source in enumerate(self.sources):
            for arrival in source.read(now):
                busy = self._dirty = True
                self._heard_s[index, arrival.partition] = now.mono_s
                self._idle.discard((index, arrival.partition))
                await self._emit(self._feed(index, arrival, now))
                # Between batches the loop turns once: fetches and acknowledgements go on.
                await asyncio.sleep(0)
        return busy

    def _feed(self, index: int, arrival: Arrival, now: Now) -> list[Output]:
        assert self.job
        if arrival.rows is not None:
            return self.job.on_rows(index, arrival.partition, arrival.rows, now)
        return (
            self.job.on_records(index, arrival.partition, arrival.batches, now)
            if len(arrival.batches)
            else []
        )

    async def _emit(self, outputs: list[Output]) -> None:
        for output in outputs:
            if output.sink is not None:
                await self.sinks[output.sink].write(output)
            if output.dead_letters:
                await self._letters.bury(output.dead_letters)

    async def _look_for_idle(self, now: Now) -> None:
        """Tell the engine of partitions that were silent for their idle timeout and have nothing waiting.

        The longest silent first: while one partition still counts, event time moves to where it stands.
        """
        assert self.job
        for (index, partition), heard_s in sorted(self._heard_s.items(), key=lambda item: item[1]):
            source = self.sources[index]
            after_s = self.options.idle_timeout_s if source.idle_after_s is None else source.idle_after_s
            if not after_s or now.mono_s - heard_s < after_s or (index, partition) in self._idle:
                continue
            if source.caught_up(partition):
                self._idle.add((index, partition))
                self._dirty = True
                await self._emit(self.job.on_idle(index, partition, now))

    async def _rest(self, busy: bool) -> None:
        """Wait for the next thing to do."""
        now = read_clocks()
        waits = [s for source in self.sources if (s := source.next_s(now)) is not None]
        if self._dirty:
            waits.append(self._next_commit_s - now.mono_s)
        if self.options.idle_timeout_s or any(source.idle_after_s for source in self.sources):
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
        await self._emit(self.job.on_end(read_clocks()))
        self._dirty = True
        await self.commit()

    async def commit(self) -> None:
        """Make outputs safe, then state and positions, in this order: a crash between repeats rows, loses none."""
        if not self._dirty or self.job is None:
            return
        began = read_clocks()
        positions = {str(i): dict(source.positions) for i, source in enumerate(self.sources)}
        blocks = self.job.snapshot().blocks
        for sink in self.sinks:
            await sink.flush()
        await self._letters.flush()
        await self._state.write(self.job.fingerprint, positions, blocks, read_clocks())
        self._dirty = False
        for source in self.sources:
            await source.committed()
        now = read_clocks()
        self._next_commit_s = now.mono_s + max(
            self.options.commit_s, COMMIT_SHARE * (now.mono_s - began.mono_s)
        )

    async def close(self) -> None:
        """Let go of everything; what is not committed is read again."""
        for source in self.sources:
            await source.close()


async def _pass_on(one: asyncio.Event, other: asyncio.Event) -> None:
    await one.wait()
    other.set()
