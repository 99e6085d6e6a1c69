"""Send records to a topic: one from the command line, or one a line from standard input."""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.output import show
from penstock.client import Client
from penstock.errors import PenstockError
from penstock.record import Record

LINES_MAX = 1_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Topic, value, and what goes with it."""
    parser.add_argument("topic")
    parser.add_argument("value", nargs="?", help="the value; without it, each line of standard input is one")
    parser.add_argument("--key", help="the record's key")
    parser.add_argument("--key-separator", metavar="TEXT", help="lines are KEY TEXT VALUE")
    parser.add_argument("--header", action="append", default=[], metavar="KEY=VALUE", help="repeatable")
    parser.add_argument(
        "--partition", type=int, help="default: by key, as Java's producer; without key, in turn"
    )
    bootstrap_flag(parser)


def records_of(given: argparse.Namespace) -> Iterator[Record]:
    """What is to be sent, read as it is needed."""
    headers = tuple((k, v.encode()) for k, _, v in (pair.partition("=") for pair in given.header))
    lines = [given.value] if given.value is not None else (line.rstrip("\n") for line in sys.stdin)
    for line in lines:
        key, value = given.key, line
        if given.key_separator and given.value is None:
            key, found, value = line.partition(given.key_separator)
            if not found:
                raise PenstockError(f"a line without {given.key_separator!r}: {line[:60]!r}")
        yield Record(
            None if key is None else key.encode(), value.encode(), time.time_ns() // 1_000_000, headers
        )


async def send(client: Client, given: argparse.Namespace) -> int:
    """Send in groups of lines as they come; how many were sent."""
    if (await client.metadata([given.topic]))[given.topic].error == "UNKNOWN_TOPIC_OR_PARTITION":
        await client.create_topic(given.topic, -1, exist_ok=True)
    sent, records = 0, records_of(given)
    size = LINES_MAX if given.value is not None or not sys.stdin.isatty() else 1
    while group := list(itertools.islice(records, size)):
        offsets = await client.produce(given.topic, group, partition=given.partition)
        sent += len(offsets)
        if given.json or given.value is not None:
            show([{"topic": given.topic, "offset": offset} for offset in offsets], ("topic", "offset"), given)
    return sent


def run(given: argparse.Namespace) -> int:
    """Send, and say how many."""
    sent = with_client(given, lambda client: send(client, given))
    if not given.json and given.value is None:
        print(f"{sent} records sent to {given.topic}", file=sys.stderr)
    return 0
