"""The dead letters of a queue, by command: the seed's example of `orders` with a dead-letter exchange."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pika
import pytest

from penstock.amqp import AmqpError, Channel, connect, url_of
from penstock.cli.main import main
from penstock.client import Client
from penstock.content import Properties
from penstock.dead_letters import DeadLetter, Origin
from penstock.dlq.queue import QueueSource
from penstock.dlq.source import Filter, How
from penstock.tasks.message import with_letter
from penstock.testing.processes import BrokerProcess


def test_a_failed_order_is_found_edited_sent_back_and_processed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def call(*words: str) -> list[dict[str, object]]:
        capfd.readouterr()
        assert main(["dlq", *words, "--json"]) == 0
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    with BrokerProcess(tmp_path, words=("--amqp", "127.0.0.1:0")) as broker:
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
            channel.basic_publish(
                "", "orders", body, pika.BasicProperties(delivery_mode=2, headers={"a": "b"})
            )
        for method, _, _ in channel.consume("orders"):
            channel.basic_nack(method.delivery_tag, requeue=False)
            if method.delivery_tag == 2:
                break
        channel.cancel()

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


@pytest.mark.parametrize("lost", ["tx.commit", ""])
def test_who_is_killed_before_the_commit_has_done_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    call = Channel.call

    async def killed(self: Channel, name: str, **values: object) -> Any:
        if name == lost:
            self.connection.fail(AmqpError("killed"))
        return await call(self, name, **values)

    async def story(broker: BrokerProcess) -> None:
        connection = await connect(url := url_of(broker.ready["amqp"]))
        channel = await connection.channel()
        await channel.confirm()
        for queue in ("dlq", "orders"):
            await channel.call("queue.declare", queue=queue, durable=True)
        letter = DeadLetter(None, b"order", origin=Origin(queue="orders"))
        made = with_letter(Properties.made(message_id="1"), letter)
        await channel.publish("", "dlq", made, b"order")
        monkeypatch.setattr(Channel, "call", killed)
        async with Client(broker.address) as client:
            source = QueueSource(client, "queue:dlq", url)
            redrive = source.redrive(Filter(), How(), "ada", lambda outcome: None)
            if lost:
                with pytest.raises(AmqpError):
                    await redrive
                # The server hears of the broken connection a moment later, and gives the letter back.
                async with asyncio.timeout(10):
                    while not await source.letters(Filter(), 10):
                        await asyncio.sleep(0.02)
                assert await channel.get("orders") is None
            else:
                assert (await redrive).done == 1
                assert await source.letters(Filter(), 10) == []
                got = await channel.get("orders")
                assert got is not None
                assert got.body == b"order"
        await connection.close()

    with BrokerProcess(tmp_path, words=("--amqp", "127.0.0.1:0")) as broker:
        asyncio.run(story(broker))
