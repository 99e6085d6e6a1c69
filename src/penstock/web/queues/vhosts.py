"""/api/vhosts: list, make, delete."""

from starlette.requests import Request
from starlette.responses import Response

from penstock.broker.queues.names import DEFAULT_VHOST
from penstock.dlq.naming import place_of_vhost
from penstock.web.http.access import ANYONE, Need
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known
from penstock.web.http.routes import route
from penstock.web.queues.asking import changed, channel, entrance, followed, listed, may_enter, name_of, noted


@route("GET", "/api/vhosts", ANYONE)
async def vhosts(request: Request) -> Response:
    """All that who asks may see, with the messages in them."""
    at = followed(request)
    rows = []
    for name in at.vhosts:
        if may_enter(request, name):
            inside = [queue.info for (vhost, _), queue in at.queues.items() if vhost == name]
            ready, held = (sum(info[what] for info in inside) for what in ("messages", "unacked"))
            row = {"name": name, "queues": len(inside), "messages": ready + held}
            rows.append({**row, "messages_ready": ready, "messages_unacknowledged": held})
    return listed(request, rows)


@route("PUT", "/api/vhosts/{vhost}", Need("create", "vhost", "vhost"))
async def declare(request: Request) -> Response:
    """Make one, 201; harmless, 200, where it is there."""
    known(request)
    name = name_of(request, "vhost")
    new = name not in followed(request).vhosts
    async with channel(request, entrance(request, name) or DEFAULT_VHOST) as asked:
        await asked.call("penstock.declare-vhost", virtual_host=name)
    await changed(request)
    return ok({"name": name}, 201 if new else 200)


@route("DELETE", "/api/vhosts/{vhost}", Need("delete", "vhost", "vhost"))
async def delete(request: Request) -> Response:
    """Delete one with all its queues."""
    known(request)
    name = name_of(request, "vhost")
    if name not in followed(request).vhosts:
        raise HttpError(404, f"there is no virtual host {name!r}", remedy="GET /api/vhosts", place="path")
    door, place = entrance(request, name) or DEFAULT_VHOST, place_of_vhost(name)
    async with channel(request, door) as asked, noted(request, "vhost.delete", place):
        await asked.call("penstock.delete-vhost", virtual_host=name)
    await changed(request)
    return ok({"name": name})
