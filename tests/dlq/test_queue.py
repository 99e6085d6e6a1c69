"""The dead letters of a queue, by command: the seed's example of `orders` with a dead-letter exchange."""

import json
from pathlib import Path

import pika
import pytest

from penstock.cli.main import main
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
