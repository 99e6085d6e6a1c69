"""The flags that say which server a command speaks to, and the client for it."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from penstock.client import Client, ClientOptions
from penstock.client.errors import ConnectionLostError, KafkaError
from penstock.errors import PenstockError

T = TypeVar("T")


def bootstrap_flag(parser: argparse.ArgumentParser) -> None:
    """``--bootstrap HOST:PORT``: penstock, or any Kafka."""
    parser.add_argument(
        "--bootstrap", default=os.environ.get("PENSTOCK_BOOTSTRAP", "127.0.0.1:9092"), metavar="HOST:PORT",
        help="the Kafka address to speak to (default: PENSTOCK_BOOTSTRAP, else 127.0.0.1:9092)",
    )  # fmt: skip


def with_client(given: argparse.Namespace, work: Callable[[Client], Awaitable[T]]) -> T:
    """Run `work` with a connected client; raises PenstockError where nobody answers or the server says no."""

    async def connected() -> T:
        async with Client(given.bootstrap, options=ClientOptions("penstock-cli", deadline_s=20.0)) as client:
            try:
                await client.reach()
            except ConnectionLostError as error:
                raise PenstockError(
                    f"no Kafka server answers at {given.bootstrap}: {error.message.removesuffix(f' ({error.name})')}",
                    remedy="start one with `penstock up`, or name another with --bootstrap HOST:PORT",
                ) from error
            try:
                return await work(client)
            except KafkaError as error:
                raise PenstockError(error.message, remedy=error.remedy, place=given.bootstrap) from error

    return asyncio.run(connected())
