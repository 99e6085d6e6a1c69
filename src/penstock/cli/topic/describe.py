"""Describe topics: partitions with offsets and bytes, what is configured, and who reads how far behind.

penstock topic describe orders
penstock topic describe 'orders*' --only groups
"""

import argparse
from typing import Any

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.names import choose, names_flags
from penstock.cli.output import counted, json_of, show, size_text, text_of
from penstock.cli.topic.configure import plain, settings_of
from penstock.cli.topic.facts import Facts, measure, readers_of
from penstock.client import Client, TopicMeta

SECTIONS = {
    "partitions": ("partition", "leader", "start", "end", "records", "size"),
    "configs": ("config", "value", "source"),
    "groups": ("group", "state", "lag"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which topics, and what of them."""
    names_flags(parser, "topic")
    parser.add_argument(
        "--only", action="append", choices=tuple(SECTIONS), help="one section instead of all; repeatable"
    )
    parser.add_argument("--defaults", action="store_true", help="show settings that nobody changed, too")
    bootstrap_flag(parser)


async def describe(client: Client, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Everything about each topic, as --json prints it."""
    known = await client.metadata(None)
    names = choose(given.topic, known, given, "topic")
    facts = await measure(client, {name: known[name] for name in names})
    ends = {(name, p): last for name in names for p, (_, last) in facts[name].bounds.items()}
    wanted = given.only or list(SECTIONS)
    readers = await readers_of(client, names, ends) if "groups" in wanted else {}
    found = []
    for name in names:
        row: dict[str, Any] = summary(known[name], facts[name])
        if "partitions" in wanted:
            row["partitions"] = partitions(known[name], facts[name])
        if "configs" in wanted:
            row["configs"] = await settings_of(client, name, defaults=given.defaults)
        if "groups" in wanted:
            row["groups"] = readers[name]
        found.append(row)
    return found


def summary(meta: TopicMeta, facts: Facts) -> dict[str, Any]:
    """The topic as a whole."""
    return {"topic": meta.name, "replicas": meta.replicas, "records": facts.records, "size": facts.size}


def partitions(meta: TopicMeta, facts: Facts) -> list[dict[str, Any]]:
    """One row a partition."""
    return [
        {
            "partition": p,
            "leader": meta.leaders[p],
            "start": first,
            "end": last,
            "records": last - first,
            "size": None if facts.sizes is None else facts.sizes[p],
        }
        for p, (first, last) in facts.bounds.items()
    ]


def print_for_people(row: dict[str, Any], given: argparse.Namespace) -> None:
    """One topic: a line, then its sections."""
    words = [counted(row["records"], "record"), size_text(row["size"])]
    words += [f"{row['replicas']} replicas"] if row["replicas"] != 1 else []
    print(f"{text_of(row['topic'])}: {', '.join(filter(None, words))}")
    for section, columns in SECTIONS.items():
        rows = row.get(section)
        if section == "partitions" and rows:
            rows = [each | {"size": size_text(each["size"])} for each in rows]
        if rows:
            print()
            show(rows, columns, given)
    if row.get("configs") == [] and not given.defaults:
        print("\nevery setting is the server's default: --defaults shows them")
    if row.get("groups") == []:
        print("\nno group has read it")


def run(given: argparse.Namespace) -> int:
    """Print each topic."""
    rows = with_client(given, lambda client: describe(client, given))
    for position, row in enumerate(rows):
        if given.json:
            if "configs" in row:
                row["configs"] = plain(row["configs"])
            print(json_of(row), flush=True)
            continue
        print("\n" if position else "", end="")
        print_for_people(row, given)
    return 0
