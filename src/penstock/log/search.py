"""Finding records by their time, a piece at a time: whoever drives it decides where bytes are waited for and unpacked.

Segments and batches are chosen by what the indexes and headers say, which is quick; a batch's records are looked through
some thousands at a time. Knows batches; knows no threads.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from penstock.calls import Bytes
from penstock.compression import NONE, decompress
from penstock.later import Steps
from penstock.log.disk import Cold
from penstock.log.segments.segment import Files, Segment
from penstock.record import HEADER_SIZE, BatchInfo, info_at, intact
from penstock.varints import varint_at

T = TypeVar("T")
Found = tuple[int, int]
"""A record's offset and timestamp."""

_COLD_MAX = 64  # when bytes leave the memory as fast as they come, they are waited for
_UNTRUE_MAX = 8  # batches whose headers promise more than is there
_AT_ONCE = 500  # records that are looked through in one go, a millisecond at most
_QUICK_BYTES = 64 * 1024
_UNPACKED_MAX = 64 * 1024 * 1024  # several batches are unpacked at a time, and what opens into more is a bomb


class Searched(Protocol):
    """What is looked through: a partition's segments, from where it starts to what is safe."""

    start_offset: int
    durable_offset: int

    @property
    def segments(self) -> Sequence[Segment]:
        """The oldest first."""


def near(files: Files, ask: Callable[[], T]) -> Steps[T]:
    """What `ask` gives, once all that it reads is in memory."""
    for _ in range(_COLD_MAX):
        files.patient = False
        try:
            return ask()
        except Cold as cold:
            missing = cold
        finally:
            files.patient = True
        yield missing.fetch
    return ask()


def first_since(partition: Searched, files: Files, timestamp_ms: int) -> Steps[Found | None]:
    """The first durable record as young as `timestamp_ms` or younger."""
    offset = partition.start_offset
    while True:
        batch = yield from near(files, partial(_batch_since, partition, files, timestamp_ms, offset))
        if batch is None:
            return None
        found = yield from _look(batch, partition.start_offset, timestamp_ms)
        if found is not None:
            return found
        offset = info_at(batch, 0).last_offset + 1


def youngest(partition: Searched, files: Files) -> Steps[Found | None]:
    """The youngest durable record, the first of several."""
    best: Found | None = None
    offset = partition.start_offset
    for _ in range(_UNTRUE_MAX):
        batch = yield from near(files, partial(_youngest_batch, partition, files, offset))
        if batch is None:
            return best
        found = yield from _look(batch, partition.start_offset, None)
        if found is not None and (best is None or found[1] > best[1]):
            best = found
        info = info_at(batch, 0)
        if best is not None and best[1] >= info.max_timestamp_ms:
            return best
        offset = info.last_offset + 1  # its youngest record lies below the start, or its header is not true
    return best


# --- which batch ------------------------------------------------------------------------------------------------


def _batch_since(partition: Searched, files: Files, timestamp_ms: int, offset: int) -> Bytes | None:
    """The first one at or behind `offset` that has so young a record."""
    for segment in partition.segments:
        if segment.max_ms < timestamp_ms or segment.end <= offset:
            continue
        begin = max(files.times(segment).offset_of(timestamp_ms), offset)
        for info in _headers(partition, files, segment, begin):
            if info.max_timestamp_ms >= timestamp_ms and info.last_offset >= offset:
                return files.content(segment, info.position, info.size)
    return None


def _youngest_batch(partition: Searched, files: Files, offset: int) -> Bytes | None:
    best: tuple[Segment, BatchInfo] | None = None
    for segment in partition.segments:
        if segment.max_ms <= (best[1].max_timestamp_ms if best else -1):
            continue
        if segment.end <= offset:
            continue
        begin, single = offset, False
        if segment.base >= offset:  # all that the indexes know of is still there
            single = segment.max_offset < partition.durable_offset
            times = files.times(segment)
            begin = segment.max_offset if single else times.youngest_before(partition.durable_offset)
        for info in _headers(partition, files, segment, begin):
            if info.max_timestamp_ms > (best[1].max_timestamp_ms if best else -1) and info.count:
                best = segment, info
            if single:
                break
    return files.content(best[0], best[1].position, best[1].size) if best else None


def _headers(partition: Searched, files: Files, segment: Segment, offset: int) -> Iterator[BatchInfo]:
    """The durable batches from the one that holds `offset` on."""
    for info in files.walk(segment, files.position_of(segment, offset), segment.size):
        if info.base_offset >= partition.durable_offset:
            return
        yield info


# --- which record -----------------------------------------------------------------------------------------------


def _look(batch: Bytes, start: int, timestamp_ms: int | None) -> Steps[Found | None]:
    """The first record of `batch` from offset `start` on as young as `timestamp_ms`; None is the youngest of all.

    Where its records cannot be read, what its header says.
    """
    info = info_at(batch, 0)
    rest, best = times(batch), None
    quick = info.codec == NONE and info.count <= _AT_ONCE and info.size <= _QUICK_BYTES
    try:
        while True:
            piece = partial(_look_on, rest, start, timestamp_ms, best)
            best, over = piece() if quick else (yield piece)
            if over:
                return best
    except ValueError:
        return info.last_offset, info.max_timestamp_ms


def _look_on(
    rest: Iterator[Found], start: int, timestamp_ms: int | None, best: Found | None
) -> tuple[Found | None, bool]:
    """The best of some further records and `best`, and whether that is all."""
    some = list(islice(rest, _AT_ONCE))
    for found in some:
        if found[0] >= start:
            if timestamp_ms is None:
                best = found if best is None or found[1] > best[1] else best
            elif found[1] >= timestamp_ms:
                return found, True
    return best, len(some) < _AT_ONCE


def times(batch: Bytes) -> Iterator[Found]:
    """Each record's offset and timestamp, without the record. Raises ValueError as `record.decode` does."""
    if not intact(batch):
        raise ValueError("the batch is damaged")
    info = info_at(batch, 0)
    limit = max(_UNPACKED_MAX, 8 * info.size)
    body = decompress(info.codec, memoryview(batch)[HEADER_SIZE : info.size], limit)
    at = 0
    try:
        for _ in range(info.count):
            size, at = varint_at(body, at)
            after_ms, behind = varint_at(body, at + 1)
            delta, behind = varint_at(body, behind)
            at += size
            if not behind <= at <= len(body):
                raise ValueError("a record reaches past the end of its batch")
            stamp_ms = info.max_timestamp_ms if info.log_append_time else info.base_timestamp_ms + after_ms
            yield info.base_offset + delta, stamp_ms
    except IndexError:
        raise ValueError("the records end too early") from None
