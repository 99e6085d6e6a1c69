"""`penstock run` of pipelines and tasks together: a pipeline ends with its input, tasks go on until they are told to stop."""

import asyncio
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock import App, Client
from penstock.amqp import url_of
from penstock.dlq.marks import read_all
from penstock.record import Record
from penstock.tasks.sending import OUTLET
from penstock.testing.processes import BrokerProcess

SQL = """CREATE TABLE orders (id BIGINT) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', {bound});
CREATE TABLE copies (id BIGINT) WITH ('connector' = 'kafka', 'topic' = '{name}-copies', 'format' = 'json');
INSERT INTO copies SELECT id FROM orders;
"""
TASKS = """from penstock import App

app = App("shop")

@app.task(queue="{name}")
def welcome(user):
    print("hello", user, flush=True)
"""
LATEST = "'scan.bounded.mode' = 'latest-offset'"
NO_END = "'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:7,offset:1'"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("both"), words=("--amqp", "127.0.0.1:0")) as found:
        yield found


@pytest.fixture
def name(broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What the topic, whose two orders wait, and the queue are called."""
    found = f"shop{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(OUTLET, "url", url_of(broker.ready["amqp"]))

    async def prepare() -> None:
        async with Client(broker.address) as client:
            await client.create_topic(found, 1)
            await client.create_topic(f"{found}-copies", 1)
            await client.produce(found, [Record(None, b'{"id": %d}' % number, 0) for number in (1, 2)])

    asyncio.run(prepare())
    yield found


@contextmanager
def run(broker: BrokerProcess, *files: Path) -> Iterator[subprocess.Popen[str]]:
    words = ("--bootstrap", broker.address, "--amqp", broker.ready["amqp"], *map(str, files))
    process = subprocess.Popen(
        [sys.executable, "-m", "penstock.cli.main", "run", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def call(name: str, user: str) -> None:
    App("sender").task(queue=name, name="welcome")(lambda user: None).send(user)


def copied(broker: BrokerProcess, name: str) -> list[bytes | None]:
    """The orders that were copied, as soon as there are two."""

    async def read() -> list[bytes | None]:
        async with Client(broker.address) as client, asyncio.timeout(30):
            while len(found := await read_all(client, f"{name}-copies")) < 2:
                await asyncio.sleep(0.05)
            return [each.value for each in found]

    return asyncio.run(read())


@pytest.mark.parametrize("together", [True, False], ids=["in one file", "in two files"])
def test_tasks_go_on_where_the_pipeline_has_come_to_its_end(
    broker: BrokerProcess, name: str, tmp_path: Path, together: bool
) -> None:
    sql, tasks = SQL.format(name=name, bound=LATEST), TASKS.format(name=name)
    both, alone = tmp_path / "shop.py", tmp_path / "orders.sql"
    both.write_text(tasks + (f'\napp.sql("""{sql}""")\n' if together else ""))
    alone.write_text(sql)
    with run(broker, both) if together else run(broker, alone, both) as process:
        assert copied(broker, name) == [b'{"id":1}', b'{"id":2}']
        call(name, "ada")
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert next(line for line in lines if line.startswith("hello")) == "hello ada\n"
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_a_pipeline_that_cannot_run_ends_all_of_it_and_says_why(
    broker: BrokerProcess, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "shop.py"
    file.write_text(TASKS.format(name=name) + f'\napp.sql("""{SQL.format(name=name, bound=NO_END)}""")\n')
    with run(broker, file) as process:
        assert process.wait(30) == 2
        assert process.stderr
        said = process.stderr.read()
        assert "partition" in said and "Traceback" not in said
