"""List queues with what is ready in them, what consumers hold, and how many consumers there are.

penstock queue list
penstock queue list 'orders*' --vhost shop --json
"""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, described, with_amqp
from penstock.cli.names import names_flags
from penstock.cli.output import show
from penstock.cli.queue.facts import chosen

COLUMNS = ("queue", "type", "ready", "unacked", "consumers", "size")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Patterns, and where."""
    names_flags(parser, "queue", "*")
    amqp_flags(parser)


async def rows(connection: Connection, given: argparse.Namespace) -> list[dict[str, Any]]:
    """One row a queue."""
    if not given.queue:
        await described(connection, "queues")  # says of a RabbitMQ that it does not tell
    return await chosen(connection, given)


def run(given: argparse.Namespace) -> int:
    """Print the list."""
    show(with_amqp(given, lambda connection: rows(connection, given)), COLUMNS, given)
    return 0
