"""Topics read from somewhere to somewhere: a job whose inputs all end finishes, and nothing else does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import main
from penstock.record import Record
from penstock.work.worker import Worker
from tests.work.process import everything, fresh, rows, until
from tests.work.test_worker import COUNT, SOURCE, TARGET, Case, run

BOUNDED = SOURCE.replace("'format'", "'scan.bounded.mode' = 'latest-offset', 'format'")
WINDOWS = """CREATE TABLE sums (s TIMESTAMP(3), n BIGINT, PRIMARY KEY (s) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = '{name}-sums', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO sums SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
"""


def event(k: str, v: int) -> dict[str, Any]:
    return {"k": k, "v": v, "at": f"2026-01-01 00:00:{v:02}"}


def test_a_job_whose_input_ends_closes_its_windows_and_finishes(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        await case.send(event("a", 1), event("b", 2), partition=0)
        await case.send(event("a", 3), partition=2)
        case.save(BOUNDED + TARGET + COUNT + WINDOWS)
        async with case.hosted():
            await case.reaches("finished")
            await case.counts({"a": (2, 4), "b": (1, 2)})
            found = await rows(case.client, f"{case.name}-sums")
            assert [row["n"] for row in found.values()] == [3]
            await case.send(event("a", 9), partition=0)
            await asyncio.sleep(0.3)
            told = await case.told()
            assert (told["state"], told["inputs"][0]["rows"], told["inputs"][0]["lag"]) == ("finished", 3, 0)
        async with case.hosted() as worker:  # its end stands, whatever has come since

            async def finished() -> bool:
                return [keeper.state for keeper in worker.keepers.values()] == ["finished"]

            await until(finished, client=case.client)
            await case.counts({"a": (2, 4), "b": (1, 2)})
        assert (await case.told())["state"] == "finished"

    run(broker_address, tmp_path, test, partitions=3)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:3;partition:1,offset:0'", 3),
        ("'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '1767225604000'", 4),
        ("'scan.bounded.mode' = 'group-offsets', 'properties.group.id' = '{name}', 'scan.startup.mode' = 'earliest-offset'", 5),
        ("'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:4'", 4),
        ("'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '1767225606000'", 2),
    ],
)  # fmt: skip
def test_where_reading_begins_and_ends(broker_address: str, tmp_path: Path, options: str, count: int) -> None:
    async def test(case: Case) -> None:
        topic = f"{case.name}-in"
        base = 1767225600000
        records = [Record(None, b'{"k":"a","v":1}', base + 1000 * n) for n in range(8)]
        await case.client.produce(topic, records, 0)
        await case.client.commit(case.name, {(topic, 0): 5, (topic, 1): 0})
        script = SOURCE.replace("'scan.startup.mode' = 'earliest-offset'", options)
        case.save(script + TARGET + COUNT)
        async with case.hosted():
            await case.reaches("finished")
            await case.counts({"a": (count, count)})

    run(broker_address, tmp_path, test, partitions=2)


def test_a_bounded_table_beside_one_that_goes_on_holds_nothing_back(
    broker_address: str, tmp_path: Path
) -> None:
    script = BOUNDED.replace("TABLE events", "TABLE earlier") + SOURCE.replace("{name}-in", "{name}-more")
    union = """CREATE VIEW united AS SELECT k, `at` FROM earlier UNION ALL SELECT k, `at` FROM events;
    """ + WINDOWS.replace("TABLE events", "TABLE united")

    async def test(case: Case) -> None:
        await case.client.create_topic(f"{case.name}-more", 1)
        await case.send(event("a", 1), partition=0)
        case.save(script + union)
        async with case.hosted():
            await case.reaches("running")
            late = {"k": "b", "v": 1, "at": "2026-01-01 00:30:00"}
            later = {"k": "b", "v": 1, "at": "2026-01-01 01:30:00"}
            await case.client.produce(f"{case.name}-more", [fresh(late), fresh(later)], 0)

            async def closed() -> bool:
                found = await rows(case.client, f"{case.name}-sums")
                return [row["n"] for row in found.values()] == [2]

            await until(closed, client=case.client)
            assert (await case.told())["state"] == "running"

    run(broker_address, tmp_path, test, partitions=2)


def test_rows_that_stand_in_a_script_come_once_and_end_a_job_of_nothing_else(
    broker_address: str, tmp_path: Path
) -> None:
    target = TARGET.replace("upsert-kafka", "kafka").replace(", PRIMARY KEY (k) NOT ENFORCED", "")
    target = target.replace("'key.format' = 'json', 'value.format'", "'format'")

    async def test(case: Case) -> None:
        case.save(target + "INSERT INTO counts VALUES ('a', 1, 2), ('b', 3, 4);")
        for _ in range(2):  # a worker that begins anew does not write them again
            async with case.hosted() as worker:

                async def finished(worker: Worker = worker) -> bool:
                    return [keeper.state for keeper in worker.keepers.values()] == ["finished"]

                await until(finished, client=case.client)
            assert len(await everything(case.client, f"{case.name}-out")) == 2
        told = await case.told()
        assert [one["table"] for one in told["inputs"]] == ["VALUES"]
        assert [one["rows"] for one in told["outputs"]] == [2]

    run(broker_address, tmp_path, test, partitions=1)


def test_a_partition_without_a_bound_is_refused(broker_address: str, tmp_path: Path) -> None:
    options = (
        "'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:3'"
    )

    async def test(case: Case) -> None:
        case.save(SOURCE.replace("'scan.startup.mode' = 'earliest-offset'", options) + TARGET + COUNT)
        async with case.hosted():
            told = await case.reaches("failed")
            assert "gives partition 1 of" in told["error"]["message"] and told["error"]["remedy"]

    run(broker_address, tmp_path, test, partitions=2)


def test_penstock_run_ends_with_its_input(
    broker_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases: list[Case] = []

    async def prepare(case: Case) -> None:
        cases.append(case)
        await case.send(event("a", 1), event("b", 2))
        case.save(BOUNDED + TARGET + COUNT)
        case.save("SELECT 1", "wrong")

    async def check(case: Case) -> None:
        case.name = cases[0].name
        await case.counts({"a": (1, 1), "b": (1, 2)})

    run(broker_address, tmp_path, prepare)
    assert main(["run", str(tmp_path / f"{cases[0].name}.sql"), "--bootstrap", broker_address]) == 0
    run(broker_address, tmp_path, check, partitions=0)
    assert main(["run", str(tmp_path / "wrong.sql"), "--bootstrap", broker_address]) == 2
    assert "a pipeline's SELECT needs somewhere to go" in capsys.readouterr().err


def test_windows_close_while_a_topic_is_silent_and_late_rows_go_to_their_topic(
    broker_address: str, tmp_path: Path
) -> None:
    script = (
        SOURCE.replace("'format'", "'scan.watermark.idle-advance' = 'true', 'format'")
        + "SET 'table.exec.source.idle-timeout' = '200 ms'; SET 'penstock.late-rows.topic' = '{name}-late';\n"
        + WINDOWS.replace("'1' HOUR", "'1' SECOND")
    )

    async def test(case: Case) -> None:
        case.save(script)
        async with case.hosted():
            await case.reaches("running")
            await case.send(event("a", 5))

            async def closed() -> bool:
                found = await rows(case.client, f"{case.name}-sums")
                return [row["n"] for row in found.values()] == [1]

            await until(closed, client=case.client)
            await case.send(event("b", 4))

            async def told() -> bool:
                topic = f"{case.name}-late"
                if (await case.client.metadata([topic]))[topic].error:
                    return False
                return sum((await case.client.offsets(topic)).values()) > 0

            await until(told, client=case.client)
            assert [one["late_rows"] for one in (await case.told())["operators"]][-1] in (0, 1)

    run(broker_address, tmp_path, test)
