"""Which of the records that are fetched belong to aborted transactions.

There is no index to rebuild: a transaction's fate stands in the log, in its producer's next marker. Markers written
since the start are remembered, the newest `MARKERS_MAX`; for older ones the log is read ahead, and the last answers are
kept, so that a reader inside of a long transaction does not look ahead again and again. Knows batches, no calls.
"""

from bisect import bisect_left
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from penstock import record
from penstock.broker.transactions.marker import aborts
from penstock.calls import Bytes
from penstock.log import Partition

MARKERS_MAX = 100_000
ANSWERS_MAX = 10_000
READ_BYTES = 1024 * 1024

Aborted = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Tail:
    """All markers of one partition from offset `since` on, by producer: offsets, and whether each aborts."""

    since: int
    offsets: dict[int, list[int]] = field(default_factory=dict)
    aborts: dict[int, list[bool]] = field(default_factory=dict)


class Markers:
    """What is known of every partition's markers."""

    def __init__(self) -> None:
        self._tails: dict[Partition, _Tail] = {}
        self._order: deque[tuple[Partition, int, int]] = deque()
        self._answers: OrderedDict[tuple[Partition, int], tuple[int, int, bool]] = OrderedDict()

    def note(self, partition: Partition, producer_id: int, offset: int, abort: bool) -> None:
        """A marker was written. All must be noted, in order."""
        tail = self._tails.get(partition)
        if tail is None:
            tail = self._tails[partition] = _Tail(offset)
        tail.offsets.setdefault(producer_id, []).append(offset)
        tail.aborts.setdefault(producer_id, []).append(abort)
        self._order.append((partition, producer_id, offset))
        if len(self._order) > MARKERS_MAX:
            self._drop_oldest()

    def forget(self, partition: Partition) -> None:
        """The partition is gone."""
        self._tails.pop(partition, None)
        self._order = deque(each for each in self._order if each[0] is not partition)
        for key in [key for key in self._answers if key[0] is partition]:
            del self._answers[key]

    def aborted(self, partition: Partition, batches: Bytes) -> Aborted:
        """Of `batches`, all decided: the aborted producers, each with its first batch's offset here.

        The marker that decides may stand above the last stable offset: behind a transaction that is open.
        """
        begun: dict[int, int] = {}
        found: list[tuple[int, int]] = []
        offset = 0
        for info in record.scan(batches):
            offset = info.last_offset + 1
            if info.control:
                first = begun.pop(info.producer_id, None)
                if first is not None and aborts(batches, info):
                    found.append((info.producer_id, first))
            elif info.transactional:
                begun.setdefault(info.producer_id, info.base_offset)
        if begun:
            fates = self._ahead(partition, set(begun), offset)
            found += [(producer, first) for producer, first in begun.items() if fates.get(producer)]
        return tuple(sorted(found, key=lambda each: each[1]))

    def _ahead(self, partition: Partition, wanted: set[int], offset: int) -> dict[int, bool]:
        """Whether the next marker at or after `offset` of each wanted producer aborts."""
        tail = self._tails.get(partition)
        end = partition.durable_offset
        since = tail.since if tail is not None else end
        fates: dict[int, bool] = {}
        left = set(wanted)
        if offset < since:
            for producer in wanted:
                first, last, fate = self._answers.get((partition, producer), (0, -1, False))
                if first <= offset <= last:
                    self._answers.move_to_end((partition, producer))
                    fates[producer] = fate
                    left.discard(producer)
            if left:
                fates |= self._read_ahead(partition, left, offset, min(since, end))
        if tail is not None:
            fates |= {p: _next(tail, p, max(offset, since)) for p in wanted - fates.keys()}
        return fates

    def _read_ahead(self, partition: Partition, left: set[int], offset: int, end: int) -> dict[int, bool]:
        fates: dict[int, bool] = {}
        start, offset = offset, max(offset, partition.start_offset)
        while left and offset < end:
            chunk, begin = partition.read(offset, READ_BYTES, end=end), offset
            for info in record.scan(chunk):
                offset = info.last_offset + 1
                if info.control and info.producer_id in left:
                    left.discard(info.producer_id)
                    fate = fates[info.producer_id] = aborts(chunk, info)
                    self._answers[partition, info.producer_id] = start, info.base_offset, fate
            if offset == begin:
                break
        while len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        return fates

    def _drop_oldest(self) -> None:
        partition, producer, offset = self._order.popleft()
        tail = self._tails[partition]
        tail.since = offset + 1
        tail.offsets[producer].pop(0)
        tail.aborts[producer].pop(0)
        if not tail.offsets[producer]:
            del tail.offsets[producer], tail.aborts[producer]


def _next(tail: _Tail, producer: int, offset: int) -> bool:
    offsets = tail.offsets.get(producer, [])
    at = bisect_left(offsets, offset)
    return at < len(offsets) and tail.aborts[producer][at]
