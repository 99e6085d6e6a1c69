"""Who may ask: hosts, origins, content types, sizes; and the headers that keep browsers careful."""

import json
from collections.abc import AsyncIterator

import pytest

from penstock.web.http.guard import GuardOptions
from tests.web.site import World, world

pytestmark = pytest.mark.anyio
PATHS = [
    "/",
    "/api/status",
    "/api/flow",
    "/api/topics",
    "/api/tables/x/changes",
    "/metrics",
    "/healthz",
    "/assets/x.js",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "0.0.0.0:8080", "[::2]:8080", "127.0.0.1@evil.example", "127.0.0.1,evil.example"]
)  # fmt: skip
async def test_a_foreign_host_is_refused_everywhere(here: World, path: str, host: str) -> None:
    answer = await here.get(path, 403, headers={"host": host})
    assert answer["place"] == "Host" and answer["remedy"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8080", "127.8.8.8:80"]
)
async def test_every_name_of_this_machines_loopback_is_its_own(here: World, host: str) -> None:
    await here.get("/healthz", headers={"host": host})


async def test_two_hosts_or_none_are_refused(here: World) -> None:
    answer = await here.http.get("/healthz", headers=[("host", "127.0.0.1"), ("host", "evil.example")])
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PUT"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:8081", "https://127.0.0.1:8080", "http://localhost:8080", "http://127.0.0.1", ""]
)  # fmt: skip
async def test_a_foreign_origin_is_refused(here: World, method: str, origin: str) -> None:
    headers = {"origin": origin, "content-type": "application/json"}
    answer = await here.http.request(method, "/api/topics", headers=headers)
    assert (answer.status_code, answer.json()["place"]) == (403, "Origin")
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_its_own_pages_may_ask(here: World) -> None:
    headers = {"origin": "http://127.0.0.1:8080"}
    await here.get("/api/topics", headers=headers)
    await here.send("POST", "/api/topics", {"name": "t"}, 201, headers=headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
async def test_a_page_of_another_site_may_not_embed_answers(here: World, site: str, mode: str) -> None:
    await here.get("/api/topics", 403, headers={"sec-fetch-site": site, "sec-fetch-mode": mode})


async def test_a_link_from_another_site_may_be_followed(here: World) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert (await here.http.get("/", headers=headers)).status_code == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "text/plain; application/json"])  # fmt: skip
async def test_what_a_form_could_send_is_no_way_to_change_something(
    here: World, method: str, kind: str | None
) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = await here.http.request(method, "/api/topics", content=b'{"name":"t"}', headers=headers)
    assert (answer.status_code, answer.json()["place"]) == (415, "Content-Type")
    assert "t" not in here.client.topics


@pytest.mark.parametrize("sent", [{"origin": "http://127.0.0.1:8080"}, {"sec-fetch-site": "same-origin"}, {"transfer-encoding": "chunked"}])  # fmt: skip
async def test_a_deletion_with_nothing_in_it_needs_no_content_type_but_from_a_page(
    here: World, sent: dict[str, str]
) -> None:
    await here.client.create_topic("t", 1)
    assert (await here.http.delete("/api/topics/t", headers=sent)).status_code == 415
    assert (await here.http.delete("/api/topics/t")).status_code == 200


async def test_a_content_type_may_carry_a_charset(here: World) -> None:
    await here.send(
        "POST", "/api/topics", {"name": "t"}, 201, headers={"content-type": "Application/JSON; charset=utf-8"}
    )


async def test_a_body_is_bounded_whatever_its_length_says() -> None:
    async with world(guard=GuardOptions(body_bytes_max=1000)) as found:
        await found.client.create_topic("t", 1)
        path, large = "/api/topics/t/records", json.dumps({"value": "x" * 2000}).encode()
        assert (await found.send("POST", path, large, 413))["remedy"]
        await found.send("POST", path, b"{}", 413, headers={"content-length": "1" * 30})
        await found.send("POST", path, b"{}", 413, headers={"content-length": "-1"})

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 100

        answer = await found.http.post(path, content=pieces(), headers={"content-type": "application/json"})
        assert answer.status_code == 413 and "1000 bytes" in answer.json()["error"]
        await found.send("POST", path, {"value": "x" * 900})


async def test_every_answer_carries_the_headers_that_keep_browsers_careful(here: World) -> None:
    for path, host in [
        ("/", "127.0.0.1"),
        ("/api/status", "127.0.0.1"),
        ("/api/nope", "localhost"),
        ("/", "evil.example"),
    ]:
        headers = (await here.http.get(path, headers={"host": host})).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert not [name for name in headers if name.startswith("access-control")]
    assert (await here.http.get("/api/status")).headers["cache-control"] == "no-store"


async def test_hosts_and_origins_can_be_let_in_by_name() -> None:
    options = GuardOptions(allow_hosts="dev.box, other", allow_origins="http://localhost:5173")
    async with world(guard=options) as found:
        await found.get("/api/status", headers={"host": "dev.box:8080"})
        await found.get("/api/status", 403, headers={"host": "dev.box.evil.example"})
        answer = await found.http.get("/api/status", headers={"origin": "http://localhost:5173"})
        assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
        assert answer.headers["vary"] == "Origin"
        ask = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
        allowed = await found.http.options("/api/topics", headers=ask)
        assert allowed.status_code == 200 and "POST" in allowed.headers["access-control-allow-methods"]
        assert (
            await found.http.options("/api/topics", headers=ask | {"origin": "http://localhost:5174"})
        ).status_code == 403


async def test_a_websocket_is_closed_unopened(here: World) -> None:
    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    await here.app(
        {"type": "websocket", "path": "/api/flow", "headers": [], "query_string": b""}, receive, send
    )  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nope", "/api/topics/t/records/x", "/api/../api/nope"]
)
async def test_a_wrong_path_under_the_api_is_an_error_not_a_page(here: World, path: str) -> None:
    assert (await here.get(path, 404))["remedy"]


async def test_a_wrong_method_names_the_right_ones(here: World) -> None:
    answer = await here.http.put("/api/topics", content=b"{}", headers={"content-type": "application/json"})
    assert answer.status_code == 405 and "GET" in answer.headers["allow"] and answer.json()["remedy"]
