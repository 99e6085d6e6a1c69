"""PUT and DELETE /api/queues: made, deleted, purged; what is gone for good is in the audit."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.dlq.naming import place_of_queue
from penstock.web.http.access import Need
from penstock.web.http.answers import HttpError, ok, read_body
from penstock.web.http.inputs import known
from penstock.web.http.routes import route
from penstock.web.queues.asking import changed, channel, followed, name_of, noted, queue_of


class NewQueue(msgspec.Struct, forbid_unknown_fields=True):
    """The body of PUT; the path's names and RabbitMQ's `node` may stand in it, and mean nothing."""

    durable: bool = True
    auto_delete: bool = False
    arguments: dict[str, Any] = {}
    queue_type: str = ""
    name: str = ""
    vhost: str = ""
    node: str | None = None


@route("PUT", "/api/queues/{vhost}/{queue}", Need("create", "queue", "queue"))
async def declare(request: Request) -> Response:
    """Make one, 201; or agree that it is so, 200."""
    known(request)
    vhost, name = name_of(request, "vhost"), name_of(request, "queue")
    body = await read_body(request, NewQueue, strict=False)
    kind = {"x-queue-type": body.queue_type} if body.queue_type else {}
    new = (vhost, name) not in followed(request).queues
    async with channel(request, vhost) as asked:
        await asked.call(
            "queue.declare", queue=name, durable=body.durable, auto_delete=body.auto_delete,
            arguments=kind | body.arguments,
        )  # fmt: skip
    await changed(request)
    return ok({"name": name, "vhost": vhost}, 201 if new else 200)


@route("DELETE", "/api/queues/{vhost}/{queue}", Need("delete", "queue", "queue"))
async def delete(request: Request) -> Response:
    """Delete one with all its messages: on condition, if the query has ``if-unused=true`` or ``if-empty=true``."""
    known(request, "if-unused", "if-empty")
    vhost, name = name_of(request, "vhost"), name_of(request, "queue")
    await queue_of(request)
    conditions = {word: request.query_params.get(word, "false") for word in ("if-unused", "if-empty")}
    if not set(conditions.values()) <= {"true", "false"}:
        raise HttpError(400, "if-unused and if-empty take true or false", place="query")
    place = place_of_queue(vhost, name)
    async with channel(request, vhost) as asked, noted(request, "queue.delete", place) as done:
        said = await asked.call(
            "queue.delete", queue=name,
            if_unused=conditions["if-unused"] == "true", if_empty=conditions["if-empty"] == "true",
        )  # fmt: skip
        done["messages"] = said["message_count"]
    await changed(request)
    return ok({"name": name, "vhost": vhost, "messages": said["message_count"]})


@route("DELETE", "/api/queues/{vhost}/{queue}/contents", Need("read", "queue", "queue"))
async def purge(request: Request) -> Response:
    """Drop all that is ready; what consumers hold stays theirs."""
    known(request)
    vhost, name = name_of(request, "vhost"), name_of(request, "queue")
    await queue_of(request)
    place = place_of_queue(vhost, name)
    async with channel(request, vhost) as asked, noted(request, "queue.purge", place) as done:
        said = await asked.call("queue.purge", queue=name)
        done["messages"] = said["message_count"]
    await changed(request)
    return ok({"name": name, "vhost": vhost, "messages": said["message_count"]})
