"""A crash before and after every step of every commit: whoever reads what is committed sees each result exactly once.

One batch of each input is one step of the job, so that an unbroken run's output is, record for record, what a broken
one must come to. The client is simulated; the engine, the commits and the state topic are real.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from penstock.engine import kernels
from penstock.record import Record, encode
from penstock.sql import parse
from penstock.work.commit import snapshots
from penstock.work.options import WorkOptions
from penstock.work.running import Run
from tests.work.simulated import Crash, SimClient, World

OPTIONS = WorkOptions(commit_first_s=0.0, commit_s=0.0, snapshot_idle_s=3600.0)
TABLES = """
CREATE TABLE events (k STRING, v BIGINT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json', 'properties.group.id' = 'readers');
CREATE TABLE names (k STRING, name STRING, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'names', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE plain (k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
CREATE TABLE counts (k STRING, n BIGINT, v BIGINT, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE windows (k STRING, ends TIMESTAMP(3), n BIGINT, v BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'windows', 'format' = 'json');
"""
WINDOW = "INSERT INTO windows SELECT k, window_end, COUNT(*), {v} FROM TABLE({of}) GROUP BY k, window_start, window_end;"
TUMBLE = "TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '4' SECOND)"
HOP = "HOP(TABLE events, DESCRIPTOR(`at`), INTERVAL '2' SECOND, INTERVAL '4' SECOND)"
CUMULATE = "CUMULATE(TABLE events, DESCRIPTOR(`at`), INTERVAL '2' SECOND, INTERVAL '4' SECOND)"
PLANS = {
    "filter": "INSERT INTO plain SELECT k, v + 1 FROM events WHERE v <> 3;",
    "aggregate": "INSERT INTO counts SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;",
    "distinct": "INSERT INTO counts SELECT k, COUNT(DISTINCT v), MAX(v) FROM events GROUP BY k;",
    "union": "INSERT INTO plain SELECT k, v FROM events WHERE v < 4 UNION ALL SELECT k, -v FROM events WHERE v > 2;",
    "changelog": "INSERT INTO counts SELECT name, COUNT(*), CAST(0 AS BIGINT) FROM names GROUP BY name;",
    "tumble": WINDOW.format(v="SUM(v)", of=TUMBLE),
    "hop": WINDOW.format(v="MIN(v)", of=HOP),
    "join": "INSERT INTO plain SELECT e.k, e.v + n.v FROM events e JOIN events n ON e.k = n.k AND e.v < n.v;",
    "join that changes": "INSERT INTO counts SELECT e.k, COUNT(*), SUM(v) FROM events e LEFT JOIN names n ON"
    " e.k = n.name GROUP BY e.k;",
    "interval join": "INSERT INTO plain SELECT e.k, n.v FROM events e JOIN events n ON e.k = n.k"
    " AND e.`at` BETWEEN n.`at` - INTERVAL '1' SECOND AND n.`at`;",
    "first": "INSERT INTO counts SELECT k, v, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, `at`)"
    " AS n FROM events) WHERE n = 1;",
    "over": "INSERT INTO plain SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY `at` RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND"
    " CURRENT ROW) FROM events;",
    "lag": "INSERT INTO plain SELECT k, LAG(v, 3, -v) OVER (PARTITION BY k ORDER BY `at`) FROM events;",
    "over by the clock": "INSERT INTO plain SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY PROCTIME() ROWS BETWEEN 2 PRECEDING AND"
    " CURRENT ROW) FROM events;",
    "session": WINDOW.format(
        v="COUNT(*)", of="SESSION(TABLE events PARTITION BY k, DESCRIPTOR(`at`), INTERVAL '1' SECOND)"
    ),
    "lifetime": "SET 'table.exec.state.ttl' = '1 h'; INSERT INTO counts SELECT e.k, COUNT(*), SUM(v) FROM events e LEFT JOIN"
    " names n ON e.k = n.name GROUP BY e.k;",
    "except": "CREATE TABLE those (k STRING, v BIGINT, PRIMARY KEY (k, v) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',"
    " 'topic' = 'counts', 'key.format' = 'json', 'value.format' = 'json');"
    "INSERT INTO those SELECT k, v FROM events EXCEPT SELECT k, v FROM events WHERE `at` > TIMESTAMP '2026-01-01 00:00:06';",
    "not in, a value": "INSERT INTO counts SELECT k, COUNT(*), SUM(v) FROM events WHERE k NOT IN (SELECT name FROM names)"
    " AND v >= (SELECT MIN(v) FROM events) GROUP BY k;",
    "too late": "SET 'penstock.late-rows.topic' = 'late';"
    + WINDOW.format(v="SUM(v)", of=TUMBLE.replace("'4'", "'1'")),
    "late rows": "SET 'table.exec.emit.late-fire.enabled' = 'true'; SET 'table.exec.emit.allow-lateness' = '2 s';"
    " SET 'penstock.late-rows.topic' = 'late'; CREATE TABLE those (k STRING, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT,"
    " PRIMARY KEY (k, s, e) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'json',"
    " 'value.format' = 'json'); INSERT INTO those SELECT k, window_start, window_end, COUNT(*)"
    " FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;",
    "grouping sets": "INSERT INTO windows SELECT k, window_end, COUNT(*), v FROM TABLE(" + HOP + ")"
    " GROUP BY window_start, window_end, CUBE (k, v);",
    "values": "INSERT INTO plain VALUES ('a', 1), ('b', 7), ('c', 2), ('a', 1);",
    "values, a topic": "INSERT INTO plain SELECT e.k, n.v FROM events AS e JOIN (VALUES ('a', 1), ('b', 2)) AS n (k, v) ON e.k = n.k;"
    " INSERT INTO windows SELECT 'x', TIMESTAMP '2026-01-01 00:00:00', 1, 2;",
    "statement set": "INSERT INTO plain SELECT k, v FROM events; " + WINDOW.format(v="SUM(v)", of=TUMBLE),
}
OUTPUTS = ("out", "counts", "windows", "in.dlq", "late")


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    kernels.warm(lambda sentence: None)
    yield


def world() -> World:
    """Two partitions of disordered events with something unreadable among them, and a table of names that changes."""
    made = World()
    for topic, partitions in (
        ("in", 2),
        ("names", 1),
        ("out", 2),
        ("counts", 1),
        ("windows", 1),
        ("late", 1),
    ):
        made.create(topic, partitions)
    for step in range(4):
        for partition in (0, 1):
            values = [
                {"k": "ab"[(step + i) % 2], "v": i, "at": f"2026-01-01 00:00:{3 * step + i % 3:02d}.000"}
                for i in range(partition, 5)
            ]
            batch = [Record(None, json.dumps(value).encode(), 0) for value in values]
            if step == 1:
                batch.insert(1, Record(b"key", b"{unreadable", 0))
            made.append(("in", partition), encode(batch))
        rows = [(f"k{step % 3}", None if step == 3 else f"n{step % 2}"), (f"k{step}", f"n{step % 2}")]
        records = [
            Record(json.dumps({"k": k}).encode(), name and json.dumps({"k": k, "name": name}).encode(), 0)
            for k, name in rows
        ]
        made.append(("names", 0), encode(records))
    return made


async def lived(client: SimClient, plan: str, options: WorkOptions) -> None:
    """One life of the job: until all was read and committed, or its client dies."""
    run = Run("job", parse(TABLES + PLANS[plan]), lambda _: client, options)  # type: ignore[arg-type,return-value]
    stop = asyncio.Event()
    try:
        await run.open()
        working = asyncio.create_task(run.work(stop))
        while not working.done() and (
            any(s.lag for s in run.sources) or run.commits.dirty or run.commits.busy
        ):
            await asyncio.sleep(0.0005)
        stop.set()
        await working
    finally:
        try:
            await run.close()
        except Crash:
            client.dead = True


def outcome(seen: World, plan: str) -> dict[str, list[list[Record]]]:
    """What is committed; of rows that come in the order the partitions, or the inputs, were read in, any order will do."""
    found = {topic: seen.committed(topic) for topic in OUTPUTS}
    if plan in ("over", "lag", "over by the clock", "values, a topic"):
        return {
            topic: [sorted((row for part in parts for row in part), key=repr)]
            for topic, parts in found.items()
        }
    return found


def unbroken(plan: str, options: WorkOptions) -> tuple[dict[str, list[list[Record]]], list[str], World]:
    seen = world()
    client = SimClient(seen)
    asyncio.run(asyncio.wait_for(lived(client, plan, options), 30))
    return outcome(seen, plan), client.steps, seen


def survives(plan: str, crash_at: int, options: WorkOptions) -> World:
    """What is there after a life that ended at a step, and one that went on. (Snapshots' threads move steps a little.)"""

    async def both(seen: World) -> None:
        with contextlib.suppress(Crash):
            await lived(SimClient(seen, crash_at), plan, options)
        await lived(SimClient(seen), plan, options)

    seen = world()
    asyncio.run(asyncio.wait_for(both(seen), 30))
    return seen


def crash_everywhere(plan: str, options: WorkOptions, stride: int) -> None:
    expected, steps, whole = unbroken(plan, options)
    assert sum(len(part) for parts in expected.values() for part in parts) > 3
    offset = sum(map(ord, plan)) % stride  # plans take other steps of the same commits
    for crash_at in range(offset, len(steps), stride):
        seen = survives(plan, crash_at, options)
        assert outcome(seen, plan) == expected, f"{plan}: after a crash at step {crash_at}, {steps[crash_at]}"
        assert seen.commits == whole.commits


@pytest.mark.parametrize("plan", PLANS)
def test_a_crash_at_any_step_with_the_journal_alone(plan: str) -> None:
    crash_everywhere(plan, OPTIONS, 1 if plan == "statement set" else 4)


@pytest.mark.parametrize("plan", PLANS)
def test_a_crash_at_any_step_with_a_snapshot_as_often_as_can_be(
    plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "BYTES_MIN", 0)
    monkeypatch.setattr(snapshots, "WORK_MIN_S", 0.0)
    monkeypatch.setattr(snapshots, "COSTS", 0.0)
    crash_everywhere(plan, OPTIONS, 1 if plan == "statement set" else 5)


@pytest.mark.parametrize("plan", ["aggregate", "tumble"])
def test_a_crash_at_any_step_of_a_job_that_keeps_all_in_every_commit(
    plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.engine.job.repeatable", lambda plan: False)
    crash_everywhere(plan, OPTIONS, 2)


@pytest.mark.parametrize("plan", ["aggregate", "statement set"])
def test_at_least_once_loses_nothing_whatever_the_step(plan: str) -> None:
    options = replace(OPTIONS, guarantee="at-least-once")
    expected, steps, _ = unbroken(plan, options)
    for crash_at in range(0, len(steps), 5):
        found = outcome(survives(plan, crash_at, options), plan)
        for topic, parts in expected.items():
            for partition, records in enumerate(parts):
                assert {r.value for r in records} <= {r.value for r in found[topic][partition]}
