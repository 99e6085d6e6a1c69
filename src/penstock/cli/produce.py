r"""Send records to a topic: one from the command line, or one a line from files or standard input.

penstock produce orders '{"card": "c1"}' --key c1 --header source=till
penstock produce orders --file orders.tsv --format '%k\t%v' --codec zstd
penstock consume orders --json | penstock produce copy --format json
penstock produce pictures --file cat.png --whole --key cat
penstock produce accounts --key c1 --tombstone
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

from penstock.cli import formats, moments
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.formats import Draft, inputs, json_lines, template
from penstock.cli.output import counted, note, show
from penstock.cli.progress import Progress
from penstock.client import Client
from penstock.client.writing.partitioning import partition_of
from penstock.compression import CODEC_NAMES
from penstock.errors import PenstockError
from penstock.record import Record

REPEATS_AT_ONCE = 10_000
Read = Callable[[bytes], Draft | None]
CODECS = {name: codec for codec, name in CODEC_NAMES.items()}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Topic, what to send, how it is written, and what goes with it."""
    parser.add_argument("topic", metavar="TOPIC", help="made where it is not there")
    parser.add_argument("value", nargs="?", help="one record; without it, each line of the input is one")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help="read this instead of standard input; repeatable",
    )
    parser.add_argument(
        "--whole", action="store_true", help="a whole file, or all of standard input, is one value"
    )
    parser.add_argument(
        "--format",
        default="%v",
        help=f"how records are written (default: %%v): {formats.HELP.format(more='')}",
    )
    parser.add_argument("--key-separator", metavar="TEXT", help="short for --format '%%kTEXT%%v'")
    parser.add_argument("--null", metavar="TEXT", help="a key or value of exactly this text is none")
    parser.add_argument("--key", help="the key of records that have none of their own")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="goes with every record; repeatable",
    )
    parser.add_argument(
        "--partition",
        type=int,
        metavar="N",
        help="default: by key, as Java's producer does; without key, in turn",
    )
    parser.add_argument("--timestamp", metavar="TIME", help="ISO 8601, @EPOCH_MS or -5m (default: now)")
    parser.add_argument(
        "--tombstone", action="store_true", help="a record without value: deletes --key in a compacted topic"
    )
    parser.add_argument("--codec", choices=tuple(CODECS), default="none", help="how batches are compressed")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="send it all N times")
    bootstrap_flag(parser)


class Sender:
    """Drafts become records, find their partition, and are sent a group at a time."""

    def __init__(self, client: Client, given: argparse.Namespace, partitions: int) -> None:
        self.client, self.given, self.partitions = client, given, partitions
        self.headers = tuple((name, value.encode()) for name, value in _pairs(given.header))
        self.at_ms = None if given.timestamp is None else _timestamp(given.timestamp)
        self.turn = random.randrange(partitions)
        self.sent = 0

    async def send(self, drafts: Sequence[Draft]) -> None:
        """Send a group, and show where its records stand where somebody wants to know."""
        now_ms = time.time_ns() // 1_000_000
        self.turn += 1
        placed: dict[int, list[Record]] = {}
        for draft in drafts:
            placed.setdefault(self.partition(draft), []).append(self.record(draft, now_ms))
        answers = await asyncio.gather(
            *(
                self.client.produce(self.given.topic, records, where, codec=CODECS[self.given.codec])
                for where, records in placed.items()
            )
        )
        self.sent += len(drafts)
        if self.given.json or (self.given.value is not None and self.given.repeat == 1):
            rows = [
                {"topic": self.given.topic, "partition": where, "offset": offset}
                for where, offsets in zip(placed, answers, strict=True)
                for offset in offsets
            ]
            show(rows, ("topic", "partition", "offset"), self.given)

    def partition(self, draft: Draft) -> int:
        """Where a record goes: as it says, as the flag says, by its key, or with its group in turn."""
        where = draft.partition if draft.partition is not None else self.given.partition
        if where is None:
            key = self.key(draft)
            return self.turn % self.partitions if key is None else partition_of(key, self.partitions)
        if not 0 <= where < self.partitions:
            raise PenstockError(
                f"{self.given.topic} has no partition {where}",
                remedy=f"it has 0 to {self.partitions - 1}; topic configure --partitions gives it more",
            )
        return where

    def key(self, draft: Draft) -> bytes | None:
        """The record's own key, or the flag's."""
        return self.given.key.encode() if draft.key is None and self.given.key is not None else draft.key

    def record(self, draft: Draft, now_ms: int) -> Record:
        """The draft with all that the flags add."""
        at_ms = draft.timestamp_ms if draft.timestamp_ms is not None else self.at_ms
        return Record(
            self.key(draft), draft.value, now_ms if at_ms is None else at_ms, draft.headers + self.headers
        )


def _pairs(words: Iterable[str]) -> list[tuple[str, str]]:
    cut = [word.partition("=") for word in words]
    if any(not sign for _, sign, _ in cut):
        raise PenstockError("--header takes KEY=VALUE", remedy="for example --header source=till")
    return [(name, value) for name, _, value in cut]


def _timestamp(text: str) -> int:
    found = moments.moment(text, "--timestamp")
    if found.kind != "time":
        raise PenstockError(f"--timestamp {text} is no time", remedy="write ISO 8601, @EPOCH_MS or -5m")
    return found.number


def reader_of(given: argparse.Namespace) -> Read:
    """What turns a line into a draft, or into none: blank lines between JSON mean nothing."""
    null = None if given.null is None else given.null.encode()
    if given.format == "json":
        return lambda line: json_lines.read(line) if line.strip() else None
    text = given.format
    if given.key_separator is not None:
        text = f"%k{given.key_separator.replace('%', '%%').replace(chr(92), chr(92) * 2)}%v"
    form = template.parse(text, "kvhdp", reading=True)
    return lambda line: form.read(line, null)


def check(given: argparse.Namespace) -> None:
    """Raise PenstockError for flags that make no sense, before anybody is asked."""
    reader_of(given)
    if given.tombstone and (given.value is not None or given.file or given.key is None):
        raise PenstockError(
            "--tombstone needs --key, and takes no value", remedy="penstock produce TOPIC --key K --tombstone"
        )
    if given.value is not None and given.file:
        raise PenstockError("a value and --file were given", remedy="give one of them")
    if given.repeat < 1 or (
        given.repeat > 1 and not (given.file or given.tombstone or given.value is not None)
    ):
        raise PenstockError(
            "--repeat takes a number from 1 on, and a value or --file", remedy="standard input comes once"
        )


async def drafts_of(given: argparse.Namespace, progress: Progress) -> AsyncIterator[list[Draft]]:
    """All that is to be sent, in groups as they can be read."""
    read = reader_of(given)
    if given.tombstone or given.value is not None:
        draft = Draft() if given.tombstone else _placed(read, [os.fsencode(given.value)], "VALUE", 1)[0]
        progress.total, progress.what = given.repeat, "records"
        for start in range(0, given.repeat, REPEATS_AT_ONCE):
            yield [draft] * min(REPEATS_AT_ONCE, given.repeat - start)
            progress.at(start + REPEATS_AT_ONCE)
        return
    for _ in range(given.repeat):
        for name in given.file or ["-"]:
            async for group in _of_file(name, given, read, progress):
                yield group


async def _of_file(
    name: str, given: argparse.Namespace, read: Read, progress: Progress
) -> AsyncIterator[list[Draft]]:
    try:
        fd = os.dup(sys.stdin.fileno()) if name == "-" else os.open(name, os.O_RDONLY)
    except OSError as error:
        raise PenstockError(f"cannot read {name}: {error.strerror}", remedy="check --file") from None
    try:
        if given.whole:
            yield [Draft(value=await inputs.everything(fd))]
            return
        line = 1
        async for lines in inputs.groups_of_lines(fd):
            yield _placed(read, lines, "standard input" if name == "-" else name, line)
            line += len(lines)
            progress.step(sum(map(len, lines)) + len(lines))
    finally:
        os.close(fd)


def _placed(read: Read, lines: Sequence[bytes], place: str, first: int) -> list[Draft]:
    """Lines as drafts; an error names its line."""
    drafts = []
    for number, line in enumerate(lines, first):
        try:
            draft = read(line)
        except PenstockError as error:
            raise PenstockError(
                error.message,
                remedy=error.remedy or "penstock produce --help shows the formats",
                place=f"{place}:{number}",
            ) from None
        if draft is not None:
            drafts.append(draft)
    return drafts


async def send(client: Client, given: argparse.Namespace) -> int:
    """Send everything; how many records."""
    meta = (await client.metadata([given.topic]))[given.topic]
    if meta.error == "UNKNOWN_TOPIC_OR_PARTITION":
        await client.create_topic(given.topic, -1, exist_ok=True)
        note(f"topic {given.topic} was not there: created")
    sender = Sender(client, given, await client.partitions(given.topic))
    sizes = [Path(name).stat().st_size for name in given.file if Path(name).is_file()]
    with Progress("bytes", sum(sizes) * given.repeat or None, beside_output=given.json) as progress:
        async for drafts in drafts_of(given, progress):
            await sender.send(drafts)
    return sender.sent


def run(given: argparse.Namespace) -> int:
    """Send, and say how many."""
    check(given)
    sent = with_client(given, lambda client: send(client, given))
    if not given.json and (given.value is None or given.repeat > 1):
        note(f"{counted(sent, 'record')} sent to {given.topic}")
    return 0
