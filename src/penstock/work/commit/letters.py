"""Records that a pipeline could not read, as batches for their dead-letter topics: they do not stop it.

The engine names the topic and the headers (Kafka Connect's); here they are only made to fit, whatever their size.
Knows nothing of transactions.
"""

import itertools
from collections.abc import Sequence

from penstock import record
from penstock.client import Client
from penstock.client.writing.partitioning import partition_of
from penstock.dead_letters import fitting
from penstock.record import Record

BATCH_BYTES = 800_000
Letter = tuple[str, Record]
"""A topic, and what goes to it."""


class DeadLetters:
    """Turns one job's dead letters into batches."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turns = itertools.count()

    async def batches(self, letters: Sequence[Letter]) -> list[tuple[str, int, bytes]]:
        """(topic, partition, batch) in order; topics that are missing are made."""
        topics: dict[str, list[Record]] = {}
        for topic, letter in letters:
            topics.setdefault(topic, []).append(letter)
        made = []
        for topic, found in topics.items():
            if (await self._client.metadata([topic]))[topic].error:
                await self._client.create_topic(topic, 1, {}, exist_ok=True)
            count = await self._client.partitions(topic)
            fitting = [await self._fitting(topic, letter) for letter in found]
            for partition, placed in self._placed(fitting, count).items():
                made += [(topic, partition, batch) for batch in _batches(placed)]
        return made

    def _placed(self, letters: Sequence[Record], count: int) -> dict[int, list[Record]]:
        keyless = next(self._turns) % count
        placed: dict[int, list[Record]] = {}
        for letter in letters:
            where = keyless if letter.key is None else partition_of(letter.key, count)
            placed.setdefault(where, []).append(letter)
        return placed

    async def _fitting(self, topic: str, letter: Record) -> Record:
        """A record that no longer fits, now that it carries its reason, goes without what it can spare."""
        if _size(letter) <= BATCH_BYTES:
            return letter
        bytes_max = (await self._client.topic_configs(topic)).get("max.message.bytes") or "1048588"
        return fitting(letter, int(bytes_max))


def _batches(letters: Sequence[Record]) -> list[bytes]:
    runs: list[list[Record]] = []
    size = BATCH_BYTES
    for letter in letters:
        if size + _size(letter) > BATCH_BYTES:
            runs.append([])
            size = 0
        runs[-1].append(letter)
        size += _size(letter)
    return [record.encode(run) for run in runs]


def _size(letter: Record) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in letter.headers)
    return len(letter.key or b"") + len(letter.value or b"") + headers
