r"""Print topics' records, from a place on to a place, and go on as they come with --follow.

penstock consume orders --from end-10 --keys
penstock consume orders --from -5m --follow --format '%d{iso} %k: %v'
penstock consume 'orders*' --from 2026-11-22T11:00 --to 2026-11-22T12:00 --json
penstock consume orders --group billing --count 100
"""

import argparse
import re
import sys
from collections.abc import Callable
from typing import Any

from penstock.cli import formats, moments
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.formats import json_lines, template
from penstock.cli.group.standing import IDLE
from penstock.cli.names import names_flags
from penstock.cli.output import note, visible
from penstock.cli.progress import Progress
from penstock.cli.spans import Span, span_of
from penstock.client import Chunk, Client, Reader, ReaderOptions
from penstock.errors import PenstockError
from penstock.record import Record

WAIT_S = 0.25
Print = Callable[[str, int, Record], bytes]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Topics, from where to where, which records, and how they are printed."""
    names_flags(parser, "topic")
    parser.add_argument(
        "--from",
        dest="start",
        default="start",
        metavar="PLACE",
        help=f"where to begin (default: start): {moments.HELP}",
    )
    parser.add_argument(
        "--to", metavar="PLACE", help="where to stop, before it (default: the end as it is now)"
    )
    parser.add_argument("--count", type=int, metavar="N", help="stop after N records")
    parser.add_argument(
        "--committed",
        action="store_true",
        help="leave out what transactions aborted or have not committed yet",
    )
    parser.add_argument("--follow", action="store_true", help="wait for further records")
    parser.add_argument(
        "--partition",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="only this partition; repeatable",
    )
    parser.add_argument(
        "--key", action="append", default=[], help="only records with exactly this key; repeatable"
    )
    parser.add_argument("--key-regex", metavar="REGEX", help="only records whose key this is found in")
    parser.add_argument(
        "--group", help="go on where this group stands, and commit what was printed; it must have no members"
    )
    more = ", %%o offset, %%t topic"
    parser.add_argument(
        "--format",
        default="%v",
        help=f"how a record is printed (default: %%v): {formats.HELP.format(more=more)}",
    )
    parser.add_argument("--keys", action="store_true", help=r"short for --format '%%k\t%%v'")
    parser.add_argument(
        "--null", default="", metavar="TEXT", help="what stands for no key or value (default: nothing)"
    )
    parser.add_argument(
        "--raw", action="store_true", help="values alone, as they are, with nothing between them"
    )
    bootstrap_flag(parser)


def printer_of(given: argparse.Namespace) -> Print:
    """What turns a record into bytes; on a terminal, text is made harmless."""
    if given.json or given.format == "json":
        return json_lines.write
    if given.raw:
        return lambda topic, partition, found: found.value or b""
    form = template.parse(r"%k\t%v" if given.keys else given.format, "tpodkvh")
    last = form.pieces[-1]
    end = b"" if isinstance(last, bytes) and last.endswith(b"\n") else b"\n"
    tame = _tame if sys.stdout.isatty() else bytes
    null = given.null.encode()
    return lambda topic, partition, found: form.write(topic, partition, found, null, tame) + end


def _tame(data: bytes) -> bytes:
    return visible(data.decode(errors="backslashreplace")).encode()


def wanted_of(given: argparse.Namespace) -> Callable[[Record], bool]:
    """Whether a record is to be printed, by its key."""
    keys = {key.encode() for key in given.key}
    try:
        sought = re.compile(given.key_regex.encode()) if given.key_regex is not None else None
    except re.error as error:
        raise PenstockError(
            f"--key-regex is no regular expression: {error}", remedy="see Python's re"
        ) from None
    if sought is not None:
        return lambda found: found.key is not None and (found.key in keys or bool(sought.search(found.key)))
    return (lambda found: found.key in keys) if keys else lambda found: True


async def idle(client: Client, group: str) -> None:
    """Raise PenstockError where the group has members: this command reads beside them, not as one of them."""
    state = {info.group: info.state for info in await client.groups()}.get(group, "Dead")
    if state not in IDLE:
        raise PenstockError(
            f"group {group} is {state}: its members read for it, and this command does not join them",
            remedy="stop them first, or read without --group",
        )


async def consume(client: Client, given: argparse.Namespace) -> None:
    """Print until the count is reached, or the stops are."""
    show, wanted = printer_of(given), wanted_of(given)
    if given.group:
        await idle(client, given.group)
    span = await span_of(client, given)
    with Progress("records", span.total or None, beside_output=True) as progress:
        options = ReaderOptions(committed=given.committed)
        async with client.reader(span.reached, options=options) as reader:
            while not span.over:
                chunks = await next_of(reader, span)
                put(chunks, span, show, wanted)
                progress.at(sum(span.reached.values()) - span.first)
                if given.group and chunks:
                    await client.commit(given.group, span.reached)


async def next_of(reader: Reader, span: Span) -> list[Chunk]:
    """What has come within a moment; says so where a server is waited for."""
    before = reader.trouble
    chunks = await reader.read(WAIT_S) or reader.take()
    if not chunks:  # what the reader has passed without a chunk are markers of transactions
        for part, offset in reader.positions.items():
            span.reached[part] = max(span.reached[part], offset)
    if reader.trouble is not None and reader.trouble is not before:
        note(f"waiting: {reader.trouble.message}")
    return chunks


def put(chunks: list[Chunk], span: Span, show: Print, wanted: Callable[[Record], bool]) -> None:
    """Print what of the chunks is wanted; where the count ends inside of a chunk, that is how far was read."""
    out: Any = sys.stdout.buffer
    for chunk in chunks:
        if span.left == 0:
            break
        lines = []
        for found in span.take(chunk):
            if span.left == 0:
                break
            if wanted(found):
                lines.append(show(chunk.topic, chunk.partition, found))
                span.left = None if span.left is None else span.left - 1
                if span.left == 0:
                    span.reached[chunk.topic, chunk.partition] = found.offset + 1
        out.write(b"".join(lines))
    out.flush()


def run(given: argparse.Namespace) -> int:
    """Print records."""
    (
        printer_of(given),
        wanted_of(given),
        moments.moment(given.start, "--from"),
    )  # mistakes are said before all else
    with_client(given, lambda client: consume(client, given))
    return 0
