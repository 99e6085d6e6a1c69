"""Messages as people and JSON have them, in the words of RabbitMQ's management API; and looking at what waits.

Knows one channel; knows no command and no HTTP.
"""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from penstock.amqp.channel import Channel, Got
from penstock.content import Field, Properties
from penstock.content.properties import KINDS

NUMBER = "x-penstock-number"


def told(got: Got) -> dict[str, Any]:
    """A message for JSON: the body as text where it is UTF-8, else in base64."""
    payload, encoding = text_of(got.body)
    return {
        "payload_bytes": len(got.body),
        "redelivered": got.redelivered,
        "exchange": got.exchange,
        "routing_key": got.routing_key,
        "properties": {name: plain(value) for name, value in got.properties.fields.items()},
        "payload": payload,
        "payload_encoding": encoding,
    }


def text_of(body: bytes) -> tuple[str, str]:
    """Bytes for JSON, and how: ``string`` or ``base64``."""
    try:
        return body.decode(), "string"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"


def plain(value: Any) -> Any:
    """A field of a table as JSON has it: bytes as `text_of` says, what JSON does not know as its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return text_of(value)[0]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) and value - value == 0 else str(value)


def properties_of(told: Mapping[str, Any]) -> Properties:
    """Properties by their names; raises ValueError for one that there is not, or that cannot be so."""
    made: dict[str, Any] = {}
    for name, value in told.items():
        if name not in KINDS:
            raise ValueError(f"there is no property {name[:40]!r}: {', '.join(KINDS)}")
        made[name] = str(value) if KINDS[name] == "text" and isinstance(value, int) else value
    return Properties.made(**made)


async def browse(channel: Channel, queue: str, limit: int) -> list[tuple[int, Got]]:
    """Up to `limit` messages that are ready in a queue of penstock's, first to last, with their numbers; none is taken."""
    found: list[Got] = []
    over = asyncio.Event()

    def take(got: Got | None) -> None:
        if got is not None and len(found) < limit:
            found.append(got)
        if got is None or len(found) == limit:
            over.set()

    arguments: Mapping[str, Field] = {"x-penstock-browse": True, "x-penstock-oldest": limit}
    tag = await channel.consume(queue, take, no_ack=True, arguments=arguments)
    async with asyncio.timeout(60):
        await over.wait()
    if channel.lost:
        raise channel.lost
    await channel.call("basic.cancel", consumer_tag=tag)
    return [_numbered(got) for got in found]


def _numbered(got: Got) -> tuple[int, Got]:
    """The message as it was published, and its number, which a browsing consumer finds in a header."""
    headers = dict(got.properties.headers or {})
    number = headers.pop(NUMBER, -1)
    properties = got.properties.replaced(headers=headers or None)
    got = Got(got.tag, got.exchange, got.routing_key, got.redelivered, properties, got.body)
    return int(str(number)), got
