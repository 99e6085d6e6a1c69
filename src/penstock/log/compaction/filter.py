"""Decides, batch by batch in the order of offsets, what of it stays: Kafka's Cleaner.shouldRetainRecord and its like.

Stays: of each key the newest record; a tombstone until the time the batch names, which is set when it is first seen
here; a transaction's marker while one of its records is there, and then as long as a tombstone; of each producer the
last batch, be it without records, because its sequence goes on from there. What a transaction wrote that was aborted
goes, what one wrote that is open, and all behind it, is left for another time: which it is, the log's own markers say.
Knows batches; knows no files.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator

from penstock.log.compaction import batches
from penstock.log.compaction.keys import KeyMap
from penstock.record import BatchInfo

_PRODUCERS_MAX = 100_000
_TURN = 256  # records between two moments at which the work may be interrupted


class Filter:
    """First `survey` every batch, then `learn` them, then `cut` each. The latter are generators: of zeros, where a
    batch is long and the work may be interrupted."""

    def __init__(
        self, first_dirty: int, end: int, keys: KeyMap, now_ms: int, delete_retention_ms: int
    ) -> None:
        """Cleans up to `end`, less far where a transaction is open, or the keys have no more room."""
        self.first_dirty, self.end = first_dirty, end
        self.result: bytes | memoryview = b""
        self.full = False
        self._keys, self._now_ms, self._horizon_ms = keys, now_ms, now_ms + delete_retention_ms
        self._last: OrderedDict[int, int] = OrderedDict()  # the last batch of each producer
        self._last_data: OrderedDict[int, int] = OrderedDict()  # likewise, markers aside
        self._open: dict[
            int, int
        ] = {}  # producers with records since their last marker, and where they begin
        self._markers: dict[
            int, list[tuple[int, bool]]
        ] = {}  # of producers with aborted records: where, aborting
        self._alive: set[int] = set()  # the same as `_open`, of what stays

    # --- first: transactions and producers -----------------------------------------------------------------------

    def survey(self, info: BatchInfo, batch: memoryview) -> None:
        """Note whose batch it is."""
        if info.producer_id < 0:
            return
        _note(self._last, info)
        if info.control:
            if self._open.pop(info.producer_id, None) is not None:
                marker = info.base_offset, batches.aborts(batch, info)
                self._markers.setdefault(info.producer_id, []).append(marker)
        else:
            _note(self._last_data, info)
            if info.transactional and info.count:
                self._open.setdefault(info.producer_id, info.base_offset)

    def surveyed(self) -> None:
        """All batches were seen: what is open now has its marker farther on, if it has one."""
        self.end = min([self.end, *self._open.values()])

    # --- then: which records are the newest ----------------------------------------------------------------------

    def learn(self, info: BatchInfo, batch: memoryview) -> Iterator[int]:
        """Note the batch's keys, unless it is clean already; `full` where there is no more room."""
        skipped = info.control or info.count == 0 or info.base_offset >= self.end or self.full
        if skipped or info.last_offset < self.first_dirty or self._gone(info):
            return
        body = batches.opened(batch, info)
        for number, span in enumerate(batches.spans(body, info.count)):
            offset = info.base_offset + span.offset_delta
            if span.key is not None and offset >= self.first_dirty and not self._keys.put(span.key, offset):
                self.full, self.end = True, offset
                return
            if number % _TURN == _TURN - 1:
                yield 0

    # --- at last: who stays -----------------------------------------------------------------------------------------

    def cut(self, info: BatchInfo, batch: memoryview) -> Iterator[int]:
        """What stays of the batch is in `result`: itself, less of it, or nothing."""
        self.result = batch
        if info.base_offset >= self.end:
            return
        if info.control:
            self.result = self._marker(info, batch)
        elif info.count == 0 or self._gone(info):
            self.result = self._nothing_of(info, batch)
        else:
            yield from self._records(info, batch)

    def _records(self, info: BatchInfo, batch: memoryview) -> Iterator[int]:
        body = batches.opened(batch, info)
        base, end, superseded = info.base_offset, self.end, self._keys.superseded
        horizon_ms = info.delete_horizon_ms
        expired = horizon_ms is not None and horizon_ms <= self._now_ms
        kept: list[batches.Span] = []
        tombstones = False
        for number, span in enumerate(batches.spans(body, info.count)):
            offset = base + span.offset_delta
            if offset < end:
                if span.key is None or superseded(span.key, offset) or (expired and span.tombstone):
                    continue
                tombstones = tombstones or span.tombstone
            kept.append(span)
            if number % _TURN == _TURN - 1:
                yield 0
        horizon_ms = self._horizon_ms if tombstones and horizon_ms is None else None
        if kept and info.transactional:
            self._alive.add(info.producer_id)
        if not kept:
            self.result = self._nothing_of(info, batch)
        elif len(kept) < info.count or horizon_ms is not None:
            self.result = batches.rewritten(batch, info, body, kept, horizon_ms)

    def _marker(self, info: BatchInfo, batch: memoryview) -> bytes | memoryview:
        if info.producer_id in self._alive:
            self._alive.discard(info.producer_id)
            return batch
        if info.count == 0:
            return self._nothing_of(info, batch)
        if info.delete_horizon_ms is None:
            body = batches.opened(batch, info)
            return batches.rewritten(
                batch, info, body, list(batches.spans(body, info.count)), self._horizon_ms
            )
        return batch if info.delete_horizon_ms > self._now_ms else self._nothing_of(info, batch)

    def _nothing_of(self, info: BatchInfo, batch: memoryview) -> bytes | memoryview:
        last = (self._last.get(info.producer_id), self._last_data.get(info.producer_id))
        if info.producer_id < 0 or info.last_offset not in last:
            return b""
        return batch if info.count == 0 else batches.emptied(batch, info)

    def _gone(self, info: BatchInfo) -> bool:
        """Whether the batch belongs to a transaction that was aborted: its producer's next marker says so."""
        markers = self._markers.get(info.producer_id) if info.transactional else None
        if not markers:
            return False
        at = bisect_left(markers, (info.base_offset, False))
        return at < len(markers) and markers[at][1]


def _note(last: OrderedDict[int, int], info: BatchInfo) -> None:
    last[info.producer_id] = info.last_offset
    last.move_to_end(info.producer_id)
    if len(last) > _PRODUCERS_MAX:
        last.popitem(last=False)
