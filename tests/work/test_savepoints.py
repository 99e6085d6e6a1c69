"""Stop with a savepoint and start from it, by the command line, on a real broker."""

import asyncio
from pathlib import Path

import pytest

from penstock.cli.main import main
from tests.work.process import until
from tests.work.test_worker import COUNT, SOURCE, TARGET, Case, run


async def penstock(address: str, *words: str) -> int:
    return await asyncio.to_thread(main, ["job", *words, "--bootstrap", address])


def test_a_job_stops_with_a_savepoint_stays_stopped_and_starts_from_it(
    broker_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1}, {"k": "a", "v": 2})
            await case.counts({"a": (2, 3)})
            assert await penstock(broker_address, "stop", case.name, "--savepoint", f"{case.name}-s") == 0
            assert "stopped by a command" in capsys.readouterr().out
            await case.send({"k": "a", "v": 10})
        async with case.hosted():  # another worker leaves it alone
            told = await case.reaches("stopped")
            assert f"penstock job start {case.name}" in told["notes"][-1]
            await asyncio.sleep(0.5)
            await case.counts({"a": (2, 3)})
            assert await penstock(broker_address, "start", case.name) == 0
            await case.counts({"a": (3, 13)})
        async with case.hosted():  # it runs again under workers to come
            await case.send({"k": "a", "v": 100})
            await case.counts({"a": (4, 113)})
            assert await penstock(broker_address, "stop", case.name) == 0
            # Back to the savepoint: what came after it is read again, and counted once.
            assert await penstock(broker_address, "start", case.name, "--savepoint", f"{case.name}-s") == 0
            await case.send({"k": "a", "v": 1000})
            await case.counts({"a": (5, 1113)})
        async with case.hosted():
            await case.send({"k": "b", "v": 5})
            await case.counts({"a": (5, 1113), "b": (1, 5)})

    run(broker_address, tmp_path, test)


def test_another_job_of_the_same_query_starts_from_a_savepoint(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.send({"k": "a", "v": 1})
            await case.counts({"a": (1, 1)})
            assert await penstock(broker_address, "stop", case.name, "--savepoint", f"{case.name}-s") == 0
            other = f"{case.name}-other"
            case.save(SOURCE + TARGET + COUNT, other)
            await case.reaches("running", other)
            assert await penstock(broker_address, "start", other, "--savepoint", f"{case.name}-s") == 0
            await case.send({"k": "a", "v": 2})
            await case.counts({"a": (2, 3)})

    run(broker_address, tmp_path, test)


def test_what_cannot_be_done_is_refused_with_a_remedy(
    broker_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(case: Case) -> None:
        case.save(SOURCE + TARGET + COUNT)
        async with case.hosted():
            await case.reaches("running")
            assert await penstock(broker_address, "stop", "no-such-job") != 0
            assert "no-such-job" in capsys.readouterr().err
            assert await penstock(broker_address, "start", case.name, "--savepoint", "nowhere") != 0
            assert "there is no savepoint nowhere" in capsys.readouterr().err
            assert await penstock(broker_address, "start", case.name) == 0
            assert await penstock(broker_address, "stop", case.name, "--savepoint", f"{case.name}-s") == 0
            case.save(SOURCE + TARGET + COUNT.replace("SUM(v)", "MAX(v)"))

            async def seen() -> bool:
                return "MAX(v)" in (await case.told())["sql"]

            await until(seen, client=case.client)
            assert await penstock(broker_address, "start", case.name, "--savepoint", f"{case.name}-s") != 0
            assert "belongs to another query" in capsys.readouterr().err

    run(broker_address, tmp_path, test)
