"""Create an exchange, here or on RabbitMQ.

penstock exchange create orders --type topic
penstock exchange create later --type x-delayed-message --argument x-delayed-type=direct
"""

import argparse

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, argument_flag, arguments_of, is_there, with_amqp
from penstock.cli.output import show

COLUMNS = ("exchange", "type", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its name, and what it is like."""
    parser.add_argument("exchange", metavar="EXCHANGE", help="its name")
    parser.add_argument(
        "--type",
        default="direct",
        metavar="TYPE",
        help="direct (the default), topic, fanout, headers, x-delayed-message, x-penstock-topic",
    )
    parser.add_argument("--transient", action="store_true", help="it need not outlive a restart")
    parser.add_argument("--auto-delete", action="store_true", help="it goes with its last binding")
    parser.add_argument("--internal", action="store_true", help="only other exchanges reach it")
    argument_flag(parser, "alternate-exchange=unrouted")
    amqp_flags(parser)


async def create(connection: Connection, given: argparse.Namespace) -> bool:
    """Create it; False where it is there, and as said."""
    there = await is_there(connection, "exchange.declare", exchange=given.exchange, type=given.type)
    channel = await connection.channel()
    await channel.call(
        "exchange.declare", exchange=given.exchange, type=given.type, durable=not given.transient,
        auto_delete=given.auto_delete, internal=given.internal, arguments=arguments_of(given.argument),
    )  # fmt: skip
    return not there


def run(given: argparse.Namespace) -> int:
    """Create, and say what came of it."""
    new = with_amqp(given, lambda connection: create(connection, given))
    show(
        [{"exchange": given.exchange, "type": given.type, "state": "created" if new else "is there"}],
        COLUMNS,
        given,
    )
    return 0
