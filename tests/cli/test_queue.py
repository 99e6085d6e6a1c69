"""The commands of queues against a real broker, and those that work on RabbitMQ without one to list by."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.client import Client
from penstock.dlq import audit
from penstock.dlq.marks import read_all
from penstock.testing.processes import BrokerProcess
from tests.cli.conftest import Call


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    words = ("--amqp", "127.0.0.1:0")
    with BrokerProcess(tmp_path_factory.mktemp("queues"), words=words) as found:
        yield found


@pytest.fixture(autouse=True)
def spoken_to(broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_AMQP", broker.ready["amqp"])
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP", broker.address)


def test_a_queue_is_created_filled_looked_at_and_deleted(call: Call) -> None:
    made = call("queue", "create", "emails", "--argument", "x-max-length=5", "--json")
    assert made.rows == [{"queue": "emails", "type": "classic", "state": "created"}]
    assert (
        call("queue", "create", "emails", "--argument", "x-max-length=5", "--json").rows[0]["state"]
        == "is there"
    )
    words = ("--header", "source=till", "--property", "priority=3", "--json")
    sent = call("queue", "publish", "emails", '{"to": "ada"}', *words)
    assert sent.rows == [{"exchange": "", "routing_key": "emails", "published": 1}]
    [seen] = call("queue", "peek", "emails", "--json").rows
    assert (seen["payload"], seen["payload_encoding"], seen["redelivered"]) == (
        '{"to": "ada"}',
        "string",
        False,
    )
    assert seen["properties"]["headers"] == {"source": "till"} and seen["properties"]["priority"] == 3
    assert call("queue", "peek", "emails", "--json").rows[0]["number"] == seen["number"]
    [row] = call("queue", "list", "em*", "--json").rows
    assert (row["ready"], row["unacked"], row["published"], row["size"]) == (1, 0, 1, 13)
    assert row["arguments"] == {"x-max-length": 5} and row["durable"] is True
    shown = call("queue", "show", "emails").out
    assert (
        "emails: classic, durable, 1 ready" in shown and "x-max-length = 5" in shown and "(default)" in shown
    )
    gone = call("queue", "delete", "emails", "--yes", "--json").rows
    assert [(one["queue"], one["ready"], one["state"]) for one in gone] == [("emails", 1, "deleted")]
    missing = call("queue", "show", "emails")
    assert missing.code == 2 and "there is no queue emails" in missing.error


def test_lines_are_published_and_purged(call: Call, typed: object) -> None:
    call("queue", "create", "lines")
    typed(b"one\ntwo\nthree\n")  # type: ignore[operator]
    assert call("queue", "publish", "lines", "--json").rows[0]["published"] == 3
    assert [row["payload"] for row in call("queue", "peek", "lines", "--limit", "2", "--json").rows] == [
        "one",
        "two",
    ]
    dry = call("queue", "purge", "lines", "--dry-run", "--json").rows
    assert [(one["ready"], one["state"]) for one in dry] == [(3, "would be purged")]
    unasked = call("queue", "purge", "lines")
    assert unasked.code == 2 and "Purge queue lines with 3 messages for good?" in unasked.error
    assert call("queue", "purge", "lines", "--yes", "--json").rows[0]["ready"] == 3
    assert "nothing is ready" in call("queue", "peek", "lines").error


def test_a_message_that_no_queue_takes_is_said_and_a_delayed_one_waits(call: Call) -> None:
    lost = call("queue", "publish", "nowhere", "x")
    assert lost.code == 2 and "no queue takes 'nowhere'" in lost.error
    call("queue", "create", "later")
    assert call("queue", "publish", "later", "x", "--delay", "600000").code == 0
    assert call("queue", "list", "later", "--json").rows[0]["ready"] == 0


def test_exchanges_and_bindings_lead_to_queues(call: Call) -> None:
    assert call("exchange", "create", "orders", "--type", "topic", "--json").rows[0]["state"] == "created"
    call("queue", "create", "paid")
    assert call("binding", "create", "orders", "paid", "--key", "order.*").code == 0
    assert call("queue", "publish", "order.paid", "7", "--exchange", "orders").code == 0
    assert [row["routing_key"] for row in call("queue", "peek", "paid", "--json").rows] == ["order.paid"]
    bindings = [row for row in call("binding", "list", "--json").rows if row["destination"] == "paid"]
    assert [(row["exchange"], row["to"], row["routing_key"]) for row in bindings] == [
        ("(default)", "queue", "paid"), ("orders", "queue", "order.*"),
    ]  # fmt: skip
    assert call("binding", "delete", "orders", "paid", "--key", "order.*").code == 0
    assert call("queue", "publish", "order.paid", "7", "--exchange", "orders").code == 2
    listed = {row["exchange"]: row["type"] for row in call("exchange", "list", "--json").rows}
    assert listed["orders"] == "topic" and listed["(default)"] == "direct"
    assert call("exchange", "delete", "orders", "--yes").code == 0
    again = call("exchange", "delete", "orders", "--yes")
    assert again.code == 2 and "there is no exchange orders" in again.error


def test_what_the_server_refuses_is_told_in_its_words(call: Call) -> None:
    call("queue", "create", "kept")
    other = call("queue", "create", "kept", "--transient")
    assert other.code == 2 and "inequivalent arg 'durable'" in other.error
    call("queue", "publish", "kept", "x")
    full = call("queue", "delete", "kept", "--if-empty", "--yes")
    assert full.code == 2 and "not empty" in full.error
    assert call("queue", "create", "x", "--argument", "bare").code == 2
    assert (
        "there is no property 'colour'"
        in call("queue", "publish", "kept", "x", "--property", "colour=red").error
    )


def test_virtual_hosts_are_worlds_of_their_own(call: Call) -> None:
    assert call("vhost", "create", "shop", "--json").rows == [{"vhost": "shop", "state": "created"}]
    assert call("vhost", "create", "shop", "--json").rows[0]["state"] == "is there"
    call("queue", "create", "carts", "--vhost", "shop")
    assert [row["queue"] for row in call("queue", "list", "--vhost", "shop", "--json").rows] == ["carts"]
    assert "carts" not in [row["queue"] for row in call("queue", "list", "--json").rows]
    assert {"vhost": "shop", "queues": 1, "messages": 0} in call("vhost", "list", "--json").rows
    assert call("vhost", "delete", "shop", "--yes").code == 0
    gone = call("queue", "list", "--vhost", "shop")
    assert gone.code == 2 and "vhost shop not found" in gone.error
    stays = call("vhost", "delete", "/", "--yes")
    assert stays.code == 2 and "stays" in stays.error


def notes(broker: BrokerProcess) -> list[dict[str, Any]]:
    async def read() -> list[Any]:
        async with Client(broker.address) as client:
            return [json.loads(each.value or b"") for each in await read_all(client, audit.TOPIC)]

    return asyncio.run(read())


def test_who_deletes_and_purges_is_in_the_audit(call: Call, broker: BrokerProcess) -> None:
    call("vhost", "create", "noted")
    there = ("--vhost", "noted")
    for name in ("a", "b", "c"):
        call("queue", "create", name, *there)
        call("queue", "publish", name, "x", *there)
    assert call("queue", "purge", "a", "--yes", *there).code == 0
    assert call("queue", "delete", "a", "b", "--if-empty", "--yes", *there).code == 2
    assert call("queue", "delete", "c", "--dry-run", *there).code == 0
    assert call("vhost", "delete", "noted", "--yes").code == 0
    places = {"queue@noted:a", "queue@noted:b", "vhost:noted"}
    found = [each for each in notes(broker) if "noted" in each["source"]]
    assert {each["source"] for each in found} == places
    assert [(each["what"], each["source"][-1], each["stage"]) for each in found] == [
        ("queue.purge", "a", "begun"), ("queue.purge", "a", "done"),
        ("queue.delete", "a", "begun"), ("queue.delete", "a", "done"),
        ("queue.delete", "b", "begun"), ("queue.delete", "b", "failed"),
        ("vhost.delete", "d", "begun"), ("vhost.delete", "d", "done"),
    ]  # fmt: skip
    assert found[1]["messages"] == 1 and "not empty" in found[5]["error"]
    assert found[0]["operation"] == found[1]["operation"] != found[2]["operation"]


def test_what_cannot_be_noted_beside_the_queues_is_not_done(call: Call, address: str) -> None:
    call("queue", "create", "kept-too")
    for where, why in ((address, "is another server than the queues'"), ("127.0.0.1:1", "no Kafka server")):
        refused = call("queue", "delete", "kept-too", "--yes", "--bootstrap", where)
        assert refused.code == 2 and why in refused.error and "--bootstrap" in refused.error
    assert call("queue", "show", "kept-too").code == 0


def test_nobody_there_is_said_with_a_remedy(call: Call) -> None:
    away = call("queue", "list", "--amqp", "127.0.0.1:1")
    assert away.code == 2 and "no AMQP server answers" in away.error and "penstock up" in away.error
