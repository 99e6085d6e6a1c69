"""The flags that say which AMQP server a command speaks to, and the connection for it."""

import argparse
import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from penstock.amqp import AmqpError, Connection, connect, url_of
from penstock.content import Field
from penstock.errors import PenstockError

T = TypeVar("T")
BUILT_IN = "amq."
"""How the names of exchanges begin that every virtual host has."""


def amqp_flags(parser: argparse.ArgumentParser, *, vhost: bool = True) -> None:
    """``--amqp URL``, ``--vhost NAME``: penstock, or RabbitMQ where the command says so."""
    parser.add_argument(
        "--amqp", default="", metavar="URL",
        help="HOST:PORT or amqp://user:password@host:port/vhost (default: PENSTOCK_AMQP, else 127.0.0.1:5672); user and "
        "password may stand in PENSTOCK_SASL_USER and PENSTOCK_SASL_PASSWORD",
    )  # fmt: skip
    if vhost:
        parser.add_argument("--vhost", metavar="NAME", help="the virtual host (default: the URL's, else /)")


def with_amqp(given: argparse.Namespace, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Run `work` with an open connection; raises PenstockError where nobody answers or the server says no."""
    url = url_of(given.amqp)
    if getattr(given, "vhost", None):
        url = dataclasses.replace(url, vhost=given.vhost)

    async def connected() -> T:
        connection = await connect(url, name="penstock-cli")
        try:
            return await work(connection)
        except AmqpError as error:
            raise PenstockError(error.message, remedy=error.remedy, place=str(url)) from error
        finally:
            await connection.close()

    return asyncio.run(connected())


async def described(connection: Connection, what: str) -> list[dict[str, Any]]:
    """What penstock has of this, in the connection's virtual host; raises PenstockError for a RabbitMQ."""
    if not connection.is_penstock:
        raise PenstockError(
            f"RabbitMQ tells its {what} by its management API alone", remedy=f"rabbitmqadmin list {what}"
        )
    channel = await connection.channel()
    found = await channel.describe(what)
    return [row for row in found if row["vhost"] == connection.url.vhost]


async def is_there(connection: Connection, method: str, **values: object) -> bool:
    """Whether a passive declaration finds what it names."""
    channel = await connection.channel()
    try:
        await channel.call(method, passive=True, **values)
    except AmqpError as error:
        if error.code != 404:
            raise
        return False
    await channel.close()
    return True


def arguments_of(words: Sequence[str]) -> dict[str, Field]:
    """``KEY=VALUE`` as a table of arguments: a value that is JSON is what it says, else it is a text."""
    found: dict[str, Field] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not key or not sign:
            raise PenstockError(
                "--argument takes KEY=VALUE", remedy="for example --argument x-max-length=1000"
            )
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def argument_flag(parser: argparse.ArgumentParser, example: str) -> None:
    """``--argument KEY=VALUE``, as `arguments_of` reads them."""
    parser.add_argument(
        "--argument", action="append", default=[], metavar="KEY=VALUE",
        help=f"such as {example}; a value that is JSON is a number, true, …; repeatable",
    )  # fmt: skip
