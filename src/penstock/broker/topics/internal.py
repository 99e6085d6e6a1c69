"""The broker's own topics: made when first written to, written record by record, read back at start.

Only `__consumer_offsets` and `__transaction_state` are internal to Kafka's clients. Topics under `_penstock.` are shown as ordinary ones, so that
the console, workers and any tool may read them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock import record
from penstock.broker.records.durable import DISK_ERRORS, Durability, refused_by
from penstock.clock import Now
from penstock.errors import Refused
from penstock.log import Log, Partition, Topic
from penstock.record import BatchInfo, Record

CONSUMER_OFFSETS = "__consumer_offsets"
PRODUCER_IDS = "_penstock.producer_ids"
TRANSACTION_STATE = "__transaction_state"
QUEUES = "_penstock.queues"
INTERNAL = frozenset({CONSUMER_OFFSETS, TRANSACTION_STATE})
RESERVED = INTERNAL | {PRODUCER_IDS, QUEUES}
"""Topics to which no client may write: what the broker reads back must be its own."""

_CONFIGS = {"cleanup.policy": "compact", "retention.ms": "-1", "segment.bytes": "16777216"}

READ_BYTES = 1024 * 1024
BATCH_BYTES = 512 * 1024


class InternalTopics:
    """Reads and writes the log on the broker's own behalf."""

    def __init__(self, log: Log, durability: Durability, notices: list[str]) -> None:
        self.log, self._durability, self._notices = log, durability, notices
        self.lost: Counter[str] = Counter()  # offsets that could not be read, by topic
        self.own: dict[
            str, tuple[int, Mapping[str, str]]
        ] = {}  # partitions and settings where they are others

    def ensure(self, name: str, partitions: int, now: Now) -> Topic:
        """Make the topic unless it is there; a number of partitions once chosen stays."""
        if name not in self.log.topics:
            partitions, configs = self.own.get(name, (partitions, _CONFIGS))
            self.log.create_topic(name, partitions, configs, now, internal=name in INTERNAL)
        return self.log.topics[name]

    def partitions(self, name: str) -> list[Partition]:
        """Its partitions, none where it was never written to."""
        found = self.log.topics.get(name)
        return list(found.partitions) if found is not None else []

    def write(
        self,
        name: str,
        index: int,
        records: Sequence[Record],
        then: Callable[[Refused | None, Now], None],
        now: Now,
        producer: tuple[int, int] | None = None,
    ) -> None:
        """Append, and call `then` when the records are safe, or with why they are not.

        `producer` is the id and epoch in whose transaction they are written; None is outside of any.
        """
        written_by = _transactional(producer) if producer else {}
        try:
            self.ensure(name, 1, now)
            partition = self.partitions(name)[index]
            for some in record.runs(records, BATCH_BYTES, record.size_of):
                batch = bytearray(record.encode(some, **written_by))
                partition.append(batch, list(record.scan(batch)), now)
        except DISK_ERRORS as error:
            then(refused_by(error), now)
            return
        self._durability.appended(partition, now)
        self._durability.when(partition, partition.end_offset, then, now)

    def read(self, name: str, index: int) -> Iterator[Record]:
        """All records of one partition, oldest first; none where the topic is not there."""
        for _, records in self.batches(name, index):
            yield from records

    def batches(self, name: str, index: int) -> Iterator[tuple[BatchInfo, list[Record]]]:
        """All batches of one partition, markers included, each with its records.

        What cannot be read is left out, with a notice: a damaged byte must not keep the broker from starting.
        """
        partitions = self.partitions(name)
        if index >= len(partitions):
            return
        partition = partitions[index]
        offset = partition.start_offset
        while offset < partition.end_offset:
            begin, chunk = offset, partition.read(offset, READ_BYTES, end=partition.end_offset)
            for info in record.scan(chunk):
                batch = memoryview(chunk)[info.position : info.position + info.size]
                try:
                    records = [one for one in record.decode(batch) if one.offset >= begin]
                except ValueError as error:
                    self.leave_out(name, index, (info.base_offset, info.last_offset), error)
                else:
                    yield info, records
                if info.last_offset < offset:
                    break  # the framing itself is damaged: it would lead back for ever
                offset = info.last_offset + 1
            if offset == begin:
                self.leave_out(name, index, (begin, partition.end_offset - 1), "no batch begins there")
                return

    def leave_out(self, name: str, index: int, offsets: tuple[int, int], why: object) -> None:
        """Say that what stands at these offsets, both included, cannot be used."""
        first, last = offsets
        self.lost[name] += max(1, last - first + 1)
        self._notices.append(
            f"{name}-{index}: offsets {first} to {last} are damaged and were left out ({why}); what they held is lost: "
            "restore the data directory from a backup if it is needed"
        )


def _transactional(producer: tuple[int, int]) -> dict[str, Any]:
    return {"producer_id": producer[0], "producer_epoch": producer[1], "transactional": True}
