"""List and describe consumer groups with their lag, here or on any Kafka."""

import argparse

from penstock.calls import LATEST
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.output import show
from penstock.client import Client
from penstock.errors import PenstockError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb and the group."""
    parser.add_argument("verb", choices=("list", "describe"))
    parser.add_argument("group", nargs="?")
    bootstrap_flag(parser)


async def list_groups(client: Client, given: argparse.Namespace) -> None:
    """Each group's state."""
    rows = [{"group": g.group, "state": g.state, "protocol": g.protocol_type} for g in await client.groups()]
    show(sorted(rows, key=lambda row: row["group"]), ("group", "state", "protocol"), given)


async def describe(client: Client, given: argparse.Namespace) -> None:
    """Where the group stands in each partition, and how far behind."""
    rows = []
    for (topic, partition), offset in sorted((await client.committed(given.group)).items()):
        end = (await client.offsets(topic, LATEST)).get(partition, -1)
        rows.append(
            {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "end": end,
                "lag": max(end - offset, 0),
            }
        )
    show(rows, ("topic", "partition", "offset", "end", "lag"), given)


def run(given: argparse.Namespace) -> int:
    """Do the verb."""
    if given.verb == "describe" and not given.group:
        raise PenstockError("group describe needs a group's name", remedy="penstock group list shows them")
    work = list_groups if given.verb == "list" else describe
    with_client(given, lambda client: work(client, given))
    return 0
