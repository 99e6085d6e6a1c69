"""Event in → its result visible to a reader of committed records: the whole way, one event at a time, open loop.

    python -m bench latency

A broker (fsync always) and a worker are processes of their own; the pipeline filters and projects. Events are sent on a
fixed schedule whatever the answers do, and timed from when they were due: a stall counts for all that were due in it.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from penstock.client import Client, ClientOptions, ReaderOptions
from penstock.record import Record, decode, encode
from penstock.testing.processes import BrokerProcess

PIPELINE = """
CREATE TABLE events (n BIGINT, due BIGINT, text STRING)
WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE results (n BIGINT, due BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results SELECT n, due FROM events WHERE text <> 'no';
"""
GUARANTEES = ("exactly-once", "at-least-once")
RATES = (1_000, 100_000)
"""Events a second."""
EVERY_S = 0.005
"""The producer's linger; what is due while its requests are all under way goes with the next, as producers do it."""
WARM_S, MEASURED_S = 5.0, 15.0


def run() -> dict[str, object]:
    """Both guarantees at each rate."""
    found: list[dict[str, Any]] = []
    for rate in RATES:
        for guarantee in GUARANTEES:
            found.append(one(rate, guarantee))
            print(json.dumps(found[-1]), flush=True)
    return {"latency": found}


def one(rate: int, guarantee: str) -> dict[str, Any]:
    """One measurement on fresh data."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-latency-") as home,
        BrokerProcess(Path(home, "data")) as broker,
    ):
        Path(home, "pipelines").mkdir()
        Path(home, "pipelines", "filter.sql").write_text(PIPELINE)
        words = ["--bootstrap", broker.address, "--guarantee", guarantee, "--paths", f"{home}/pipelines"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "penstock.work", *words],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )  # fmt: skip
        try:
            taken = asyncio.run(measure(broker.address, rate))
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(20)
    taken.sort()
    return {
        "guarantee": guarantee,
        "events_per_s": rate,
        "events": len(taken),
        "p50_ms": round(taken[len(taken) // 2], 1),
        "p99_ms": round(taken[len(taken) * 99 // 100], 1),
        "max_ms": round(taken[-1], 1),
        "load": os.getloadavg()[0],
    }


async def measure(address: str, rate: int) -> list[float]:
    """Latencies in ms, without those of the first seconds."""
    async with Client(address, options=ClientOptions(client_id="latency")) as client:
        for topic in ("events", "results"):
            await client.create_topic(topic, 1, exist_ok=True)
        await first_result(client)
        end = (await client.offsets("results", committed=True))[0]
        total = int(rate * (WARM_S + MEASURED_S))
        reading = asyncio.create_task(read(client, end, total))
        await send(client, rate, total)
        taken = await asyncio.wait_for(reading, 60)
        return taken[int(rate * WARM_S) :]


async def first_result(client: Client) -> None:
    """Wait until the pipeline answers and its kernels are compiled."""
    for _ in range(40):
        await client.produce("events", [event(-1, 0.0)], 0)
        await asyncio.sleep(0.25)
    while not (await client.offsets("results", committed=True))[0]:
        await asyncio.sleep(0.1)


def event(n: int, due_s: float) -> Record:
    """An event of 120 bytes."""
    value = json.dumps({"n": n, "due": int(due_s * 1e6), "text": "x" * 80}).encode()
    return Record(None, value, int(time.time() * 1000))


async def send(client: Client, rate: int, total: int) -> None:
    """Each event is due on schedule; what is due is sent as soon as a request is free."""
    begin_s, first = time.monotonic() + 0.1, 0
    under_way: set[asyncio.Future[int]] = set()
    while first < total:
        await asyncio.sleep(EVERY_S)
        under_way = {answer for answer in under_way if not answer.done()}
        if len(under_way) >= client.options.in_flight_max:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        due = min(total, int((time.monotonic() - begin_s) * rate))
        for at in range(first, due, 5_000):
            events = [event(n, begin_s + n / rate) for n in range(at, min(due, at + 5_000))]
            under_way.add(client.push("events", 0, encode(events)))
        first = max(first, due)


async def read(client: Client, offset: int, total: int) -> list[float]:
    """Each event's latency, by its number."""
    taken = [0.0] * total
    left = total
    async with client.reader({("results", 0): offset}, options=ReaderOptions(committed=True)) as reader:
        while left:
            for chunk in await reader.read():
                now_s = time.monotonic()
                for found in decode(chunk.batches):
                    told = json.loads(found.value or b"{}")
                    if told["n"] >= 0 and found.offset >= chunk.offset:
                        taken[told["n"]] = (now_s - told["due"] / 1e6) * 1000
                        left -= 1
    return taken
