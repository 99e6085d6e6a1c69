"""Dead letters over HTTP, on a real broker: counted, looked at, edited, sent back with progress, given up, refused."""

import asyncio
import base64
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from penstock.client.client import Client
from penstock.client.cluster import ClientOptions
from penstock.dead_letters import DeadLetter, Failing, Origin
from penstock.dlq.marks import read_all
from penstock.record import Record
from penstock.users.directory import ANONYMOUS
from tests.web.site import World, now_ms, world

pytestmark = pytest.mark.anyio
NUMBER = iter(range(1000))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Dead:
    """A site over a broker, with a topic of dead letters."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.topic = f"h{next(NUMBER)}"
        self.path = f"/api/dlq/{self.topic}.dlq"

    async def bury(self, *values: bytes, **more: Any) -> None:
        now = now_ms()
        words: dict[str, Any] = {"origin": Origin(self.topic, 0, 1, now), "owner": "g", "attempts": 3} | more
        failing = Failing("shop.Error", "no", "trace", "TASK_PUT", "f")
        made = [
            DeadLetter(
                b"k%d" % at, value, (("h", b"x"),), failing=failing, first_ms=now, last_ms=now, **words
            )
            for at, value in enumerate(values)
        ]
        await self.here.client.produce(f"{self.topic}.dlq", [each.record(now) for each in made], 0)

    async def values(self) -> list[str]:
        """Of what was committed: who is stopped on the way takes back what it was about to send."""
        return [(each.value or b"").decode() for each in await read_all(self.here.client, self.topic)]

    async def over(self, operation: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = await self.here.get(f"/api/dlq-operations/{operation}")
            if not found["running"]:
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
async def dead(broker_address: str) -> AsyncIterator[Dead]:
    options = ClientOptions(deadline_s=8.0, unknown_topic_s=0.3)
    async with world(dial=partial(Client, broker_address, options=options)) as here:
        found = Dead(here)
        await here.client.create_topic(found.topic, 1)
        await here.client.create_topic(f"{found.topic}.dlq", 1)
        yield found


# --- the plain case --------------------------------------------------------------------------------------------------


async def test_topics_groups_letters_and_one_letter_are_told(dead: Dead) -> None:
    await dead.bury(b'{"id":1}', b"\xff\x00")
    (listed,) = [each for each in await dead.here.get("/api/dlq") if each["name"] == f"{dead.topic}.dlq"]
    assert (listed["states"]["waiting"], listed["complete"]) == (2, True)
    told = await dead.here.get(dead.path)
    assert [(g["count"], g["reason"], g["exception"], g["owner"]) for g in told["groups"]] == [
        (2, "failed", "shop.Error", "g")
    ]
    (text,) = (await dead.here.get(f"{dead.path}/letters?key=k0"))["letters"]
    assert (text["name"], text["value"], text["attempts"]) == ("0:0", '{"id":1}', 3)
    assert (await dead.here.get(f"{dead.path}/letters?limit=1"))["letters"][0]["name"] == "0:1"
    one = await dead.here.get(f"{dead.path}/letters/0:1")
    assert (base64.b64decode(one["value"]), one["encoding"]["value"], one["trace"]) == (
        b"\xff\x00",
        "base64",
        "trace",
    )
    assert (one["target"], one["headers"], one["origin"]) == (dead.topic, [["h", "x"]], f"{dead.topic}-0@1")


async def test_found_edited_and_sent_back_with_progress(dead: Dead) -> None:
    await dead.bury(b"wrong", b"other")
    made = await dead.here.send("POST", f"{dead.path}/letters/0:0", {"value": "right"}, 201)
    assert made["replaces"] == "0:0"
    dry = await dead.here.send("POST", f"{dead.path}/redrive", {"all": True, "dry_run": True})
    assert (dry["done"], dry["targets"]) == (2, {dead.topic: 2})
    assert await dead.values() == []
    begun = await dead.here.send("POST", f"{dead.path}/redrive", {"names": [made["name"]]}, 202)
    done = await dead.over(begun["operation"])
    assert (done["state"], done["done"], done["by"], done["error"]) == ("done", 1, ANONYMOUS, "")
    assert await dead.values() == ["right"]
    states = (await dead.here.get(dead.path))["states"]
    assert states == {"waiting": 1, "redriven": 1, "purged": 0, "replaced": 1}
    assert (await dead.here.get("/api/dlq-operations"))[0]["operation"] == begun["operation"]


async def test_a_redrive_at_a_rate_is_seen_on_its_way_stopped_and_begun_again(dead: Dead) -> None:
    await dead.bury(*[b"%d" % i for i in range(60)])
    begun = await dead.here.send("POST", f"{dead.path}/redrive", {"all": True, "rate": 20}, 202)
    path = f"/api/dlq-operations/{begun['operation']}"
    refused = await dead.here.send("POST", f"{dead.path}/purge", {"all": True}, 409)
    assert "another goes on" in refused["error"]
    while (await dead.here.get(path))["done"] < 10:
        await asyncio.sleep(0.02)
    stopped = await dead.here.send("DELETE", path)
    assert (stopped["running"], stopped["state"]) == (False, "stopped")
    assert 10 <= stopped["done"] < 60
    rest = await dead.here.send("POST", f"{dead.path}/redrive", {"all": True}, 202)
    await dead.over(rest["operation"])
    assert sorted(await dead.values(), key=int) == [str(i) for i in range(60)]
    listed = [each["name"] for each in await dead.here.get("/api/dlq")]
    assert f"{dead.topic}.dlq" in listed and "_penstock.dlq" not in listed, "marks are no letters"


async def test_given_up_they_are_gone_from_what_waits(dead: Dead) -> None:
    await dead.bury(b"a", b"b", b"slow")
    begun = await dead.here.send("POST", f"{dead.path}/purge", {"contains": "slow"}, 202)
    assert (await dead.over(begun["operation"]))["done"] == 1
    assert (await dead.here.get(f"{dead.path}?state=purged"))["groups"][0]["count"] == 1
    assert (await dead.here.get(dead.path))["groups"][0]["count"] == 2


# --- the refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/dlq/nowhere.dlq", None, 404),
        ("GET", "/api/dlq/no:topic", None, 400),
        ("GET", "{}?state=lost", None, 400),
        ("GET", "{}?since_ms=soon", None, 400),
        ("GET", "{}?typo=1", None, 400),
        ("GET", "{}/letters?limit=0", None, 400),
        ("GET", "{}/letters/0:99", None, 404),
        ("GET", "{}/letters/x", None, 404),
        ("POST", "{}/letters/0:99", {"value": "x"}, 404),
        ("POST", "{}/letters/0:0", {"value": "%", "encoding": "base64"}, 400),
        ("POST", "{}/letters/0:0", {"text": "x"}, 400),
        ("POST", "{}/redrive", {}, 400),
        ("POST", "{}/redrive", {"all": True, "rate": -1}, 400),
        ("POST", "{}/redrive", {"all": True, "to": "__consumer_offsets"}, 403),
        ("POST", "{}/redrive", {"all": True, "to": "no topic"}, 400),
        ("POST", "{}/redrive", {"names": ["0:0"] * 10_001}, 400),
        ("POST", "{}/purge", {}, 400),
        ("POST", "{}/purge", {"everything": True}, 400),
        ("GET", "/api/dlq-operations/none", None, 404),
        ("DELETE", "/api/dlq-operations/none", None, 404),
    ],
)
async def test_what_cannot_be_is_refused(dead: Dead, method: str, path: str, body: Any, status: int) -> None:
    await dead.bury(b"a")
    path = path.format(dead.path)
    said = await (
        dead.here.get(path, status) if method == "GET" else dead.here.send(method, path, body, status)
    )
    assert said["error"]


async def test_a_forged_letter_sends_nothing_into_the_system_s_own_topics(dead: Dead) -> None:
    await dead.bury(b"a", origin=Origin("__consumer_offsets", 0, 1))
    await dead.bury(b"b", via="_penstock.audit")
    dry = await dead.here.send("POST", f"{dead.path}/redrive", {"all": True, "dry_run": True})
    assert (dry["done"], sorted(dry["skipped"])) == (
        0,
        [
            "__consumer_offsets is one of the system's own topics",
            "_penstock.audit is one of the system's own topics",
        ],
    )


async def test_a_letter_whose_bytes_are_none_is_told(dead: Dead) -> None:
    await dead.here.client.produce(f"{dead.topic}.dlq", [Record(None, None, now_ms())], 0)
    one = await dead.here.get(f"{dead.path}/letters/0:0")
    assert (one["key"], one["value"], one["origin"]) == (None, None, "")
