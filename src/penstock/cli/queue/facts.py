"""Which queues are meant, and what is in them. Knows no command, prints nothing."""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.cli.amqp import described
from penstock.cli.names import choose, is_pattern, unknown
from penstock.cli.output import size_text
from penstock.errors import PenstockError


def row_of(info: dict[str, Any], *, as_json: bool) -> dict[str, Any]:
    """A queue as lists show it."""
    row = {
        "queue": info["name"],
        "type": info["kind"],
        "ready": info["messages"],
        "unacked": info["unacked"],
        "consumers": info["consumers"],
        "size": info["bytes"] if as_json else size_text(info["bytes"]),
    }
    if not as_json:
        return row
    more = ("vhost", "durable", "exclusive", "auto_delete", "published", "delivered", "acked", "arguments")
    return row | {name: info[name] for name in more}


async def chosen(connection: Connection, given: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each queue that the words mean: by name or pattern on penstock, by name alone on RabbitMQ."""
    if connection.is_penstock:
        known = {info["name"]: info for info in await described(connection, "queues")}
        names = choose(given.queue, known, given, "queue") if given.queue else sorted(known)
        return [row_of(known[name], as_json=given.json) for name in names]
    return [await _declared(connection, name, given) for name in given.queue]


async def _declared(connection: Connection, name: str, given: argparse.Namespace) -> dict[str, Any]:
    """What RabbitMQ says of one queue over AMQP."""
    if given.regex or is_pattern(name):
        raise PenstockError(
            "RabbitMQ tells its queues' names by its management API alone", remedy="name them"
        )
    channel = await connection.channel()
    try:
        found = await channel.call("queue.declare", queue=name, passive=True)
    except PenstockError as error:
        raise unknown(name, (), "queue") if getattr(error, "code", 0) == 404 else error from None
    await channel.close()
    return {"queue": name, "ready": found["message_count"], "consumers": found["consumer_count"]}
