"""Following one small topic from its beginning, for ever: through a broker that is away and a topic not yet there.

Knows keys and values, not what they mean.
"""

import asyncio
import logging
from collections.abc import Callable

from penstock import record
from penstock.calls import EARLIEST
from penstock.client.client import Client
from penstock.client.errors import KafkaError
from penstock.client.reader import Chunk, ReaderOptions
from penstock.record import Record

log = logging.getLogger("penstock.web")

AGAIN_S = 0.5
SMALL = ReaderOptions(part_bytes_max=512 * 1024, ahead_bytes_max=4 * 1024 * 1024, reset=EARLIEST)


def records_of(chunk: Chunk) -> list[Record]:
    """A chunk's records from the offset on that was asked for; damaged batches are left out, and logged."""
    found: list[Record] = []
    for info in record.scan(chunk.batches):
        try:
            found += record.decode(memoryview(chunk.batches)[info.position : info.position + info.size])
        except ValueError as error:
            log.warning(
                "%s-%d: a batch at offset %d: %s", chunk.topic, chunk.partition, info.base_offset, error
            )
    return [each for each in found if each.offset >= chunk.offset]


async def follow(
    client: Client, topic: str, take: Callable[[Record], None], newest: int | None = None
) -> None:
    """Hand every record of the topic to `take`, from the beginning or from the last `newest` of each partition on."""
    positions: dict[tuple[str, int], int] = {}
    while True:
        try:
            if not positions:
                positions = await _begin(client, topic, newest)
            async with client.reader(positions, options=SMALL) as reader:
                while True:
                    for chunk in await reader.read():
                        for each in records_of(chunk):
                            take(each)
                        positions[(chunk.topic, chunk.partition)] = chunk.next_offset
                        await asyncio.sleep(0)  # a long history is read in many turns, not in one
        except KafkaError as error:
            if error.name == "UNKNOWN_TOPIC_OR_PARTITION":
                positions = {}
            log.debug("following %s: %s", topic, error)
        await asyncio.sleep(AGAIN_S)


async def _begin(client: Client, topic: str, newest: int | None) -> dict[tuple[str, int], int]:
    begins = await client.offsets(topic, EARLIEST)
    if newest is not None:
        ends = await client.offsets(topic)
        begins = {p: max(offset, ends[p] - newest) for p, offset in begins.items()}
    return {(topic, p): offset for p, offset in begins.items()}
