"""Reads the dead letters of a topic in their order, with what became of each. Knows nothing of what is done to them."""

from collections.abc import AsyncGenerator, Mapping

from penstock import record
from penstock.calls import EARLIEST, Bytes
from penstock.client import Client, ReaderOptions
from penstock.dead_letters import OMITTED, of_record
from penstock.dlq.marks import Marks
from penstock.dlq.source import Letter
from penstock.errors import PenstockError
from penstock.record import Record


def letter_of(partition: int, found: Record, marks: Marks) -> Letter:
    """A record of a dead-letter topic."""
    omitted = any(name == OMITTED for name, _ in found.headers)
    state = marks.state(partition, found.offset)
    return Letter(f"{partition}:{found.offset}", state, found.timestamp_ms, of_record(found), omitted)


async def bounds(client: Client, topic: str, newest: int = 0) -> tuple[dict[int, int], dict[int, int]]:
    """Where reading begins and ends, by partition; with `newest` only about so many of the newest records."""
    ends = await client.offsets(topic, committed=True)
    starts = await client.offsets(topic, EARLIEST)
    if newest:
        share = newest // max(1, len(ends))
        starts = {p: max(at, ends[p] - share) for p, at in starts.items()}
    return starts, ends


async def scan(
    client: Client, topic: str, marks: Marks, starts: Mapping[int, int], ends: Mapping[int, int]
) -> AsyncGenerator[list[Letter], None]:
    """The letters between, a chunk at a time: partitions mixed, each in its order.

    A batch that is damaged is passed over: it holds no letter that could be sent back.
    """
    positions = {(topic, p): at for p, at in starts.items() if at < ends[p]}
    if not positions:
        return
    options = ReaderOptions(wait_ms=100, part_bytes_max=512 * 1024, committed=True, reset=EARLIEST)
    async with client.reader(positions, options=options) as reader:
        over = False
        while not over:
            over = all(reader.positions[part] >= ends[part[1]] for part in positions)
            for chunk in reader.take() if over else await reader.read(1.0):
                yield [
                    letter_of(chunk.partition, found, marks)
                    for found in _decoded(chunk.batches)
                    if max(starts[chunk.partition], chunk.offset) <= found.offset < ends[chunk.partition]
                ]


def _decoded(batches: Bytes) -> list[Record]:
    found: list[Record] = []
    for info in record.scan(batches):
        try:
            found += record.decode(bytes(batches[info.position : info.position + info.size]))
        except ValueError:
            continue
    return found


def place_of(name: str, topic: str) -> tuple[int, int]:
    """The partition and offset that a letter's name says; raises PenstockError."""
    partition, colon, offset = name.partition(":")
    if not (
        colon and partition.isascii() and partition.isdecimal() and offset.isascii() and offset.isdecimal()
    ):
        raise PenstockError(
            f"{name[:80]!r} is no dead letter's name",
            remedy=f"as in 0:42: penstock dlq list {topic} --letters",
        )
    if len(partition) > 9 or len(offset) > 18:
        raise PenstockError(f"there is no dead letter {name[:80]} in {topic}")
    return int(partition), int(offset)
