"""Keeps what one file declares going, its pipelines and its tasks: starts it, starts it again after a failure, waits for
its author after a mistake.

Knows when to try again; knows nothing of what a run does. The tasks' part is loaded where a file has some.
"""

import asyncio
import random
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.client import Client
from penstock.client.backoff import Backoff
from penstock.errors import PenstockError
from penstock.work import loading
from penstock.work.options import WorkOptions
from penstock.work.running import Run, Start, pass_on, read_clocks

if TYPE_CHECKING:
    from penstock.tasks.running import Running
    from penstock.tasks.task import Task

STEADY_S = 30.0
"""A run that lasted so long starts its back-off anew when it fails."""
LOOK_S = 1.0
"""How often the queues are asked how many calls wait."""


class Keeper:
    """One file. `state` is ``starting``, ``running``, ``failed``, ``stopped`` or, where all input has an end and was
    read to it, ``finished``; `changed` hears of each step."""

    def __init__(
        self,
        name: str,
        file: tuple[Path, bytes],
        options: WorkOptions,
        clients: Callable[[str], Client],
        changed: Callable[[], None],
    ) -> None:
        self.name, self.path, self.text = name, file[0], file[1]
        self.state, self.since_ms, self.restarts = "starting", read_clocks().wall_ms, 0
        self.error: PenstockError | None = None
        self.run: Run | None = None
        self.tasks: Running | None = None
        self._options, self._clients, self._changed = options, clients, changed
        self._nudge = asyncio.Event()
        self._stopping = False
        self._halt: str | None = None
        self._start: Start | None = None
        self._backoff = Backoff(options.restart_first_s, options.restart_max_s, random.random)
        self._task = asyncio.create_task(self._live())

    def reload(self, text: bytes) -> None:
        """The file was saved: run its new content."""
        self.text = text
        self.restart()

    def restart(self) -> None:
        """Commit, then start again now, whatever the state is."""
        self._backoff.reset()
        self._nudge.set()

    def halt(self, savepoint: str) -> None:
        """Commit, then stay stopped until `start`; `savepoint` names a copy of the state to keep, if any."""
        self._halt, self._start = savepoint, None
        self._nudge.set()

    def start(self, savepoint: str) -> None:
        """Run again: from a savepoint where one is named, else from where it stopped."""
        self._halt, self._start = None, Start(savepoint)
        self.restart()

    async def stop(self) -> None:
        """Commit, then stop for good."""
        self._stopping = True
        self._nudge.set()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _live(self) -> None:
        while not self._stopping:
            self._nudge.clear()
            began_s = read_clocks().mono_s
            try:
                self._become("starting")
                outcome = await self._once()
                if outcome == "finished" or (outcome and not self._stopping):
                    self._become(outcome)
                    await self._nudge.wait()
            except Exception as error:
                if read_clocks().mono_s - began_s > STEADY_S:
                    self._backoff.reset()
                self._become("failed", _shown(error, self.path))
                await self._nudged(None if _users(error) else self._backoff.next_s())
                self.restarts += 0 if self._stopping else 1
        if self.state != "finished":
            self._become("stopped", self.error)

    async def _once(self) -> str:
        """One run; the state it leaves the file in, empty where it is to run again."""
        loaded = loading.load(self.path, self.text)
        self.tasks = _running(loaded.tasks, self._options) if loaded.tasks else None
        run = self.run = Run(self.name, loaded.plan, self._clients, self._options)
        try:
            if self.tasks is None:
                return await self._pipelines(run, self._nudge)
            return await self._both(run, self.tasks)
        finally:
            await run.close()

    async def _pipelines(self, run: Run, stop: asyncio.Event) -> str:
        opened = await _unless(stop, run.open(self._start))
        if not opened:
            return "" if opened is None else "stopped"
        self._start = None
        self._become("running")
        ended = await run.work(stop)
        if await self._halted(run):
            return "stopped"
        return "finished" if ended else ""

    async def _both(self, run: Run, tasks: "Running") -> str:
        """Pipelines and tasks, until nudged: tasks have no end. Where one part fails, the other opens no further, commits what
        it did, or drains.

        Tasks do not wait for topics that pipelines wait for: those may be of the tasks' own results.
        """
        stop = asyncio.Event()

        async def pipelines() -> str:
            outcome = ""
            try:
                outcome = await self._pipelines(run, stop)
            finally:
                if outcome != "finished":
                    stop.set()
                run.may_run.set()
            return outcome

        async def calls() -> None:
            await run.may_run.wait()
            try:
                await tasks.run(stop)
            finally:
                stop.set()

        passing = asyncio.create_task(pass_on(self._nudge, stop))
        try:
            outcome, failed = await asyncio.gather(pipelines(), calls(), return_exceptions=True)
        finally:
            passing.cancel()
        for error in (outcome, failed):
            if isinstance(error, BaseException):
                raise error
        return "" if outcome == "finished" else str(outcome)

    async def _halted(self, run: Run) -> bool:
        """Stop for good, where that was asked for."""
        if self._halt is None or self._stopping:
            return False
        savepoint, self._halt = self._halt, None
        self._nudge.clear()
        await run.halt(savepoint)
        return True

    async def _nudged(self, wait_s: float | None) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._nudge.wait()
        except TimeoutError:
            pass

    @property
    def given_up(self) -> bool:
        """Whether it failed, and only a change of the pipeline helps."""
        return self.error is not None and _users(self.error)

    def _become(self, state: str, error: PenstockError | None = None) -> None:
        if state != self.state:
            self.since_ms = read_clocks().wall_ms
        self.state, self.error = state, error if state in ("failed", "stopped") else self.error
        if state == "running":
            self.error = None
        self._changed()


async def _unless(stop: asyncio.Event, opening: Coroutine[Any, Any, bool]) -> bool | None:
    """Run `opening` to its end; None where `stop` was set first."""
    task = asyncio.create_task(opening)
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((task, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None
    return task.result()


def _running(tasks: "tuple[Task[..., Any], ...]", options: WorkOptions) -> "Running":
    from penstock.amqp import url_of
    from penstock.tasks.running import Running, RunOptions
    from penstock.tasks.sending import OUTLET

    OUTLET.url = url_of(options.amqp)  # what the tasks themselves send goes there too
    return Running(tasks, OUTLET.url, RunOptions(options.tasks_drain_s, LOOK_S))


def _users(error: Exception) -> bool:
    """Whether only a change of the pipeline helps."""
    return isinstance(error, PenstockError) and not error.passing


def _shown(error: Exception, path: Path) -> PenstockError:
    """What people are shown of an error; one of our own mistakes with the place in our code."""
    if isinstance(error, PenstockError):
        return error
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return PenstockError(
        f"{type(error).__name__}: {error}",
        remedy=f"this is a fault of penstock ({Path(frame.filename).name}:{frame.lineno}): please report it",
        place=str(path),
    )
