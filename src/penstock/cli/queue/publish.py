"""Publish messages to a queue or an exchange, here or on RabbitMQ: one from the command line, or one a line.

penstock queue publish emails '{"to": "ada"}'
penstock queue publish order.paid '{"id": 7}' --exchange orders --header source=till --property priority=5
penstock queue publish reminders 'tea' --delay 60000
penstock queue publish pictures --file cat.png
cat lines.txt | penstock queue publish emails
"""

import argparse
import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from penstock.amqp import Connection
from penstock.amqp.messages import properties_of
from penstock.cli.amqp import amqp_flags, with_amqp
from penstock.cli.output import show
from penstock.cli.topic.create import pairs
from penstock.content import Field, Properties
from penstock.content.properties import KINDS
from penstock.errors import PenstockError

AT_ONCE = 500
"""Messages whose confirms are waited for together."""
COLUMNS = ("exchange", "routing_key", "published")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, what, and what goes with it."""
    parser.add_argument("key", metavar="QUEUE", help="the queue's name; with --exchange the routing key")
    parser.add_argument(
        "payload", nargs="?", help="one message; without it, each line of standard input is one"
    )
    parser.add_argument("--file", metavar="FILE", help="the message, from a file")
    parser.add_argument("--exchange", default="", metavar="NAME", help="publish to this exchange")
    parser.add_argument(
        "--header", action="append", default=[], metavar="KEY=VALUE", help="a header; repeatable"
    )
    parser.add_argument(
        "--property", action="append", default=[], metavar="NAME=VALUE",
        help="content_type, priority, expiration, correlation_id, …; repeatable",
    )  # fmt: skip
    parser.add_argument("--delay", type=int, metavar="MS", help="deliver it so many milliseconds later")
    parser.add_argument("--transient", action="store_true", help="it need not outlive a restart")
    amqp_flags(parser)


def made(given: argparse.Namespace) -> Properties:
    """The properties that the flags ask for; raises PenstockError."""
    told: dict[str, object] = {"delivery_mode": 1 if given.transient else 2}
    for name, value in pairs(given.property, "--property").items():
        told[name] = int(value) if KINDS.get(name) in ("octet", "time") and value.isdecimal() else value
    headers: dict[str, Field] = dict(pairs(given.header, "--header"))
    if given.delay is not None:
        headers["x-delay"] = given.delay
    if headers:
        told["headers"] = headers
    try:
        return properties_of(told)
    except ValueError as error:
        raise PenstockError(str(error), remedy="as in --property content_type=application/json") from None


def bodies(given: argparse.Namespace) -> list[bytes]:
    """What is to be published; raises PenstockError for a file that cannot be read."""
    if given.payload is not None:
        return [str(given.payload).encode()]
    if given.file is None:
        return sys.stdin.buffer.read().splitlines()
    try:
        return [Path(given.file).read_bytes()]
    except OSError as error:
        raise PenstockError(f"cannot read {given.file}: {error.strerror}") from None


async def publish(
    connection: Connection, given: argparse.Namespace, properties: Properties, found: list[bytes]
) -> int:
    """Publish, and wait until all is safe; raises AmqpError where no queue takes one."""
    channel = await connection.channel()
    await channel.confirm()
    for at in range(0, len(found), AT_ONCE):
        some = [
            channel.publish(given.exchange, given.key, marked(properties), body)
            for body in found[at : at + AT_ONCE]
        ]
        await asyncio.gather(*some)
    return len(found)


def marked(properties: Properties) -> Properties:
    """With an id, by which one that no queue takes is told from others."""
    return properties if properties.message_id else properties.replaced(message_id=uuid4().hex)


def run(given: argparse.Namespace) -> int:
    """Publish, and say how many."""
    properties, found = made(given), bodies(given)
    count = with_amqp(given, lambda connection: publish(connection, given, properties, found))
    show(
        [{"exchange": given.exchange, "routing_key": given.key, "published": count}],
        COLUMNS if given.exchange else COLUMNS[1:],
        given,
    )
    return 0
