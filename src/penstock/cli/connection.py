"""The flags that say which server a command speaks to, and the client for it."""

import argparse
import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from penstock.client import Client, ClientOptions
from penstock.client.errors import ConnectionLostError, KafkaError
from penstock.client.security import MECHANISMS, Security, from_environment
from penstock.errors import PenstockError

T = TypeVar("T")
SECURED = "The password stands in the environment: PENSTOCK_SASL_PASSWORD. PENSTOCK_SASL_USER, PENSTOCK_TLS_CA, … are these flags' defaults."


def bootstrap_flag(parser: argparse.ArgumentParser) -> None:
    """``--bootstrap HOST:PORT``: penstock, or any Kafka."""
    parser.add_argument(
        "--bootstrap", default=os.environ.get("PENSTOCK_BOOTSTRAP", "127.0.0.1:9092"), metavar="HOST:PORT",
        help="the Kafka address to speak to (default: PENSTOCK_BOOTSTRAP, else 127.0.0.1:9092)",
    )  # fmt: skip
    given = parser.add_argument_group("a secured server", SECURED)
    given.add_argument("--sasl-user", metavar="USER", help="log in as this user")
    given.add_argument("--sasl-mechanism", choices=MECHANISMS, help="how (default SCRAM-SHA-256)")
    given.add_argument(
        "--tls", action="store_true", default=None, help="speak TLS, trusting the system's authorities"
    )
    given.add_argument("--tls-ca", metavar="FILE", help="speak TLS, trusting these authorities (PEM)")
    given.add_argument("--tls-cert", metavar="FILE", help="the certificate to show (PEM)")
    given.add_argument("--tls-key", metavar="FILE", help="its private key (PEM)")


def security_of(given: argparse.Namespace) -> Security:
    """How to log in, by flags or else the environment; raises PenstockError."""
    names = ("sasl_user", "sasl_mechanism", "tls", "tls_ca", "tls_cert", "tls_key")
    found = {name: value for name in names if (value := getattr(given, name)) is not None}
    return dataclasses.replace(from_environment(), **found)


@asynccontextmanager
async def connected(bootstrap: str, security: Security) -> AsyncIterator[Client]:
    """A connected client; raises PenstockError where nobody answers or the server says no."""
    options = ClientOptions("penstock-cli", deadline_s=20.0, security=security)
    async with Client(bootstrap, options=options) as client:
        try:
            await client.reach()
        except ConnectionLostError as error:
            raise PenstockError(
                f"no Kafka server answers at {bootstrap}: {error.message.removesuffix(f' ({error.name})')}",
                remedy="start one with `penstock up`, or name another with --bootstrap HOST:PORT",
            ) from error
        try:
            yield client
        except KafkaError as error:
            raise PenstockError(error.message, remedy=error.remedy, place=bootstrap) from error


def with_client(given: argparse.Namespace, work: Callable[[Client], Awaitable[T]]) -> T:
    """Run `work` with a client as of `connected`."""

    async def asked() -> T:
        async with connected(given.bootstrap, security_of(given)) as client:
            return await work(client)

    return asyncio.run(asked())
