"""The web process, and the broker, killed while a client folds a table: tokens outlive the process that gave them."""

import asyncio
import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from penstock.client.client import Client
from penstock.record import Record
from penstock.testing.processes import BrokerProcess
from penstock.web.follow.watch import WORKERS
from tests.web.site import now_ms, row, serving, until, world
from tests.web.sse import Folded

pytestmark = pytest.mark.anyio
KILLS, UPDATES, PARTITIONS = 10, 30_000, 2


class WebProcess:
    """A web process on one port, killed and brought back as a supervisor would."""

    def __init__(self, bootstrap: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.http = f"127.0.0.1:{free.getsockname()[1]}"
        self.bootstrap = bootstrap
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        words = ["--bootstrap", self.bootstrap, "--http", self.http]
        self.process = process = subprocess.Popen(
            [sys.executable, "-m", "penstock.web", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        assert line.startswith(b"ready "), line

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()


async def declare(client: Client) -> None:
    columns = [{"name": "core", "kind": "STRING"}, {"name": "load", "kind": "DOUBLE"}]
    table = {
        "name": "killed",
        "topic": "killed",
        "connector": "upsert-kafka",
        "columns": columns,
        "key": ["core"],
    }
    report = {"kind": "job", "name": "j", "state": "running", "at_ms": now_ms(), "tables": [table]}
    await client.create_topic("killed", PARTITIONS, {"cleanup.policy": "compact"})
    await client.create_topic(WORKERS, 1, exist_ok=True)
    await client.produce(WORKERS, [Record(b"job/j", json.dumps(report).encode(), now_ms())], 0)


async def test_a_client_of_a_web_process_killed_ten_times_folds_the_table_and_is_never_reset(
    broker: str,
) -> None:
    chance, kills, truth = random.Random(3), 0, dict[str, object]()
    web = WebProcess(broker)
    async with Client(broker) as client, httpx.AsyncClient() as http:
        await declare(client)

        async def update() -> None:
            for start in range(0, UPDATES, 300):
                partition = (start // 300) % PARTITIONS
                rows = [(f"{partition}/{chance.randint(0, 30)}", start + i) for i in range(300)]
                truth.update({core: {"core": core, "load": load} for core, load in rows})
                await client.produce("killed", [row(core, load) for core, load in rows], partition)
                await until(lambda start=start: kills >= KILLS * start // UPDATES, 60)

        await web.start()
        writing = asyncio.create_task(update())
        folded = Folded(http, f"http://{web.http}/api/tables/killed/changes")
        try:
            while kills < KILLS or not writing.done() or folded.rows != truth:
                with contextlib.suppress(
                    httpx.TransportError, AssertionError
                ):  # away, or still reading the topic
                    await folded.listen(chance.randint(1, 2000), quiet_s=0.3)
                if kills < KILLS and folded.seen > 500 * kills:
                    web.kill()
                    kills += 1
                    await web.start()
            assert (folded.snapshots, folded.resets) == (1, 0)
        finally:
            writing.cancel()
            web.kill()


async def test_a_broker_killed_under_the_web_process_loses_no_change(tmp_path: Path) -> None:
    chance, truth = random.Random(5), dict[str, object]()
    with BrokerProcess(tmp_path / "data") as process:
        dial = partial(Client, process.address)
        async with world(dial=dial) as found, serving(found) as base, httpx.AsyncClient() as http:
            await found.table("killed")
            folded = Folded(http, f"{base}/api/tables/killed/changes")

            async def update() -> None:
                for start in range(0, 6_000, 50):
                    rows = [(f"c{chance.randint(0, 30)}", start + i) for i in range(50)]
                    await found.client.produce("killed", [row(core, load) for core, load in rows], 0)
                    truth.update({core: {"core": core, "load": load} for core, load in rows})

            writing = asyncio.create_task(update())
            for _ in range(4):
                await folded.listen(chance.randint(200, 1000), quiet_s=0.5)
                await asyncio.to_thread(process.kill)
                await asyncio.to_thread(process.start)
            await writing
            while folded.rows != truth:
                await folded.listen(2_000, quiet_s=0.5)
            assert (folded.snapshots, folded.resets) == (1, 0)
