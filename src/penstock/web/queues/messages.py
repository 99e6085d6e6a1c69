"""POST …/get and …/publish: messages looked at, taken, published."""

import base64
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.amqp import AmqpError, Channel, Got
from penstock.amqp.messages import browse, properties_of, text_of, told
from penstock.web.http.access import Need
from penstock.web.http.answers import HttpError, ok, read_body
from penstock.web.http.inputs import known
from penstock.web.http.routes import route
from penstock.web.queues.asking import changed, channel, exchange_of, name_of, queue_of

COUNT_MAX = 1000
SHOWN_BYTES_MAX = 4 * 1024 * 1024
NO_ROUTE = 312


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST …/get. With the first two modes nothing is taken, nor marked as redelivered."""

    count: int = 10
    ackmode: Literal[
        "ack_requeue_true", "reject_requeue_true", "ack_requeue_false", "reject_requeue_false"
    ] = "ack_requeue_true"
    encoding: Literal["auto", "base64"] = "auto"
    truncate: int = SHOWN_BYTES_MAX
    queue: str = ""
    vhost: str = ""
    payload_file: str = ""


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST …/publish."""

    routing_key: str
    payload: str
    payload_encoding: Literal["string", "base64"] = "string"
    properties: dict[str, Any] = {}
    exchange: str = ""
    vhost: str = ""


@route("POST", "/api/queues/{vhost}/{queue}/get", Need("read", "queue", "queue"))
async def get(request: Request) -> Response:
    """The first messages that are ready: to look at, or for good."""
    known(request)
    vhost, name = name_of(request, "vhost"), name_of(request, "queue")
    wish = await read_body(request, Wish, strict=False)
    if not 1 <= wish.count <= COUNT_MAX:
        raise HttpError(400, f"count takes 1 to {COUNT_MAX}, not {wish.count}", place="count")
    await queue_of(request)
    async with channel(request, vhost) as asked:
        if wish.ackmode.endswith("requeue_true"):
            ready = (await asked.call("queue.declare", queue=name, passive=True))["message_count"]
            found = await browse(asked, name, wish.count)
            rows = [
                {"number": number, "message_count": max(0, ready - place), **_shown(got, wish)}
                for place, (number, got) in enumerate(found, 1)
            ]
        else:
            rows = [
                {"message_count": left, **_shown(got, wish)} for left, got in await _take(asked, name, wish)
            ]
            await changed(request)
    return ok(_within(rows))


async def _take(asked: Channel, name: str, wish: Wish) -> list[tuple[int, Got]]:
    """Take them, each with how many are left behind it; what is rejected is dead-lettered, where the queue says so."""
    found: list[tuple[int, Got]] = []
    size = 0
    while len(found) < wish.count and size < SHOWN_BYTES_MAX:
        said = await asked.call("basic.get", queue=name)
        if "message" not in said:
            break
        found.append((said["message_count"], said["message"]))
        size += len(said["message"].body)
    for _, got in found:
        if wish.ackmode == "ack_requeue_false":
            asked.ack(got.tag)
        else:
            asked.nack(got.tag, requeue=False)
    await asked.close()  # answered when all before it is done
    return found


def _shown(got: Got, wish: Wish) -> dict[str, Any]:
    payload, encoding = text_of(got.body[: max(0, wish.truncate)])
    if wish.encoding == "base64" and encoding == "string":
        payload, encoding = base64.b64encode(payload.encode()).decode(), "base64"
    return {**told(got), "payload": payload, "payload_encoding": encoding}


def _within(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as fit into one answer; one always does."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row["payload"])
        if size > SHOWN_BYTES_MAX and count:
            return rows[:count]
    return rows


@route("POST", "/api/exchanges/{vhost}/{exchange}/publish", Need("write", "exchange", "exchange"))
async def publish(request: Request) -> Response:
    """Publish one; answers once it is safe, and whether a queue took it. The default exchange is ``amq.default``."""
    known(request)
    vhost, exchange = name_of(request, "vhost"), exchange_of(request)
    body = await read_body(request, NewMessage, strict=False)
    try:
        payload = (
            body.payload.encode()
            if body.payload_encoding == "string"
            else base64.b64decode(body.payload, validate=True)
        )
        properties = properties_of(body.properties)
    except ValueError as error:
        raise HttpError(400, str(error), place="properties") from None
    async with channel(request, vhost) as asked:
        await asked.confirm()
        try:
            await asked.publish(exchange, body.routing_key, properties, payload)
        except AmqpError as error:
            if error.code != NO_ROUTE:
                raise
            return ok({"routed": False})
    await changed(request)
    return ok({"routed": True})
