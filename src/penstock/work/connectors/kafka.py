"""``kafka``: records of a topic as an append-only table, read from all partitions, written by key.

    CREATE TABLE readings (sensor STRING, reading DOUBLE) WITH (
      'connector' = 'kafka', 'topic' = 'readings', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')

Options: ``scan.startup.mode`` is ``earliest-offset`` (the default without a group), ``latest-offset``,
``group-offsets`` (the default with ``properties.group.id``) or ``timestamp``; ``properties.bootstrap.servers`` names
another Kafka; ``properties.group.id`` has offsets committed for lag displays; ``properties.auto.offset.reset`` says
where a group without offsets begins; ``scan.watermark.idle-timeout`` (``5 s``). Other ``properties.`` have no meaning
here. Formats are the engine's. Source: Flink documentation, "Apache Kafka SQL Connector".
"""

import asyncio
import re
from collections import deque
from collections.abc import Mapping

from penstock import record
from penstock.calls import EARLIEST, LATEST, Bytes
from penstock.client import Chunk, Client, KafkaError, Reader, ReaderOptions
from penstock.clock import Now
from penstock.engine.job import Output
from penstock.engine.plan import Table
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.work.connectors.shape import Arrival, Sink, Site, Source

WAITING_BYTES_MAX = 32 * 1024 * 1024
_UNITS_S = {
    "ms": 0.001,
    "milli": 0.001,
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "m": 60,
    "h": 3600,
}


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

    async def open(self, positions: Mapping[int, int] | None, now: Now) -> None:
        """Wait until the topic is there, then begin; partitions without a position begin by the startup mode."""
        await self._topic_there()
        self._ends = await self._client.offsets(self.topic, LATEST)
        known = positions or {}
        start = {} if self._ends.keys() <= known.keys() else await self._start(known)
        self.positions = {p: known[p] if p in known else start[p] for p in self._ends}
        parts = {(self.topic, p): o for p, o in self.positions.items()}
        self._reader = self._client.reader(parts, options=ReaderOptions(reset=EARLIEST))
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
            arrivals.append(Arrival(chunk.partition, _from_offset(chunk)))
            if chunk.offset > self.positions[chunk.partition]:
                lost = chunk.offset - self.positions[chunk.partition]
                place = f"{self.topic}-{chunk.partition}"
                self._site.say(f"{lost} records of {place} were deleted by retention before they were read")
            self.positions[chunk.partition] = chunk.next_offset
            self._ends[chunk.partition] = chunk.high_watermark
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

    async def committed(self) -> None:
        """Commit for the table's group, so that lag shows; the job's own state is what a restart goes by."""
        if not self._group:
            return
        try:
            await self._client.commit(self._group, {(self.topic, p): o for p, o in self.positions.items()})
        except KafkaError as error:
            self._site.say(f"offsets were not committed for group {self._group}: {error.message}")

    async def close(self) -> None:
        """Stop fetching."""
        if self._reader:
            await self._reader.close()


class KafkaSink:
    """Appends to one topic the batches that the engine has made for each of its `partitions`."""

    def __init__(self, table: Table, site: Site, configs: Mapping[str, str]) -> None:
        self.topic, self._configs = topic_of(table), configs
        self.partitions = 1
        self._client = client_of(table, site)
        self._waiting: deque[tuple[asyncio.Future[int], int]] = deque()
        self._bytes = 0
        self._turn = 0

    async def open(self) -> None:
        """Create the topic where it is missing."""
        if (await self._client.metadata([self.topic]))[self.topic].error == "UNKNOWN_TOPIC_OR_PARTITION":
            await self._client.create_topic(self.topic, 1, self._configs, exist_ok=True)
        self.partitions = await self._client.partitions(self.topic)

    async def write(self, output: Output) -> None:
        """Start writing; waits only while too much is under way. Batches for any partition take turns."""
        for meant, batch in output.batches:
            self._turn += meant is None
            partition = self._turn % self.partitions if meant is None else meant
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


def topic_of(table: Table) -> str:
    """The one topic of a table."""
    if ";" in table.topic:
        raise PenstockError(
            f"table {table.name}: a table reads one topic", remedy="make one table a topic and UNION ALL them"
        )
    return table.topic


def client_of(table: Table, site: Site) -> Client:
    """The client for the Kafka that the table names, or the worker's own."""
    return site.client(table.options.get("properties.bootstrap.servers", ""))


def duration_s(text: str) -> float:
    """A Flink duration, ``500 ms``, ``5s``, ``1 min``, in seconds."""
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text.lower())
    word = (match[2] or "ms") if match else ""
    unit = _UNITS_S.get(word, _UNITS_S.get(word.rstrip("s")))
    if match is None or unit is None:
        raise PenstockError(f"'{text}' is not a duration", remedy="write it like 500 ms, 5 s or 1 min")
    return int(match[1]) * unit


def _from_offset(chunk: Chunk) -> Bytes:
    """The chunk's batches without records before the offset that was asked for (a start inside a batch)."""
    first = next(record.scan(chunk.batches), None)
    if first is None or first.base_offset >= chunk.offset:
        return chunk.batches
    head = memoryview(chunk.batches)[: first.size]
    runs: list[list[Record]] = []
    for found in record.decode(head):
        if found.offset >= chunk.offset:
            if not runs or found.offset != runs[-1][-1].offset + 1:
                runs.append([])
            runs[-1].append(found)
    again = [record.encode(run, base_offset=run[0].offset) for run in runs]
    return b"".join([*again, memoryview(chunk.batches)[first.size :]])
