"""List consumer groups with their states.

penstock group list
penstock group list --state Stable --state Empty
"""

import argparse

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.names import choose, names_flags
from penstock.cli.output import show
from penstock.client import Client


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which groups."""
    names_flags(parser, "group", "*")
    parser.add_argument(
        "--state", action="append", default=[], help="only groups in this state: Stable, Empty, …; repeatable"
    )
    bootstrap_flag(parser)


async def rows_of(client: Client, given: argparse.Namespace) -> list[dict[str, object]]:
    """One row a group."""
    known = {info.group: info for info in await client.groups()}
    names = choose(given.group, known, given, "group") if given.group else sorted(known)
    states = {state.lower() for state in given.state}
    return [
        {"group": name, "state": known[name].state, "protocol": known[name].protocol_type}
        for name in names
        if not states or known[name].state.lower() in states
    ]


def run(given: argparse.Namespace) -> int:
    """Print the list."""
    show(with_client(given, lambda client: rows_of(client, given)), ("group", "state", "protocol"), given)
    return 0
