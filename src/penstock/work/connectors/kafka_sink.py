"""Writes to one topic: with the job's commits where that is the worker's own Kafka, else by itself, at least once.

Knows the engine's batches; knows nothing of transactions.
"""

import asyncio
from collections import deque
from collections.abc import Mapping

from penstock.engine.job import Output
from penstock.engine.plan import Table
from penstock.work.connectors.shape import Site
from penstock.work.connectors.tables import at_home, client_of, topic_of

WAITING_BYTES_MAX = 32 * 1024 * 1024


class KafkaSink:
    """Appends to one topic the batches that the engine has made for each of its `partitions`."""

    def __init__(self, table: Table, site: Site, configs: Mapping[str, str]) -> None:
        self.topic, self._configs = topic_of(table), configs
        self.partitions = 1
        self._client, self._site = client_of(table, site), site
        self._home = False
        self._waiting: deque[tuple[asyncio.Future[int], int]] = deque()
        self._bytes = 0
        self._turn = 0

    async def open(self) -> None:
        """Create the topic where it is missing."""
        if (await self._client.metadata([self.topic]))[self.topic].error == "UNKNOWN_TOPIC_OR_PARTITION":
            await self._client.create_topic(self.topic, 1, self._configs, exist_ok=True)
        self.partitions = await self._client.partitions(self.topic)
        self._home = await at_home(self._client, self._site)

    async def write(self, output: Output) -> None:
        """Hand over, or start writing; waits only while too much is under way. Batches for any partition take turns."""
        for meant, batch in output.batches:
            self._turn += meant is None
            partition = self._turn % self.partitions if meant is None else meant
            if self._home and self._site.deliver:
                self._site.deliver(self.topic, partition, batch)
            else:
                await self._push(partition, batch)

    async def _push(self, partition: int, batch: bytes) -> None:
        self._waiting.append((self._client.push(self.topic, partition, batch), len(batch)))
        self._bytes += len(batch)
        while self._waiting and (self._bytes > WAITING_BYTES_MAX or self._waiting[0][0].done()):
            await self._settle()

    async def flush(self) -> None:
        """Wait for every acknowledgement; raises the first failure."""
        while self._waiting:
            await self._settle()

    async def _settle(self) -> None:
        answer, size = self._waiting.popleft()
        self._bytes -= size
        await answer
