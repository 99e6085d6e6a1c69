"""Kafka's record batch, format version 2: find batches in bytes, check them, stamp them, write and read records.

Source: Apache Kafka, "Message Format" (KIP-98, KIP-82). A batch is opaque to the log: only `encode` and `decode`
look at single records. Knows nothing of topics, files or protocols.

    base offset 8 · length 4 · leader epoch 4 · magic 1 · crc 4 · attributes 2 · last offset delta 4 ·
    base timestamp 8 · max timestamp 8 · producer id 8 · producer epoch 2 · base sequence 4 · count 4 · records
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from google_crc32c import extend
from google_crc32c import value as crc32c

from penstock.calls import Bytes
from penstock.compression import CODEC_NAMES, NONE, compress, decompress
from penstock.errors import Refusal, Refused
from penstock.varints import put_varint, varint_at

Item = TypeVar("Item")
Headers = Sequence[tuple[str, bytes | None]]
Writable = bytearray | memoryview  # what offsets and times may be stamped into: not of a read-only view

HEADER = struct.Struct(">qiiBIhiqqqhii")
HEADER_SIZE = HEADER.size  # 61
PREFIX_SIZE = 12  # base offset and length; the length counts what follows them
CRC_FROM = 21  # the checksum covers everything after itself: offset and leader epoch may be stamped freely
DECODED_BYTES_MAX = 256 * 1024 * 1024

_CODEC_MASK, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL, _DELETE_HORIZON = 0x07, 0x08, 0x10, 0x20, 0x40
_RECORD_SIZE_MIN = 7  # a record has seven fields of at least a byte
_PIECE = 64 * 1024  # the checksum's C takes bytes only: copies of this size stay in the processor's cache
_OFFSET, _EPOCH, _CRC = struct.Struct(">q"), struct.Struct(">i"), struct.Struct(">I")
_ATTRIBUTES, _MAX_TIMESTAMP = struct.Struct(">h"), struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """A batch's header. `position` and `size` (whole, in bytes) say where in the scanned bytes it stands."""

    position: int
    size: int
    base_offset: int
    last_offset_delta: int
    count: int
    attributes: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int

    @property
    def codec(self) -> int:
        """One of the codec numbers of `penstock.compression`."""
        return self.attributes & _CODEC_MASK

    @property
    def transactional(self) -> bool:
        """Whether the batch belongs to a transaction."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def control(self) -> bool:
        """Whether the batch holds a transaction's marker, which no application sees."""
        return bool(self.attributes & _CONTROL)

    @property
    def log_append_time(self) -> bool:
        """Whether all records have the log's time, `max_timestamp_ms`, in place of their own."""
        return bool(self.attributes & _LOG_APPEND_TIME)

    @property
    def delete_horizon_ms(self) -> int | None:
        """Until when compaction keeps the batch's tombstones (KIP-534); None before it has seen them."""
        return self.base_timestamp_ms if self.attributes & _DELETE_HORIZON else None

    @property
    def last_offset(self) -> int:
        """The offset of the batch's last record."""
        return self.base_offset + self.last_offset_delta


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `offset` is -1 before the log has given one."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes | None], ...] = ()
    offset: int = -1


class Packed(NamedTuple):
    """A record to be written, whose key, value and headers are the bytes that a batch has of them already."""

    timestamp_ms: int
    body: bytes


def packed(
    key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int, more: bytes, number: int
) -> Packed:
    """A record of these, with `number` headers more, as `packed_headers` gave them."""
    out = bytearray()
    _put_fields(out, key, value, headers, number)
    out += more
    return Packed(timestamp_ms, bytes(out))


def packed_headers(headers: Headers) -> bytes:
    """Headers as a batch has them: what many records have the same is encoded once."""
    out = bytearray()
    _put_headers(out, headers)
    return bytes(out)


def size_of(record: Record | Packed) -> int:
    """About how many bytes a record takes in a batch: not less than it does."""
    if isinstance(record, Packed):
        return len(record.body) + 100
    size = len(record.key or b"") + len(record.value or b"") + 100
    if record.headers:
        size += sum([len(_named(name)) + len(value or b"") + 10 for name, value in record.headers])
    return size


def runs(items: Iterable[Item], bytes_max: int, size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """`items` in runs, in order, each of at most `bytes_max` by what `size` says of them; what is larger is one by itself."""
    run: list[Item] = []
    held = 0
    for item in items:
        own = size(item)
        if run and held + own > bytes_max:
            yield run
            run, held = [], 0
        run.append(item)
        held += own
    if run:
        yield run


def info_at(buf: Bytes, position: int) -> BatchInfo:
    """The header at `position`, where `HEADER_SIZE` bytes must stand; nothing is checked."""
    base, length, _, _, _, attributes, delta, first_ms, max_ms, producer, epoch, sequence, count = (
        HEADER.unpack_from(buf, position)
    )
    size = length + PREFIX_SIZE
    return BatchInfo(
        position, size, base, delta, count, attributes, first_ms, max_ms, producer, epoch, sequence
    )


def scan(buf: Bytes, position: int = 0) -> Iterator[BatchInfo]:
    """The headers of the whole batches in `buf`, from `position` on. Stops at a cut tail; checks no checksum."""
    end = len(buf)
    while position + HEADER_SIZE <= end:
        info = info_at(buf, position)
        if info.size < HEADER_SIZE or position + info.size > end:
            return
        yield info
        position += info.size


def intact(buf: Bytes, position: int = 0) -> bool:
    """Whether a whole version 2 batch with the right checksum stands at `position`."""
    if position + HEADER_SIZE > len(buf):
        return False
    _, length, _, magic, crc = HEADER.unpack_from(buf, position)[:5]
    end = position + PREFIX_SIZE + length
    if magic != 2 or length < HEADER_SIZE - PREFIX_SIZE or end > len(buf):
        return False
    return bool(_checksum(memoryview(buf)[position + CRC_FROM : end]) == crc)


def _checksum(covered: memoryview) -> int:
    crc = 0
    for at in range(0, len(covered), _PIECE):
        crc = extend(crc, bytes(covered[at : at + _PIECE]))
    return int(crc)


def check(buf: Bytes, *, bytes_max: int) -> list[BatchInfo] | Refused:
    """Everything a produce request's batches must be; the headers, or why not (`bytes_max` counts one batch)."""
    infos: list[BatchInfo] = []
    position, end = 0, len(buf)
    while position < end:
        if end - position < HEADER_SIZE:
            return _refused_short(buf, position)
        info = info_at(buf, position)
        if refused := _refused_batch(buf, info, bytes_max):
            return refused
        infos.append(info)
        position += info.size
    return infos or Refused(Refusal.BAD_RECORD, "there is no record batch in the request")


def _refused_short(buf: Bytes, position: int) -> Refused:
    """A version 0 or 1 message may be shorter than our header: tell an old format from a cut one."""
    old = len(buf) - position > 16 and buf[position + 16] < 2
    return Refused(Refusal.UNSUPPORTED_BATCH if old else Refusal.BAD_RECORD, f"cut at byte {position}")


def _refused_batch(buf: Bytes, info: BatchInfo, bytes_max: int) -> Refused | None:
    at = info.position
    if buf[at + 16] != 2:
        # As Kafka tells them apart: a format of the past, and one that never was.
        old = Refusal.UNSUPPORTED_BATCH if buf[at + 16] < 2 else Refusal.CORRUPT
        return Refused(old, f"format version {buf[at + 16]}")
    if info.size < HEADER_SIZE:
        return Refused(Refusal.CORRUPT, f"a length of {info.size - PREFIX_SIZE} at byte {at}")
    if info.size > bytes_max:
        return Refused(Refusal.TOO_LARGE, f"{info.size} bytes, allowed are {bytes_max}")
    if at + info.size > len(buf):
        return Refused(Refusal.BAD_RECORD, f"{len(buf) - at} of {info.size} bytes are there")
    if not intact(buf, at):
        return Refused(Refusal.CORRUPT, f"wrong checksum of the batch at byte {at}")
    if info.codec not in CODEC_NAMES:
        return Refused(Refusal.UNSUPPORTED_COMPRESSION, f"codec {info.codec}")
    if info.count < 1 or info.count != info.last_offset_delta + 1:
        detail = f"{info.count} records with a last offset delta of {info.last_offset_delta}"
        return Refused(Refusal.BAD_RECORD, detail)
    if info.codec == NONE and info.count * _RECORD_SIZE_MIN > info.size - HEADER_SIZE:
        return Refused(Refusal.BAD_RECORD, f"{info.count} records in {info.size} bytes")
    if info.control:
        return Refused(Refusal.BAD_RECORD, "clients may not write control batches")
    return None


def place(batch: Writable, position: int, base_offset: int, leader_epoch: int = 0) -> None:
    """Stamp where the batch at `position` stands in its log; the checksum does not cover this."""
    _OFFSET.pack_into(batch, position, base_offset)
    _EPOCH.pack_into(batch, position + PREFIX_SIZE, leader_epoch)


def stamp_append_time(batch: Writable, info: BatchInfo, append_ms: int) -> None:
    """Give all records of the batch the log's time (LogAppendTime), and the batch its new checksum."""
    at = info.position
    _ATTRIBUTES.pack_into(batch, at + CRC_FROM, info.attributes | _LOG_APPEND_TIME)
    _MAX_TIMESTAMP.pack_into(batch, at + 35, append_ms)
    _CRC.pack_into(batch, at + 17, _checksum(memoryview(batch)[at + CRC_FROM : at + info.size]))


def encode(
    records: Sequence[Record | Packed],
    *,
    codec: int = NONE,
    base_offset: int = 0,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
    control: bool = False,
) -> bytes:
    """One batch with `records` (at least one; their own offsets are not looked at). Timestamps are CreateTime."""
    if not records:
        raise ValueError("a record batch has at least one record")
    first_ms = records[0].timestamp_ms
    body = bytearray()
    for delta, record in enumerate(records):
        _put_record(body, record, delta, first_ms)
    packed = compress(codec, body)
    attributes = codec | (_TRANSACTIONAL if transactional else 0) | (_CONTROL if control else 0)
    last_delta, max_ms = len(records) - 1, max(record.timestamp_ms for record in records)
    head = HEADER.pack(
        base_offset, HEADER_SIZE - PREFIX_SIZE + len(packed), 0, 2, 0, attributes, last_delta, first_ms, max_ms,
        producer_id, producer_epoch, base_sequence, len(records),
    )  # fmt: skip
    covered = head[CRC_FROM:] + packed
    return head[:17] + _CRC.pack(crc32c(covered)) + covered


def _put_record(body: bytearray, record: Record | Packed, delta: int, first_ms: int) -> None:
    out = bytearray(1)  # the record's attributes: none are defined
    put_varint(out, record.timestamp_ms - first_ms)
    put_varint(out, delta)
    if isinstance(record, Packed):
        out += record.body
    else:
        _put_fields(out, record.key, record.value, record.headers)
    put_varint(body, len(out))
    body += out


def _put_fields(
    out: bytearray, key: bytes | None, value: bytes | None, headers: Headers, more: int = 0
) -> None:
    """Key, value and headers, with room in their count for `more` that follow."""
    _put_bytes(out, key)
    _put_bytes(out, value)
    put_varint(out, len(headers) + more)
    if headers:
        _put_headers(out, headers)


def _put_headers(out: bytearray, headers: Headers) -> None:
    for name, value in headers:
        out += _named(name)
        _put_bytes(out, value)


@lru_cache(maxsize=1024)
def _named(name: str) -> bytes:
    """A header's name with its length: producers use few."""
    out = bytearray()
    _put_bytes(out, name.encode())
    return bytes(out)


def _put_bytes(out: bytearray, data: bytes | None) -> None:
    if data is None:
        out.append(1)  # a length of -1
        return
    size = len(data)
    if size < 64:  # one byte
        out.append(size << 1)
    else:
        put_varint(out, size)
    out += data


def decode(batch: Bytes, *, bytes_max: int = DECODED_BYTES_MAX) -> Iterator[Record]:
    """The records of one whole batch or several, control batches included (ask `BatchInfo.control`).

    Raises ValueError for a cut tail, a wrong checksum, records that contradict the header, or a batch above
    `bytes_max` when decompressed. A key, value or header value of None is told apart from an empty one.
    """
    position = 0
    while position < len(batch):
        if not intact(batch, position):
            raise ValueError(f"no intact record batch at byte {position}")
        info = info_at(batch, position)
        packed = memoryview(batch)[position + HEADER_SIZE : position + info.size]
        yield from _records(decompress(info.codec, packed, bytes_max), info)
        position += info.size


def _records(body: bytes, info: BatchInfo) -> Iterator[Record]:
    at, stamped = 0, info.max_timestamp_ms if info.log_append_time else None
    try:
        for _ in range(info.count):
            size, at = varint_at(body, at)
            end = at + size
            if size < 0 or end > len(body):
                raise ValueError("a record reaches past the end of its batch")
            after_ms, at = varint_at(body, at + 1)
            delta, at = varint_at(body, at)
            key, at = _bytes(body, at)
            value, at = _bytes(body, at)
            headers, at = _headers(body, at)
            if at != end:
                raise ValueError("a record's length does not fit its fields")
            time_ms = info.base_timestamp_ms + after_ms if stamped is None else stamped
            yield Record(key, value, time_ms, headers, info.base_offset + delta)
    except IndexError:
        raise ValueError("the records end too early") from None
    if at != len(body):
        raise ValueError(f"{len(body) - at} bytes are left over after {info.count} records")


def _headers(body: bytes, at: int) -> tuple[tuple[tuple[str, bytes | None], ...], int]:
    count, at = varint_at(body, at)
    if count == 0:
        return (), at
    if count < 0 or count > len(body) - at:
        raise ValueError(f"a record with {count} headers")
    headers = []
    for _ in range(count):
        name, at = _bytes(body, at)
        value, at = _bytes(body, at)
        if name is None:
            raise ValueError("a header without a name")
        headers.append((name.decode(), value))  # UnicodeDecodeError is a ValueError
    return tuple(headers), at


def _bytes(body: bytes, at: int) -> tuple[bytes | None, int]:
    byte = body[at]
    size, at = ((byte >> 1) ^ -(byte & 1), at + 1) if byte < 0x80 else varint_at(body, at)
    if size < 0:
        if size != -1:
            raise ValueError(f"a length of {size}")
        return None, at
    end = at + size
    if end > len(body):
        raise ValueError("a field reaches past the end of its batch")
    return body[at:end], end
