"""`kill -9` of the worker and of the broker at any moment under load: a reader of committed records sees each result
exactly once, and the final tables are those of an unbroken run."""

import asyncio
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from penstock.client import Client
from penstock.record import Record
from tests.work.nursery import Child, Nursery
from tests.work.process import QUICK, everything, rows, until

PIPELINE = """
CREATE TABLE readings (n BIGINT, sensor STRING, reading BIGINT, `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'readings', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
  'properties.group.id' = 'sums');
CREATE TABLE windows (sensor STRING, window_end TIMESTAMP(3), n BIGINT, total BIGINT, low BIGINT, high BIGINT,
  PRIMARY KEY (sensor, window_end) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'windows', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE totals (sensor STRING, n BIGINT, total BIGINT, PRIMARY KEY (sensor) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE passed (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'passed', 'format' = 'json');
INSERT INTO passed SELECT n FROM readings WHERE n >= 0;
INSERT INTO windows SELECT sensor, window_end, COUNT(*), SUM(reading), MIN(reading), MAX(reading)
  FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(`at`), INTERVAL '5' SECOND))
  GROUP BY sensor, window_start, window_end;
INSERT INTO totals SELECT sensor, COUNT(*), SUM(reading) FROM readings GROUP BY sensor;
"""
BEGIN_S = 1_767_225_600  # 2026-01-01
STEP_MS = 40


def stamp(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(BEGIN_S + ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


class Feed:
    """Disordered readings of six sensors in two partitions, seeded; and what they must come to."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sent = 0
        self.windows: dict[tuple[str, int], list[int]] = defaultdict(list)
        self.totals: dict[str, list[int]] = defaultdict(list)

    def batch(self, count: int) -> list[Record]:
        made = []
        for _ in range(count):
            sensor, reading = f"s{self.random.randrange(6)}", self.random.randrange(1000)
            at_ms = self.sent * STEP_MS + self.random.randrange(900)  # within the watermark's second
            number, self.sent = self.sent, self.sent + 1
            self.windows[sensor, at_ms // 5000 * 5000 + 5000].append(reading)
            self.totals[sensor].append(reading)
            made.append(record(number, sensor, reading, at_ms))
        return made

    def last(self) -> list[Record]:
        """One record a partition, far in the future, so that every window closes."""
        return [record(-1, sensor, 0, self.sent * STEP_MS + 3_600_000) for sensor in ("end0", "end1")]

    def expected_windows(self) -> dict[tuple[str, str], tuple[int, int, int, int]]:
        return {(s, stamp(end)): (len(v), sum(v), min(v), max(v)) for (s, end), v in self.windows.items()}

    def expected_totals(self) -> dict[str, tuple[int, int]]:
        return {sensor: (len(v), sum(v)) for sensor, v in self.totals.items()}


def record(number: int, sensor: str, reading: int, at_ms: int) -> Record:
    value = json.dumps({"n": number, "sensor": sensor, "reading": reading, "at": stamp(at_ms)}).encode()
    return Record(sensor.encode(), value, BEGIN_S * 1000 + at_ms)


def partition_of(record: Record) -> int:
    return int((record.key or b"0")[-1:]) % 2


async def send(client: Client, records: list[Record]) -> None:
    for partition in (0, 1):
        await client.produce("readings", [r for r in records if partition_of(r) == partition], partition)


async def tables(client: Client) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The tables as they stand, without the rows of the last records."""
    windows = {
        (r["sensor"], f"{r['window_end']}.000"[:23]): (r["n"], r["total"], r["low"], r["high"])
        for r in (await rows(client, "windows")).values()
    }
    totals = {r["sensor"]: (r["n"], r["total"]) for r in (await rows(client, "totals")).values()}
    return (
        {k: v for k, v in windows.items() if not k[0].startswith("end")},
        {k: v for k, v in totals.items() if not k.startswith("end")},
    )


class Stage:
    """A broker and a worker, each to be killed and brought back."""

    def __init__(self, nursery: Nursery, home: Path, chance: random.Random) -> None:
        self._nursery, self._home, self._chance = nursery, home, chance
        self.address = "127.0.0.1:0"
        self.broker = self._broker()
        self.address = self.broker.text.split("kafka=")[1].split()[0]
        self.worker = self._worker()

    def _broker(self) -> Child:
        words = ["--data-dir", str(self._home / "data"), "--kafka", self.address]
        return self._nursery.start("penstock.app.broker", *words)

    def _worker(self) -> Child:
        quick = ["--restart-first-s", "0.2", "--restart-max-s", "1"]
        words = ["--bootstrap", self.address, *quick, "--paths", str(self._home / "pipelines")]
        return self._nursery.start("penstock.work.__main__", *words)

    def kill(self) -> None:
        """One of the two, or both, and back."""
        dice = self._chance.random()
        if dice < 0.6:
            self.worker.end()
        if dice > 0.5:
            self.broker.end()
            self.broker = self._broker()
        if dice < 0.6:
            self.worker = self._worker()

    def close(self) -> None:
        """The end of the play."""
        self.worker.end()
        self.broker.end()


def campaign(home: Path, kills: int, seed: int) -> None:
    (home / "pipelines").mkdir()
    (home / "pipelines" / "sums.sql").write_text(PIPELINE)
    with Nursery(home) as nursery:
        stage = Stage(nursery, home, random.Random(seed + 1))
        try:
            asyncio.run(play(stage, kills, seed))
        finally:
            stage.close()


async def play(stage: Stage, kills: int, seed: int) -> None:
    feed, chance = Feed(seed), random.Random(seed + 2)
    async with Client(stage.address, options=QUICK) as client:
        for topic, partitions in (("readings", 2), ("windows", 1), ("passed", 2)):
            # Its times are long ago, and every version of every window is to be counted.
            await client.create_topic(topic, partitions, {"retention.ms": "-1"})
        stop = asyncio.Event()

        async def pour() -> None:
            while not stop.is_set():
                await send(client, feed.batch(40))
                await asyncio.sleep(0.05)

        pouring = asyncio.create_task(pour())
        try:
            for _ in range(kills):
                before = await written(client)
                await until(lambda before=before: grown(client, before), 60, client)
                await asyncio.sleep(chance.random() * 0.2)
                await asyncio.to_thread(stage.kill)
        finally:
            stop.set()
            await pouring
        await send(client, feed.last())
        await until(lambda: complete(client, feed), 60, client)
        await check(client, feed)


async def check(client: Client, feed: Feed) -> None:
    """Every event passed once, every window was told once, and all tables are right."""
    windows, totals = await tables(client)
    assert windows == feed.expected_windows()
    assert totals == feed.expected_totals()
    passed = [json.loads(r.value or b"{}")["n"] for r in await everything(client, "passed", committed=True)]
    assert sorted(passed) == list(range(feed.sent))
    told = [r.key for r in await everything(client, "windows", committed=True)]
    assert len(told) == len(set(told))
    read = await client.committed("sums")
    assert read == {("readings", p): end for p, end in (await client.offsets("readings")).items()}


async def written(client: Client) -> int:
    """How many results a reader of committed records can see."""
    return sum((await client.offsets("passed", committed=True)).values())


async def grown(client: Client, before: int) -> bool:
    """Whether there are new results: the worker is in the middle of its work."""
    return await written(client) > before


async def complete(client: Client, feed: Feed) -> bool:
    """Whether all that is expected is there, or nothing changes any more that could bring it."""
    windows, totals = await tables(client)
    return windows.keys() >= feed.expected_windows().keys() and totals == feed.expected_totals()


@pytest.mark.timeout(300)
def test_twenty_kills_of_worker_and_broker_count_nothing_twice_and_miss_nothing(tmp_path: Path) -> None:
    campaign(tmp_path, kills=20, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
def test_fifty_kills_of_worker_and_broker_count_nothing_twice_and_miss_nothing(
    tmp_path: Path, seed: int
) -> None:
    """Ten seeds: five hundred kills."""
    campaign(tmp_path, kills=50, seed=seed)
