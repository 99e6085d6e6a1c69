"""What compaction does with one record batch: find its records' keys, and write it again with fewer of them.

A batch keeps its offsets, its producer and its sequence whatever goes (Kafka's MemoryRecords.filterTo); one that
nothing is left of may stay as a header. With the delete horizon (KIP-534) the batch says itself until when its
tombstones stay: attribute bit 6, the time in place of the base timestamp. Knows bytes; knows no segment.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from google_crc32c import value as crc32c

from penstock import record
from penstock.compression import compress, decompress
from penstock.record import BatchInfo
from penstock.varints import put_varint, varint_at

_CODEC, _HORIZON = 0x07, 0x40


class Span(NamedTuple):
    """A record's place in the opened body, its offset's and time's distance to the batch's, its key; no value is a
    tombstone."""

    start: int
    end: int
    offset_delta: int
    time_delta: int
    key: bytes | None
    tombstone: bool


def opened(batch: memoryview, info: BatchInfo) -> bytes:
    """The records' bytes. Raises ValueError for a batch that is damaged or opens into too much."""
    if not record.intact(batch):
        raise ValueError(f"the batch at offset {info.base_offset} has a wrong checksum")
    return decompress(info.codec, batch[record.HEADER_SIZE :], record.DECODED_BYTES_MAX)


def spans(body: bytes, count: int) -> Iterator[Span]:
    """The records; raises ValueError where they are not as the header says."""
    at = 0
    try:
        for _ in range(count):
            start = at
            size, at = varint_at(body, at)
            end = at + size
            time_delta, at = varint_at(body, at + 1)
            offset_delta, at = varint_at(body, at)
            key_size, at = varint_at(body, at)
            key = None if key_size < 0 else body[at : at + key_size]
            value_size, _ = varint_at(body, at + max(key_size, 0))
            if size <= 0 or end > len(body):
                raise IndexError
            yield Span(start, end, offset_delta, time_delta, key, value_size < 0)
            at = end
    except IndexError:
        raise ValueError("the records do not fit their batch") from None


def aborts(batch: memoryview, info: BatchInfo) -> bool:
    """Whether a marker aborts its transaction: its record's key is int16 version · int16 0 for abort, 1 for commit."""
    for span in spans(opened(batch, info), info.count):
        return span.key is not None and span.key[2:4] == b"\0\0"
    return False


def rewritten(
    batch: memoryview, info: BatchInfo, body: bytes, kept: Sequence[Span], horizon_ms: int | None
) -> bytes:
    """The batch with the `kept` records, at least one; with a delete horizon where one is given."""
    base_ms = info.base_timestamp_ms
    attributes = info.attributes
    if horizon_ms is None:
        records = b"".join([body[span.start : span.end] for span in kept])
    else:
        records = b"".join([_moved(body, span, base_ms - horizon_ms) for span in kept])
        attributes |= _HORIZON
    max_ms = info.max_timestamp_ms
    if not info.log_append_time:
        max_ms = base_ms + max(span.time_delta for span in kept)
    first_ms = base_ms if horizon_ms is None else horizon_ms
    return _packed(batch, attributes, first_ms, max_ms, len(kept), compress(info.codec, records))


def emptied(batch: memoryview, info: BatchInfo) -> bytes:
    """The batch without records: what is left says how far its producer came."""
    attributes = info.attributes & ~(_CODEC | _HORIZON)
    return _packed(batch, attributes, info.max_timestamp_ms, info.max_timestamp_ms, 0, b"")


def _packed(
    batch: memoryview, attributes: int, base_ms: int, max_ms: int, count: int, records: bytes
) -> bytes:
    fields = list(record.HEADER.unpack_from(batch))
    fields[1] = record.HEADER_SIZE - record.PREFIX_SIZE + len(records)
    fields[5], fields[7], fields[8], fields[12] = attributes, base_ms, max_ms, count
    head = record.HEADER.pack(*fields)
    covered = head[record.CRC_FROM :] + records
    fields[4] = crc32c(covered)
    return record.HEADER.pack(*fields)[: record.CRC_FROM] + covered


def _moved(body: bytes, span: Span, by_ms: int) -> bytes:
    """The record with its time told from another base."""
    _, at = varint_at(body, span.start)
    rest = at + 1
    while body[rest] >= 0x80:
        rest += 1
    inner = bytearray(body[at : at + 1])
    put_varint(inner, span.time_delta + by_ms)
    inner += body[rest + 1 : span.end]
    out = bytearray()
    put_varint(out, len(inner))
    return bytes(out + inner)
