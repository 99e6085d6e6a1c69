"""Two workers on one job; inputs that are gone; guarantees that are chosen: what happens, and what is said of it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from penstock.errors import PenstockError
from penstock.work.options import WorkOptions
from penstock.work.worker import Worker
from tests.work.process import everything, fresh, until
from tests.work.test_worker import COUNT, SOURCE, TARGET, Case, run

PASS = """CREATE TABLE passed (k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = '{name}-out', 'format' = 'json');
INSERT INTO passed SELECT k, v FROM events;
"""


async def passed(case: Case) -> list[int]:
    topic = f"{case.name}-out"
    if (await case.client.metadata([topic]))[topic].error:
        return []
    return sorted(json.loads(r.value or b"{}")["v"] for r in await everything(case.client, topic))


def test_a_second_worker_takes_the_job_over_and_the_first_stops_and_says_who_did(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + PASS)
        async with case.hosted() as first:
            await case.send(*({"k": "a", "v": i} for i in range(100)))
            await until(lambda: _has(case, 100), client=case.client)
            second = Worker(replace(case.options, name="w1"))
            stop = asyncio.Event()
            task = asyncio.create_task(second.run(stop))
            for i in range(100, 200, 10):
                await case.send(*({"k": "a", "v": v} for v in range(i, i + 10)))
                await asyncio.sleep(0.05)
            await until(lambda: _has(case, 200), client=case.client)
            (keeper,) = first.keepers.values()
            await until(lambda: _is(keeper.state == "failed"), client=case.client)
            assert isinstance(keeper.error, PenstockError)
            assert keeper.error.message.startswith("worker w1 (process ") and keeper.error.remedy
            await asyncio.sleep(0.6)  # longer than its back-off: it does not take the job back
            (other,) = second.keepers.values()
            assert other.state == "running" and keeper.state == "failed"
            assert await passed(case) == list(range(200))
            stop.set()
            await task

    run(broker_address, tmp_path, test)


async def _has(case: Case, count: int) -> bool:
    return len(await passed(case)) >= count


async def _is(what: bool) -> bool:
    return what


def test_inputs_that_the_state_builds_on_and_that_are_gone_fail_the_job_with_a_remedy(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        case.options = replace(case.options, drain_s=0.0, snapshot_idle_s=3600.0)  # a stop like a kill
        async with case.hosted():
            await case.send({"k": "a", "v": 1}, {"k": "a", "v": 2})
            await case.counts({"a": (2, 3)})
        await case.client.delete_records(f"{case.name}-in", {0: 1})
        async with case.hosted():
            told = await case.reaches("failed")
            assert "partition 0 begins at offset 1 now, 0 is needed" in told["error"]["message"]
            assert "retention.ms" in told["error"]["remedy"]
            await case.client.delete_topic(f"_penstock.state.{case.name}")
            assert case.worker
            for keeper in case.worker.keepers.values():
                keeper.restart()
            await case.counts({"a": (1, 2)})  # begun anew, with what is there

    run(broker_address, tmp_path, test)


def test_a_job_whose_tables_all_ask_for_at_least_once_gets_it(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(
            SOURCE
            + PASS.replace(
                "'format' = 'json')", "'format' = 'json', 'sink.delivery-guarantee' = 'at-least-once')"
            )
        )
        async with case.hosted() as worker:
            await case.send({"k": "a", "v": 1})
            await until(lambda: _has(case, 1), client=case.client)
            (keeper,) = worker.keepers.values()
            assert keeper.run and keeper.run.guarantee == "at-least-once"
        async with case.hosted():
            await case.send({"k": "a", "v": 2})
            await until(lambda: _has(case, 2), client=case.client)
            assert await passed(case) == [1, 2]

    run(broker_address, tmp_path, test)


def test_uncommitted_input_is_not_read_and_what_is_taken_back_never_was(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + PASS)
        async with case.hosted():
            writer = case.client.transactions(case.name)
            await writer.open()
            from penstock.record import encode

            for value, commit in ((1, False), (2, True), (3, False), (4, True)):
                await writer.enlist([(f"{case.name}-in", 0)])
                writer.push(f"{case.name}-in", 0, encode([fresh({"k": "a", "v": value})]))
                await asyncio.sleep(0.1)
                await writer.end(commit=commit)
            await until(lambda: _has(case, 2), client=case.client)
            assert await passed(case) == [2, 4]

    run(broker_address, tmp_path, test)


def test_a_guarantee_that_is_none_is_refused() -> None:
    try:
        WorkOptions(guarantee="mostly")
    except PenstockError as error:
        assert "exactly-once, at-least-once" in error.remedy
    else:
        raise AssertionError
