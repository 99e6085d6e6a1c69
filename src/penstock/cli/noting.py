"""The audit of what a command does to penstock's queues: written by the Kafka protocol, beside the AMQP that does it.

RabbitMQ has no audit: there nothing is noted. Knows no command.
"""

import argparse
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from penstock.amqp import Connection
from penstock.cli.connection import connected, security_of
from penstock.client.security import Security
from penstock.dlq import audit
from penstock.errors import PenstockError

Note = Callable[[str, str], AbstractAsyncContextManager[dict[str, Any]]]
"""What is done, and to which place (`penstock.dlq.naming`); as `Deed.step`."""


@asynccontextmanager
async def noting(given: argparse.Namespace, connection: Connection) -> AsyncIterator[Note]:
    """How deeds are noted; raises PenstockError where they cannot be, or would be noted at another server."""
    if not connection.is_penstock:
        yield _unnoted
        return
    security = _security(given, connection)
    async with connected(given.bootstrap, security) as client:
        if connection.server.get("cluster_name") != await client.cluster_id():
            raise PenstockError(
                f"{given.bootstrap} is another server than the queues' ({connection.url}): what is done is noted beside them",
                remedy="give that server's Kafka address, too: --bootstrap HOST:PORT",
            )

        @asynccontextmanager
        async def note(what: str, place: str) -> AsyncIterator[dict[str, Any]]:
            deed = await audit.deed(client, what, place, audit.who(client))
            async with deed.step(client) as done:
                yield done

        yield note


@asynccontextmanager
async def _unnoted(what: str, place: str) -> AsyncIterator[dict[str, Any]]:
    yield {}


def _security(given: argparse.Namespace, connection: Connection) -> Security:
    """As the flags say; who is named in the AMQP address alone is the same here."""
    found, url = security_of(given), connection.url
    if found.sasl_user or url.user == "guest":
        return found
    return dataclasses.replace(found, sasl_user=url.user, sasl_password=url.password)
