"""GET /api/groups: consumer groups, their members, positions and lag."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from penstock.web.api.site import asking, site
from penstock.web.follow.groups import Group
from penstock.web.http.access import ANYONE, Need, may
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known
from penstock.web.http.routes import route

ASK_S = 5.0


@route("GET", "/api/groups", ANYONE)
async def groups(request: Request) -> Response:
    """All groups, as of the last few seconds."""
    known(request)
    found = sorted(site(request).watch.groups.groups.items())
    return ok([_group(group) for name, group in found if may(request, "describe", "group", name)])


@route("GET", "/api/groups/{group}", Need("describe", "group", "group"))
async def group(request: Request) -> Response:
    """One group, as of now."""
    known(request)
    asking(request)
    name = request.path_params["group"]
    async with asyncio.timeout(ASK_S):
        found = await site(request).watch.groups.look(name)
    if found.info.state in ("Dead", "") and not found.positions:
        raise HttpError(
            404, f"there is no group {name[:80]!r}", remedy="GET /api/groups lists them", place="path"
        )
    return ok(_group(found))


def _group(found: Group) -> dict[str, Any]:
    members = [
        {
            "member_id": m.member_id,
            "instance_id": m.instance_id,
            "client_id": m.client_id,
            "host": m.host,
        }
        for m in found.info.members
    ]
    offsets = [
        {"topic": p.topic, "partition": p.partition, "offset": p.offset, "end": p.end, "lag": p.lag}
        for p in found.positions
    ]
    lag = sum(p.lag or 0 for p in found.positions)
    return {
        "group": found.info.group,
        "state": found.info.state,
        "members": members,
        "offsets": offsets,
        "lag": lag,
    }
