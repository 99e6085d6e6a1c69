"""Give dead letters up for good; what nothing before it waits for any more is deleted from the topic.

penstock dlq purge orders.dlq 0:42
penstock dlq purge orders.dlq --reason undecodable --until -30d --dry-run
"""

import argparse

from penstock.cli.confirm import confirmed
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.dlq.choosing import choice_flags, chosen, tell, watching
from penstock.cli.output import counted
from penstock.client import Client
from penstock.dlq import audit
from penstock.dlq.finding import source_of
from penstock.dlq.source import Filter, Outcome


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which."""
    choice_flags(parser)
    bootstrap_flag(parser)


async def purge(client: Client, given: argparse.Namespace, wanted: Filter, dry_run: bool) -> Outcome:
    """Do it, or only count."""
    progress, told = watching("letters")
    with progress:
        return await source_of(client, given.topic).purge(wanted, audit.who(client), told, dry_run)


def run(given: argparse.Namespace) -> int:
    """Count, ask, purge."""
    wanted = chosen(given)
    if given.dry_run or not given.yes:
        found = with_client(given, lambda client: purge(client, given, wanted, True))
        if given.dry_run or not found.done:
            return tell(found, given)
        if not confirmed(f"Give {counted(found.done, 'letter')} of {given.topic} up for good?", yes=False):
            return 1
    return tell(with_client(given, lambda client: purge(client, given, wanted, False)), given)
