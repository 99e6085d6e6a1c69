"""The flags that say which server a command speaks to, and the client for it."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from penstock.client import Client
from penstock.client.errors import KafkaError
from penstock.errors import PenstockError

T = TypeVar("T")


def bootstrap_flag(parser: argparse.ArgumentParser) -> None:
    """``--bootstrap HOST:PORT``: penstock, or any Kafka."""
    parser.add_argument(
        "--bootstrap", default=os.environ.get("PENSTOCK_BOOTSTRAP", "127.0.0.1:9092"), metavar="HOST:PORT",
        help="the Kafka address to speak to (default %(default)s)",
    )  # fmt: skip


def with_client(given: argparse.Namespace, work: Callable[[Client], Awaitable[T]]) -> T:
    """Run `work` with a connected client; raises PenstockError where nobody answers or the server says no."""

    async def connected() -> T:
        try:
            async with Client(given.bootstrap, client_id="penstock-cli") as client:
                return await work(client)
        except KafkaError as error:
            raise PenstockError(str(error), place=given.bootstrap) from error
        except OSError as error:
            raise PenstockError(
                f"nobody answers at {given.bootstrap}: {error}", remedy="start a server with: penstock up"
            ) from error

    return asyncio.run(connected())
