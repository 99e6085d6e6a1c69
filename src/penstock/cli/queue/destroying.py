"""What deleting and purging share: the queues that are meant, shown and asked about, then done one after the other, each noted."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from penstock.amqp import Channel, Connection
from penstock.cli.amqp import amqp_flags, with_amqp
from penstock.cli.confirm import confirmed
from penstock.cli.connection import bootstrap_flag
from penstock.cli.names import names_flags
from penstock.cli.noting import noting
from penstock.cli.output import counted, show
from penstock.cli.queue.facts import chosen
from penstock.cli.several import Outcome, several
from penstock.dlq.naming import place_of_queue

COLUMNS = ("queue", "ready", "unacked", "consumers", "state")
Done = Callable[[Channel, str], Awaitable[int]]
"""Does it to one queue by name; how many messages went."""


def destroying_flags(parser: argparse.ArgumentParser, does: str) -> None:
    """Which queues, and whether to ask."""
    names_flags(parser, "queue")
    parser.add_argument("--dry-run", action="store_true", help=f"show what would be {does}, do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    amqp_flags(parser)
    bootstrap_flag(parser)


def destroy(given: argparse.Namespace, verb: str, does: str, done: Done) -> int:
    """Show what goes, ask, do it; the exit code. ``verb`` is Delete or Purge, ``does`` what is done: deleted."""
    rows = with_amqp(given, lambda connection: chosen(connection, given))
    if given.dry_run:
        show([row | {"state": f"would be {does}"} for row in rows], COLUMNS, given)
        return 0
    names = [str(row["queue"]) for row in rows]
    what = f"queue {names[0]}" if len(names) == 1 else f"{len(names)} queues ({', '.join(names)})"
    messages = counted(sum(row["ready"] for row in rows), "message")
    if not confirmed(f"{verb} {what} with {messages} for good?", yes=given.yes):
        return 1

    async def each(connection: Connection) -> Outcome:
        async def one(row: dict[str, Any]) -> list[dict[str, Any]]:
            name = str(row["queue"])
            async with note(f"queue.{verb.lower()}", place_of_queue(connection.url.vhost, name)) as told:
                channel = await connection.channel()
                told["messages"] = await done(channel, name)
                await channel.close()
            return [row | {"ready": told["messages"], "state": does}]

        async with noting(given, connection) as note:
            return await several(rows, "queues", one)

    with_amqp(given, each).show(COLUMNS, given)
    return 0
