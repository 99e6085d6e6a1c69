"""GET /api/queues and /api/consumers: queues with what is in them, their rates, bindings and consumers."""

import base64
import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from penstock.broker.queues.names import resource
from penstock.web.follow.queues import Queue
from penstock.web.http.access import ANYONE, Need, may
from penstock.web.http.answers import ok
from penstock.web.http.inputs import known
from penstock.web.http.routes import route
from penstock.web.queues.asking import channel, described, followed, listed, may_enter, name_of, queue_of

SEEN = Need("describe", "queue", "queue")
STATS = {"publish": "published", "deliver_get": "delivered", "ack": "acked"}
"""RabbitMQ's words for what is counted, and ours."""


@route("GET", "/api/queues", ANYONE)
async def queues(request: Request) -> Response:
    """All queues, as of the last second."""
    return listed(request, _seen(request, None))


@route("GET", "/api/queues/{vhost}", ANYONE)
async def queues_of_a_vhost(request: Request) -> Response:
    """Those of one virtual host."""
    return listed(request, _seen(request, name_of(request, "vhost")))


def _seen(request: Request, vhost: str | None) -> list[dict[str, Any]]:
    return [
        told(queue)
        for (host, name), queue in followed(request).queues.items()
        if vhost in (None, host)
        and may_enter(request, host)
        and may(request, "describe", "queue", resource(name, host))
    ]


@route("GET", "/api/queues/{vhost}/{queue}", SEEN)
async def queue(request: Request) -> Response:
    """One queue, as of now, with its bindings and consumers."""
    known(request, "columns")
    found, (vhost, name) = await queue_of(request), _key(request)
    async with channel(request, vhost) as asked:
        bindings, consumers = await asked.describe("bindings"), await asked.describe("consumers")
        for info in await asked.describe("queues"):
            if (info["vhost"], info["name"]) == (vhost, name):
                found.info = info
    bound = [bound_as(one) for one in bindings if _leads_to(one, vhost, name)]
    held = [consuming(one) for one in consumers if (one["vhost"], one["queue"]) == (vhost, name)]
    return ok({**told(found), "bindings": bound, "consumer_details": held})


@route("GET", "/api/queues/{vhost}/{queue}/bindings", SEEN)
async def queue_bindings(request: Request) -> Response:
    """What leads to it."""
    await queue_of(request)
    vhost, name = _key(request)
    found = await described(request, "bindings", vhost)
    return listed(request, [bound_as(one) for one in found if _leads_to(one, vhost, name)])


@route("GET", "/api/consumers", ANYONE)
async def consumers(request: Request) -> Response:
    """All consumers that who asks may see."""
    return listed(request, [consuming(one) for one in await described(request, "consumers")])


@route("GET", "/api/consumers/{vhost}", ANYONE)
async def consumers_of_a_vhost(request: Request) -> Response:
    """Those of one virtual host."""
    found = await described(request, "consumers", name_of(request, "vhost"))
    return listed(request, [consuming(one) for one in found])


def told(queue: Queue) -> dict[str, Any]:
    """A queue in RabbitMQ's words; a minute of each rate is ours."""
    info = queue.info
    stats: dict[str, Any] = {}
    for word, total in STATS.items():
        series = queue.rates[total]
        stats[word] = info[total]
        stats[f"{word}_details"] = {"rate": round(series.rate, 2), "spark": series.spark}
    return {
        "name": info["name"],
        "vhost": info["vhost"],
        "type": info["kind"],
        "durable": info["durable"],
        "auto_delete": info["auto_delete"],
        "exclusive": info["exclusive"],
        "arguments": info["arguments"],
        "state": "running",
        "messages": info["messages"] + info["unacked"],
        "messages_ready": info["messages"],
        "messages_unacknowledged": info["unacked"],
        "message_bytes": info["bytes"],
        "consumers": info["consumers"],
        "message_stats": stats,
    }


def consuming(one: dict[str, Any]) -> dict[str, Any]:
    """A consumer in RabbitMQ's words; `unacknowledged` and `priority` are ours."""
    return {
        "consumer_tag": one["tag"],
        "queue": {"name": one["queue"], "vhost": one["vhost"]},
        "ack_required": one["acknowledges"],
        "exclusive": one["exclusive"],
        "active": one["active"],
        "prefetch_count": one["prefetch"],
        "channel_details": {"connection_name": one["client"]},
        "unacknowledged": one["unacked"],
        "priority": one["priority"],
    }


def bound_as(one: dict[str, Any]) -> dict[str, Any]:
    """A binding in RabbitMQ's words."""
    return {
        "source": one["source"],
        "vhost": one["vhost"],
        "destination": one["target"],
        "destination_type": one["target_kind"],
        "routing_key": one["routing_key"],
        "arguments": one["arguments"],
        "properties_key": properties_key(one["routing_key"], one["arguments"]),
    }


def properties_key(routing_key: str, arguments: dict[str, Any]) -> str:
    """What tells bindings between the same two ends apart, in paths: the routing key, and a hash of the arguments."""
    if not arguments:
        return routing_key or "~"
    packed = json.dumps(arguments, sort_keys=True).encode()
    return f"{routing_key}~{base64.urlsafe_b64encode(hashlib.sha256(packed).digest()[:15]).decode()}"


def _key(request: Request) -> tuple[str, str]:
    return name_of(request, "vhost"), name_of(request, "queue")


def _leads_to(one: dict[str, Any], vhost: str, name: str) -> bool:
    return (one["vhost"], one["target_kind"], one["target"]) == (vhost, "queue", name)
