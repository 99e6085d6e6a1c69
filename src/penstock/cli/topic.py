"""List, create, describe and delete topics, here or on any Kafka."""

import argparse

from penstock.calls import EARLIEST, LATEST
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.output import show
from penstock.client import Client
from penstock.errors import PenstockError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb, the topic, and what a new one is like."""
    parser.add_argument("verb", choices=sorted(VERBS))
    parser.add_argument("topic", nargs="?", help="the topic's name (not for list)")
    parser.add_argument("--partitions", type=int, default=1, help="for create (default 1)")
    parser.add_argument(
        "--config", action="append", default=[], metavar="KEY=VALUE", help="for create; repeatable"
    )
    parser.add_argument("--internal", action="store_true", help="list penstock's own topics too")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    bootstrap_flag(parser)


async def list_topics(client: Client, given: argparse.Namespace) -> None:
    """Name, partitions and number of records."""
    found = await client.metadata(None)
    names = sorted(name for name in found if given.internal or not name.startswith(("_penstock.", "__")))
    rows = []
    for name in names:
        first, last = await client.offsets(name, EARLIEST), await client.offsets(name, LATEST)
        records = sum(last[p] - first.get(p, 0) for p in last)
        rows.append({"topic": name, "partitions": found[name].partitions, "records": records})
    show(rows, ("topic", "partitions", "records"), given)


async def create(client: Client, given: argparse.Namespace) -> None:
    """Make a topic; it must not exist."""
    pairs = [pair.partition("=") for pair in given.config]
    if any(not middle for _, middle, _ in pairs):
        raise PenstockError("--config takes KEY=VALUE", remedy="for example --config retention.ms=3600000")
    configs = {key: value for key, _, value in pairs}
    await client.create_topic(given.topic, given.partitions, configs, exist_ok=False)
    show([{"topic": given.topic, "partitions": given.partitions}], ("topic", "partitions"), given)


async def describe(client: Client, given: argparse.Namespace) -> None:
    """Each partition's first and next offset."""
    first, last = await client.offsets(given.topic, EARLIEST), await client.offsets(given.topic, LATEST)
    rows = [
        {"partition": p, "start": first[p], "end": last[p], "records": last[p] - first[p]}
        for p in sorted(last)
    ]
    show(rows, ("partition", "start", "end", "records"), given)


async def delete(client: Client, given: argparse.Namespace) -> None:
    """Delete a topic and all its records, after asking."""
    if (
        not given.yes
        and input(f"delete topic {given.topic} and all its records? [y/N] ").strip().lower() != "y"
    ):
        raise PenstockError(f"topic {given.topic} stays", remedy="answer y, or give --yes")
    await client.delete_topic(given.topic)
    show([{"deleted": given.topic}], ("deleted",), given)


VERBS = {"list": list_topics, "create": create, "describe": describe, "delete": delete}


def run(given: argparse.Namespace) -> int:
    """Do the verb."""
    if given.verb != "list" and not given.topic:
        raise PenstockError(
            f"topic {given.verb} needs a topic's name", remedy=f"penstock topic {given.verb} NAME"
        )
    with_client(given, lambda client: VERBS[given.verb](client, given))
    return 0
