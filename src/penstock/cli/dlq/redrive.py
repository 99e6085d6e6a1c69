"""Send dead letters back to where they are tried again: one, some or all, at a rate; never one twice.

penstock dlq redrive orders.dlq 0:42
penstock dlq redrive orders.dlq --exception TimeoutError --dry-run
penstock dlq redrive orders.dlq --all --rate 100 --yes
"""

import argparse

from penstock.cli.confirm import confirmed
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.dlq.choosing import choice_flags, chosen, tell, watching
from penstock.cli.output import counted
from penstock.client import Client
from penstock.dlq import audit
from penstock.dlq.finding import source_of
from penstock.dlq.source import Filter, How, Outcome


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which, where to, how fast."""
    choice_flags(parser)
    parser.add_argument("--to", default="", metavar="TOPIC", help="not to where each came from, but here")
    parser.add_argument(
        "--rate", type=float, default=0.0, metavar="N", help="so many a second (default: no limit)"
    )
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most so many (default: all)")
    parser.add_argument(
        "--redrives-max", type=int, default=10, metavar="N",
        help="leave those that were sent back so often already (default: 10)",
    )  # fmt: skip
    bootstrap_flag(parser)


async def redrive(client: Client, given: argparse.Namespace, wanted: Filter, dry_run: bool) -> Outcome:
    """Do it, or only count."""
    how = How(given.to, given.rate, given.limit, given.redrives_max)
    progress, told = watching("letters")
    with progress:
        return await source_of(client, given.topic).redrive(wanted, how, audit.who(client), told, dry_run)


def run(given: argparse.Namespace) -> int:
    """Count, ask, send."""
    wanted = chosen(given)
    How(given.to, given.rate, given.limit, given.redrives_max)
    if given.dry_run or not given.yes:
        found = with_client(given, lambda client: redrive(client, given, wanted, True))
        if given.dry_run or not found.done:
            return tell(found, given)
        where = ", ".join(sorted(found.targets))
        if not confirmed(
            f"Send {counted(found.done, 'letter')} of {given.topic} back to {where}?", yes=False
        ):
            return 1
    return tell(with_client(given, lambda client: redrive(client, given, wanted, False)), given)
