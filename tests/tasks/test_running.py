"""Tasks on a server: penstock's broker process, and RabbitMQ where it is installed."""

import asyncio
import contextlib
import functools
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bench.oracle import rabbitmq as oracle

from penstock import App, Client, Retry
from penstock.amqp import Channel, Got, Url, connect, url_of
from penstock.content import Properties
from penstock.dead_letters import REFUSED, UNDECODABLE, DeadLetter, of_record
from penstock.record import Record, decode, scan
from penstock.tasks.message import headers_of
from penstock.tasks.running import Running, RunOptions
from penstock.tasks.sending import OUTLET
from penstock.testing.processes import BrokerProcess

AMQP = ("--amqp", "127.0.0.1:0")
RABBIT = [pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())]


def live(test: Callable[..., Any]) -> Callable[..., None]:
    """A coroutine as a test."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[Future[str]]:
    """RabbitMQ takes its time to start: penstock's tests run meanwhile."""
    with ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
        yield Future() if oracle.missing() else pool.submit(stack.enter_context, oracle.rabbitmq())


@pytest.fixture(scope="module", params=["penstock", pytest.param("rabbitmq", marks=RABBIT)])
def address(
    request: pytest.FixtureRequest, rabbitmq: Future[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "rabbitmq":
        yield rabbitmq.result()
        return
    with BrokerProcess(tmp_path_factory.mktemp("tasks"), words=AMQP) as broker:
        yield broker.ready["amqp"]


@pytest.fixture
def url(address: str) -> Iterator[Url]:
    OUTLET.url = url_of(address)
    yield OUTLET.url
    OUTLET.url = None


@pytest.fixture
def queue() -> str:
    return f"emails-{uuid.uuid4().hex[:8]}"


@contextlib.asynccontextmanager
async def running(app: App, url: Url, **options: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    made = Running(app.tasks.values(), url, RunOptions(**options))
    task = asyncio.create_task(made.run(stop))
    ready = asyncio.create_task(made.ready.wait())
    await asyncio.wait([task, ready], timeout=10, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        ready.cancel()
        stop.set()
        await task


async def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


async def letter_in(url: Url, queue: str) -> tuple[DeadLetter, Got]:
    connection = await connect(url)
    channel = await connection.channel()
    async with asyncio.timeout(15):
        while (got := await channel.get(queue)) is None:
            await asyncio.sleep(0.05)
    channel.ack(got.tag)
    await connection.close()
    return of_record(Record(None, got.body, 0, headers_of(got.properties))), got


@live
async def test_async_and_plain_functions_take_what_is_sent(url: Url, queue: str) -> None:
    app, seen = App("shop"), list[str]()

    @app.task(queue=queue)
    async def welcome(user: str) -> None:
        seen.append(f"async {user}")

    @app.task(queue=queue)
    def remind(user: str, *, times: int = 1) -> None:
        seen.append(f"plain {user} {times}")

    await welcome.send("ada")  # before anyone takes it: it waits
    async with running(app, url):
        remind.send("grace", times=3)
        await asyncio.gather(*(welcome.send(f"user {n}") for n in range(200)))
        await until(lambda: len(seen) == 202)
    assert {"async ada", "plain grace 3", "async user 199"} <= {*seen}


@live
async def test_a_call_for_later_is_not_run_sooner(url: Url, queue: str) -> None:
    app, at_s = App("shop"), list[float]()

    @app.task(queue=queue)
    async def welcome(user: str) -> None:
        at_s.append(time.monotonic())

    async with running(app, url):
        began_s = time.monotonic()
        await welcome.send_later("700 ms", "ada")
        await until(lambda: at_s)
    assert 0.65 <= at_s[0] - began_s < 5


@live
async def test_what_fails_is_tried_again_and_then_a_dead_letter_with_its_reason(url: Url, queue: str) -> None:
    app, tried = App("shop"), list[float]()

    @app.task(queue=queue, retry=Retry("200 ms", "400 ms", dead_letter=f"{queue}.dead", jitter=0))
    async def welcome(user: str) -> None:
        tried.append(time.monotonic())
        raise OSError("no mail today")

    async with running(app, url):
        sent = await welcome.send("ada")
        letter, got = await letter_in(url, f"{queue}.dead")
    assert len(tried) == 3
    assert tried[1] - tried[0] >= 0.2
    assert tried[2] - tried[1] >= 0.4
    assert (letter.attempts, letter.failing.kind, letter.failing.message) == (3, "OSError", "no mail today")
    assert (letter.origin.queue, letter.owner, letter.headers) == (queue, "welcome", ())
    assert json.loads(letter.value or b"") == {"args": ["ada"], "kwargs": {}}
    assert (got.properties.message_id, got.properties.type) == (sent, "welcome")


@live
async def test_what_no_task_can_take_is_given_up_and_holds_nobody_up(url: Url, queue: str) -> None:
    app, seen = App("shop"), list[Any]()

    @app.task(queue=queue)
    async def welcome(user: Any) -> None:
        seen.append(user)

    async with running(app, url):
        connection = await connect(url)
        channel = await connection.channel()
        await channel.confirm()
        found = []
        for type_, body in (("welcome", b"{"), ("welcome", b'{"args": [1, 2]}'), (None, b"no json")):
            await channel.publish("", queue, Properties.made(type=type_), body)
            letter, _ = await letter_in(url, f"{queue}.dlq")
            found.append(letter.reason)
        # Another program's message is the one argument of the queue's one task.
        await channel.publish("", queue, Properties.made(message_id="1"), b'{"to": "ada"}')
        await until(lambda: seen)
        await connection.close()
    assert found == [UNDECODABLE, REFUSED, UNDECODABLE]
    assert seen == [{"to": "ada"}]


@live
async def test_stopping_waits_for_what_runs_and_gives_back_what_does_not_end(url: Url, queue: str) -> None:
    app, begun, ended = App("shop"), list[float](), list[float]()

    @app.task(queue=queue)
    async def work(seconds: float) -> None:
        begun.append(seconds)
        await asyncio.sleep(seconds)
        ended.append(seconds)

    async with running(app, url, drain_s=1.0):
        await work.send(0.4)
        await work.send(60)
        await until(lambda: len(begun) == 2)
    assert ended == [0.4]
    connection = await connect(url)
    channel: Channel = await connection.channel()
    got = await channel.get(queue)
    assert got is not None
    assert got.redelivered
    assert json.loads(got.body)["args"] == [60]
    await connection.close()


@live
async def test_no_more_than_asked_run_at_once(url: Url, queue: str) -> None:
    app, now, most = App("shop"), list[int](), list[int]()

    @app.task(queue=queue, concurrency=3)
    async def work(number: int) -> None:
        now.append(number)
        most.append(len(now))
        await asyncio.sleep(0.01)
        now.remove(number)

    for number in range(30):
        await work.send(number)
    async with running(app, url):
        await until(lambda: len(most) == 30)
    assert max(most) == 3


@live
async def test_a_result_is_a_record(tmp_path: Path, queue: str) -> None:
    app = App("shop")

    @app.task(queue=queue, result="sums")
    async def add(a: int, b: int) -> int:
        return a + b

    with BrokerProcess(tmp_path, words=AMQP) as broker:
        OUTLET.url = url_of(broker.ready["amqp"])
        async with Client(broker.address) as client:
            await client.create_topic("sums")
            async with running(app, OUTLET.url):
                id = await add.send(2, 3)
                async with client.reader({("sums", 0): 0}) as reader, asyncio.timeout(15):
                    chunks = []
                    while not chunks:
                        chunks = await reader.read()
        OUTLET.url = None
    batches = chunks[0].batches
    (found,) = [r for info in scan(batches) for r in decode(batches[info.position :][: info.size])]
    assert (found.key, found.value) == (id.encode(), b"5")


PROGRAM = """
import os
from penstock import App, Retry

app = App("shop")

@app.task(queue=os.environ["QUEUE"], retry=Retry("100 ms", "100 ms"))
def welcome(user):
    print("hello", user, flush=True)

if __name__ == "__main__":
    app.run()
"""


@pytest.mark.parametrize("way", [("-m", "penstock.cli.main", "run"), ()])
def test_a_program_of_tasks_runs_by_command_and_by_itself(
    url: Url, queue: str, tmp_path: Path, way: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shop.py"
    file.write_text(PROGRAM)
    monkeypatch.setenv("QUEUE", queue)
    monkeypatch.setenv("PENSTOCK_AMQP", str(url))
    process = subprocess.Popen(
        [sys.executable, *way, str(file)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    app = App("sender")
    try:
        app.task(queue=queue, name="welcome")(lambda user: None).send(
            "ada"
        )  # no loop: it waits until it is safe
        assert process.stdout
        lines = [process.stdout.readline().decode().strip() for _ in range(2)]
        assert lines == [f"ready tasks=1 amqp={url}", "hello ada"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
