"""``kafka``: records of a topic as an append-only table, read from all partitions, written by key.

    CREATE TABLE readings (sensor STRING, reading DOUBLE) WITH (
      'connector' = 'kafka', 'topic' = 'readings', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')

Options: ``scan.startup.mode`` is ``earliest-offset`` (the default without a group), ``latest-offset``,
``group-offsets`` (the default with ``properties.group.id``) or ``timestamp``; ``properties.bootstrap.servers`` names
another Kafka; ``properties.group.id`` has offsets committed, with the job's own; ``properties.auto.offset.reset`` says
where a group without offsets begins; ``scan.watermark.idle-timeout`` (``5 s``); ``sink.delivery-guarantee`` is
``exactly-once`` (the default; in another Kafka than the worker's own it is always at least once) or ``at-least-once``.
Only committed records are read. Other ``properties.`` have no meaning here. Formats are the engine's. Source: Flink documentation, "Apache Kafka SQL Connector".
"""

from collections.abc import Mapping

from penstock.calls import EARLIEST, LATEST
from penstock.client import KafkaError, Reader, ReaderOptions
from penstock.clock import Now
from penstock.engine.plan import Table
from penstock.errors import PenstockError
from penstock.work.connectors.again import Ranges, between
from penstock.work.connectors.kafka_sink import KafkaSink
from penstock.work.connectors.shape import Again, Arrival, Sink, Site, Source, Spans
from penstock.work.connectors.tables import at_home, client_of, duration_s, topic_of


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
        self._mode = mode or table.options.get("scan.startup.mode", "")
        self.positions: dict[int, int] = {}
        self._site, self._client = site, client_of(table, site)
        self._group = table.options.get("properties.group.id", "")
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
        self.positions = {p: known[p] if p in known else start[p] for p in self._ends}
        parts = {(self.topic, p): o for p, o in self.positions.items()}
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
        default = "group-offsets" if self._group else "earliest-offset"
        mode = self._mode or default
        if mode == "latest-offset":
            return dict(self._ends)
        if mode == "timestamp":
            found = await self._client.offsets(self.topic, self._timestamp_ms())
            return {p: o if o >= 0 else self._ends[p] for p, o in found.items()}
        earliest = await self._client.offsets(self.topic, EARLIEST)
        return await self._group_start(earliest) if mode == "group-offsets" else earliest

    async def _group_start(self, earliest: Mapping[int, int]) -> dict[int, int]:
        reset = self.table.options.get("properties.auto.offset.reset", "earliest")
        rest = self._ends if reset == "latest" else earliest
        if not self._group:
            raise PenstockError(
                f"table {self.table.name}: 'group-offsets' needs a group",
                remedy="add 'properties.group.id' = '…', or 'scan.startup.mode' = 'earliest-offset'",
            )
        found = await self._client.committed(self._group, [(self.topic, p) for p in self._ends])
        return {p: max(found.get((self.topic, p), rest[p]), earliest[p]) for p in self._ends}

    def _timestamp_ms(self) -> int:
        text = self.table.options.get("scan.startup.timestamp-millis", "")
        if not text.isdigit():
            raise PenstockError(
                f"table {self.table.name}: 'scan.startup.mode' = 'timestamp' needs a time",
                remedy="add 'scan.startup.timestamp-millis' = '1767225600000'",
            )
        return int(text)

    def read(self, now: Now) -> list[Arrival]:
        """What was fetched since the last time, in the order of each partition."""
        if self._reader is None:
            return []
        arrivals = []
        for chunk in self._reader.take():
            batches = between(chunk.batches, chunk.offset, chunk.next_offset)
            arrivals.append(Arrival(chunk.partition, batches, None, chunk.offset, chunk.next_offset))
            if chunk.offset > self.positions[chunk.partition]:
                lost = chunk.offset - self.positions[chunk.partition]
                place = f"{self.topic}-{chunk.partition}"
                self._site.say(f"{lost} records of {place} were deleted by retention before they were read")
            self.positions[chunk.partition] = chunk.next_offset
        return arrivals

    def next_s(self, now: Now) -> float | None:
        """Fetches wake the job."""
        return None

    @property
    def ended(self) -> bool:
        """A topic never ends."""
        return False

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
        return self.positions[partition] >= self._end(partition)

    def _end(self, partition: int) -> int:
        told = self._reader.high_watermarks.get((self.topic, partition), 0) if self._reader else 0
        return max(told, self._ends.get(partition, 0))

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
