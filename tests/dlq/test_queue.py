"""The dead letters of a queue: by command, the seed's example of `orders` with a dead-letter exchange."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pika
import pytest

from penstock.amqp import AmqpError, Channel, Connection, connect, url_of
from penstock.cli.main import main
from penstock.client import Client, KafkaError
from penstock.content import Field, Properties
from penstock.dead_letters import DeadLetter, Origin
from penstock.dlq import audit
from penstock.dlq.marks import read_all
from penstock.dlq.queue import QueueSource
from penstock.dlq.source import WAITING, Filter, How, Outcome
from penstock.tasks.message import with_letter
from penstock.testing.processes import BrokerProcess

NUMBERS = count(1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("broker"), words=("--amqp", "127.0.0.1:0")) as found:
        yield found


def test_a_failed_order_is_found_edited_sent_back_and_processed(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def call(*words: str) -> list[dict[str, object]]:
        capfd.readouterr()
        assert main(["dlq", *words, "--json"]) == 0
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    host, port = broker.ready["amqp"].split(":")
    monkeypatch.setenv("PENSTOCK_AMQP", broker.ready["amqp"])
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP", broker.address)
    channel = pika.BlockingConnection(pika.ConnectionParameters(host, int(port))).channel()
    channel.confirm_delivery()
    channel.exchange_declare("dlx", "direct", durable=True)
    channel.queue_declare("dlq", durable=True)
    channel.queue_bind("dlq", "dlx", "dlq")
    rules = {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "dlq"}
    channel.queue_declare("orders", durable=True, arguments=rules)
    for body in (b"order 1", b"order 2"):
        channel.basic_publish("", "orders", body, pika.BasicProperties(delivery_mode=2, headers={"a": "b"}))
    for method, _, _ in channel.consume("orders"):
        channel.basic_nack(method.delivery_tag, requeue=False)
        if method.delivery_tag == 2:
            break
    channel.cancel()

    (place,) = [row for row in call("list") if row["source"] == "queue:dlq"]
    assert place["waiting"] == 2
    (group,) = call("list", "queue:dlq")
    assert (group["letters"], group["reason"], group["owner"]) == (2, "rejected", "orders")
    newest, oldest = call("list", "queue:dlq", "--letters")
    assert (newest["value"], oldest["value"], oldest["origin"]) == ("order 2", "order 1", "queue orders")
    (edited,) = call("edit", "queue:dlq", str(oldest["letter"]), "--value", "order 1, mended")
    (dry,) = call("redrive", "queue:dlq", "--all", "--dry-run")
    assert dry["done"] == 2
    (sent,) = call("redrive", "queue:dlq", str(edited["letter"]), "--yes")
    assert (sent["done"], sent["to"]) == (1, {"orders": 1})
    _, properties, body = channel.basic_get("orders", auto_ack=True)
    assert body == b"order 1, mended"
    assert properties.headers == {"a": "b", "penstock.letter.redrives": "1"}
    (purged,) = call("purge", "queue:dlq", "--all", "--yes")
    assert purged["done"] == 1
    assert channel.queue_declare("dlq", passive=True).method.message_count == 0


class Post:
    """Queues on a broker, and letters in one of them."""

    def __init__(self, broker: BrokerProcess, channel: Channel) -> None:
        self.channel, self.url, self.address = channel, url_of(broker.ready["amqp"]), broker.address
        self.queue = f"d{next(NUMBERS)}"

    async def declare(self, queue: str, **arguments: Any) -> None:
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        await self.channel.call("queue.declare", queue=queue, durable=True, arguments=named)

    async def bury(self, *origins: str) -> None:
        """A letter for each, whose body is its number."""
        for at, origin in enumerate(origins):
            letter = DeadLetter(None, b"%d" % at, origin=Origin(queue=origin))
            made = with_letter(Properties.made(message_id="1", delivery_mode=2), letter)
            await self.channel.publish("", self.queue, made, b"%d" % at)

    async def drain(self, queue: str) -> list[bytes]:
        found = []
        while (got := await self.channel.get(queue)) is not None:
            self.channel.ack(got.tag)
            found.append(got.body)
        return found

    def source(self, client: Client) -> QueueSource:
        return QueueSource(client, f"queue:{self.queue}", url=self.url)


@asynccontextmanager
async def post(broker: BrokerProcess) -> AsyncIterator[tuple[Post, QueueSource]]:
    connection = await connect(url_of(broker.ready["amqp"]))
    try:
        channel = await connection.channel()
        await channel.confirm()
        found = Post(broker, channel)
        await found.declare(found.queue)
        async with Client(broker.address) as client:
            yield found, found.source(client)
    finally:
        await connection.close()


def ignored(outcome: Outcome) -> None:
    pass


@pytest.mark.anyio
@pytest.mark.parametrize("lost", ["tx.commit", ""])
async def test_who_is_killed_before_the_commit_has_done_nothing(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    call = Channel.call

    async def killed(self: Channel, name: str, **values: object) -> Any:
        if name == lost:
            self.connection.fail(AmqpError("killed"))
        return await call(self, name, **values)

    async with post(broker) as (here, source):
        await here.declare("paid")
        await here.bury("paid")
        monkeypatch.setattr(Channel, "call", killed)
        redrive = source.redrive(Filter(), How(), "ada", ignored)
        if lost:
            with pytest.raises(AmqpError):
                await redrive
            # The server hears of the broken connection a moment later, and gives the letter back.
            async with asyncio.timeout(10):
                while not await source.letters(Filter(), 10):
                    await asyncio.sleep(0.02)
            assert await here.drain("paid") == []
        else:
            assert (await redrive).done == 1
            assert await source.letters(Filter(), 10) == []
            assert await here.drain("paid") == [b"0"]


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it was sent"])
async def test_wherever_it_is_cut_each_letter_goes_back_once(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    write = Connection.write
    left = 0

    def cutting(self: Connection, data: bytes) -> None:
        nonlocal left
        counts = self.name == "penstock dlq" and self.opened.done()
        left -= counts
        if not counts or left or sent:
            write(self, data)
        if counts and not left:
            self.fail(AmqpError("cut"))

    async with post(broker) as (here, source), asyncio.timeout(60):
        await here.declare("once")
        cuts, whole = 0, False
        while not whole:
            await here.bury("once", "once", "once")
            cuts, left = cuts + 1, cuts + 1
            with monkeypatch.context() as cut:
                cut.setattr(Connection, "write", cutting)
                try:
                    await source.redrive(Filter(), How(), "ada", ignored)
                    whole = True
                except AmqpError:
                    pass
            back = await here.drain("once")
            while len(back) < 3:  # the server hears of the broken connection a moment later
                await source.redrive(Filter(), How(), "ada", ignored)
                back += await here.drain("once")
            assert sorted(back) == [b"0", b"1", b"2"]
            assert (await source.summary(Filter())).states[WAITING] == 0
        assert cuts > 15


@pytest.mark.anyio
async def test_what_no_queue_takes_is_kept_and_said(broker: BrokerProcess) -> None:
    async with post(broker) as (here, source):
        await here.declare("open")
        await here.declare("full", x_max_length=1, x_overflow="reject-publish")
        await here.bury("open", "gone", "full", "full", "open")
        dry = await source.redrive(Filter(), How(), "ada", ignored, dry_run=True)
        assert (dry.done, dry.targets, dry.skipped) == (
            4, {"open": 2, "full": 2}, {"no queue takes 'gone'": 1},
        )  # fmt: skip
        sent = await source.redrive(Filter(), How(), "ada", ignored)
        assert (sent.state, sent.done, sent.targets) == ("done", 3, {"open": 2, "full": 1})
        assert sent.skipped == {"no queue takes 'gone'": 1, "queue 'full' in vhost '/' has no room": 1}
        assert [each.letter.value for each in await source.letters(Filter(), 10)] == [b"3", b"1"]
        assert await here.drain("open") == [b"0", b"4"]
        assert await here.drain("full") == [b"2"]


@pytest.mark.anyio
async def test_a_message_goes_back_as_it_was(broker: BrokerProcess) -> None:
    async with post(broker) as (here, source):
        await here.declare("back")
        await here.declare("beside")
        deaths: list[Field] = [7, {"queue": "back", "time": "soon", "count": "many", "routing-keys": "k"}]
        headers: dict[str, Field] = {"CC": [], "n": 5, "table": {"a": [True]}, "x-death": deaths}
        made = Properties.made(headers=headers, user_id="guest", timestamp=1 << 60, type="t", priority=3)
        await here.channel.publish("", here.queue, made, b"body", mandatory=False)
        (letter,) = await source.letters(Filter(), 10)
        assert (letter.letter.origin.queue, letter.letter.attempts) == ("back", 1)
        new = await source.edit(letter.name, b"mended", "ada")
        assert (await source.show(new)).letter.replaces == letter.name
        assert (await source.redrive(Filter(frozenset({new})), How(), "ada", ignored)).done == 1
        got = await here.channel.get("back")
        assert got is not None
        assert got.properties.headers == {"n": 5, "table": {"a": [True]}, "penstock.letter.redrives": "1"}
        found = got.properties
        assert (got.body, found.type, found.priority, found.user_id) == (b"mended", "t", 3, None)


@pytest.mark.anyio
async def test_a_redrive_that_is_stopped_has_noted_what_it_did(broker: BrokerProcess) -> None:
    outcomes: list[Outcome] = []
    async with post(broker) as (here, source), Client(broker.address) as client:
        await here.declare("slow")
        await here.bury(*["slow"] * 40)
        redrive = asyncio.create_task(source.redrive(Filter(), How(rate=20), "ada", outcomes.append))
        async with asyncio.timeout(10):
            while not outcomes or outcomes[-1].done < 5:
                await asyncio.sleep(0.01)
        redrive.cancel()
        await asyncio.wait((redrive,))
        outcome = outcomes[-1]
        assert outcome.state == "stopped"
        assert len(await here.drain("slow")) == outcome.done < 40
        assert (await source.summary(Filter())).states[WAITING] == 40 - outcome.done
        notes = [each for each in await noted(client, source) if each["stage"] == audit.DONE]
        assert sum(each["count"] for each in notes) == outcome.done
        assert {each["operation"] for each in notes} == {outcome.operation}
        assert (notes[0]["by"], notes[0]["to"]) == ("ada", ["slow"])


# --- what is noted ---------------------------------------------------------------------------------------------------


async def noted(client: Client, source: QueueSource) -> list[dict[str, Any]]:
    notes = [json.loads(each.value or b"") for each in await read_all(client, audit.TOPIC)]
    return [each for each in notes if each["source"] == source.name]


class Killed(BaseException):
    """Nothing that is written in penstock catches it."""


@pytest.mark.anyio
@pytest.mark.parametrize("after", [False, True], ids=["before the deed", "after it"])
@pytest.mark.parametrize("what", ["edit", "redrive", "purge"])
async def test_a_crash_leaves_behind_what_was_begun(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch, what: str, after: bool
) -> None:
    moved = QueueSource._moved

    async def killed(self: QueueSource, *words: Any) -> Any:
        if after:
            await moved(self, *words)
        raise Killed

    async with post(broker) as (here, source), Client(broker.address) as client:
        await here.declare("home")
        await here.bury("home", "home")
        first = (await source.letters(Filter(), 2))[-1].name
        chosen = Filter(frozenset({first}))
        with monkeypatch.context() as crash, pytest.raises(Killed):
            crash.setattr(QueueSource, "_moved", killed)
            if what == "edit":
                await source.edit(first, b"new", "ada")
            elif what == "redrive":
                await source.redrive(chosen, How(), "ada", ignored)
            else:
                await source.purge(chosen, "ada", ignored)
        (note,) = await noted(client, source)
        assert (note["what"], note["stage"], note["by"]) == (f"dlq.{what}", "begun", "ada")
        assert note["letters"] == [[int(first), int(first)]]
        gone = first not in [each.name for each in await source.letters(Filter(), 9)]
        assert gone is after
        await source.purge(Filter(), "bob", ignored)
        assert [each["stage"] for each in await noted(client, source)] == ["begun", "begun", "done"]


@pytest.mark.anyio
async def test_what_the_server_refuses_is_noted_as_failed(broker: BrokerProcess) -> None:
    async with post(broker) as (here, source), Client(broker.address) as client:
        await here.bury("gone")
        await source.redrive(Filter(), How(), "ada", ignored)
        begun, failed = await noted(client, source)
        assert (begun["stage"], failed["stage"], failed["letters"]) == ("begun", "failed", begun["letters"])
        assert "no queue takes 'gone'" in failed["error"]


@pytest.mark.anyio
async def test_what_cannot_be_noted_is_not_done(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: Client, *words: Any) -> Any:
        raise KafkaError("TOPIC_AUTHORIZATION_FAILED", "write")

    async with post(broker) as (here, source):
        await here.bury("home")
        monkeypatch.setattr(Client, "produce", refused)
        with pytest.raises(KafkaError):
            await source.purge(Filter(), "ada", ignored)
        assert len(await source.letters(Filter(), 9)) == 1
