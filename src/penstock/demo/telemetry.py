"""The demo's source: this computer's own sensors, ten times a second, as records of the topic `readings`.

    python -m penstock.demo.telemetry --bootstrap 127.0.0.1:9092

Also takes the console's wish to load a core for some seconds (`_penstock.commands`, key ``demo/load``), so that a
visitor can make the machine misbehave.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil

from penstock import record
from penstock.calls import Bytes
from penstock.client import Client, ClientOptions
from penstock.client.security import from_environment
from penstock.lifeline import until_told
from penstock.record import Record

TOPIC = "readings"
COMMANDS = "_penstock.commands"
REPORTS = "_penstock.workers"
EVERY_S = 0.1
LOAD_S_MAX = 60
# Ends with its parent too: a stopped demo leaves no busy process behind.
BURN = """import os, sys, time
end, parent = time.monotonic() + float(sys.argv[1]), os.getppid()
while time.monotonic() < end and os.getppid() == parent: sum(range(10_000))
"""


class Sensors:
    """Reads this computer. Rates (disk, network) are taken between two readings."""

    def __init__(self) -> None:
        psutil.cpu_percent(percpu=True)
        self.last_s, self.last = time.monotonic(), self._counters()

    def _counters(self) -> dict[str, float]:
        disk, net = psutil.disk_io_counters(), psutil.net_io_counters()
        found = {"net.in": net.bytes_recv, "net.out": net.bytes_sent} if net else {}
        if disk:
            found |= {"disk.read": disk.read_bytes, "disk.write": disk.write_bytes}
        return {name: float(value) for name, value in found.items()}

    def read(self) -> Iterator[tuple[str, str, float]]:
        """Every sensor once: (sensor, unit, reading)."""
        cores = psutil.cpu_percent(percpu=True)
        yield from ((f"cpu.{number}", "%", value) for number, value in enumerate(cores))
        yield "cpu", "%", sum(cores) / max(len(cores), 1)
        yield "memory", "%", psutil.virtual_memory().percent
        yield "load", "", psutil.getloadavg()[0]
        now_s, counters = time.monotonic(), self._counters()
        for name, value in counters.items():
            yield name, "MB/s", (value - self.last.get(name, value)) / 1e6 / max(now_s - self.last_s, 1e-3)
        self.last_s, self.last = now_s, counters


def encode_readings(sensors: Sensors, now_ms: int) -> list[Record]:
    """One record a sensor, keyed by sensor, with the event time in SQL's form (UTC)."""
    at = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    machine = os.uname().nodename
    return [
        Record(
            sensor.encode(),
            json.dumps(
                {"machine": machine, "sensor": sensor, "unit": unit, "reading": round(value, 3), "at": at}
            ).encode(),
            now_ms,
            (),
        )
        for sensor, unit, value in sensors.read()
    ]


async def measure(client: Client) -> None:
    """Produce readings for ever, and report as a source once a second."""
    sensors, rows, reported_s = Sensors(), 0, 0.0
    # The first reading would cover no time at all, and show a machine that does nothing.
    await asyncio.sleep(EVERY_S)
    due_s = time.monotonic()
    while True:
        now_ms = time.time_ns() // 1_000_000
        records = encode_readings(sensors, now_ms)
        await client.produce(TOPIC, records, partition=0)
        rows += len(records)
        if time.monotonic() - reported_s >= 1:
            reported_s = time.monotonic()
            source = {
                "kind": "source",
                "name": "this computer",
                "topic": TOPIC,
                "rows": rows,
                "state": "running",
                "at_ms": now_ms,
            }
            report = Record(b"source/this computer", json.dumps(source).encode(), now_ms, ())
            await client.produce(REPORTS, [report], partition=0)
        # A stall skips readings instead of bunching them up.
        due_s = max(due_s + EVERY_S, time.monotonic() - EVERY_S)
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


async def take_commands(client: Client) -> None:
    """Load a core when the console asks for it, one load at a time, bounded."""
    ends = await client.offsets(COMMANDS)
    reader = client.reader({(COMMANDS, 0): ends[0]})
    until_s = 0.0
    while True:
        for chunk in await reader.read():
            for seconds in _loads(chunk.batches):
                if time.monotonic() >= until_s:
                    until_s = time.monotonic() + seconds
                    await asyncio.create_subprocess_exec(sys.executable, "-c", BURN, str(seconds))


def _loads(batches: Bytes) -> Iterator[float]:
    for info in record.scan(batches):
        for found in record.decode(memoryview(batches)[info.position : info.position + info.size]):
            if found.key == b"demo/load" and found.value:
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    yield min(max(float(json.loads(found.value)["seconds"]), 0), LOAD_S_MAX)


async def run(bootstrap: str) -> None:
    """Measure and take commands until told to stop."""
    stop = until_told()
    async with Client(
        bootstrap, options=ClientOptions("penstock-demo", security=from_environment())
    ) as client:
        await client.create_topic(TOPIC, 1, {"retention.ms": str(24 * 3600 * 1000)}, exist_ok=True)
        await client.create_topic(COMMANDS, 1, {}, exist_ok=True)
        await client.create_topic(REPORTS, 1, {"cleanup.policy": "compact"}, exist_ok=True)
        print(f"ready topic={TOPIC}", flush=True)
        tasks = [asyncio.create_task(measure(client)), asyncio.create_task(take_commands(client))]
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait((stopped, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stopped):
            task.cancel()
        for task in done - {stopped}:
            task.result()


def main() -> int:
    """The process's entrance."""
    parser = argparse.ArgumentParser(prog="python -m penstock.demo.telemetry", description=__doc__)
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    asyncio.run(run(parser.parse_args().bootstrap))
    return 0


if __name__ == "__main__":
    sys.exit(main())
