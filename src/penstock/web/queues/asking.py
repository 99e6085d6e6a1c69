"""What handlers of queues share: names out of paths, a channel as who asks, lists by columns. Knows no resource."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from penstock.amqp import Channel, connect
from penstock.broker.queues.names import DEFAULT_VHOST
from penstock.dlq import audit
from penstock.web.api.site import acting, asking, site
from penstock.web.follow.queues import Queue, Queues
from penstock.web.http.access import may, who
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known

ASK_S: Final = 10.0
NAME_BYTES_MAX: Final = 255
DEFAULT: Final = "amq.default"
"""How paths, and rules, call the exchange that has no name."""


def name_of(request: Request, parameter: str) -> str:
    """A name in the path; one that AMQP cannot have is refused before anything is asked."""
    name: str = request.path_params[parameter]
    if not 0 < len(name.encode("utf-8", "replace")) <= NAME_BYTES_MAX:
        raise HttpError(400, f"a name has 1 to {NAME_BYTES_MAX} bytes", place="path")
    return name


def exchange_of(request: Request, parameter: str = "exchange") -> str:
    """The exchange in the path as AMQP calls it."""
    name = name_of(request, parameter)
    return "" if name == DEFAULT else name


def followed(request: Request) -> Queues:
    """The queues as of the last second; raises HttpError where there are none to be followed."""
    found = site(request).watch.queues
    acting(request)
    if found.error:
        remedy = "the supervisor starts a broker that fell over again: try again in a few seconds"
        raise HttpError(503, found.error, remedy=remedy)
    return found


async def queue_of(request: Request) -> Queue:
    """The queue in the path, one of this very moment too; raises HttpError (404) where there is none."""
    vhost, name = name_of(request, "vhost"), name_of(request, "queue")
    if (vhost, name) not in followed(request).queues:
        await changed(request)
    found = followed(request).queues.get((vhost, name))
    if found is None:
        raise HttpError(
            404, f"there is no queue {name!r} in {vhost!r}", remedy="GET /api/queues", place="path"
        )
    return found


@asynccontextmanager
async def channel(request: Request, vhost: str) -> AsyncIterator[Channel]:
    """A channel in a virtual host, as who asks: the broker holds what is done on it to their rights."""
    async with asyncio.timeout(ASK_S):
        connection = await connect(replace(acting(request), vhost=vhost), name="penstock-web")
        try:
            yield await connection.channel()
        finally:
            await connection.close()


@asynccontextmanager
async def noted(request: Request, what: str, place: str, **meant: Any) -> AsyncIterator[dict[str, Any]]:
    """Note in the audit that who asks begins this, and what came of it; what cannot be noted is not begun."""
    async with asyncio.timeout(ASK_S):
        client = asking(request)
        deed = await audit.deed(client, what, place, who(request))
        async with deed.step(client, **meant) as done:
            yield done


def entrance(request: Request, without: str = "") -> str | None:
    """A virtual host that who asks may enter, to ask about all of them from there; not the one named `without`."""
    vhosts = [DEFAULT_VHOST, *site(request).watch.queues.vhosts]
    return next((each for each in vhosts if each != without and may_enter(request, each)), None)


def may_enter(request: Request, vhost: str) -> bool:
    """Whether who asks may enter a virtual host."""
    return may(request, "describe", "vhost", vhost)


async def described(request: Request, what: str, vhost: str | None = None) -> list[dict[str, Any]]:
    """All there is of this, of what who asks may see: in one virtual host, or in all that they may enter."""
    door = entrance(request) if vhost is None else vhost
    if door is None:
        return []
    async with channel(request, door) as asked:
        found = await asked.describe(what)
    return [
        one for one in found if one["vhost"] == vhost or (vhost is None and may_enter(request, one["vhost"]))
    ]


async def changed(request: Request) -> None:
    """Something was changed: who asks next shall see it."""
    async with asyncio.timeout(ASK_S):
        await site(request).watch.queues.poll()


def listed(request: Request, rows: Iterable[Mapping[str, Any]]) -> Response:
    """A list, with the `columns` that the query names; ``message_stats.publish`` names a part."""
    known(request, "columns")
    names = [name for name in request.query_params.get("columns", "").split(",") if name]
    return ok([_columns(row, names) for row in rows] if names else list(rows))


def _columns(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        first, _, rest = name.partition(".")
        if first in row:
            part = row[first]
            if rest and isinstance(part, dict):
                found.setdefault(first, {}).update(_columns(part, [rest]))
            elif not rest:
                found[first] = part
    return found
