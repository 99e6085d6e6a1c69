"""List virtual hosts with the number of their queues and of the messages in them.

penstock vhost list
"""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, with_amqp
from penstock.cli.output import show
from penstock.cli.vhost.asking import COLUMNS, channel_of, vhosts


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which server."""
    amqp_flags(parser, vhost=False)


def run(given: argparse.Namespace) -> int:
    """Print the list."""

    async def look(connection: Connection) -> list[dict[str, Any]]:
        return await vhosts(await channel_of(connection))

    show(with_amqp(given, look), COLUMNS, given)
    return 0
