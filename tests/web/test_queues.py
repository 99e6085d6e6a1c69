"""Queues over HTTP, against a real broker: in RabbitMQ's words, and by RabbitMQ's own tool."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from functools import partial

import anyio
import pytest

from penstock.amqp import connect, url_of
from penstock.client.client import Client
from penstock.dlq import audit
from penstock.dlq.marks import read_all
from penstock.errors import PenstockError
from penstock.testing.processes import BrokerProcess
from penstock.users.directory import ANONYMOUS
from penstock.web.api.metrics.queues import QUEUES_MAX, queue_families
from penstock.web.follow.queues import Queue
from penstock.web.queues.looking import properties_key
from tests.web.site import World, serving, until, world

pytestmark = pytest.mark.anyio
EMAILS = "/api/queues/%2F/emails"


@pytest.fixture(scope="module")
def queue_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    words = ("--amqp", "127.0.0.1:0")
    with BrokerProcess(tmp_path_factory.mktemp("queues"), words=words) as process:
        yield process


@pytest.fixture
async def shop(queue_broker: BrokerProcess) -> AsyncIterator[World]:
    """A site over the broker, whose queues of earlier tests are gone."""
    url = url_of(queue_broker.ready["amqp"])
    async with world(dial=partial(Client, queue_broker.address), amqp=url) as found:
        await until(lambda: found.site.watch.queues.vhosts)
        for vhost, name in list(found.site.watch.queues.queues):
            assert vhost == "/"
            await found.send("DELETE", f"/api/queues/%2F/{name}")
        yield found


async def test_a_queue_is_made_listed_looked_at_and_deleted(shop: World) -> None:
    body = {"arguments": {"x-max-length": 5}}
    assert await shop.send("PUT", EMAILS, body, 201) == {"name": "emails", "vhost": "/"}
    await shop.send("PUT", EMAILS, body, 200)
    await shop.send("PUT", EMAILS, {"durable": False}, 400)
    sent = {"routing_key": "emails", "payload": "hello", "properties": {"priority": 3, "headers": {"a": 1}}}
    assert await shop.send("POST", "/api/exchanges/%2F/amq.default/publish", sent) == {"routed": True}
    [row] = await shop.get("/api/queues")
    assert (row["name"], row["vhost"], row["type"], row["durable"]) == ("emails", "/", "classic", True)
    assert (row["messages"], row["messages_ready"], row["message_bytes"], row["consumers"]) == (1, 1, 5, 0)
    assert row["arguments"] == {"x-max-length": 5} and row["message_stats"]["publish"] == 1
    assert await shop.get("/api/queues/%2F?columns=name,message_stats.publish") == [
        {"name": "emails", "message_stats": {"publish": 1}}
    ]
    told = await shop.get(EMAILS)
    assert [one["source"] for one in told["bindings"]] == [""] and told["consumer_details"] == []
    assert (await shop.send("DELETE", EMAILS))["messages"] == 1
    await shop.get(EMAILS, 404)
    assert await shop.get("/api/queues") == []


async def test_messages_are_looked_at_taken_and_purged(shop: World) -> None:
    await shop.send("PUT", EMAILS, {}, 201)
    for payload, how in (("one", "string"), ("/w==", "base64"), ("three", "string")):
        sent = {"routing_key": "emails", "payload": payload, "payload_encoding": how}
        await shop.send("POST", "/api/exchanges/%2F/amq.default/publish", sent)
    for _ in range(2):  # looking takes nothing, and leaves no mark
        seen = await shop.send("POST", f"{EMAILS}/get", {"count": 2})
        assert [(one["payload"], one["payload_encoding"], one["redelivered"]) for one in seen] == [
            ("one", "string", False), ("/w==", "base64", False),
        ]  # fmt: skip
    taken = await shop.send("POST", f"{EMAILS}/get", {"count": "1", "ackmode": "ack_requeue_false"})
    assert [one["payload"] for one in taken] == ["one"]
    assert (await shop.send("DELETE", f"{EMAILS}/contents"))["messages"] == 2
    assert await shop.send("POST", f"{EMAILS}/get", {}) == []
    await shop.send("POST", f"{EMAILS}/get", {"ackmode": "maybe"}, 400)
    lost = {"routing_key": "nowhere", "payload": "x"}
    assert await shop.send("POST", "/api/exchanges/%2F/amq.default/publish", lost) == {"routed": False}


async def test_exchanges_and_bindings_are_made_told_and_taken_away(shop: World) -> None:
    await shop.send("PUT", EMAILS, {}, 201)
    orders = "/api/exchanges/%2F/orders"
    await shop.send("PUT", orders, {"type": "topic"}, 201)
    between = "/api/bindings/%2F/e/orders/q/emails"
    some = {"routing_key": "order.*", "arguments": {"a": 1}}
    made = await shop.send("POST", between, some, 201)
    await shop.send("POST", between, {"routing_key": "paid"}, 201)
    found = await shop.get(between)
    assert [(one["routing_key"], one["arguments"]) for one in found] == [("order.*", {"a": 1}), ("paid", {})]
    assert made == {"properties_key": properties_key("order.*", {"a": 1})}
    assert [one["destination"] for one in (await shop.get(orders))["bindings"]] == ["emails", "emails"]
    assert len(await shop.get(f"{EMAILS}/bindings")) == 3
    await shop.send("DELETE", f"{between}/{made['properties_key']}")
    await shop.send("DELETE", f"{between}/{made['properties_key']}", status=404)
    assert [one["routing_key"] for one in await shop.get(f"{orders}/bindings/source")] == ["paid"]
    await shop.send("DELETE", f"{orders}?if-unused=true", status=400)
    await shop.send("DELETE", orders)
    await shop.send("DELETE", orders, status=404)
    assert "orders" not in [one["name"] for one in await shop.get("/api/exchanges/%2F")]


async def test_names_may_hold_slashes_and_virtual_hosts_are_worlds_of_their_own(shop: World) -> None:
    await shop.send("PUT", "/api/vhosts/blue", {}, 201)
    await shop.send("PUT", "/api/queues/blue/a%2Fb", {}, 201)
    assert [one["name"] for one in await shop.get("/api/queues/blue")] == ["a/b"]
    assert (await shop.get("/api/queues/blue/a%2Fb"))["vhost"] == "blue"
    assert {v["name"]: v["messages"] for v in await shop.get("/api/vhosts") if v["name"] != "/"} == {
        "blue": 0
    }
    await shop.get("/api/exchanges/red", 404)
    await shop.send("PUT", "/api/queues/red/q", {}, 404)
    await shop.send("DELETE", "/api/vhosts/blue")
    assert [one["name"] for one in await shop.get("/api/vhosts")] == ["/"]


async def test_who_purges_and_deletes_is_in_the_audit(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    since_ms = shop.site.watch.wall_ms()
    await shop.send("PUT", "/api/vhosts/blue", {}, 201)
    for path in (EMAILS, "/api/queues/blue/a%2Fb"):
        await shop.send("PUT", path, {}, 201)
        vhost, name = path.split("/")[3], path.split("/")[4].replace("%2F", "/")
        sent = {"routing_key": name, "payload": "x"}
        await shop.send("POST", f"/api/exchanges/{vhost}/amq.default/publish", sent)
    await shop.send("DELETE", f"{EMAILS}/contents")
    await shop.send("DELETE", "/api/queues/blue/a%2Fb?if-empty=true", status=400)
    with monkeypatch.context() as away:

        async def refused(*_: object) -> None:
            raise PenstockError("the disk is full")

        away.setattr(Client, "produce", refused)
        await shop.send("DELETE", EMAILS, status=400)
    await shop.get(EMAILS)
    await shop.send("DELETE", EMAILS)
    await shop.send("DELETE", EMAILS, status=404)
    await shop.send("DELETE", "/api/vhosts/blue")
    told = [json.loads(each.value or b"") for each in await read_all(shop.client, audit.TOPIC)]
    notes = [each for each in told if each["at_ms"] >= since_ms]
    assert [(each["what"], each["source"], each["stage"], each.get("messages")) for each in notes] == [
        ("queue.purge", "queue:emails", "begun", None), ("queue.purge", "queue:emails", "done", 1),
        ("queue.delete", "queue@blue:a/b", "begun", None), ("queue.delete", "queue@blue:a/b", "failed", None),
        ("queue.delete", "queue:emails", "begun", None), ("queue.delete", "queue:emails", "done", 0),
        ("vhost.delete", "vhost:blue", "begun", None), ("vhost.delete", "vhost:blue", "done", None),
    ]  # fmt: skip
    assert {each["by"] for each in notes} == {ANONYMOUS}


async def test_consumers_and_rates_are_told_and_measured(shop: World, queue_broker: BrokerProcess) -> None:
    await shop.send("PUT", EMAILS, {}, 201)
    connection = await connect(url_of(queue_broker.ready["amqp"]), name="a till")
    channel = await connection.channel()
    await channel.call("basic.qos", prefetch_count=3)
    tag = await channel.consume("emails", lambda got: None)
    await shop.send(
        "POST", "/api/exchanges/%2F/amq.default/publish", {"routing_key": "emails", "payload": "x"}
    )
    await until(lambda: shop.site.watch.queues.queues["/", "emails"].info["unacked"] == 1)
    [one] = (await shop.get(EMAILS))["consumer_details"]
    assert (one["consumer_tag"], one["prefetch_count"], one["unacknowledged"]) == (tag, 3, 1)
    assert one["channel_details"] == {"connection_name": "a till"} and one["ack_required"]
    assert await shop.get("/api/consumers/%2F") == [one]
    await until(lambda: len(shop.site.watch.queues.queues["/", "emails"].rates["published"].points) > 0)
    text = (await shop.http.get("/metrics")).text
    assert 'penstock_detailed_queue_messages_unacked{vhost="/",queue="emails"} 1' in text
    assert 'penstock_detailed_queue_messages_published_total{vhost="/",queue="emails"} 1' in text
    await connection.close()


def test_labels_of_queues_are_bounded() -> None:
    queues = {}
    for number in range(QUEUES_MAX + 20):
        queue = queues["/", f"q{number:04}"] = Queue()
        totals = dict.fromkeys(
            ("messages", "unacked", "bytes", "consumers", "published", "delivered", "acked"), 1
        )
        queue.info = {"exclusive": number < 5, **totals}
    families = {family.name: family for family in queue_families(queues)}
    seen = [labels["queue"] for labels, _ in families["penstock_detailed_queue_consumers"].samples]
    assert len(seen) == QUEUES_MAX and not {"q0000", "q0004"} & set(seen)
    assert families["penstock_detailed_queues_left_out"].samples == [({}, 20)]


async def test_without_queues_a_server_says_so(here: World) -> None:
    assert "no queues" in (await here.get("/api/queues", 404))["error"]
    assert "detailed" not in (await here.http.get("/metrics")).text


@pytest.mark.skipif(
    not shutil.which("rabbitmqadmin"),
    reason="rabbitmqadmin is not here: the package rabbitmq-server brings it",
)
async def test_rabbitmq_s_own_tool_looks_after_the_queues(shop: World) -> None:
    async with serving(shop) as base:
        host, port = base.removeprefix("http://").split(":")

        async def admin(*words: str, fails: bool = False) -> str:
            command = ["rabbitmqadmin", "-H", host, "-P", port, "-f", "tsv", *words]
            ran = await anyio.to_thread.run_sync(
                partial(subprocess.run, command, capture_output=True, text=True)
            )
            assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
            return ran.stdout + ran.stderr

        await admin("declare", "queue", "name=emails", 'arguments={"x-max-length": 9}')
        await admin("declare", "exchange", "name=orders", "type=topic")
        await admin("declare", "binding", "source=orders", "destination=emails", "routing_key=order.*")
        refused = await admin("declare", "queue", "name=emails", 'arguments={"x-max-length": 8}', fails=True)
        assert "inequivalent arg 'x-max-length' for queue 'emails'" in refused and "Traceback" not in refused
        assert "Not found: /api/" in await admin("delete", "queue", "name=nope", fails=True)
        assert "published" in await admin("publish", "exchange=orders", "routing_key=order.paid", "payload=7")
        assert "emails\t1" in await admin("list", "queues")
        assert "orders\temails\torder.*" in await admin("list", "bindings")
        assert "order.paid\torders\t0\t" in await admin("get", "queue=emails")
        await admin("purge", "queue", "name=emails")
        await admin("delete", "exchange", "name=orders")
        await admin("delete", "queue", "name=emails")
        assert "emails" not in await admin("list", "queues")
