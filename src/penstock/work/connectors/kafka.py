"""``kafka``: records of a topic as an append-only table, read from all partitions, written by key.

    CREATE TABLE readings (sensor STRING, reading DOUBLE) WITH (
      'connector' = 'kafka', 'topic' = 'readings', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')

Options: where reading begins and ends is `places`' (``scan.startup.…``, ``scan.bounded.…``; a group makes
``group-offsets`` the startup mode); ``properties.bootstrap.servers`` names another Kafka; ``properties.group.id`` has
offsets committed, with the job's own; ``properties.auto.offset.reset`` says where a group without offsets begins;
``scan.watermark.idle-timeout`` (``5 s``); ``sink.delivery-guarantee`` is ``exactly-once`` (the default; in another Kafka
than the worker's own it is always at least once) or ``at-least-once``.
Only committed records are read. Other ``properties.`` have no meaning here. Formats are the engine's. Source: Flink documentation, "Apache Kafka SQL Connector".
"""

from collections.abc import Mapping

from penstock.calls import EARLIEST, LATEST
from penstock.client import KafkaError, Reader, ReaderOptions
from penstock.clock import Now
from penstock.engine.plan import Table
from penstock.work.connectors.again import Ranges, between
from penstock.work.connectors.kafka_sink import KafkaSink
from penstock.work.connectors.places import Places
from penstock.work.connectors.shape import Again, Arrival, Sink, Site, Source, Spans
from penstock.work.connectors.tables import at_home, client_of, duration_s, topic_of

FOREVER = 2**63


class Kafka:
    """The connector."""

    name = "kafka"

    def source(self, table: Table, site: Site) -> Source:
        """Read a topic."""
        return KafkaSource(table, site)

    def sink(self, table: Table, site: Site) -> Sink:
        """Append to a topic, made with one partition when missing."""
        return KafkaSink(table, site, {})


class KafkaSource:
    """All partitions of one topic."""

    def __init__(self, table: Table, site: Site, mode: str = "") -> None:
        self.table, self.topic = table, topic_of(table)
        self.positions: dict[int, int] = {}
        self.bounds: dict[int, int] = {}
        self._site, self._client = site, client_of(table, site)
        self._places = Places(table, self._client, mode)
        self._group = self._places.group
        self._reader: Reader | None = None
        self._ends: dict[int, int] = {}
        self._home = False

    async def open(self, positions: Mapping[int, int] | None, now: Now) -> None:
        """Wait until the topic is there, then begin; partitions without a position begin by the startup mode."""
        await self._topic_there()
        self._home = await at_home(self._client, self._site)
        self._ends = await self._client.offsets(self.topic, LATEST, committed=True)
        known = positions or {}
        start = {} if self._ends.keys() <= known.keys() else await self._start(known)
        if self._places.bounded and not self._ends.keys() <= self.bounds.keys():
            self.bounds = {**await self._places.bounds(self._ends), **self.bounds}
        self.positions = {p: known[p] if p in known else start[p] for p in self._ends}
        parts = {(self.topic, p): o for p, o in self.positions.items() if not self._done(p)}
        self._reader = self._client.reader(parts, options=ReaderOptions(reset=EARLIEST, committed=True))
        self._reader.on_arrival = self._site.wake
        self._site.wake()

    async def _topic_there(self) -> None:
        said = False
        while (await self._client.metadata([self.topic]))[self.topic].error:
            if not said:
                self._site.say(f"waiting for the topic {self.topic}, which does not exist yet")
                said = True
            await self._site.wait(0.5)

    async def _start(self, restored: Mapping[int, int]) -> dict[int, int]:
        """Where the startup mode begins; a partition that is new beside restored ones begins at its first record."""
        if restored:
            return await self._client.offsets(self.topic, EARLIEST)
        return await self._places.starts(self._ends)

    def read(self, now: Now) -> list[Arrival]:
        """What was fetched since the last time, in the order of each partition."""
        if self._reader is None:
            return []
        arrivals = []
        for chunk in self._reader.take():
            if self._done(chunk.partition):
                continue
            end = min(chunk.next_offset, self.bounds.get(chunk.partition, chunk.next_offset))
            batches = between(chunk.batches, chunk.offset, end)
            arrivals.append(Arrival(chunk.partition, batches, None, min(chunk.offset, end), end))
            if chunk.offset > self.positions[chunk.partition]:
                lost = chunk.offset - self.positions[chunk.partition]
                place = f"{self.topic}-{chunk.partition}"
                self._site.say(f"{lost} records of {place} were deleted by retention before they were read")
            self.positions[chunk.partition] = end
            if self._done(chunk.partition):
                self._reader.leave((self.topic, chunk.partition))
        return arrivals

    def _done(self, partition: int) -> bool:
        """Whether a partition has been read up to its bound."""
        return self.positions[partition] >= self.bounds.get(partition, FOREVER)

    def next_s(self, now: Now) -> float | None:
        """Fetches wake the job."""
        return None

    @property
    def ended(self) -> bool:
        """A topic ends where the table bounds it."""
        return self._reader is not None and self._places.bounded and all(map(self._done, self.positions))

    @property
    def lag(self) -> int:
        """Records between the positions and the ends that the last fetches told."""
        return sum(max(0, self._end(p) - position) for p, position in self.positions.items())

    @property
    def idle_after_s(self) -> float | None:
        """``scan.watermark.idle-timeout``."""
        text = self.table.options.get("scan.watermark.idle-timeout")
        return None if text is None else duration_s(text)

    def caught_up(self, partition: int) -> bool:
        """Whether the partition has no record beyond its position."""
        return self._done(partition) or self.positions[partition] >= self._end(partition)

    def _end(self, partition: int) -> int:
        told = self._reader.high_watermarks.get((self.topic, partition), 0) if self._reader else 0
        return min(max(told, self._ends.get(partition, 0)), self.bounds.get(partition, FOREVER))

    def again(self, spans: Spans) -> Again:
        """The topic's records."""
        return Ranges(self._client, self.topic, spans)

    @property
    def offsets(self) -> tuple[str, dict[tuple[str, int], int]] | None:
        """The table's group and its offsets: so that lag shows; the job's own state is what a restart goes by."""
        if not self._group or not self._home:
            return None
        return self._group, {(self.topic, p): o for p, o in self.positions.items()}

    async def committed(self, positions: Mapping[int, int]) -> None:
        """In another Kafka the group's offsets are committed by themselves."""
        if not self._group or self._home:
            return
        try:
            await self._client.commit(self._group, {(self.topic, p): o for p, o in positions.items()})
        except KafkaError as error:
            self._site.say(f"offsets were not committed for group {self._group}: {error.message}")

    async def close(self) -> None:
        """Stop fetching."""
        if self._reader:
            await self._reader.close()
