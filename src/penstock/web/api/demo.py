"""/api/demo: what the demo's first screen asks for."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.record import Record
from penstock.web.api.site import asking, site
from penstock.web.follow.watch import COMMANDS
from penstock.web.http.access import ANYONE, Need
from penstock.web.http.answers import HttpError, encode, ok, read_body
from penstock.web.http.inputs import known
from penstock.web.http.routes import route

SECONDS_MAX = 60
ASK_S = 10.0


class Load(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /api/demo/load."""

    seconds: int = 10


@route("GET", "/api/demo", ANYONE)
async def demo(request: Request) -> Response:
    """Whether this is the demo, and where its pipeline's file lies."""
    known(request)
    at = site(request)
    return ok({"active": bool(at.demo_sql), "sql_path": at.demo_sql, "load_until_ms": at.watch.load_until_ms})


@route("POST", "/api/demo/load", Need("alter", "cluster"))
async def load(request: Request) -> Response:
    """Ask the demo's source process to keep one core busy for a while."""
    known(request)
    body, at, client = await read_body(request, Load), site(request), asking(request)
    if not at.demo_sql:
        raise HttpError(409, "this is not the demo", remedy="start it with: penstock demo")
    if not 1 <= body.seconds <= SECONDS_MAX:
        raise HttpError(400, f"seconds goes from 1 to {SECONDS_MAX}", place="seconds")
    now_ms = at.watch.wall_ms()
    until_ms = now_ms + body.seconds * 1000
    value = encode({"seconds": body.seconds, "at_ms": now_ms, "until_ms": until_ms})
    async with asyncio.timeout(ASK_S):
        configs = {"retention.ms": "3600000"}
        await client.create_topic(COMMANDS, 1, configs, exist_ok=True)
        await client.produce(COMMANDS, [Record(b"demo/load", value, now_ms)], 0)
    at.watch.load_until_ms = until_ms
    return ok({"load_until_ms": until_ms})
