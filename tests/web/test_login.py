"""Who asks over HTTP: Basic and certificates, what each may see and do, and floods of wrong passwords."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.users import change, file
from penstock.users.directory import Directory
from penstock.users.follow import FollowedUsers
from penstock.users.rules import parse_rule
from penstock.web.app import build
from penstock.web.http.guard import GuardOptions
from penstock.web.http.login import CERTIFIED, Passwords
from penstock.web.http.routes import ROUTES
from tests.web.site import BASE, World, world

pytestmark = pytest.mark.anyio
RULES = (
    "allow read topic:mine",
    "allow write topic:mine",
    "allow describe pipeline:mine",
    "allow describe group:mine",
)


@pytest.fixture(scope="module")
def people() -> Directory:
    made = change.add_user(Directory(), "ada", "secret", ("admin",), os.urandom)
    made = change.add_user(made, "bob", "sécret:", (), os.urandom)
    made = change.add_user(made, "carol", None, (), os.urandom)
    for rule in RULES:
        made = change.add_rule(change.add_rule(made, "bob", parse_rule(rule)), "carol", parse_rule(rule))
    return made


@pytest.fixture
async def closed(people: Directory, tmp_path: Path) -> AsyncIterator[World]:
    """A site that has users; its own client sends no login."""
    file.write(tmp_path / file.FILE_NAME, people)
    async with world() as found:
        passwords = Passwords(FollowedUsers(tmp_path / file.FILE_NAME))
        app = build(found.site, GuardOptions(), passwords)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        found.http = httpx.AsyncClient(transport=transport, base_url=BASE)
        found.app = app
        for name in ("mine", "yours"):
            await found.client.create_topic(name, 1)
            await found.report(name)
        await found.site.watch.topics.poll()
        yield found


def login(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


ADA, BOB = login("ada", "secret"), login("bob", "sécret:")


async def answered(
    at: World, method: str, path: str, who: dict[str, str], body: Any = None
) -> httpx.Response:
    headers = {"content-type": "application/json", **who}
    return await at.http.request(method, path, headers=headers, content=json.dumps(body) if body else None)


# --- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{sorted(route.methods)[0]} {route.path}")
async def test_without_a_login_only_the_health_is_told(closed: World, route: Any) -> None:
    path = route.path.replace("{topic}", "mine").replace("{", "").replace(":path}", "").replace("}", "")
    method = "GET" if "GET" in route.methods else sorted(route.methods)[0]
    found = await answered(closed, method, path, {}, {} if method != "GET" else None)
    if route.path == "/healthz":
        assert found.status_code == 200
    else:
        assert found.status_code == 401
        assert found.headers["www-authenticate"] == 'Basic realm="penstock", charset="UTF-8"'
        assert "mine" not in found.text


async def test_the_console_asks_for_a_login_too(closed: World) -> None:
    assert (await closed.http.get("/")).status_code == 401
    assert (await closed.http.get("/", headers=ADA)).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Bearer abc",
        "Basic " + base64.b64encode(b"ada").decode(),
        "Basic /////w==",
        "basic",
    ],
)
async def test_what_is_no_login_is_none(closed: World, header: str) -> None:
    assert (await closed.http.get("/api/status", headers={"authorization": header})).status_code == 401


async def test_two_logins_at_once_are_none(closed: World) -> None:
    pairs = [("authorization", ADA["authorization"]), ("authorization", BOB["authorization"])]
    assert (await closed.http.get("/api/status", headers=pairs)).status_code == 401


@pytest.mark.parametrize(
    ("user", "password"), [("ada", "wrong"), ("nobody", "secret"), ("carol", ""), ("", "")]
)
async def test_failures_look_alike_and_come_late(closed: World, user: str, password: str) -> None:
    began_s = asyncio.get_running_loop().time()
    found = await closed.http.get("/api/status", headers=login(user, password))
    assert found.status_code == 401 and found.json()["error"] == "the user or the password is wrong"
    assert asyncio.get_running_loop().time() - began_s > 0.45


async def test_a_right_password_costs_once_even_while_others_guess(closed: World) -> None:
    assert (await closed.http.get("/api/status", headers=BOB)).status_code == 200
    guesses = [
        asyncio.create_task(closed.http.get("/api/status", headers=login("ada", f"guess-{number}")))
        for number in range(80)
    ]
    await asyncio.sleep(0.05)
    began_s = asyncio.get_running_loop().time()
    for _ in range(10):
        assert (await closed.http.get("/api/status", headers=BOB)).status_code == 200
    assert asyncio.get_running_loop().time() - began_s < 1
    statuses = [found.status_code for found in await asyncio.gather(*guesses)]
    assert statuses.count(503) >= 80 - 64 - 5 and set(statuses) == {401, 503}


async def test_a_certificate_lets_in_but_not_as_penstock_itself(closed: World) -> None:
    async def as_certified(name: str) -> int:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await closed.app({**scope, CERTIFIED: name}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
            return (await http.get("/api/topics/mine")).status_code

    assert [await as_certified(name) for name in ("carol", "mallory", "penstock", "")] == [200, 403, 401, 401]


async def test_users_are_taken_over_while_it_runs(people: Directory, tmp_path: Path) -> None:
    path = tmp_path / file.FILE_NAME
    users = FollowedUsers(path)
    assert users.directory.open and not users.look()
    file.write(path, people)
    assert users.look() and not users.directory.open
    path.unlink()
    assert users.look() and not users.directory.open and not users.directory.may("ada", "read", "topic", "x")


# --- what they may do -------------------------------------------------------------------------------------------------


async def test_lists_show_what_one_may_see(closed: World) -> None:
    for path, name in (("/api/topics", "name"), ("/api/pipelines", "name")):
        mine = (await answered(closed, "GET", path, BOB)).json()
        all_of_them = (await answered(closed, "GET", path, ADA)).json()
        assert [each[name] for each in mine] == ["mine"]
        assert {"mine", "yours"} <= {each[name] for each in all_of_them}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/topics/mine", None, 200), ("GET", "/api/topics/yours", None, 403),
        ("GET", "/api/topics/nowhere", None, 403), ("GET", "/api/topics/yours/records", None, 403),
        ("POST", "/api/topics/mine/records", {"value": 1}, 200), ("POST", "/api/topics/yours/records", {"value": 1}, 403),
        ("POST", "/api/topics", {"name": "new"}, 403), ("DELETE", "/api/topics/mine", {}, 403),
        ("GET", "/api/pipelines/mine", None, 200), ("GET", "/api/pipelines/yours", None, 403),
        ("GET", "/api/groups/yours", None, 403), ("GET", "/metrics", None, 403), ("GET", "/api/flow", None, 403),
        ("GET", "/api/flow/events", None, 403), ("POST", "/api/demo/load", {"seconds": 1}, 403),
    ],
)  # fmt: skip
async def test_the_same_rules_hold_as_for_every_protocol(
    closed: World, method: str, path: str, body: Any, status: int
) -> None:
    found = await answered(closed, method, path, BOB, body)
    assert found.status_code == status, found.text
    if status == 403:
        assert "penstock user allow bob" in found.json()["remedy"]
        admin = await answered(closed, method, path, ADA, body) if "events" not in path else None
        assert admin is None or admin.status_code != 403


async def test_a_table_is_its_topics_records(closed: World) -> None:
    await closed.table("mine")
    await closed.table("yours")
    assert [each["name"] for each in (await answered(closed, "GET", "/api/tables", BOB)).json()] == ["mine"]
    for rest in ("", "/changes", "/1"):
        assert (await answered(closed, "GET", f"/api/tables/yours{rest}", BOB)).status_code == 403
    assert (await answered(closed, "GET", "/api/tables/mine", BOB)).status_code == 200
