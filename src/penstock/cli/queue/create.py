"""Create queues, here or on RabbitMQ.

penstock queue create emails
penstock queue create orders --type quorum --argument x-delivery-limit=5 --argument x-dead-letter-exchange=dlx
"""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, argument_flag, arguments_of, is_there, with_amqp
from penstock.cli.several import several
from penstock.content import Field

COLUMNS = ("queue", "type", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The names, and what the new queues are like."""
    parser.add_argument("queue", nargs="+", metavar="QUEUE", help="the new queues' names")
    parser.add_argument(
        "--type", choices=("classic", "quorum", "stream"), default="classic", help="their kind (classic)"
    )
    parser.add_argument("--transient", action="store_true", help="they need not outlive a restart")
    parser.add_argument("--auto-delete", action="store_true", help="they go with their last consumer")
    argument_flag(parser, "x-message-ttl=60000, x-max-length=1000, x-dead-letter-exchange=dlx")
    amqp_flags(parser)


async def create(
    connection: Connection, given: argparse.Namespace, settings: dict[str, Field], name: str
) -> list[dict[str, Any]]:
    """Create one; one that is there and is as said is left as it is."""
    there = await is_there(connection, "queue.declare", queue=name)
    channel = await connection.channel()
    await channel.call(
        "queue.declare",
        queue=name,
        durable=not given.transient,
        auto_delete=given.auto_delete,
        arguments=settings,
    )
    await channel.close()
    return [{"queue": name, "type": given.type, "state": "is there" if there else "created"}]


def run(given: argparse.Namespace) -> int:
    """Create, and say what came of it."""
    settings = arguments_of(given.argument)
    if given.type != "classic":
        settings["x-queue-type"] = given.type
    outcome = with_amqp(
        given,
        lambda connection: several(
            given.queue, "queues", lambda name: create(connection, given, settings, name)
        ),
    )
    outcome.show(COLUMNS, given)
    return 0
