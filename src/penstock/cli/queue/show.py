"""Show queues: what is in them, how they were declared, what leads to them, who consumes from them.

penstock queue show orders
penstock queue show 'orders*' --json
"""

import argparse
from typing import Any

from penstock.amqp import Connection
from penstock.cli.amqp import amqp_flags, described, with_amqp
from penstock.cli.names import choose, names_flags
from penstock.cli.output import counted, json_of, show, size_text, text_of

BINDINGS = ("exchange", "routing_key", "arguments")
CONSUMERS = ("consumer", "client", "acknowledges", "exclusive", "active", "prefetch", "unacked")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which queues."""
    names_flags(parser, "queue")
    amqp_flags(parser)


async def look(connection: Connection, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Everything about each queue, as --json prints it."""
    known = {info["name"]: info for info in await described(connection, "queues")}
    names = choose(given.queue, known, given, "queue")
    bindings, consumers = await described(connection, "bindings"), await described(connection, "consumers")
    return [
        {
            "queue": name,
            **{key: value for key, value in known[name].items() if key != "name"},
            "bindings": [
                {"exchange": one["source"] or "(default)", **{key: one[key] for key in BINDINGS[1:]}}
                for one in bindings
                if (one["target_kind"], one["target"]) == ("queue", name)
            ],
            "consumers": [
                {"consumer": one["tag"], **{key: one[key] for key in CONSUMERS[1:]}}
                for one in consumers
                if one["queue"] == name
            ],
        }
        for name in names
    ]


def print_for_people(row: dict[str, Any], given: argparse.Namespace) -> None:
    """One queue: a line, then its sections."""
    kept = "durable" if row["durable"] else "transient"
    words = [row["kind"], kept, *(word for word in ("exclusive", "auto_delete") if row[word])]
    words += [f"{row['messages']:,} ready", f"{row['unacked']:,} unacknowledged", size_text(row["bytes"])]
    print(f"{text_of(row['queue'])}: {', '.join(words)}")
    print(f"since it is there: {row['published']:,} in, {row['delivered']:,} out, {row['acked']:,} done")
    for key, value in row["arguments"].items():
        print(f"  {text_of(key)} = {text_of(value)}")
    for section, columns in (("bindings", BINDINGS), ("consumers", CONSUMERS)):
        print(f"\n{counted(len(row[section]), section.removesuffix('s'))}")
        if row[section]:
            show(row[section], columns, given)


def run(given: argparse.Namespace) -> int:
    """Print them, one after the other."""
    for position, row in enumerate(with_amqp(given, lambda connection: look(connection, given))):
        if given.json:
            print(json_of(row), flush=True)
            continue
        print("\n" if position else "", end="")
        print_for_people(row, given)
    return 0
