"""The worker as a process: it says ready, stops with everything committed, and leaves no orphan."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

from penstock.client import Client
from penstock.testing.processes import BrokerProcess
from tests.work.process import QUICK, WorkerProcess, fresh, rows, until

PIPELINE = """CREATE TABLE events (k STRING) WITH ('connector' = 'kafka', 'topic' = 'p-in', 'format' = 'json');
CREATE TABLE counts (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'p-out', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO counts SELECT k, COUNT(*) FROM events GROUP BY k;"""


def test_sigterm_commits_and_a_closed_pipe_ends_it(broker_address: str, tmp_path: Path) -> None:
    async def test() -> None:
        (tmp_path / "p.sql").write_text(PIPELINE)
        async with Client(broker_address, options=QUICK) as client:
            await client.create_topic("p-in")

            async def counted(n: int) -> bool:
                return [r["n"] for r in (await rows(client, "p-out")).values()] == [n]

            worker = WorkerProcess(broker_address, tmp_path, more=("--commit-s", "3600"))
            with worker:
                await client.produce("p-in", [fresh({"k": "a"})])
                await until(lambda: counted(1), 60, client)
                began = time.monotonic()
                assert worker.end(signal.SIGTERM) == 0
                assert time.monotonic() - began < 5
            with worker:
                await client.produce("p-in", [fresh({"k": "a"})])
                await until(lambda: counted(2), 60, client)
                assert worker.process and worker.process.stdin
                worker.process.stdin.close()
                assert worker.process.wait(5) == 0

    asyncio.run(asyncio.wait_for(test(), 110))


def test_a_stop_while_the_broker_is_away_takes_under_five_seconds(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "p.sql").write_text(PIPELINE)

    async def test() -> None:
        async with Client(broker.address, options=QUICK) as client:
            await client.create_topic("p-in")
            with WorkerProcess(broker.address, folder, more=("--commit-s", "3600")) as worker:
                await client.produce("p-in", [fresh({"k": "a"})])
                await until(lambda: rows(client, "p-out"), 60, client)
                await asyncio.to_thread(broker.kill)
                began = time.monotonic()
                assert await asyncio.to_thread(worker.end, signal.SIGTERM) == 0
                assert time.monotonic() - began < 5

    asyncio.run(asyncio.wait_for(test(), 110))


def test_wrong_words_are_refused_before_anything_starts() -> None:
    def said(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "penstock.work", *words], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    code, text = said("--bootstrap", "nowhere")
    assert code == 2 and "host:port" in text
    code, text = said("--share", "2/2")
    assert code == 2 and "no share" in text
