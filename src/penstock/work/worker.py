"""The worker: one keeper a file of pipelines and tasks, started, reloaded and stopped as files come, change and go.

Knows files and keepers; knows nothing of what a pipeline or a task does.
"""

import asyncio
import functools
import gc
import sys
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from penstock.client import Client, ClientOptions, KafkaError
from penstock.client.security import NOTHING, Security, from_environment
from penstock.engine import kernels
from penstock.work import commands
from penstock.work.keeping import Keeper
from penstock.work.options import WorkOptions
from penstock.work.reporting import Reporter
from penstock.work.watching import Watch


class Worker:
    """All pipelines and tasks of one process. `run` returns when `stop` is set and everything is committed."""

    def __init__(self, options: WorkOptions, security: Security | None = None) -> None:
        """`security` is how to log in to the worker's own Kafka; None: as the environment says."""
        self.options, self._security = options, security
        self.keepers: dict[Path, Keeper] = {}
        self._clients: dict[str, Client] = {}
        self._watch = Watch(options.paths)
        self._leaving: list[asyncio.Task[None]] = []
        self._reporter = Reporter(self.client(""), options.name, self.keepers)

    def client(self, bootstrap: str) -> Client:
        """The client for an address; "" is the worker's own Kafka."""
        if bootstrap not in self._clients:
            address = bootstrap or self.options.bootstrap
            # What this process was given to log in with is for its own Kafka, and never shown to another.
            security = NOTHING if bootstrap else self._security or from_environment()
            client_options = ClientOptions(
                client_id=f"penstock-{self.options.name}", deadline_s=15.0, security=security
            )
            self._clients[bootstrap] = Client(address, options=client_options)
        return self._clients[bootstrap]

    async def run(self, stop: asyncio.Event) -> None:
        """Host them until `stop` is set."""
        warm_kernels()
        # What is there lives as long as the process. A collection that looks at it all stops pipelines for a tenth of a second.
        gc.collect()
        gc.freeze()
        tasks = [
            asyncio.create_task(self._reporter.run()),
            asyncio.create_task(commands.follow(self.client(""), self._commands())),
        ]
        try:
            self.look()
            print(f"ready jobs={len(self.keepers)}", flush=True)
            while not await _set_within(stop, self.options.poll_s):
                if self.options.finish and self._done():
                    break
                if self.options.reload:
                    self.look()
        finally:
            await asyncio.gather(*(keeper.stop() for keeper in self.keepers.values()), *self._leaving)
            for task in tasks:
                task.cancel()
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._reporter.report()
            await asyncio.gather(*(client.close(0.2) for client in self._clients.values()))

    def _done(self) -> bool:
        states = [keeper.state for keeper in self.keepers.values()]
        return {*states} <= {"finished"} or any(keeper.given_up for keeper in self.keepers.values())

    def look(self) -> None:
        """Start, reload and stop pipelines by what their files are now."""
        changes = self._watch.look()
        for path in changes.gone:
            if keeper := self.keepers.pop(path, None):
                self._leaving.append(asyncio.create_task(self._remove(keeper)))
        for path, text in changes.saved.items():
            if path in self.keepers:
                self.keepers[path].reload(text)
            elif self.options.takes(zlib.crc32(str(path.name).encode())):
                name = self._name_of(path)
                self.keepers[path] = Keeper(
                    name, (path, text), self.options, self.client, self._reporter.changed
                )

    async def _remove(self, keeper: Keeper) -> None:
        await keeper.stop()
        self._reporter.gone(keeper.name)

    def _name_of(self, path: Path) -> str:
        """The file's stem, fit for a topic name; with its suffix where two files share the stem."""
        taken = {keeper.name for keeper in self.keepers.values()}
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in path.stem)[:200]
        for name in (stem, f"{stem}.{path.suffix[1:]}"):
            if name not in taken:
                return name
        return f"{stem}.{zlib.crc32(str(path).encode()):08x}"

    def _commands(self) -> dict[str, commands.Obey]:
        """What this worker does when it is told to, to one of its jobs."""

        def restart(keeper: Keeper, told: Mapping[str, Any]) -> None:
            keeper.restart()

        def stop(keeper: Keeper, told: Mapping[str, Any]) -> None:
            keeper.halt(str(told.get("savepoint") or ""))

        def start(keeper: Keeper, told: Mapping[str, Any]) -> None:
            keeper.start(str(told.get("savepoint") or ""))

        return {
            command.__name__: functools.partial(self._tell, command) for command in (restart, stop, start)
        }

    def _tell(self, command: Callable[[Keeper, Mapping[str, Any]], None], told: Mapping[str, Any]) -> None:
        for keeper in self.keepers.values():
            if keeper.name == told.get("job"):
                print(f"{command.__name__} {keeper.name}, as asked", file=sys.stderr, flush=True)
                command(keeper, told)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def warm_kernels() -> None:
    """Compile the engine's loops beside the work that they will make fast; a first start takes seconds over it.

    On a daemon thread: a worker that is told to stop does not wait for a compiler.
    """
    kernels.interpret_until_warm()
    began_s, said = time.monotonic(), list[str]()

    def say(sentence: str) -> None:
        # From the disk cache they come in a blink, which is no news.
        if not said and time.monotonic() - began_s > 1:
            said.append(sentence)
            print("the engine compiles its loops, once; until then pipelines run slower", flush=True)

    def warm() -> None:
        if kernels.warm(say):
            gc.freeze()  # what the compiler leaves behind stays, too

    threading.Thread(target=warm, name="warm", daemon=True).start()
