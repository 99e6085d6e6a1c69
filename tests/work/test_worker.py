"""The worker on a real broker: pipelines come, change, fail and go; each by itself."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.client import Client
from penstock.testing.processes import BrokerProcess
from penstock.work.options import WorkOptions
from penstock.work.worker import Worker
from tests.work.process import QUICK, everything, fresh, jobs, rows, until

SOURCE = """CREATE TABLE events (k STRING, v BIGINT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at`)
WITH ('connector' = 'kafka', 'topic' = '{name}-in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
"""
TARGET = """CREATE TABLE counts (k STRING, n BIGINT, total BIGINT, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = '{name}-out', 'key.format' = 'json', 'value.format' = 'json');
"""
COUNT = "INSERT INTO counts SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;\n"
FAST = WorkOptions(poll_s=0.1, commit_s=0.1, restart_first_s=0.2, restart_max_s=0.4)


class Case:
    """One worker with a folder and a client; topics and jobs are named after `name`."""

    def __init__(self, address: str, folder: Path, client: Client, options: WorkOptions) -> None:
        self.name, self.folder, self.client = f"j{uuid.uuid4().hex[:8]}", folder, client
        self.options = replace(options, bootstrap=address, paths=(str(folder),))
        self.worker: Worker | None = None

    def save(self, script: str, name: str = "", suffix: str = ".sql") -> None:
        (self.folder / f"{name or self.name}{suffix}").write_text(script.replace("{name}", self.name))

    async def send(self, *values: Any, partition: int | None = None) -> None:
        await self.client.produce(f"{self.name}-in", [fresh(v) for v in values], partition)

    async def told(self, name: str = "") -> Any:
        return (await jobs(self.client)).get(name or self.name, {})

    async def reaches(self, state: str, name: str = "") -> Any:
        async def there() -> Any:
            told = await self.told(name)
            return told if told.get("state") == state else None

        return await until(there, client=self.client)

    async def counts(self, expected: dict[str, tuple[int, int]]) -> None:
        async def equal() -> bool:
            found = await rows(self.client, f"{self.name}-out")
            return {r["k"]: (r["n"], r["total"]) for r in found.values()} == expected

        await until(equal, client=self.client)

    @contextlib.asynccontextmanager
    async def hosted(self) -> AsyncIterator[Worker]:
        stop, self.worker = asyncio.Event(), Worker(self.options)
        task = asyncio.create_task(self.worker.run(stop))
        try:
            yield self.worker
        finally:
            stop.set()
            await asyncio.wait_for(task, 5)


def run(
    address: str,
    folder: Path,
    test: Callable[[Case], Awaitable[None]],
    options: WorkOptions = FAST,
    partitions: int = 1,
) -> None:
    async def go() -> None:
        async with Client(address, options=QUICK) as client:
            case = Case(address, folder, client, options)
            if partitions:
                await client.create_topic(f"{case.name}-in", partitions)
            await asyncio.wait_for(test(case), 60)

    asyncio.run(go())


# --- the plain case --------------------------------------------------------------------------------------------------


def test_a_pipeline_reads_counts_writes_and_reports(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1}, {"k": "b", "v": 2}, {"k": "a", "v": 3})
            await case.counts({"a": (2, 4), "b": (1, 2)})

            async def counted() -> Any:
                told = await case.told()
                counted = told["inputs"] and told["inputs"][0]["rows"] == 3
                return told if counted and told["commit"]["commits"] else None

            told = await until(counted, client=case.client)
            assert (told["state"], told["error"], told["worker"], told["restarts"]) == (
                "running",
                None,
                "w0",
                0,
            )
            assert told["file"].endswith(f"{case.name}.sql") and "GROUP BY k" in told["sql"]
            assert told["inputs"][0]["topic"] == f"{case.name}-in" and told["inputs"][0]["lag"] == 0
            (written,) = told["outputs"]
            assert (written["table"], written["connector"], written["topic"]) == (
                "counts",
                "upsert-kafka",
                f"{case.name}-out",
            )
            assert written["rows"] >= 2
            (table,) = told["tables"]
            assert (table["name"], table["key"], table["columns"][0]) == (
                "counts",
                ["k"],
                {"name": "k", "kind": "STRING"},
            )
            operators = told["operators"]
            scan, aggregate = operators[0], operators[written["operator"]]
            assert (scan["name"], scan["source"], scan["rows_in"]) == ("scan", 0, 3)
            assert aggregate["name"] == "aggregate" and aggregate["detail"].startswith("Aggregate by (k)")
            assert (aggregate["inputs"], aggregate["rows_in"], aggregate["state_rows"]) == ([0], 3, 2)
            assert scan["busy_s"] > 0 and aggregate["busy_s"] > 0 and written["busy_s"] > 0
            assert aggregate["batches"] >= 1 and aggregate["state_bytes"] > 0
            assert told["commit"]["seconds"] > 0
        assert (await case.told())["state"] == "stopped"
        configs = await case.client.topic_configs(f"{case.name}-out")
        assert configs["cleanup.policy"] == "compact"

    run(broker_address, tmp_path, test)


def test_a_stopped_worker_goes_on_where_it_was(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        for turn in (1, 2, 3):
            async with case.hosted():
                await case.send({"k": "a", "v": 10})
                await case.counts({"a": (turn, 10 * turn)})
        told = await case.told()
        assert told["inputs"][0]["rows"] == 3 and told["notes"] == []
        # Each record was counted once: no turn read again what an earlier one had committed.
        values = [json.loads(r.value or b"")["n"] for r in await everything(case.client, f"{case.name}-out")]
        assert values == [1, 2, 3]

    run(broker_address, tmp_path, test)


def test_a_python_app_runs_as_sql_does(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(
            """
from penstock.dsl import App, col
app = App("shop")
events = app.topic("{name}-in", {"k": str, "v": int})
events.filter(col.v > 1).select(col.k, twice=col.v * 2).to("{name}-large")
""",
            suffix=".py",
        )
        async with case.hosted():
            await case.reaches("running")
            await case.send({"k": "a", "v": 1}, {"k": "b", "v": 2})

            async def there() -> Any:
                if (await case.client.metadata([f"{case.name}-large"]))[f"{case.name}-large"].error:
                    return None
                return await everything(case.client, f"{case.name}-large")

            (found,) = await until(there, client=case.client)
            assert json.loads(found.value or b"") == {"k": "b", "twice": 4}

    run(broker_address, tmp_path, test)


def test_a_bounded_input_ends_and_is_not_made_again(
    broker_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(case: Case) -> None:
        case.save("""
            CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100',
              'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '4');
            CREATE TABLE seen (id BIGINT) WITH ('connector' = 'print');
            INSERT INTO seen SELECT id * 10 FROM n WHERE id <> 2;""")
        for _ in range(2):
            async with case.hosted():
                await case.reaches("finished")

    run(broker_address, tmp_path, test, partitions=0)
    assert [line for line in capsys.readouterr().out.splitlines() if line[0] in "+-"] == [
        "+I[10]",
        "+I[30]",
        "+I[40]",
    ]


# --- reload ----------------------------------------------------------------------------------------------------------


def test_a_saved_pipeline_runs_within_two_seconds_and_begins_anew(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1}, {"k": "a", "v": 2})
            await case.counts({"a": (2, 3)})
            await asyncio.sleep(0.3)
            began = asyncio.get_running_loop().time()
            case.save(SOURCE + TARGET + COUNT.replace("SUM(v)", "SUM(v * 100)"))
            await case.counts({"a": (2, 300)})
            assert (
                asyncio.get_running_loop().time() - began < 10
            )  # the machine is shared; alone it takes 0.3 s
            async with asyncio.timeout(10):
                while not (told := await case.told())["notes"]:
                    await asyncio.sleep(0.05)  # the rows may be there before the report of how they came
            assert "state discarded because the pipeline was changed" in told["notes"][0]
            assert told["restarts"] == 0

    run(broker_address, tmp_path, test)


def test_a_comment_changes_nothing_and_the_state_is_kept(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1})
            await case.counts({"a": (1, 1)})
            since = (await case.told())["since_ms"]
            case.save("-- a remark\n" + SOURCE + TARGET + COUNT)

            async def again() -> bool:
                told = await case.told()
                return bool(told["state"] == "running" and told["since_ms"] > since)

            await until(again, client=case.client)
            await case.send({"k": "a", "v": 1})
            await case.counts({"a": (2, 2)})
            assert (await case.told())["notes"] == []
            assert len(await everything(case.client, f"{case.name}-out")) == 2

    run(broker_address, tmp_path, test)


def test_files_that_come_are_started_and_files_that_go_are_stopped(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        async with case.hosted():
            case.save(SOURCE + TARGET + COUNT)
            await case.reaches("running")
            (tmp_path / f"{case.name}.sql").unlink()

            async def gone() -> bool:
                return not await case.told()

            await until(gone, client=case.client)
            assert case.worker and not case.worker.keepers

    run(broker_address, tmp_path, test)


def test_a_restart_can_be_asked_for(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            since = (await case.reaches("running"))["since_ms"]
            for noise in (b"no json", b"[1]", b'{"command": "dance"}', b"null"):
                await case.client.produce("_penstock.commands", [fresh(noise)])
            told = json.dumps({"command": "restart", "job": case.name}).encode()
            await case.client.produce("_penstock.commands", [fresh(told)])

            async def again() -> bool:
                told = await case.told()
                return bool(told["state"] == "running" and told["since_ms"] > since)

            await until(again, client=case.client)

    run(broker_address, tmp_path, test)


# --- the refusals ----------------------------------------------------------------------------------------------------


def test_a_mistake_is_shown_at_line_and_column_and_waits_for_its_author(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        other = f"{case.name}-other"
        case.save(SOURCE + TARGET + COUNT, name=other)
        case.save(SOURCE + TARGET + "INSERT INTO counts SELECT k, COUNT(*), SUM(w) FROM events GROUP BY k;")
        async with case.hosted():
            told = await case.reaches("failed")
            error = told["error"]
            assert "w" in error["message"] and error["place"].endswith(f"{case.name}.sql")
            assert error["line"] == 5 and error["column"] > 0
            await case.reaches("running", other)
            await case.send({"k": "a", "v": 1})
            await case.counts({"a": (1, 1)})
            assert (await case.told())["restarts"] == 0
            (tmp_path / f"{other}.sql").unlink()
            case.save(SOURCE + TARGET + COUNT)
            assert (await case.reaches("running"))["error"] is None

    run(broker_address, tmp_path, test)


def test_what_cannot_be_read_goes_to_the_dead_letters_with_its_place_and_stops_nothing(
    broker_address: str, tmp_path: Path
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send(
                {"k": "a", "v": 1}, b"{not json", {"k": "a", "v": "many"}, b"x" * 900_000, {"k": "a", "v": 2}
            )
            await case.counts({"a": (2, 3)})

            async def buried() -> Any:
                topic = f"{case.name}-in.dlq"
                found = (
                    []
                    if (await case.client.metadata([topic]))[topic].error
                    else await everything(case.client, topic)
                )
                return found if len(found) == 3 else None

            letters = await until(buried, client=case.client)
            heads = [{k: (v or b"").decode() for k, v in letter.headers} for letter in letters]
            by_offset = {h["__connect.errors.offset"]: (h, x) for h, x in zip(heads, letters, strict=True)}
            assert sorted(by_offset) == ["1", "2", "3"]
            assert by_offset["1"][1].value == b"{not json"
            for head, _ in by_offset.values():
                assert head["__connect.errors.topic"] == f"{case.name}-in"
                assert head["__connect.errors.partition"] == "0"
                assert head["__connect.errors.exception.message"]

            async def told() -> bool:
                return [one["dead_letters"] for one in (await case.told())["inputs"]] == [3]

            await until(told, client=case.client)

    run(broker_address, tmp_path, test)


def test_an_idle_partition_holds_windows_back_unless_a_timeout_is_set(
    broker_address: str, tmp_path: Path
) -> None:
    windows = """INSERT INTO counts SELECT k, COUNT(*), SUM(v)
        FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;"""

    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + windows)
        made = [{"k": "a", "v": i, "at": f"2026-01-01 00:00:0{i}.000"} for i in range(5)]
        async with case.hosted():
            await case.send(*made, partition=0)
            if case.options.idle_timeout_s:
                await case.counts({"a": (1, 3)})
            else:

                async def told() -> Any:
                    return (await case.told()).get("notes")

                (note,) = await until(told, client=case.client)
                assert f"wait for partition 1 of {case.name}-in" in note
                assert await rows(case.client, f"{case.name}-out") == {}

    run(broker_address, tmp_path, test, partitions=2)
    (tmp_path / "later").mkdir()
    run(broker_address, tmp_path / "later", test, replace(FAST, idle_timeout_s=0.3), partitions=2)


# --- the crash -------------------------------------------------------------------------------------------------------


def test_a_failure_that_is_not_the_authors_is_tried_again(
    broker_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock.work import running

    failures = [RuntimeError("struck by lightning")] * 3

    def feed(self: Any, *given: Any) -> Any:
        if failures:
            raise failures.pop()
        return plain(self, *given)

    plain = running.Run._feed
    monkeypatch.setattr(running.Run, "_feed", feed)

    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1})
            told = await case.reaches("failed")
            assert "RuntimeError: struck by lightning" in told["error"]["message"]
            await case.counts({"a": (1, 1)})
            assert (await case.reaches("running"))["restarts"] == 3

    run(broker_address, tmp_path, test)


def test_a_broker_that_is_killed_and_comes_back_is_waited_for(broker: BrokerProcess, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1})
            await case.counts({"a": (1, 1)})
            for turn in (2, 3):
                await asyncio.to_thread(broker.kill)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(broker.start)
                await case.send({"k": "a", "v": 1})
                await case.counts({"a": (turn, turn)})

    folder = tmp_path / "pipelines"
    folder.mkdir()
    run(broker.address, folder, test)
