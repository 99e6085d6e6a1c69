"""Messages that become records: a turn's are gathered and appended together, a batch a partition."""

from collections import deque
from collections.abc import Iterator

from penstock import record
from penstock.broker.queues.around import Around
from penstock.broker.queues.topics.partitioning import partition_of
from penstock.broker.queues.topics.records import record_of
from penstock.broker.records.durable import DISK_ERRORS, Then, refused_by
from penstock.clock import Now
from penstock.content import Content
from penstock.errors import Refusal, Refused
from penstock.log import Partition
from penstock.record import Record

BATCH_BYTES = 512 * 1024
OVERSIZED = "penstock_queue_oversized_messages_total"


class Appends:
    """Those of one broker."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._gathered: dict[Partition, list[Record]] = {}
        self._unsafe: dict[Partition, None] = {}

    def add(self, topic: str, content: Content, keyed: bool, now: Now) -> bool:
        """One more; False where the topic is gone. With `keyed` its routing key is the record's."""
        found = self._around.log.topics.get(topic)
        if found is None:
            return False
        key = (
            content.routing_key.encode("utf-8", "surrogateescape") if keyed and content.routing_key else None
        )
        count = len(found.partitions)
        partition = found.partitions[partition_of(key or b"", count) if count > 1 else 0]
        self._gathered.setdefault(partition, []).append(record_of(content, now.wall_ms, key))
        return True

    @property
    def nothing(self) -> bool:
        """Whether nothing is gathered."""
        return not self._gathered

    def flush(self, now: Now) -> Refused | None:
        """Append what was gathered; why not all of it could be, the disk's reason before a record's, or None."""
        gathered, self._gathered = self._gathered, {}
        failed = None
        for partition, records in gathered.items():
            found = self._append(partition, records, now)
            if failed is None or (found is not None and failed.reason is Refusal.OVER_SEGMENT):
                failed = found
        return failed

    def _append(self, partition: Partition, records: list[Record], now: Now) -> Refused | None:
        segment_bytes, failed = partition.settings.segment_bytes, None
        pieces = deque(_together(records, min(BATCH_BYTES, segment_bytes // 2)))
        while pieces:
            some = pieces.popleft()
            batch = bytearray(record.encode(some))
            if len(batch) > segment_bytes:
                if len(some) > 1:  # one of them may be to blame
                    pieces.extendleft([one] for one in reversed(some))
                    continue
                words = f"a record of {len(batch)} bytes does not fit a segment of topic {partition.topic}"
                failed = Refused(Refusal.OVER_SEGMENT, words)
                self._around.counts.add(OVERSIZED)
                continue
            try:
                partition.append(batch, list(record.scan(batch)), now)
            except DISK_ERRORS as error:
                return refused_by(error)
            self._around.durability.appended(partition, now)
            self._unsafe[partition] = None
        return failed

    def when_safe(self, then: Then, now: Now) -> None:
        """Call `then` when all that was appended is on disk."""
        waits = [one for one in self._unsafe if one.durable_offset < one.end_offset and not one.deleted]
        self._unsafe = dict.fromkeys(waits)
        if not waits:
            then(None, now)
            return
        left = len(waits)
        failed: Refused | None = None

        def safe(refused: Refused | None, now: Now) -> None:
            nonlocal left, failed
            left, failed = left - 1, failed or refused
            if not left:
                then(failed, now)

        for partition in waits:
            self._around.durability.when(partition, partition.end_offset, safe, now)


def _together(records: list[Record], bytes_max: int) -> Iterator[list[Record]]:
    """What makes one batch each: not larger than that, about, unless one record is."""
    some: list[Record] = []
    left = bytes_max
    for one in records:
        size = len(one.value or b"") + 128
        if some and size > left:
            yield some
            some, left = [], bytes_max
        some.append(one)
        left -= size
    if some:
        yield some
