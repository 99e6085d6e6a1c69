"""/api/bindings: list, make, take away. Between an exchange and a queue is ``e/{exchange}/q/{queue}``, two exchanges ``e/…/e/…``."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.amqp import Channel
from penstock.broker.queues.names import resource
from penstock.web.http.access import ANYONE, Need, must
from penstock.web.http.answers import HttpError, ok, read_body
from penstock.web.http.inputs import known
from penstock.web.http.routes import route
from penstock.web.queues.asking import DEFAULT, channel, described, exchange_of, listed, name_of
from penstock.web.queues.looking import bound_as, properties_key

KINDS = {"q": "queue", "e": "exchange"}
BETWEEN = "/api/bindings/{vhost}/e/{exchange}/{kind}/{target}"
READ = Need("read", "exchange", "exchange")
"""The other end's is asked for by the handler: its kind stands in the path."""


class NewBinding(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST; what the path says may stand in it, and means nothing."""

    routing_key: str = ""
    arguments: dict[str, Any] = {}
    source: str = ""
    destination: str = ""
    destination_type: str = ""
    vhost: str = ""


@route("GET", "/api/bindings", ANYONE)
async def bindings(request: Request) -> Response:
    """All to what who asks may see."""
    return listed(request, [bound_as(one) for one in await described(request, "bindings")])


@route("GET", "/api/bindings/{vhost}", ANYONE)
async def bindings_of_a_vhost(request: Request) -> Response:
    """Those of one virtual host."""
    found = await described(request, "bindings", name_of(request, "vhost"))
    return listed(request, [bound_as(one) for one in found])


@route("GET", BETWEEN, ANYONE)
async def between(request: Request) -> Response:
    """Those between two ends."""
    async with channel(request, name_of(request, "vhost")) as asked:
        return listed(request, [bound_as(one) for one in await _between(request, asked)])


@route("POST", BETWEEN, READ)
async def bind(request: Request) -> Response:
    """Bind, 201; harmless where it is bound so."""
    known(request)
    body = await read_body(request, NewBinding, strict=False)
    method, ends = _ends(request, "bind")
    async with channel(request, name_of(request, "vhost")) as asked:
        await asked.call(method, **ends, routing_key=body.routing_key, arguments=body.arguments)
    return ok({"properties_key": properties_key(body.routing_key, body.arguments)}, 201)


@route("DELETE", BETWEEN + "/{key}", READ)
async def unbind(request: Request) -> Response:
    """Take one away, by its `properties_key`."""
    known(request)
    method, ends = _ends(request, "unbind")
    key = request.path_params["key"]
    async with channel(request, name_of(request, "vhost")) as asked:
        for one in await _between(request, asked):
            if properties_key(one["routing_key"], one["arguments"]) == key:
                await asked.call(method, **ends, routing_key=one["routing_key"], arguments=one["arguments"])
                return ok({"properties_key": key})
    raise HttpError(404, "there is no such binding", remedy="GET /api/bindings", place="path")


async def _between(request: Request, asked: Channel) -> list[dict[str, Any]]:
    ends = name_of(request, "vhost"), exchange_of(request), _kind(request), name_of(request, "target")
    return [
        one
        for one in await asked.describe("bindings")
        if (one["vhost"], one["source"], one["target_kind"], one["target"]) == ends
    ]


def _ends(request: Request, verb: str) -> tuple[str, dict[str, str]]:
    """The method that binds, or unbinds, what the path names; raises HttpError where who asks may not."""
    source, target, kind = exchange_of(request), name_of(request, "target"), _kind(request)
    must(request, "write", kind, resource(target or DEFAULT, name_of(request, "vhost")))
    if kind == "queue":
        return f"queue.{verb}", {"queue": target, "exchange": source}
    return f"exchange.{verb}", {"destination": target, "source": source}


def _kind(request: Request) -> str:
    kind = KINDS.get(request.path_params["kind"])
    if kind is None:
        raise HttpError(404, "a binding leads to a queue (q) or an exchange (e)", place="path")
    return kind
