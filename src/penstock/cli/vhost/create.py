"""Create a virtual host.

penstock vhost create shop
"""

import argparse

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, with_amqp
from penstock.cli.output import show
from penstock.cli.vhost.asking import channel_of

COLUMNS = ("vhost", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its name."""
    parser.add_argument("name", metavar="VHOST", help="its name: shop")
    amqp_flags(parser, vhost=False)


def run(given: argparse.Namespace) -> int:
    """Create; one that is there is left as it is."""

    async def create(connection: Connection) -> bool:
        channel = await channel_of(connection)
        known = [str(name) for name in await channel.describe("vhosts")]
        await channel.call("penstock.declare-vhost", virtual_host=given.name)
        return given.name not in known

    new = with_amqp(given, create)
    show([{"vhost": given.name, "state": "created" if new else "is there"}], COLUMNS, given)
    return 0
