"""Delete topics and all their records, after saying what goes and asking.

penstock topic delete orders
penstock topic delete 'test-*' --dry-run
"""

import argparse

from penstock.cli.confirm import confirmed
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.names import choose, names_flags
from penstock.cli.output import counted, show, size_text
from penstock.cli.several import several
from penstock.cli.topic.facts import measure, readers_of
from penstock.client import Client

COLUMNS = ("topic", "partitions", "records", "size", "groups", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which topics, and whether to ask."""
    names_flags(parser, "topic")
    parser.add_argument("--dry-run", action="store_true", help="show what would be destroyed, delete nothing")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    bootstrap_flag(parser)


async def doomed(client: Client, given: argparse.Namespace) -> list[dict[str, object]]:
    """What would be destroyed: one row a topic."""
    known = await client.metadata(None)
    names = choose(given.topic, known, given, "topic")
    facts = await measure(client, {name: known[name] for name in names})
    ends = {(name, p): last for name in names for p, (_, last) in facts[name].bounds.items()}
    readers = await readers_of(client, names, ends)
    return [
        {
            "topic": name,
            "partitions": known[name].partitions,
            "records": facts[name].records,
            "size": facts[name].size if given.json else size_text(facts[name].size),
            "groups": [reader["group"] for reader in readers[name]] if given.json else len(readers[name]),
        }
        for name in names
    ]


async def delete(client: Client, row: dict[str, object]) -> list[dict[str, object]]:
    """Delete one topic."""
    await client.delete_topic(str(row["topic"]))
    return [row | {"state": "deleted"}]


def run(given: argparse.Namespace) -> int:
    """Show what goes, ask, delete."""
    rows = with_client(given, lambda client: doomed(client, given))
    names = [str(row["topic"]) for row in rows]
    records = sum(int(str(row["records"])) for row in rows)
    if given.dry_run:
        show([row | {"state": "would be deleted"} for row in rows], COLUMNS, given)
        return 0
    what = f"topic {names[0]}" if len(names) == 1 else f"{len(names)} topics ({', '.join(names)})"
    if not confirmed(f"Delete {what} with {counted(records, 'record')} for good?", yes=given.yes):
        return 1
    outcome = with_client(given, lambda client: several(rows, "topics", lambda row: delete(client, row)))
    outcome.show(COLUMNS, given)
    return 0
