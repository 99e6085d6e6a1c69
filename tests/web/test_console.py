"""The console's files: types, caching, pages, and nothing from elsewhere."""

from pathlib import Path

import pytest

from tests.web.site import World, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>console</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-BfX3a_9z.js").write_text("export {}")
    (folder / "assets" / "index-C1d2e3f4.css").write_text("a{}")
    (folder / "assets" / "plain.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.mark.parametrize(
    ("path", "kind", "kept"),
    [
        ("/", "text/html", False), ("/index.html", "text/html", False), ("/tables/cores", "text/html", False),
        ("/dlq/orders.dlq", "text/html", False), ("/queues/%2F/a%2Fb.c", "text/html", False),
        ("/icon.svg", "image/svg+xml", False), ("/assets/index-BfX3a_9z.js", "text/javascript", True),
        ("/assets/index-C1d2e3f4.css", "text/css", True), ("/assets/plain.js", "text/javascript", False),
    ],
)  # fmt: skip
async def test_each_file_has_its_type_and_only_hashed_ones_are_kept(
    built: Path, path: str, kind: str, kept: bool
) -> None:
    async with world(static=built) as found:
        answer = await found.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        assert ("immutable" in answer.headers["cache-control"]) == kept
        again = await found.http.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/favicon.ico", "/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt", "/%00.txt"]
)  # fmt: skip
async def test_a_file_that_is_not_there_is_an_error_not_a_page(built: Path, path: str) -> None:
    async with world(static=built) as found:
        answer = await found.http.get(path)
        assert answer.status_code == 404 and "secret" not in answer.text.replace(path, "")


async def test_without_a_build_the_page_says_how_to_build(here: World) -> None:
    answer = await here.http.get("/")
    assert answer.status_code == 200 and "npm run build" in answer.text
    assert (await here.http.head("/")).status_code == 200


async def test_the_demo_tells_its_file_and_takes_a_load(here: World) -> None:
    assert await here.get("/api/demo") == {"active": False, "sql_path": "", "load_until_ms": 0}
    await here.send("POST", "/api/demo/load", {"seconds": 5}, 409)
    async with world(demo_sql="/p/machine.sql") as found:
        until_ms = (await found.send("POST", "/api/demo/load", {"seconds": 5}))["load_until_ms"]
        assert await found.get("/api/demo") == {
            "active": True,
            "sql_path": "/p/machine.sql",
            "load_until_ms": until_ms,
        }
        (command,) = found.client.topics["_penstock.commands"].partitions[0]
        assert command.key == b"demo/load" and str(until_ms).encode() in (command.value or b"")
        for seconds in (0, 61, -1, 1.5, "5", None):
            await found.send("POST", "/api/demo/load", {"seconds": seconds}, 400)


async def test_the_status_names_addresses_and_processes(here: World) -> None:
    told = await here.get("/api/status")
    assert told["addresses"] == {"kafka": "127.0.0.1:9092", "http": "http://127.0.0.1:8080", "amqp": ""}
    assert [p["name"] for p in told["processes"]] == ["broker", "web"]
    assert told["demo"] is False and told["started_ms"] <= told["now_ms"]
    await here.get("/api/status?x=1", 400)
    assert await here.get("/healthz") == {"ok": True}
