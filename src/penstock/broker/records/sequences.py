"""Idempotent producers: each partition remembers each producer's last five batches.

So a batch that is sent again is found (and answered with its first offsets), and a gap is refused (KIP-98).
A producer of whom nothing is remembered may begin anywhere (KIP-360): its earlier batches may have expired.

Nothing is stored: the batches' own headers are the record. A partition's memory is rebuilt at its first idempotent
append after a start, from the last `REBUILT_BYTES` that were there at the start: a producer can only send again what was in flight
when the server stopped, and that stands at the end. Knows batch headers; knows no calls.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock import record
from penstock.broker.options import BrokerOptions
from penstock.broker.transactions.marker import COORDINATOR_EPOCH
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Partition
from penstock.record import BatchInfo

REBUILT_BYTES = 16 * 1024 * 1024
BATCHES_KEPT = 5  # a producer has at most five requests in flight: max.in.flight.requests.per.connection
SEQUENCE_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Known:
    """A batch that was written before: its sequence range and its offsets."""

    first: int
    last: int
    base_offset: int
    last_offset: int
    append_ms: int


@dataclass(slots=True)
class Producer:
    """What one partition remembers of one producer."""

    epoch: int
    batches: deque[Known] = field(default_factory=lambda: deque(maxlen=BATCHES_KEPT))
    at_ms: int = 0
    written_ms: int = -1
    coordinator_epoch: int = -1


def after(sequence: int) -> int:
    """The sequence number that follows; numbers wrap at 2^31."""
    return 0 if sequence == SEQUENCE_MAX else sequence + 1


def last_of(info: BatchInfo) -> int:
    """The sequence number of the batch's last record."""
    return (info.base_sequence + info.last_offset_delta) & SEQUENCE_MAX


class Sequences:
    """Every partition's producers, the longest silent first."""

    def __init__(self, options: BrokerOptions) -> None:
        self._options = options
        self._ends: dict[Partition, int] = {}
        self._producers: dict[Partition, OrderedDict[int, Producer]] = {}

    def judge(self, partition: Partition, info: BatchInfo, now: Now) -> Known | Refused | None:
        """None: append it. `Known`: it is there already. Call before every append, idempotent or not."""
        self._ends.setdefault(partition, partition.end_offset)
        if info.producer_id < 0:
            return None
        if info.producer_epoch < 0 or info.base_sequence < 0:
            return Refused(Refusal.BAD_RECORD, "a producer id comes with an epoch and a sequence number")
        producer = self._of(partition, now).get(info.producer_id)
        if producer is None or now.wall_ms - producer.at_ms > self._options.producer_expiry_s * 1000:
            return None
        return _follows(producer, info)

    def note(self, partition: Partition, info: BatchInfo, base_offset: int, now: Now) -> None:
        """The batch was written at `base_offset`."""
        if info.producer_id >= 0:
            producers = self._of(partition, now)
            _remember(producers, info, base_offset, now.wall_ms)
            self._bound(producers, now)

    def of(self, partition: Partition, now: Now) -> Mapping[int, Producer]:
        """What is remembered of each producer id."""
        self._ends.setdefault(partition, partition.end_offset)
        return self._of(partition, now)

    def mark(self, partition: Partition, producer_id: int, epoch: int, now: Now) -> None:
        """A transaction's marker was written: with a newer epoch it shuts out who has the older one."""
        self._ends.setdefault(partition, partition.end_offset)
        _mark(self._of(partition, now), producer_id, epoch, now.wall_ms)

    def forget(self, partition: Partition) -> None:
        """The partition is gone."""
        self._ends.pop(partition, None)
        self._producers.pop(partition, None)

    def _of(self, partition: Partition, now: Now) -> OrderedDict[int, Producer]:
        known = self._producers.get(partition)
        if known is None:
            known = self._producers[partition] = _rebuilt(partition, self._ends[partition], now)
        return known

    def _bound(self, producers: OrderedDict[int, Producer], now: Now) -> None:
        expired_ms = now.wall_ms - self._options.producer_expiry_s * 1000
        while producers:
            oldest = next(iter(producers))
            if len(producers) <= self._options.producers_max and producers[oldest].at_ms >= expired_ms:
                return
            del producers[oldest]


def _follows(producer: Producer, info: BatchInfo) -> Known | Refused | None:
    if info.producer_epoch < producer.epoch:
        return Refused(Refusal.STALE_PRODUCER_EPOCH, f"epoch {info.producer_epoch}, current {producer.epoch}")
    if info.producer_epoch > producer.epoch:
        if info.base_sequence == 0:
            return None
        return Refused(Refusal.OUT_OF_ORDER_SEQUENCE, f"a new epoch begins with 0, not {info.base_sequence}")
    if not producer.batches and info.base_sequence != 0:
        return Refused(Refusal.OUT_OF_ORDER_SEQUENCE, f"a new epoch begins with 0, not {info.base_sequence}")
    for known in producer.batches:
        if (known.first, known.last) == (info.base_sequence, last_of(info)):
            return known
    expected = after(producer.batches[-1].last) if producer.batches else 0
    if info.base_sequence == expected:
        return None
    return Refused(Refusal.OUT_OF_ORDER_SEQUENCE, f"expected {expected}, got {info.base_sequence}")


def _remember(producers: OrderedDict[int, Producer], info: BatchInfo, base_offset: int, at_ms: int) -> None:
    producer = producers.get(info.producer_id)
    if producer is None or producer.epoch != info.producer_epoch:
        producer = producers[info.producer_id] = Producer(info.producer_epoch)
    append_ms = info.max_timestamp_ms if info.log_append_time else -1
    last_offset = base_offset + info.last_offset_delta
    producer.batches.append(Known(info.base_sequence, last_of(info), base_offset, last_offset, append_ms))
    producer.at_ms, producer.written_ms = at_ms, info.max_timestamp_ms
    producers.move_to_end(info.producer_id)


def _mark(producers: OrderedDict[int, Producer], producer_id: int, epoch: int, at_ms: int) -> None:
    """A producer of whom nothing else is known stays unknown: it may go on anywhere."""
    producer = producers.get(producer_id)
    if producer is None:
        return
    if epoch > producer.epoch:
        producer.epoch = epoch
        producer.batches.clear()
    producer.written_ms, producer.coordinator_epoch = at_ms, COORDINATOR_EPOCH


def _rebuilt(partition: Partition, end_at_start: int, now: Now) -> OrderedDict[int, Producer]:
    producers: OrderedDict[int, Producer] = OrderedDict()
    start, end = partition.start_offset, partition.end_offset
    if partition.size_bytes > REBUILT_BYTES:
        share = REBUILT_BYTES / partition.size_bytes
        start = max(start, end_at_start - int((end_at_start - start) * share))
    while start < end:
        begin, chunk = start, partition.read(start, 1024 * 1024, end=end)
        for info in record.scan(chunk):
            # Event time may be of any age: what counts for expiry is that the producer was there at the start.
            if info.control:
                _mark(producers, info.producer_id, info.producer_epoch, info.max_timestamp_ms)
            elif info.producer_id >= 0:
                _remember(producers, info, info.base_offset, now.wall_ms)
            start = max(start, info.last_offset + 1)
        if start == begin:
            break
    return producers
