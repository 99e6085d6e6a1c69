"""Following one small topic from its beginning, for ever: through a broker that is away and a topic not yet there.

Knows keys and values, not what they mean.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from penstock import record
from penstock.calls import EARLIEST
from penstock.client.client import Client
from penstock.client.errors import KafkaError
from penstock.client.reader import Chunk, ReaderOptions
from penstock.record import BatchInfo, Record

log = logging.getLogger("penstock.web")

AGAIN_S = 0.5
STUMBLE_S = 1.0
SMALL = ReaderOptions(part_bytes_max=512 * 1024, ahead_bytes_max=4 * 1024 * 1024, reset=EARLIEST)


def records_of(chunk: Chunk) -> list[Record]:
    """A chunk's records from the offset on that was asked for; damaged batches are left out, and logged."""
    return [each for info in record.scan(chunk.batches) for each in decoded(chunk, info)]


def decoded(chunk: Chunk, info: BatchInfo) -> list[Record]:
    """One of its batches, likewise."""
    try:
        found = record.decode(memoryview(chunk.batches)[info.position : info.position + info.size])
        return [each for each in found if each.offset >= chunk.offset]
    except ValueError as error:
        log.warning("%s-%d: a batch at offset %d: %s", chunk.topic, chunk.partition, info.base_offset, error)
        return []


async def lasting(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do work that should never end; what ends it is a mistake, is logged, and does not end it for good."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s stumbled and begins again", name)
        await asyncio.sleep(STUMBLE_S)


async def follow(dial: Callable[[], Client], topic: str, take: Callable[[Record], None], newest: int) -> None:
    """Hand the topic's records to `take`, from the last `newest` of each partition on, for ever."""
    positions: dict[tuple[str, int], int] = {}
    async with dial() as client:
        while True:
            try:
                positions = positions or await _begin(client, topic, newest)
                if positions:
                    await _read(client, positions, take)
            except KafkaError as error:
                if error.name == "UNKNOWN_TOPIC_OR_PARTITION":
                    positions = {}
                log.debug("following %s: %s", topic, error)
            await asyncio.sleep(AGAIN_S)


async def _read(
    client: Client, positions: dict[tuple[str, int], int], take: Callable[[Record], None]
) -> None:
    """Read until it fails; `positions` move along."""
    async with client.reader(positions, options=SMALL) as reader:
        while True:
            for chunk in await reader.read():
                for each in records_of(chunk):
                    take(each)
                positions[(chunk.topic, chunk.partition)] = chunk.next_offset
                await asyncio.sleep(0)  # a long history is read in many turns, not in one


async def _begin(client: Client, topic: str, newest: int) -> dict[tuple[str, int], int]:
    """Where to begin in each partition; nothing while there is no such topic."""
    if (await client.metadata([topic]))[topic].error:
        return {}
    begins, ends = await client.offsets(topic, EARLIEST), await client.offsets(topic)
    return {(topic, p): max(offset, ends[p] - newest) for p, offset in begins.items()}
