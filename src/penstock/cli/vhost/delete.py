"""Delete a virtual host with all queues in it, after saying what goes and asking.

penstock vhost delete shop
"""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, with_amqp
from penstock.cli.confirm import confirmed
from penstock.cli.connection import bootstrap_flag
from penstock.cli.names import unknown
from penstock.cli.noting import noting
from penstock.cli.output import counted, show
from penstock.cli.vhost.asking import COLUMNS, channel_of, vhosts
from penstock.dlq.naming import place_of_vhost


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and whether to ask."""
    parser.add_argument("name", metavar="VHOST", help="its name: shop")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    amqp_flags(parser, vhost=False)
    bootstrap_flag(parser)


async def find(connection: Connection, name: str) -> dict[str, Any]:
    """What would go; raises PenstockError where there is none of this name."""
    found = {str(row["vhost"]): row for row in await vhosts(await channel_of(connection))}
    if name not in found:
        raise unknown(name, found, "vhost")
    return found[name]


async def delete(connection: Connection, given: argparse.Namespace) -> None:
    """Delete it, and note that."""
    channel = await channel_of(connection)
    async with noting(given, connection) as note, note("vhost.delete", place_of_vhost(given.name)):
        await channel.call("penstock.delete-vhost", virtual_host=given.name)


def run(given: argparse.Namespace) -> int:
    """Show what goes, ask, delete."""
    row = with_amqp(given, lambda connection: find(connection, given.name))
    what = f"{counted(row['queues'], 'queue')} and {counted(row['messages'], 'message')}"
    if not confirmed(f"Delete virtual host {given.name} with {what} for good?", yes=given.yes):
        return 1
    with_amqp(given, lambda connection: delete(connection, given))
    show([row | {"state": "deleted"}], (*COLUMNS, "state"), given)
    return 0
