"""Describe consumer groups: state, members, and where they stand in each partition.

penstock group describe billing
penstock group describe '*' --lagging
"""

import argparse
from typing import Any

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.group.standing import Standing, standings
from penstock.cli.names import choose, names_flags
from penstock.cli.output import counted, json_of, show, text_of
from penstock.client import Client

COLUMNS = ("topic", "partition", "offset", "end", "lag")
MEMBER = ("client", "host", "member")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which groups, and what of them."""
    names_flags(parser, "group")
    parser.add_argument("--lagging", action="store_true", help="only partitions in which the group is behind")
    bootstrap_flag(parser)


async def describe(client: Client, given: argparse.Namespace) -> list[Standing]:
    """Where the groups stand."""
    names = choose(given.group, [info.group for info in await client.groups()], given, "group")
    return await standings(client, names)


def row_of(found: Standing, *, lagging: bool) -> dict[str, Any]:
    """A group as --json prints it."""
    parts = [part for part in sorted({*found.committed, *found.members}) if not lagging or found.lag(part)]
    return {
        "group": found.info.group,
        "state": found.state,
        "protocol": found.info.protocol_type,
        "assignor": found.info.protocol,
        "members": [
            {"member": m.member_id, "instance": m.instance_id, "client": m.client_id, "host": m.host}
            for m in found.info.members
        ],
        "lag": found.total_lag,
        "partitions": [
            {
                "topic": part[0],
                "partition": part[1],
                "offset": found.committed.get(part),
                "end": found.ends.get(part),
                "lag": found.lag(part),
                "member": getattr(found.members.get(part), "member_id", None),
            }
            for part in parts
        ],
    }


def print_for_people(found: Standing, given: argparse.Namespace) -> None:
    """A group: a line, then its partitions with who reads them."""
    row = row_of(found, lagging=given.lagging)
    words = [found.state, counted(len(row["members"]), "member"), f"lag {row['lag']:,}"]
    if row["assignor"]:
        words.append(f"assignor {row['assignor']}")
    print(f"{text_of(row['group'])}: {', '.join(words)}")
    if row["partitions"]:
        print()
        people = {member["member"]: member for member in row["members"]}
        rows = [people.get(each["member"], {}) | each for each in row["partitions"]]
        show(rows, COLUMNS + MEMBER if people else COLUMNS, given)
    given_some = {member.member_id for member in found.members.values()}
    idle = [member for member in row["members"] if member["member"] not in given_some]
    if idle:
        print("\nmembers without a partition:")
        show(idle, MEMBER, given)


def run(given: argparse.Namespace) -> int:
    """Print each group."""
    for position, found in enumerate(with_client(given, lambda client: describe(client, given))):
        if given.json:
            print(json_of(row_of(found, lagging=given.lagging)), flush=True)
            continue
        print("\n" if position else "", end="")
        print_for_people(found, given)
    return 0
