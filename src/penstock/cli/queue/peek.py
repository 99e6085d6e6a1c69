"""Look at messages that are ready in a queue, first to last, without taking them.

penstock queue peek emails
penstock queue peek emails --limit 100 --json
"""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.amqp.messages import browse, told
from penstock.cli.amqp import amqp_flags, is_there, with_amqp
from penstock.cli.names import unknown
from penstock.cli.output import note, show
from penstock.errors import PenstockError

COLUMNS = ("number", "exchange", "routing_key", "properties", "payload")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which queue, and how much of it."""
    parser.add_argument("queue", metavar="QUEUE", help="its name")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="at most so many (10)")
    amqp_flags(parser)


async def look(connection: Connection, given: argparse.Namespace) -> list[dict[str, Any]]:
    """One row a message, in the words of RabbitMQ's management API."""
    if not connection.is_penstock:
        raise PenstockError(
            "RabbitMQ shows no message without taking it", remedy="this works on penstock's queues"
        )
    if not await is_there(connection, "queue.declare", queue=given.queue):
        raise unknown(given.queue, (), "queue")
    found = await browse(await connection.channel(), given.queue, max(1, given.limit))
    return [{"number": number, **told(got)} for number, got in found]


def run(given: argparse.Namespace) -> int:
    """Print them."""
    rows = with_amqp(given, lambda connection: look(connection, given))
    if not rows and not given.json:
        note(f"nothing is ready in {given.queue}")
        return 0
    show(rows, COLUMNS, given)
    return 0
