"""List topics and queues of dead letters; or one's letters, counted by reason, exception and owner, or each by itself.

penstock dlq list
penstock dlq list orders.dlq
penstock dlq list orders.dlq --letters --exception ValueError --since -1h
"""

import argparse
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any

from penstock.amqp import Connection, url_of
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.dlq.choosing import filter_flags, filter_of, time_text
from penstock.cli.output import note, show, text_of_bytes
from penstock.client import Client
from penstock.dlq.finding import SUFFIX, source_of, sources
from penstock.dlq.queue import connected
from penstock.dlq.source import PURGED, REDRIVEN, REPLACED, WAITING, Filter, Letter, Source
from penstock.errors import PenstockError

STATES = (WAITING, REDRIVEN, PURGED, REPLACED)
EXCERPT = 60


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which topic, which letters, how many."""
    parser.add_argument(
        "topic", nargs="?", metavar="TOPIC", help="one topic's (or queue:NAME) letters, counted"
    )
    parser.add_argument("--letters", action="store_true", help="each by itself, the newest first")
    parser.add_argument(
        "--state", choices=(*STATES, "any"), default=WAITING, help="what became of them (default: waiting)"
    )
    parser.add_argument(
        "--limit", type=int, default=50, metavar="N", help="with --letters: at most so many (50)"
    )
    filter_flags(parser)
    bootstrap_flag(parser)


async def places(client: Client, wanted: Filter) -> list[dict[str, Any]]:
    """One row a topic or queue."""
    async with AsyncExitStack() as stack:
        try:
            queues: Connection | None = await stack.enter_async_context(connected(url_of()))
        except PenstockError:
            queues = None  # nobody answers, or it is a RabbitMQ
        return [await _row(source, wanted) for source in await sources(client, queues)]


async def _row(source: Source, wanted: Filter) -> dict[str, Any]:
    found = await source.summary(wanted)
    last_ms = max((group.last_ms for group in found.groups), default=0)
    states = {state: found.states[state] for state in STATES}
    return {"source": source.name, **states, "last": time_text(last_ms)}


async def groups(source: Source, wanted: Filter) -> list[dict[str, Any]]:
    """One row a group."""
    found = await source.summary(wanted)
    if not found.complete:
        note("only the newest letters were looked at")
    return [
        {
            "letters": group.count,
            "reason": group.reason,
            "exception": group.exception,
            "owner": group.owner,
            "first": time_text(group.first_ms),
            "last": time_text(group.last_ms),
            "example": group.example,
            "message": group.message[:EXCERPT],
        }
        for group in found.groups
    ]


def rows_of(letters: Iterable[Letter]) -> list[dict[str, Any]]:
    """One row a letter."""
    return [
        {
            "letter": each.name,
            "state": each.state,
            "last": time_text(each.letter.last_ms),
            "origin": str(each.letter.origin),
            "reason": each.letter.reason,
            "exception": each.letter.failing.kind,
            "attempts": each.letter.attempts,
            "redrives": each.letter.redrives,
            "key": text_of_bytes(each.letter.key),
            "value": (text_of_bytes(each.letter.value) or "")[:EXCERPT],
        }
        for each in letters
    ]


def run(given: argparse.Namespace) -> int:
    """Print what there is."""
    states = frozenset(STATES) if given.state == "any" else frozenset({given.state})
    wanted = filter_of(given, states)

    async def look(client: Client) -> list[dict[str, Any]]:
        if not given.topic:
            return await places(client, wanted)
        source = source_of(client, given.topic)
        if given.letters:
            return rows_of(await source.letters(wanted, max(1, given.limit)))
        return await groups(source, wanted)

    rows = with_client(given, look)
    if not given.topic:
        columns: tuple[str, ...] = ("source", *STATES, "last")
    elif given.letters:
        columns = ("letter", "last", "origin", "reason", "exception", "attempts", "key", "value")
    else:
        columns = ("letters", "reason", "exception", "owner", "first", "last", "example", "message")
    if not rows and not given.json:
        note(f"no dead letters in {given.topic}" if given.topic else f"no topic or queue is named …{SUFFIX}")
        return 0
    show(rows, columns, given)
    return 0
