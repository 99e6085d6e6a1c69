"""A site over a backend: a cluster in memory, or a real penstock broker; and ways to talk to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
from starlette.applications import Starlette

from penstock.amqp import Url
from penstock.client.client import Client
from penstock.record import Record
from penstock.tables.live import TableOptions
from penstock.web.api.site import Addresses, Site
from penstock.web.app import build
from penstock.web.clocks import read_clocks
from penstock.web.flow.ticker import Ticker
from penstock.web.follow.watch import WORKERS, Watch
from penstock.web.http.events import EventOptions, Streams
from penstock.web.http.guard import GuardOptions
from penstock.web.process import Server, config, listen
from tests.web.fake import FakeClient

BASE = "http://127.0.0.1:8080"


def now_ms() -> int:
    return read_clocks().wall_ms


class World:
    """One web site in this process, its cluster, and an HTTP client straight into the application."""

    def __init__(self, client: Client, site: Site, app: Starlette) -> None:
        self.client, self.site, self.app = cast("FakeClient", client), site, app
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE
        )

    async def get(self, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.http.get(path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def send(self, method: str, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **more.pop("headers", {})}
        answer = await self.http.request(method, path, content=content, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def report(self, name: str, kind: str = "job", **fields: Any) -> None:
        """A worker's report, as section H of the contract has it."""
        value = {"kind": kind, "name": name, "state": "running", "worker": "w0", "at_ms": now_ms(), **fields}
        await self.client.produce(
            WORKERS, [Record(f"{kind}/{name}".encode(), json.dumps(value).encode(), now_ms())], 0
        )

    async def table(self, name: str = "cores", partitions: int = 1, **columns: str) -> None:
        """Declare a live table, its key the first column, and make its topic."""
        columns = columns or {"core": "STRING", "load": "DOUBLE"}
        await self.client.create_topic(name, partitions, {"cleanup.policy": "compact"}, exist_ok=True)
        shape = {
            "name": name,
            "topic": name,
            "connector": "upsert-kafka",
            "columns": [{"name": column, "kind": kind} for column, kind in columns.items()],
            "key": [next(iter(columns))],
        }
        outputs = [{"table": name, "connector": "upsert-kafka", "topic": name, "rows": 0}]
        await self.report(f"writes_{name}", tables=[shape], outputs=outputs)
        await until(lambda: name in self.site.watch.feeds.feeds)


@asynccontextmanager
async def serving(found: World) -> AsyncIterator[str]:
    """The world's application under the real server, on a free port of this process: its base URL."""
    listener = listen("127.0.0.1:0")
    server = Server(config(found.app))
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        found.site.streams.close()
        server.should_exit = True
        await task


async def until(true: Callable[[], Any], seconds: float = 8.0) -> None:
    """Wait until something is true."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    while not true():
        assert loop.time() < end_s, "it did not come true in time"
        await asyncio.sleep(0.01)


def row(core: object, load: object, at_ms: int | None = None) -> Record:
    """A row of the table `cores`, of now: a real broker's retention takes old ones away."""
    value = None if load is None else json.dumps({"core": core, "load": load}).encode()
    return Record(json.dumps({"core": core}, separators=(",", ":")).encode(), value, at_ms or now_ms())


@asynccontextmanager
async def world(
    *,
    dial: Callable[[], Client] | None = None,
    tables: TableOptions | None = None,
    events: EventOptions | None = None,
    guard: GuardOptions | None = None,
    static: Path = Path("nowhere"),
    demo_sql: str = "",
    amqp: Url | None = None,
) -> AsyncIterator[World]:
    """A site that follows the cluster, without a server."""
    if dial is None:
        fake = FakeClient()
        dial = lambda: cast("Client", fake)  # noqa: E731
    watch = Watch(dial, tables or TableOptions(), now_ms, "", amqp)
    addresses = Addresses("127.0.0.1:9092", BASE)
    site = Site(
        watch, Ticker(watch), Streams(events or EventOptions()), addresses, static, "", demo_sql, amqp=amqp
    )
    # Made before it is looked for, so that tests need not wait for the next look.
    await watch.client.create_topic(WORKERS, 1, {"cleanup.policy": "compact"}, exist_ok=True)
    watch.start()
    found = World(watch.client, site, build(site, guard or GuardOptions()))
    try:
        yield found
    finally:
        site.streams.close()
        await found.http.aclose()
        await watch.stop()
