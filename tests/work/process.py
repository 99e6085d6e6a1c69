"""A real worker process for tests, and what it says of its jobs."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from penstock.calls import EARLIEST
from penstock.client import Client, ClientOptions, ReaderOptions
from penstock.record import Record, decode

QUICK = ClientOptions(backoff_first_s=0.02, backoff_max_s=0.2, deadline_s=15.0, delivery_timeout_s=30.0)


def fresh(value: Any, key: bytes | None = None) -> Record:
    """A record of this moment: the broker deletes those whose time is long past. Bytes go as they are, else JSON."""
    return Record(
        key, value if isinstance(value, bytes) else json.dumps(value).encode(), int(time.time() * 1000)
    )


class WorkerProcess:
    """`python -m penstock.work` on the given paths. A context manager."""

    def __init__(self, address: str, *paths: Path, name: str = "w0", more: tuple[str, ...] = ()) -> None:
        words = ["--bootstrap", address, "--name", name, *more, "--paths", *map(str, paths)]
        self._arguments = [sys.executable, "-u", "-m", "penstock.work", *words]
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; returns when it says ready."""
        self.process = subprocess.Popen(
            self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith("ready jobs="), line or self.process.wait()
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        self.lines += [line.rstrip("\n") for line in process.stdout]

    def end(self, number: int = signal.SIGKILL, timeout_s: float = 10.0) -> int:
        """Send a signal and wait; the exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.end()


async def everything(client: Client, topic: str, *, committed: bool = True) -> list[Record]:
    """All records of a topic that are decided, partition by partition."""
    ends, starts = await client.offsets(topic, committed=committed), await client.offsets(topic, EARLIEST)
    found: list[Record] = []
    options = ReaderOptions(committed=committed)
    async with client.reader({(topic, p): o for p, o in starts.items()}, options=options) as reader:
        while any(reader.positions[topic, p] < end for p, end in ends.items()):
            for chunk in await reader.read(5):
                found += decode(chunk.batches)
        for chunk in reader.take():
            found += decode(chunk.batches)
    return found


async def rows(client: Client, topic: str) -> dict[str, Any]:
    """An upsert table folded: each key's last value."""
    if (await client.metadata([topic]))[topic].error:
        return {}
    found: dict[str, Any] = {}
    for r in await everything(client, topic):
        found.pop((r.key or b"").decode(), None)
        if r.value is not None:
            found[(r.key or b"").decode()] = json.loads(r.value)
    return found


async def jobs(client: Client) -> dict[str, Any]:
    """What the workers last said of each job."""
    return {key.removeprefix("job/"): v for key, v in (await rows(client, "_penstock.workers")).items()}


async def until(what: Callable[[], Any], timeout_s: float = 30.0, client: Client | None = None) -> Any:
    """Ask again until the answer is true; the answer. Fails with what the jobs said last, where a client is given."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + timeout_s
    while not (answer := await what()):
        if loop.time() > end_s:
            told = await jobs(client) if client else {}
            brief = {
                n: {k: v for k, v in job.items() if k not in ("sql", "tables")} for n, job in told.items()
            }
            raise AssertionError(f"not within {timeout_s} s; the jobs: {json.dumps(brief, indent=1)}")
        await asyncio.sleep(0.05)
    return answer
