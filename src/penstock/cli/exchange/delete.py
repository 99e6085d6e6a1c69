"""Delete an exchange with its bindings, after asking; here or on RabbitMQ.

penstock exchange delete orders --if-unused
"""

import argparse

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, is_there, with_amqp
from penstock.cli.confirm import confirmed
from penstock.cli.names import unknown
from penstock.cli.output import show

COLUMNS = ("exchange", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and on what condition."""
    parser.add_argument("exchange", metavar="EXCHANGE", help="its name")
    parser.add_argument("--if-unused", action="store_true", help="only where nothing is bound to it")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    amqp_flags(parser)


async def look(connection: Connection, given: argparse.Namespace) -> None:
    """Raises PenstockError where it is not there: a deletion of nothing is harmless in AMQP, and mostly a mistake."""
    if not await is_there(connection, "exchange.declare", exchange=given.exchange, type="direct"):
        raise unknown(given.exchange, (), "exchange")


async def delete(connection: Connection, given: argparse.Namespace) -> None:
    """Delete it."""
    channel = await connection.channel()
    await channel.call("exchange.delete", exchange=given.exchange, if_unused=given.if_unused)


def run(given: argparse.Namespace) -> int:
    """Look, ask, delete."""
    with_amqp(given, lambda connection: look(connection, given))
    if not confirmed(f"Delete exchange {given.exchange} with its bindings for good?", yes=given.yes):
        return 1
    with_amqp(given, lambda connection: delete(connection, given))
    show([{"exchange": given.exchange, "state": "deleted"}], COLUMNS, given)
    return 0
