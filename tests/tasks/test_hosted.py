"""Files with tasks in a worker, as `penstock up` hosts them: beside pipelines, reported, drained, saved anew, stopped."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.amqp import connect, url_of
from penstock.content import Properties
from penstock.tasks.sending import OUTLET
from penstock.testing.processes import BrokerProcess
from penstock.work.options import WorkOptions
from tests.work.process import rows, until
from tests.work.test_worker import FAST, Case, run

FILE = """
import asyncio
from penstock import App

app = App("shop")

@app.task(queue="{name}", result="{name}-done", concurrency=4)
async def work(seconds):
    await asyncio.sleep(seconds)
    return {"k": "WHAT", "seconds": seconds}
"""
PIPELINE = """
done = app.topic("{name}-done", {"k": str, "seconds": float})
app.sql('''CREATE TABLE counts (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',
  'topic' = '{name}-out', 'key.format' = 'json', 'value.format' = 'json')''')
app.sql('INSERT INTO counts SELECT k, COUNT(*) FROM `{name}-done` GROUP BY k')
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("hosted"), words=("--amqp", "127.0.0.1:0")) as broker:
        yield broker


@pytest.fixture
def hosting(servers: BrokerProcess, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Runs a test with a worker for its folder."""

    def go(test: Callable[[Case], Awaitable[None]], **options: Any) -> None:
        made: WorkOptions = replace(FAST, **{"amqp": servers.ready["amqp"], **options})
        run(servers.address, tmp_path, test, made, partitions=0)

    yield go
    OUTLET.url = None


async def send(case: Case, *bodies: str, address: str = "") -> None:
    """Calls, as another program sends them."""
    connection = await connect(url_of(address or case.options.amqp))
    channel = await connection.channel()
    await channel.confirm()
    await channel.call("queue.declare", queue=case.name, durable=True)
    for body in bodies:
        await channel.publish("", case.name, Properties.made(message_id=uuid.uuid4().hex), body.encode())
    await connection.close()


async def comes_to(case: Case, **wanted: float) -> Any:
    """The job's report, once its task's figures are these."""

    async def there() -> Any:
        told = await case.told()
        (task,) = told.get("tasks") or [{}]
        return told if {name: task.get(name) for name in wanted} == wanted else None

    return await until(there, client=case.client)


def test_a_file_with_tasks_and_pipelines_runs_both_and_tells_of_both(hosting: Callable[..., None]) -> None:
    async def test(case: Case) -> None:
        case.save(FILE.replace("WHAT", "first") + PIPELINE, suffix=".py")
        async with case.hosted():
            await send(case, "0", "0", '{"no": "number"}')
            told = await comes_to(case, done=2, dead_letters=1, running=0)

            async def counted() -> bool:
                return [r["n"] for r in (await rows(case.client, f"{case.name}-out")).values()] == [2]

            await until(counted, client=case.client)
            assert (told["state"], told["error"]) == ("running", None)
            (task,), queue = told["tasks"], told["inputs"][-1]
            assert (task["name"], task["queue"], task["concurrency"]) == ("work", case.name, 4)
            assert task["dead_letter"] == f"{case.name}.dlq"
            assert (task["vhost"], queue["vhost"]) == ("/", "/")
            assert [each["connector"] for each in told["inputs"]] == ["kafka", "amqp"]
            assert (queue["table"], queue["rows"], queue["dead_letters"]) == (case.name, 3, 1)
            assert [each["topic"] for each in told["outputs"]] == [f"{case.name}-out", f"{case.name}-done"]
        assert (await case.told())["state"] == "stopped"

    hosting(test)


def test_calls_that_run_end_before_the_worker_does_and_those_that_wait_are_told(
    hosting: Callable[..., None], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    waiting = f"while not Path({str(gate)!r}).exists():\n        await asyncio.sleep(0.02)"

    async def test(case: Case) -> None:
        case.save(
            "from pathlib import Path" + FILE.replace("await asyncio.sleep(seconds)", waiting), suffix=".py"
        )
        async with case.hosted():
            await send(case, *"01234")
            told = await comes_to(case, running=4)
            assert told["operators"] == []

            async def waits() -> bool:
                return bool((await case.told())["inputs"][0]["lag"] == 1)

            await until(waits, client=case.client)
            asyncio.get_running_loop().call_later(0.3, gate.touch)
        told = await case.told()
        assert (told["state"], told["tasks"][0]["done"]) == ("stopped", 4), (
            "what ran has ended, and no more was begun"
        )

    hosting(test)


def test_a_saved_file_s_tasks_run_anew_and_a_stopped_job_s_do_not_until_it_is_started(
    hosting: Callable[..., None],
) -> None:
    async def test(case: Case) -> None:
        case.save(FILE, suffix=".py")
        async with case.hosted() as worker:
            await send(case, "0")
            await comes_to(case, done=1)
            case.save(FILE.replace("async def work", "async def other"), suffix=".py")
            await comes_to(case, name="other")
            await send(case, "0")
            told = await comes_to(case, name="other", done=1)
            assert told["restarts"] == 0
            (keeper,) = worker.keepers.values()
            keeper.halt("")
            await case.reaches("stopped")
            await send(case, "0")
        async with case.hosted() as worker:  # it stays stopped under the workers to come
            await case.reaches("stopped")
            (keeper,) = worker.keepers.values()
            keeper.start("")
            await comes_to(case, name="other", done=1)

    hosting(test)


@pytest.mark.parametrize(
    ("address", "says", "again"), [("off", "listener is off", False), ("amqp://x:y@{}", "refused", True)]
)
def test_a_server_that_is_not_there_or_says_no_is_told_with_the_state(
    address: str, says: str, again: bool, servers: BrokerProcess, hosting: Callable[..., None]
) -> None:
    async def test(case: Case) -> None:
        case.save(FILE + PIPELINE, suffix=".py")  # which waits for a topic that never comes
        async with case.hosted():
            told = await case.reaches("failed")
            assert says in told["error"]["message"]
            await asyncio.sleep(0.5)
            assert ((await case.told())["restarts"] > 0) is again

    hosting(test, amqp=address.format(servers.ready["amqp"]))


def test_a_worker_without_tasks_loads_nothing_of_them() -> None:
    program = "import sys, penstock.work.__main__, penstock.sql; print([n for n in ('penstock.tasks', 'penstock.amqp') if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
