"""Dead letters of queues over HTTP, on a real broker: the seed's example; and who may do what, whoever the server is."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.amqp import AmqpError, Url, connect, url_of
from penstock.amqp.errors import LOST
from penstock.app.passes import SECRET_VARIABLE
from penstock.client import Client, ClientOptions
from penstock.client.security import Security
from penstock.content import Properties
from penstock.dead_letters import DeadLetter, Failing, Origin
from penstock.dlq import audit
from penstock.dlq.marks import read_all
from penstock.tasks.message import with_letter
from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import ITSELF, Directory
from penstock.users.follow import FollowedUsers
from penstock.users.rules import parse_rule
from penstock.web.app import build
from penstock.web.http.guard import GuardOptions
from penstock.web.http.login import CERTIFIED, Passwords
from tests.dlq.orders import Orders
from tests.web.site import BASE, World, until, world

pytestmark = pytest.mark.anyio
AMQP = ("--amqp", "127.0.0.1:0")
SECRET = "of-one-run"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# --- the plain case --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("broker"), words=AMQP) as found:
        yield found


@pytest.fixture
async def here(broker: BrokerProcess) -> AsyncIterator[World]:
    options = ClientOptions(deadline_s=8.0, unknown_topic_s=0.3)
    async with world(
        dial=partial(Client, broker.address, options=options), amqp=url_of(broker.ready["amqp"])
    ) as found:
        yield found


async def over(here: World, operation: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = await here.get(f"/api/dlq-operations/{operation}")
        if not found["running"]:
            return found
        await asyncio.sleep(0.02)


async def test_a_failed_order_is_found_edited_sent_back_and_processed(
    here: World, broker: BrokerProcess
) -> None:
    with Orders(broker.ready["amqp"]) as orders:
        orders.publish({"amount": 1}, {"amount": "many"}, {"amount": "few"})
        await until(lambda: orders.left("dlq") == 2)
        (listed,) = [each for each in await here.get("/api/dlq") if each["kind"] == "queue"]
        assert (listed["name"], listed["states"]["waiting"], listed["complete"]) == ("queue:dlq", 2, True)
        assert listed["last_ms"] > 0
        (group,) = (await here.get("/api/dlq/queue:dlq"))["groups"]
        assert (group["count"], group["reason"], group["owner"]) == (2, "rejected", "orders")
        (found,) = (await here.get("/api/dlq/queue:dlq/letters?contains=many"))["letters"]
        assert (found["value"], found["origin"]) == ('{"amount": "many"}', "queue orders")
        path = f"/api/dlq/queue:dlq/letters/{found['name']}"
        assert (await here.get(path))["target"] == "orders"
        made = await here.send("POST", path, {"value": '{"amount": 7}'}, 201)
        dry = await here.send("POST", "/api/dlq/queue:dlq/redrive", {"all": True, "dry_run": True})
        assert (dry["done"], dry["targets"]) == (2, {"orders": 2})
        begun = await here.send("POST", "/api/dlq/queue:dlq/redrive", {"names": [made["name"]]}, 202)
        done = await over(here, begun["operation"])
        assert (done["source"], done["state"], done["done"], done["total"]) == ("queue:dlq", "done", 1, 1)
        await until(lambda: orders.charged == [1, 7])
        # Sent back as it is, it fails again; then it has had its chances.
        for wanted in ({"state": "done", "done": 1}, {"state": "done", "done": 0}):
            await until(lambda: orders.left("dlq") == 1)
            body = {"reason": "rejected", "redrives_max": 1, "rate": 100}
            again = await over(
                here, (await here.send("POST", "/api/dlq/queue:dlq/redrive", body, 202))["operation"]
            )
            assert {name: again[name] for name in wanted} == wanted
        assert again["skipped"] == {"it was sent back 1 times already": 1}
        begun = await here.send("POST", "/api/dlq/queue:dlq/purge", {"all": True}, 202)
        assert (await over(here, begun["operation"]))["done"] == 1
        assert orders.left("dlq") == 0
        assert await here.send("GET", path, None, 404)


async def test_places_are_queues_where_the_dead_rest(here: World, broker: BrokerProcess) -> None:
    connection = await connect(url_of(broker.ready["amqp"]))
    channel = await connection.channel()
    tell = channel.call
    await tell("exchange.declare", exchange="dead", type="direct")
    await tell("exchange.declare", exchange="on", type="fanout")
    await tell("exchange.bind", destination="on", source="dead", routing_key="k")
    for queue, arguments in (
        ("work/1", {"x-dead-letter-exchange": "dead", "x-dead-letter-routing-key": "k"}),
        ("beside", {}),
        ("grave/1 %", {}),
        ("tasks.dlq", {}),
        ("stream.dlq", {"x-queue-type": "stream"}),
        ("wait", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work/1"}),
    ):
        await tell("queue.declare", queue=queue, arguments=arguments, durable=True)
    await tell("queue.declare", queue="mine.dlq", exclusive=True)
    await tell("basic.consume", queue="tasks.dlq", exclusive=True)
    await tell("queue.bind", queue="beside", exchange="dead", routing_key="other")
    await tell("queue.bind", queue="grave/1 %", exchange="on", routing_key="")
    names = {each["name"] for each in await here.get("/api/dlq") if each["kind"] == "queue"}
    await connection.close()
    assert names - {"queue:dlq"} == {"queue:grave/1 %", "queue:tasks.dlq"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "queue:nowhere", None, 404),
        ("GET", "queue:", None, 400),
        ("GET", "queue:" + "q" * 256, None, 400),
        ("GET", "queue:q%252F1/letters/7", None, 404),
        ("GET", "queue:q%252F1/letters/1:1", None, 404),
        ("POST", "queue:q%252F1/letters/7", {"value": "x"}, 404),
        ("POST", "queue:nowhere/redrive", {"all": True}, 404),
        ("POST", "queue:nowhere/purge", {"all": True, "dry_run": True}, 404),
        ("POST", "queue:q%252F1/redrive", {}, 400),
        ("POST", "queue:q%252F1/redrive", {"all": True, "to": "q" * 256}, 400),
    ],
)
async def test_what_cannot_be_is_refused(
    here: World, broker: BrokerProcess, method: str, path: str, body: Any, status: int
) -> None:
    connection = await connect(url_of(broker.ready["amqp"]))
    await (await connection.channel()).call("queue.declare", queue="q/1")
    await connection.close()
    said = await (
        here.get(f"/api/dlq/{path}", status)
        if method == "GET"
        else here.send(method, f"/api/dlq/{path}", body, status)
    )
    assert said["error"]


async def test_without_queues_there_are_topics_alone(broker: BrokerProcess) -> None:
    async with world(dial=partial(Client, broker.address)) as bare:
        assert all(each["kind"] == "topic" for each in await bare.get("/api/dlq"))
        assert "no queues" in (await bare.get("/api/dlq/queue:dlq", 404))["error"]


# --- who may what ----------------------------------------------------------------------------------------------------

VHOST, READ, WRITE = (
    "allow describe vhost:/",
    "allow read queue:letters.dlq",
    "allow write exchange:amq.default",
)
SHOP = tuple(
    rule.replace(":", ":shop/").replace("vhost:shop//", "vhost:shop") for rule in (VHOST, READ, WRITE)
)
PEOPLE = {
    "eve": (VHOST,), "bob": (VHOST, READ), "carol": (VHOST, READ, WRITE), "dave": (READ, WRITE), "fay": SHOP,
}  # fmt: skip


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker with users, whose own processes have a secret."""
    folder = tmp_path_factory.mktemp("closed")
    made = change.add_user(Directory(), "ada", "secret", ("admin",), os.urandom)
    for name, rules in PEOPLE.items():
        made = change.add_user(made, name, "secret", (), os.urandom)
        for rule in rules:
            made = change.add_rule(made, name, parse_rule(rule))
    file.write(folder / file.FILE_NAME, made)
    os.environ[SECRET_VARIABLE] = SECRET
    try:
        with BrokerProcess(folder, words=AMQP) as found:
            yield found
    finally:
        del os.environ[SECRET_VARIABLE]


def itself(broker: BrokerProcess) -> Url:
    host, port = broker.ready["amqp"].split(":")
    return Url(host, int(port), ITSELF, SECRET)


@pytest.fixture
async def guarded(closed: BrokerProcess) -> AsyncIterator[World]:
    """A site whose server may do everything itself, and a letter in the queue `letters.dlq`."""
    options = ClientOptions(security=Security(sasl_user=ITSELF, sasl_password=SECRET))
    async with world(dial=partial(Client, closed.address, options=options), amqp=itself(closed)) as found:
        passwords = Passwords(FollowedUsers(Path(closed.data_dir) / file.FILE_NAME))
        found.app = build(found.site, GuardOptions(), passwords)
        transport = httpx.ASGITransport(found.app, raise_app_exceptions=False)
        found.http = httpx.AsyncClient(transport=transport, base_url=BASE)
        connection = await connect(itself(closed))
        channel = await connection.channel()
        await channel.confirm()
        for queue in ("letters.dlq", "work"):
            await channel.call("queue.declare", queue=queue, durable=True)
            await channel.call("queue.purge", queue=queue)
        letter = DeadLetter(None, b"", origin=Origin(queue="work"), failing=Failing("E"))
        await channel.publish(
            "", "letters.dlq", with_letter(Properties.made(message_id="1"), letter), b"order"
        )
        yield found
        await connection.close()


def as_user(name: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:secret".encode()).decode()}


@pytest.mark.parametrize(
    ("who", "looks", "sends", "purges"),
    [
        ("ada", 200, 200, 200),
        ("carol", 200, 200, 200),
        ("bob", 200, 403, 200),
        ("eve", 403, 403, 403),
        ("dave", 403, 403, 403),  # may not enter the virtual host
        ("fay", 403, 403, 403),  # is at home in another
    ],
)
async def test_rights_are_those_of_who_asks(
    guarded: World, who: str, looks: int, sends: int, purges: int
) -> None:
    path, more = "/api/dlq/queue:letters.dlq", {"headers": as_user(who)}
    places = [each["name"] for each in await guarded.get("/api/dlq", **more)]
    assert places == (["queue:letters.dlq"] if looks == 200 else [])
    await guarded.get(path, looks, **more)
    await guarded.get(f"{path}/letters", looks, **more)
    body = {"all": True, "dry_run": True}
    await guarded.send("POST", f"{path}/redrive", body, sends, headers=as_user(who))
    await guarded.send("POST", f"{path}/purge", body, purges, headers=as_user(who))
    if sends == 200:
        begun = await guarded.send("POST", f"{path}/redrive", {"all": True}, 202, headers=as_user(who))
        operation = f"/api/dlq-operations/{begun['operation']}"
        while (done := await guarded.get(operation, **more))["running"]:
            await asyncio.sleep(0.02)
        assert (done["done"], done["targets"], done["by"]) == (1, {"work": 1}, who)
        await guarded.get(operation, 404, headers=as_user("eve"))
        notes = await read_all(guarded.client, audit.TOPIC)
        assert f'"by": "{who}"'.encode() in (notes[-1].value or b"")


@pytest.fixture
async def shop(closed: BrokerProcess) -> AsyncIterator[None]:
    """A virtual host with the same queues, and a letter in it."""
    connection = await connect(itself(closed))
    await (await connection.channel()).call("penstock.declare-vhost", virtual_host="shop")
    await connection.close()
    connection = await connect(replace(itself(closed), vhost="shop"))
    channel = await connection.channel()
    await channel.confirm()
    for queue in ("letters.dlq", "work"):
        await channel.call("queue.declare", queue=queue, durable=True)
    letter = DeadLetter(None, b"", origin=Origin(queue="work"), failing=Failing("E"))
    await channel.publish(
        "", "letters.dlq", with_letter(Properties.made(message_id="1"), letter), b"order of the shop"
    )
    yield
    await channel.call("penstock.delete-vhost", virtual_host="shop")
    await connection.close()


@pytest.mark.usefixtures("shop")
async def test_who_may_reach_one_virtual_host_sees_and_mends_its_letters_alone(guarded: World) -> None:
    fay, there = {"headers": as_user("fay")}, "queue@shop:letters.dlq"
    await until(lambda: "shop" in guarded.site.watch.queues.vhosts)
    places = {who: [each["name"] for each in await guarded.get("/api/dlq", headers=as_user(who))] for who in ("ada", "carol", "fay")}  # fmt: skip
    assert places == {
        "ada": ["queue:letters.dlq", there], "carol": ["queue:letters.dlq"], "fay": [there],
    }  # fmt: skip
    (listed,) = await guarded.get("/api/dlq", **fay)
    assert (listed["vhost"], listed["states"]["waiting"]) == ("shop", 1)
    (letter,) = (await guarded.get(f"/api/dlq/{there}/letters", **fay))["letters"]
    assert letter["value"] == "order of the shop"
    await guarded.get(f"/api/dlq/{there}", 403, headers=as_user("carol"))
    await guarded.get("/api/dlq/queue@red:letters.dlq", 404, headers=as_user("ada"))
    path = f"/api/dlq/{there}/letters/{letter['name']}"
    made = await guarded.send("POST", path, {"value": "mended"}, 201, **fay)
    begun = await guarded.send("POST", f"/api/dlq/{there}/redrive", {"names": [made["name"]]}, 202, **fay)
    operation = guarded.site.operations.kept[begun["operation"]]
    await until(lambda: not operation.running)
    assert (operation.source, operation.outcome.done, operation.outcome.targets) == (there, 1, {"work": 1})
    await guarded.get(f"/api/dlq-operations/{begun['operation']}", 404, headers=as_user("carol"))
    for vhost, bodies in (("shop", ["mended"]), ("%2F", [])):
        path = f"/api/queues/{vhost}/{letter['origin'].split()[-1]}/get"
        found = await guarded.send("POST", path, {"count": 2}, headers=as_user("ada"))
        assert [each["payload"] for each in found] == bodies
    notes = [json.loads(each.value or b"") for each in await read_all(guarded.client, audit.TOPIC)]
    assert [(each["what"], each["stage"], each["by"]) for each in notes if each["source"] == there] == [
        ("dlq.edit", "begun", "fay"), ("dlq.edit", "done", "fay"),
        ("dlq.redrive", "begun", "fay"), ("dlq.redrive", "done", "fay"),
    ]  # fmt: skip


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("who", "vhosts"), [("ada", {"/", "shop"}), ("bob", {"/"}), ("fay", {"shop"}), ("dave", set())]
)
async def test_lists_of_queues_are_of_the_virtual_hosts_that_one_may_enter(
    guarded: World, who: str, vhosts: set[str]
) -> None:
    at = guarded.site.watch.queues
    await until(lambda: ("shop", "letters.dlq") in at.queues and ("/", "letters.dlq") in at.queues)
    for what in ("queues", "bindings", "exchanges"):
        found = await guarded.get(f"/api/{what}", headers=as_user(who))
        if what != "exchanges" or who != "bob":  # he may do nothing to exchanges
            assert {each["vhost"] for each in found} == vhosts
    assert {each["name"] for each in await guarded.get("/api/vhosts", headers=as_user(who))} == vhosts
    assert await guarded.get("/api/consumers", headers=as_user(who)) == []
    for vhost in ("/", "shop"):
        status = 200 if vhost in vhosts else 403
        path = f"{vhost.replace('/', '%2F')}"
        await guarded.get(f"/api/bindings/{path}", status, headers=as_user(who))


async def test_the_broker_is_asked_as_the_user_even_where_the_server_would_let_it_pass(
    guarded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.web.dlq.place.must_do", lambda *_: None)
    said = await guarded.send(
        "POST", "/api/dlq/queue:letters.dlq/redrive", {"all": True}, 202, headers=as_user("bob")
    )
    operation = guarded.site.operations.kept[said["operation"]]
    await until(lambda: not operation.running)
    assert operation.outcome.state == "failed"
    assert "access to exchange 'amq.default' in vhost '/' refused for user 'bob'" in operation.outcome.error
    letters = await guarded.get("/api/dlq/queue:letters.dlq/letters", headers=as_user("bob"))
    assert [each["value"] for each in letters["letters"]] == ["order"]


async def test_who_came_by_a_certificate_is_that_user(guarded: World) -> None:
    async def certified(scope: Any, receive: Any, send: Any) -> None:
        await guarded.app({**scope, CERTIFIED: "bob"}, receive, send)

    guarded.http = httpx.AsyncClient(transport=httpx.ASGITransport(certified), base_url=BASE)
    assert (await guarded.get("/api/dlq/queue:letters.dlq"))["states"]["waiting"] == 1
    await guarded.send("POST", "/api/dlq/queue:letters.dlq/redrive", {"all": True}, 403)


@pytest.mark.parametrize(
    ("user", "password", "acting", "code"),
    [
        ("ada", "secret", "bob", LOST),  # an admin is not penstock itself
        (ITSELF, "guessed", "bob", 403),
        (ITSELF, SECRET, "ANONYMOUS", 403),
    ],
)
async def test_nobody_else_acts_for_others(
    closed: BrokerProcess, user: str, password: str, acting: str, code: int
) -> None:
    found = itself(closed)
    with pytest.raises(AmqpError) as refused:
        await connect(Url(found.host, found.port, user, password, acting=acting))
    assert refused.value.code == code
