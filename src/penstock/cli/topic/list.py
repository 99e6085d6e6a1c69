"""List topics with their partitions, records and bytes.

penstock topic list
penstock topic list 'orders*' --json
"""

import argparse

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.names import choose, names_flags, own
from penstock.cli.output import show, size_text
from penstock.cli.topic.facts import measure
from penstock.client import Client

COLUMNS = ("topic", "partitions", "replicas", "records", "size")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Patterns, and whose topics."""
    names_flags(parser, "topic", "*")
    bootstrap_flag(parser)


async def rows_of(client: Client, given: argparse.Namespace) -> list[dict[str, object]]:
    """One row a topic."""
    known = await client.metadata(None)
    names = choose(given.topic, known, given, "topic")
    if not given.topic:
        names = sorted(name for name in known if given.internal or not own(name))
    facts = await measure(client, {name: known[name] for name in names})
    return [
        {
            "topic": name,
            "partitions": known[name].partitions,
            "replicas": known[name].replicas,
            "records": facts[name].records,
            "size": facts[name].size if given.json else size_text(facts[name].size),
        }
        for name in names
    ]


def run(given: argparse.Namespace) -> int:
    """Print the list."""
    show(with_client(given, lambda client: rows_of(client, given)), COLUMNS, given)
    return 0
