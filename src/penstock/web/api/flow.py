"""GET /api/flow and its events: the whole stack as one graph."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from penstock.web.api.site import Site, site
from penstock.web.http.access import Need
from penstock.web.http.answers import ok
from penstock.web.http.events import HEARTBEAT, EventStream, event
from penstock.web.http.inputs import known
from penstock.web.http.routes import route


@route("GET", "/api/flow", Need("describe", "cluster"))
async def flow(request: Request) -> Response:
    """The newest picture, at most a second old."""
    known(request)
    ticker = site(request).ticker
    return ok(ticker.picture or ticker.tick())


@route("GET", "/api/flow/events", Need("describe", "cluster"))
async def flow_events(request: Request) -> ASGIApp:
    """Every picture as it is drawn. Any token will do: the newest picture is all there is to know."""
    known(request, "since")
    at = site(request)
    return EventStream(at.streams, "flow", _pictures(at))


async def _pictures(at: Site) -> AsyncGenerator[bytes, None]:
    ticker = at.ticker
    sent_ms = 0
    while True:
        if ticker.at_ms != sent_ms and ticker.picture:
            sent_ms = ticker.at_ms
            yield event("flow", ticker.picture, str(sent_ms))
        elif not await ticker.wake.wait(at.streams.options.heartbeat_s):
            yield HEARTBEAT
