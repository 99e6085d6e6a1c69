"""Delete consumer groups and the offsets they have committed, after saying what goes and asking.

penstock group delete billing
penstock group delete 'test-*' --dry-run
"""

import argparse

from penstock.cli.confirm import confirmed
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.group.standing import Standing, standings
from penstock.cli.names import choose, names_flags
from penstock.cli.output import counted, show
from penstock.cli.several import several
from penstock.client import Client
from penstock.errors import PenstockError

COLUMNS = ("group", "partitions", "topics", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which groups, and whether to ask."""
    names_flags(parser, "group")
    parser.add_argument("--dry-run", action="store_true", help="show what would be forgotten, delete nothing")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    bootstrap_flag(parser)


async def doomed(client: Client, given: argparse.Namespace) -> list[Standing]:
    """The groups to delete; raises PenstockError where one has members."""
    names = choose(given.group, [info.group for info in await client.groups()], given, "group")
    found = await standings(client, names)
    for group in found:
        if group.active:
            raise PenstockError(
                f"group {group.info.group} is {group.state}: nothing was deleted",
                remedy="stop its members first",
            )
    return found


async def delete(client: Client, row: dict[str, object]) -> list[dict[str, object]]:
    """Delete one group."""
    await client.delete_group(str(row["group"]))
    return [row]


def run(given: argparse.Namespace) -> int:
    """Show what goes, ask, delete."""
    groups = with_client(given, lambda client: doomed(client, given))
    state = "would be deleted" if given.dry_run else "deleted"
    rows: list[dict[str, object]] = [
        {
            "group": each.info.group,
            "partitions": len(each.committed),
            "topics": topics if given.json else ", ".join(topics),
            "state": state,
        }
        for each in groups
        for topics in [sorted({topic for topic, _ in each.committed})]
    ]
    if not given.dry_run:
        offsets = counted(sum(len(each.committed) for each in groups), "committed offset")
        names = ", ".join(each.info.group for each in groups)
        if not confirmed(f"Delete {counted(len(groups), 'group')} ({names}) with {offsets}?", yes=given.yes):
            return 1
        outcome = with_client(given, lambda client: several(rows, "groups", lambda row: delete(client, row)))
        outcome.show(COLUMNS, given)
        return 0
    show(rows, COLUMNS, given)
    return 0
