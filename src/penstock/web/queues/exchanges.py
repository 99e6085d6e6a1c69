"""/api/exchanges: list, look at, make, delete."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.amqp import AmqpError
from penstock.web.http.access import ANYONE, Need
from penstock.web.http.answers import HttpError, ok, read_body
from penstock.web.http.inputs import known
from penstock.web.http.routes import route
from penstock.web.queues.asking import channel, described, exchange_of, listed, name_of
from penstock.web.queues.looking import bound_as

SEEN = Need("describe", "exchange", "exchange")


class NewExchange(msgspec.Struct, forbid_unknown_fields=True):
    """The body of PUT; the path's names may stand in it, and mean nothing."""

    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: dict[str, Any] = {}
    name: str = ""
    vhost: str = ""


@route("GET", "/api/exchanges", ANYONE)
async def exchanges(request: Request) -> Response:
    """All that who asks may see; the default one has no name."""
    return listed(request, [told(one) for one in await described(request, "exchanges")])


@route("GET", "/api/exchanges/{vhost}", ANYONE)
async def exchanges_of_a_vhost(request: Request) -> Response:
    """Those of one virtual host."""
    found = await described(request, "exchanges", name_of(request, "vhost"))
    return listed(request, [told(one) for one in found])


@route("GET", "/api/exchanges/{vhost}/{exchange}", SEEN)
async def exchange(request: Request) -> Response:
    """One, with the bindings that lead from it and to it."""
    known(request)
    vhost, name = name_of(request, "vhost"), exchange_of(request)
    async with channel(request, vhost) as asked:
        found, bindings = await asked.describe("exchanges"), await asked.describe("bindings")
    for one in found:
        if (one["vhost"], one["name"]) == (vhost, name):
            here = [each for each in bindings if each["vhost"] == vhost]
            out = [bound_as(each) for each in here if each["source"] == name]
            into = [
                bound_as(each) for each in here if (each["target_kind"], each["target"]) == ("exchange", name)
            ]
            return ok({**told(one), "bindings": out, "bound_to": into})
    raise _missing(vhost, name)


@route("GET", "/api/exchanges/{vhost}/{exchange}/bindings/{end}", SEEN)
async def exchange_bindings(request: Request) -> Response:
    """Those from it (``source``), or to it (``destination``)."""
    vhost, name, end = name_of(request, "vhost"), exchange_of(request), request.path_params["end"]
    if end not in ("source", "destination"):
        raise HttpError(404, "bindings are told by source or destination", place="path")
    here = [bound_as(each) for each in await described(request, "bindings", vhost)]
    kinds = ("queue", "exchange") if end == "source" else ("exchange",)
    return listed(request, [each for each in here if each[end] == name and each["destination_type"] in kinds])


@route("PUT", "/api/exchanges/{vhost}/{exchange}", Need("create", "exchange", "exchange"))
async def declare(request: Request) -> Response:
    """Make one, 201; or agree that it is so, 200."""
    known(request)
    vhost, name = name_of(request, "vhost"), exchange_of(request)
    body = await read_body(request, NewExchange, strict=False)
    async with channel(request, vhost) as asked:
        there = any((one["vhost"], one["name"]) == (vhost, name) for one in await asked.describe("exchanges"))
        await asked.call(
            "exchange.declare", exchange=name, type=body.type, durable=body.durable, auto_delete=body.auto_delete,
            internal=body.internal, arguments=body.arguments,
        )  # fmt: skip
    return ok({"name": name, "vhost": vhost}, 200 if there else 201)


@route("DELETE", "/api/exchanges/{vhost}/{exchange}", Need("delete", "exchange", "exchange"))
async def delete(request: Request) -> Response:
    """Delete one with its bindings: with ``if-unused=true`` only where there are none."""
    known(request, "if-unused")
    vhost, name = name_of(request, "vhost"), exchange_of(request)
    unused = request.query_params.get("if-unused", "false") == "true"
    async with channel(request, vhost) as asked:
        try:
            await asked.call("exchange.declare", exchange=name, type="direct", passive=True)
        except AmqpError as error:
            raise _missing(vhost, name) if error.code == 404 else error from None
        await asked.call("exchange.delete", exchange=name, if_unused=unused)
    return ok({"name": name, "vhost": vhost})


def told(one: dict[str, Any]) -> dict[str, Any]:
    """An exchange in RabbitMQ's words."""
    same = ("name", "vhost", "durable", "auto_delete", "internal", "arguments")
    return {"type": one["kind"], **{name: one[name] for name in same}}


def _missing(vhost: str, name: str) -> HttpError:
    return HttpError(
        404, f"there is no exchange {name!r} in {vhost!r}", remedy="GET /api/exchanges", place="path"
    )
