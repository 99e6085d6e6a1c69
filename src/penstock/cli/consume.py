"""Print a topic's records, from a point on, and go on as they come with --follow."""

import argparse
import json
from typing import Any

from penstock import record
from penstock.calls import EARLIEST, LATEST
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.output import text_of_bytes
from penstock.client import Client
from penstock.errors import PenstockError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Topic, where to begin, when to stop."""
    parser.add_argument("topic")
    parser.add_argument(
        "--from", dest="start", default="start", help="start, end, an offset, or @TIME in epoch ms"
    )
    parser.add_argument("--partition", type=int, help="one partition only")
    parser.add_argument("--count", type=int, help="stop after so many records")
    parser.add_argument("--follow", action="store_true", help="wait for further records")
    parser.add_argument("--keys", action="store_true", help="print KEY<tab>VALUE")
    bootstrap_flag(parser)


async def starts(client: Client, given: argparse.Namespace) -> dict[tuple[str, int], int]:
    """The offset to begin with, by partition."""
    special = {"start": EARLIEST, "end": LATEST}
    if given.start in special:
        found = await client.offsets(given.topic, special[given.start])
    elif given.start.startswith("@") and given.start[1:].isdecimal():
        found = await client.offsets(given.topic, int(given.start[1:]))
        ends = await client.offsets(given.topic, LATEST)
        found = {p: offset if offset >= 0 else ends[p] for p, offset in found.items()}
    elif given.start.isdecimal():
        found = dict.fromkeys(await client.offsets(given.topic, EARLIEST), int(given.start))
    else:
        raise PenstockError(
            f"--from {given.start} is no place in a topic", remedy="start, end, an offset, or @TIME"
        )
    if given.partition is not None and given.partition not in found:
        raise PenstockError(f"{given.topic} has no partition {given.partition}")
    return {(given.topic, p): o for p, o in found.items() if given.partition in (None, p)}


async def follow(client: Client, given: argparse.Namespace) -> None:
    """Print until the count is reached, or the end where it was at the start."""
    places = await starts(client, given)
    ends = await client.offsets(given.topic, LATEST)
    left = given.count if given.count is not None else -1
    reader = client.reader(places)
    while left != 0 and (given.follow or any(places[t, p] < ends[p] for t, p in places)):
        for chunk in await reader.read():
            batches = memoryview(chunk.batches)
            for info in record.scan(batches):
                if info.control:
                    continue
                for found in record.decode(batches[info.position : info.position + info.size]):
                    if found.offset < places[chunk.topic, chunk.partition] or left == 0:
                        continue
                    print(line_of(chunk.partition, found, given), flush=given.follow)
                    left -= 1
            places[chunk.topic, chunk.partition] = chunk.next_offset


def line_of(partition: int, found: record.Record, given: argparse.Namespace) -> str:
    """One record as the user asked to see it."""
    key, value = text_of_bytes(found.key), text_of_bytes(found.value)
    if given.json:
        row: dict[str, Any] = {
            "partition": partition,
            "offset": found.offset,
            "timestamp_ms": found.timestamp_ms,
        }
        row |= {"key": key, "value": value, "headers": [[k, text_of_bytes(v)] for k, v in found.headers]}
        return json.dumps(row)
    return f"{'' if key is None else key}\t{'' if value is None else value}" if given.keys else (value or "")


def run(given: argparse.Namespace) -> int:
    """Print records."""
    with_client(given, lambda client: follow(client, given))
    return 0
