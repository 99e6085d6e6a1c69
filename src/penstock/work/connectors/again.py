"""Reads ranges of a topic a second time, exactly as they were: what a replay of the journal feeds the engine.

Knows offsets; knows nothing of what the records were for.
"""

from penstock import record
from penstock.calls import EARLIEST, Bytes
from penstock.client import Chunk, Client, KafkaError, Reader, ReaderOptions
from penstock.errors import PenstockError
from penstock.work.connectors.shape import Arrival, Spans

WAIT_S = 30.0


class Ranges:
    """The topic's committed records from `spans` (first and end, by partition), taken in the order of each partition."""

    def __init__(self, client: Client, topic: str, spans: Spans) -> None:
        self._client, self.topic, self._spans = client, topic, spans
        self._reader: Reader | None = None
        self._chunks: dict[int, list[Chunk]] = {partition: [] for partition in spans}

    async def open(self) -> None:
        """Begin; raises PenstockError where some of it is not there any more."""
        try:
            starts = await self._client.offsets(self.topic, EARLIEST)
            ends = await self._client.offsets(self.topic, committed=True)
        except KafkaError as error:
            if error.name != "UNKNOWN_TOPIC_OR_PARTITION":
                raise
            raise self._gone("the topic does not exist any more") from error
        for partition, (first, end) in self._spans.items():
            if first < starts.get(partition, 0):
                why = f"partition {partition} begins at offset {starts[partition]} now, {first} is needed"
                raise self._gone(why + ": retention took what is before")
            if end > ends.get(partition, 0):
                why = f"partition {partition} ends at offset {ends.get(partition, 0)}, {end} was read before"
                raise self._gone(why + ": this is another topic of the same name, or an older copy of it")
        parts = {(self.topic, partition): first for partition, (first, _) in self._spans.items()}
        self._reader = self._client.reader(parts, options=ReaderOptions(committed=True))

    async def take(self, partition: int, first: int, end: int, wall_ms: int) -> Arrival:
        """The record batches from offset `first` to before `end`."""
        assert self._reader
        held = self._chunks[partition]
        while self._reader.positions[self.topic, partition] < end:
            arrived = await self._reader.read(WAIT_S)
            if not arrived and self._reader.trouble:
                raise self._reader.trouble
            self._sort(arrived)
        self._sort(self._reader.take())
        while held and held[0].next_offset <= first:
            held.pop(0)
        wanted = [between(chunk.batches, first, end) for chunk in held if chunk.offset < end]
        return Arrival(partition, b"".join(wanted), None, first, end)

    def _sort(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            self._chunks[chunk.partition].append(chunk)

    def _gone(self, why: str) -> PenstockError:
        return PenstockError(
            f"the state builds on records of {self.topic} that cannot be read again: {why}",
            remedy="keep the topic's records longer than the job is down (retention.ms); to begin anew with what is "
            "there, delete the job's state topic",
        )

    async def close(self) -> None:
        """Stop reading."""
        if self._reader:
            await self._reader.close()


def between(batches: Bytes, first: int, end: int) -> Bytes:
    """The records from offset `first` to before `end`; batches that lie in it whole stay as they are."""
    kept: list[Bytes] = []
    view = memoryview(batches)
    infos = list(record.scan(batches))
    if infos and infos[0].base_offset >= first and infos[-1].last_offset < end:
        return view[: infos[-1].position + infos[-1].size]
    for info in infos:
        whole = view[info.position : info.position + info.size]
        if info.base_offset >= first and info.last_offset < end:
            kept.append(whole)
        elif info.last_offset >= first and info.base_offset < end:
            kept += _cut(whole, first, end)
    return kept[0] if len(kept) == 1 else b"".join(kept)


def _cut(batch: memoryview, first: int, end: int) -> list[Bytes]:
    runs: list[list[record.Record]] = []
    for found in record.decode(batch):
        if first <= found.offset < end:
            if not runs or found.offset != runs[-1][-1].offset + 1:
                runs.append([])
            runs[-1].append(found)
    return [record.encode(run, base_offset=run[0].offset) for run in runs]
