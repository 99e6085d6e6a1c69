"""Live tables kept up to date from their topics, and the shared wake-up of all who watch one.

A feed reads its topic from the beginning, keeps reading, and begins anew where the topic was deleted and made again.
Knows the client and the fold, not who watches.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from itertools import islice

from penstock import record
from penstock.calls import EARLIEST
from penstock.client.client import Client
from penstock.client.cluster import TopicMeta
from penstock.client.errors import KafkaError
from penstock.client.reader import Chunk, ReaderOptions
from penstock.tables.live import Declared, LiveTable, TableOptions
from penstock.web.follow.records import lasting
from penstock.web.http.events import Wake

SLICE_RECORDS = 500  # folded at once: a few milliseconds, after which others get their turn
AGAIN_S = 0.5
READING = ReaderOptions(part_bytes_max=1024 * 1024, ahead_bytes_max=8 * 1024 * 1024, committed=True)
log = logging.getLogger("penstock.web")


class Feed:
    """One live table. `table` is None until its topic is found; `ready` once it has caught up."""

    def __init__(
        self, declared: Declared, topic: str, dial: Callable[[], Client], options: TableOptions
    ) -> None:
        self.declared, self.topic = declared, topic
        self.closed = False
        self.table: LiveTable | None = None
        self.wake = Wake()
        self._dial, self._options = dial, options
        self._target: list[int] = []
        self._damage_told = 0

    def declare(self, declared: Declared) -> None:
        """The table's columns changed."""
        self.declared = declared
        if self.table is not None:
            self.table.declare(declared)

    @property
    def ready(self) -> bool:
        """Whether the table holds all that was there when it began to read."""
        return self.table is not None and all(
            at >= end for at, end in zip(self.table.offsets, self._target, strict=False)
        )

    async def until_ready(self, seconds: float) -> bool:
        """Wait for the table; whether it came."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while not self.ready and loop.time() < end_s:
            await self.wake.wait(end_s - loop.time())
        return self.ready

    async def run(self, current: Callable[[str], TopicMeta | None]) -> None:
        """Read for ever; `current` tells what is known of the topic now."""
        async with self._dial() as client:
            while True:
                try:
                    await self._open(client)
                    await self._read(client, current)
                except KafkaError as error:
                    if error.name in ("UNKNOWN_TOPIC_OR_PARTITION", "OFFSET_OUT_OF_RANGE"):
                        self._drop()
                    log.debug("table %s: %s", self.declared.name, error)
                await asyncio.sleep(AGAIN_S)

    def _drop(self) -> None:
        self.table = None
        self.wake.all()

    async def _open(self, client: Client) -> None:
        meta = (await client.metadata([self.topic]))[self.topic]
        if meta.error:
            raise KafkaError(meta.error, f"follow {self.topic}")
        starts = await client.offsets(self.topic, EARLIEST)
        ends = await client.offsets(self.topic)
        decided = await client.offsets(self.topic, committed=True)
        order = range(meta.partitions)
        table = self.table
        # A topic that ends before what was read has lost its end (a crash without fsync): nothing read can stand.
        if table is None or table.identity != meta.topic_id or any(
            ends[p] < at for p, at in enumerate(table.offsets) if p in ends
        ):  # fmt: skip
            first = [starts[p] for p in order]
            self.table = LiveTable(self.declared, meta.topic_id, first, self._options)
        elif len(table.offsets) < meta.partitions:
            table.extend([starts[p] for p in order[len(table.offsets) :]])
        self._target = [decided[p] for p in order]
        self.wake.all()

    async def _read(self, client: Client, current: Callable[[str], TopicMeta | None]) -> None:
        table = self.table
        assert table is not None
        positions = {(self.topic, p): at for p, at in enumerate(table.offsets)}
        async with client.reader(positions, options=READING) as reader:
            while _same(current(self.topic), table):
                for chunk in await reader.read(1.0):
                    await self._fold(table, chunk)

    async def _fold(self, table: LiveTable, chunk: Chunk) -> None:
        for info in record.scan(chunk.batches):
            batch = memoryview(chunk.batches)[info.position : info.position + info.size]
            records = record.decode(batch)
            try:
                while part := list(islice(records, SLICE_RECORDS)):
                    table.apply(chunk.partition, part)
                    self.wake.all()
                    await asyncio.sleep(0)
            except ValueError as error:
                log.warning("%s-%d, offset %d: %s", chunk.topic, chunk.partition, info.base_offset, error)
        table.skip(chunk.partition, chunk.next_offset)
        self.wake.all()
        self._tell(table)

    def _tell(self, table: LiveTable) -> None:
        if table.damaged > self._damage_told:
            new = table.damaged - self._damage_told
            log.warning("table %s: %d records are not JSON rows and were left out", self.declared.name, new)
            self._damage_told = table.damaged


def _same(meta: TopicMeta | None, table: LiveTable) -> bool:
    """Whether the topic is still the one that was opened; an unknown one may only not have been polled yet."""
    return meta is None or (meta.topic_id == table.identity and meta.partitions == len(table.offsets))


class Feeds:
    """All feeds, one for each live table that jobs declare."""

    def __init__(
        self, dial: Callable[[], Client], options: TableOptions, current: Callable[[str], TopicMeta | None]
    ) -> None:
        self.feeds: dict[str, Feed] = {}
        self._dial, self._options, self._current = dial, options, current
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def want(self, tables: dict[str, tuple[Declared, str]]) -> None:
        """The tables that there are now: begin those that came, change those that changed, end those that went."""
        for name in [
            name for name, feed in self.feeds.items() if name not in tables or tables[name][1] != feed.topic
        ]:
            self._tasks.pop(name).cancel()
            gone = self.feeds.pop(name)
            gone.closed = True
            gone.wake.all()
        for name, (declared, topic) in tables.items():
            if name not in self.feeds:
                feed = self.feeds[name] = Feed(declared, topic, self._dial, self._options)
                self._tasks[name] = asyncio.create_task(
                    lasting(f"table {name}", partial(feed.run, self._current))
                )
            elif self.feeds[name].declared != declared:
                self.feeds[name].declare(declared)

    async def close(self) -> None:
        """Stop reading."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
