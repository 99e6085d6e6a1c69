"""`penstock up`: starts the broker, the web process and the workers, says what is ready where, keeps them running.

A child that falls over is started again after 0.2 s, then 0.4 s … 10 s; one that met a user's error stops everything
with that error shown. Ctrl-C drains and stops: workers first, then web, then the broker.
"""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.app.addresses import Address, is_free, parse_address, taken
from penstock.app.child import USER_ERROR, Child
from penstock.app.passes import Passes
from penstock.app.project import Project, UpOptions
from penstock.broker.ledger.options import INNER, SECTION, LedgerOptions
from penstock.errors import PenstockError
from penstock.lifeline import until_told
from penstock.options import given_words
from penstock.tls import TlsOptions
from penstock.users.file import FILE_NAME
from penstock.users.file import read as read_users
from penstock.version import __version__

NO_TLS = TlsOptions()
AS_IT_IS = LedgerOptions()
NOTHING_MORE: Mapping[str, str] = {}
STOP_S = 3.5
"""The longest a child may take to stop; the whole of a stop stays under 5 s, as workers and web stop together."""
TASKS_DRAIN_S = 2.5
"""How long of that tasks may take to end."""


@dataclass(frozen=True)
class Extra:
    """A further child that a command wants beside the three kinds, such as the demo's source of events."""

    name: str
    arguments: tuple[str, ...]
    says: str


class Supervisor:
    """Everything that runs for one project."""

    def __init__(
        self,
        project: Project,
        options: UpOptions,
        extras: tuple[Extra, ...] = (),
        demo: bool = False,
        tls: TlsOptions = NO_TLS,
        ledger: LedgerOptions = AS_IT_IS,
    ) -> None:
        self.ledger = ledger
        self.project, self.options, self.extras, self.demo, self.tls = project, options, extras, demo, tls
        self.data_dir = (project.folder / options.data_dir).resolve()
        self.users = project.folder / options.users if options.users else self.data_dir / FILE_NAME
        secured = bool(tls.cert) and not read_users(self.users).open
        self.kafka = parse_address(options.kafka, "--kafka", secured=secured)
        self.amqp = parse_address(options.amqp, "--amqp", secured=secured)
        self.http = parse_address(options.http, "--http", secured=secured)
        self.passes = Passes()
        self.children: list[Child] = []
        self.failure = ""
        self.begun_s = time.monotonic()

    async def run(self) -> int:
        """Run until Ctrl-C, SIGTERM or a failure that only the user can mend; the exit code."""
        stop = until_told()
        if self.kafka is None:
            raise PenstockError("nothing runs without the Kafka listener", remedy="give --kafka an address")
        for address, flag in ((self.kafka, "--kafka"), (self.amqp, "--amqp"), (self.http, "--http")):
            if address is not None and address.port and not is_free(address):
                raise taken(address, flag)
        self.say("penstock", f"{__version__}, data in {self.data_dir}")
        keeping: list[asyncio.Task[None]] = []
        try:
            stopped = asyncio.create_task(stop.wait())
            starting = asyncio.create_task(self._start(keeping, stop))
            await asyncio.wait((stopped, starting), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopped
            else:
                starting.cancel()
        finally:
            for task in keeping:
                task.cancel()
            await self._stop()
        if self.failure:
            print(f"penstock: {self.failure}", file=sys.stderr)
        return 2 if self.failure else 0

    async def _start(self, keeping: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
        broker = await self._child("broker", self._broker_arguments(), keeping, stop)
        said = await broker.ready
        for name in ("inner", "amqp", "inner-amqp"):
            if name in said:
                broker.arguments[broker.arguments.index(f"--{name}") + 1] = said[
                    name
                ]  # for when it starts again
        self.say("broker", f"{said['kafka']}  Kafka clients connect here", mark=True)
        if "amqp" in said:
            self.say("broker", f"{said['amqp']}  AMQP 0-9-1 (RabbitMQ) clients connect here", mark=True)
        waits = [self._announce(*start) for start in await self._start_rest(said, keeping, stop)]
        await asyncio.gather(*waits)
        self.say("penstock", "running; Ctrl-C stops")

    async def _start_rest(
        self, broker: Mapping[str, str], keeping: list[asyncio.Task[None]], stop: asyncio.Event
    ) -> list[tuple[Child, str]]:
        started, bootstrap = [], broker.get("inner", broker["kafka"])
        amqp = broker.get("inner-amqp", broker.get("amqp", ""))
        if self.http is not None:
            web = await self._child("web", self._web_arguments(bootstrap, amqp, self.http), keeping, stop)
            started.append(
                (web, f"http{'s' if self.tls.cert else ''}://{{http}}  console, HTTP API, /metrics")
            )
        for number in range(self.options.workers):
            arguments = self._worker_arguments(bootstrap, number)
            # In the environment, because what a pipeline's function sends to a task goes there too.
            queues = {"PENSTOCK_AMQP": amqp or "off"}
            worker = await self._child(f"worker w{number}", arguments, keeping, stop, queues)
            started.append((worker, f"pipelines and tasks from {self.project.pipelines}"))
        for extra in self.extras:
            arguments = tuple(word.replace("{bootstrap}", bootstrap) for word in extra.arguments)
            started.append((await self._child(extra.name, arguments, keeping, stop), extra.says))
        return started

    async def _announce(self, child: Child, text: str) -> None:
        said = await child.ready
        self.say(child.name, text.format_map({"http": "", **said}), mark=True)

    def _broker_arguments(self) -> tuple[str, ...]:
        words = (
            "penstock.app.broker", "--data-dir", str(self.data_dir), "--users", str(self.users),
            "--kafka", str(self.kafka), "--amqp", str(self.amqp or "off"), "--fsync", self.options.fsync, "--advertised", self.options.advertised,
        )  # fmt: skip
        inner = ("--inner", "127.0.0.1:0") if self.tls.cert else ()
        queues = ("--inner-amqp", "127.0.0.1:0") if self.tls.cert and self.amqp else ()
        return (*words, *self._tls_arguments(), *inner, *queues, *given_words(self.ledger, SECTION, INNER))

    def _tls_arguments(self) -> tuple[str, ...]:
        files = {"--tls-cert": self.tls.cert, "--tls-key": self.tls.key, "--tls-ca": self.tls.ca}
        return tuple(
            word for flag, file in files.items() if file for word in (flag, str(Path(file).resolve()))
        )

    def _web_arguments(self, bootstrap: str, amqp: str, http: Address) -> tuple[str, ...]:
        words = (
            "penstock.web",
            "--bootstrap",
            bootstrap,
            "--amqp",
            amqp,
            "--http",
            str(http),
            "--data-dir",
            str(self.data_dir),
            "--users",
            str(self.users),
            "--web-allow-hosts",
            self.options.hosts,
            *self._tls_arguments(),
        )
        return (*words, "--demo-sql", str(self.project.pipelines / "machine.sql")) if self.demo else words

    def _worker_arguments(self, bootstrap: str, number: int) -> tuple[str, ...]:
        return (
            "penstock.work", "--bootstrap", bootstrap, "--name", f"w{number}", "--tasks-drain-s", str(TASKS_DRAIN_S),
            "--share", f"{number}/{self.options.workers}", "--paths", str(self.project.pipelines),
        )  # fmt: skip

    async def _child(
        self,
        name: str,
        arguments: tuple[str, ...],
        keeping: list[asyncio.Task[None]],
        stop: asyncio.Event,
        more: Mapping[str, str] = NOTHING_MORE,
    ) -> Child:
        # One polars thread a process: an engine's batches are small, and cores are shared with the broker.
        environment = {**self.passes.environment(name == "broker"), "POLARS_MAX_THREADS": "1", **more}
        child = Child(name, arguments, self.say, environment)
        self.children.append(child)
        await child.start()
        keeping.append(asyncio.create_task(self._keep(child, stop)))
        return child

    async def _keep(self, child: Child, stop: asyncio.Event) -> None:
        pause_s = 0.2
        while True:
            begun_s = time.monotonic()
            code = await child.ended()
            if code == USER_ERROR:
                self.failure = f"{child.name} cannot run (its message stands above)"
                stop.set()
                return
            pause_s = 0.2 if time.monotonic() - begun_s > 30 else min(pause_s * 2, 10)
            self.say(child.name, f"ended with code {code}; starting it again in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)
            child.restarts += 1
            await child.start()

    async def _stop(self) -> None:
        begun_s = time.monotonic()
        broker = [child for child in self.children if child.name == "broker"]
        await asyncio.gather(*(child.stop(STOP_S) for child in self.children if child not in broker))
        await asyncio.gather(*(child.stop(1.4) for child in broker))
        self.say("penstock", f"stopped in {time.monotonic() - begun_s:.1f} s")

    def say(self, name: str, text: str, mark: bool = False) -> None:
        """One line of progress: who, and what."""
        took = f"  ({time.monotonic() - self.begun_s:.1f} s)" if mark else ""
        print(f"{'✓' if mark else ' '} {name:<10} {text}{took}", flush=True)
