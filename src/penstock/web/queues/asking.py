"""What handlers of queues share: names out of paths, a channel as who asks, lists by columns. Knows no resource."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from penstock.amqp import AmqpError, Channel, connect
from penstock.web.api.site import acting, site
from penstock.web.follow.queues import Queue, Queues
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known

ASK_S: Final = 10.0
NAME_BYTES_MAX: Final = 255
DEFAULT: Final = "amq.default"
"""How paths, and rules, call the exchange that has no name."""
NOT_ALLOWED: Final = 530
"""AMQP's code for a virtual host that is not there, or not for this user."""


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
        try:
            connection = await connect(replace(acting(request), vhost=vhost), name="penstock-web")
        except AmqpError as error:
            if error.code == NOT_ALLOWED and "not found" in error.message:
                raise HttpError(
                    404, f"there is no virtual host {vhost!r}", remedy="GET /api/vhosts", place="path"
                ) from None
            raise
        try:
            yield await connection.channel()
        finally:
            await connection.close()


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
