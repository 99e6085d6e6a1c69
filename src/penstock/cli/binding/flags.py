"""The flags that name one binding, and what AMQP does with it. Knows no verb."""

import argparse

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, argument_flag, arguments_of, with_amqp
from penstock.cli.output import show

COLUMNS = ("exchange", "destination", "routing_key", "state")


def binding_flags(parser: argparse.ArgumentParser) -> None:
    """From which exchange, to what, by which key and arguments."""
    parser.add_argument("exchange", metavar="EXCHANGE", help="messages of this exchange")
    parser.add_argument("destination", metavar="QUEUE", help="go to this queue")
    parser.add_argument("--key", default="", metavar="KEY", help="where this routing key, or pattern, fits")
    parser.add_argument(
        "--to-exchange", action="store_true", help="the destination is an exchange, not a queue"
    )
    argument_flag(parser, "x-match=any for an exchange of the type headers")
    amqp_flags(parser)


def change(given: argparse.Namespace, verb: str, state: str) -> int:
    """Bind or unbind, and say so; the exit code."""
    if given.to_exchange:
        method, ends = f"exchange.{verb}", {"destination": given.destination, "source": given.exchange}
    else:
        method, ends = f"queue.{verb}", {"queue": given.destination, "exchange": given.exchange}
    table = arguments_of(given.argument)

    async def work(connection: Connection) -> None:
        channel = await connection.channel()
        await channel.call(method, **ends, routing_key=given.key, arguments=table)

    with_amqp(given, work)
    row = {"exchange": given.exchange, "destination": given.destination, "routing_key": given.key}
    show([row | {"state": state}], COLUMNS, given)
    return 0
