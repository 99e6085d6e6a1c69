"""What a topic changes in a producer's batches: the time (LogAppendTime), the codec (compression.type).

And what it insists on: keys, where it is compacted. Otherwise batches stay the producer's bytes, unread.
Knows batches and a topic's settings; knows no log.
"""

from collections.abc import Sequence
from typing import cast

from google_crc32c import value as crc32c

from penstock import record
from penstock.broker.topics.settings import Settings
from penstock.calls import Bytes
from penstock.clock import Now
from penstock.compression import NONE, compress, decompress
from penstock.errors import Refusal, Refused
from penstock.record import BatchInfo, Writable

Stamped = tuple[Writable, list[BatchInfo]]

OPENED_BYTES_MAX = 8 * 1024 * 1024
"""What a batch may open into where the broker looks inside, unless its topic takes larger ones: clients bound their
batches before compression, and a small one that opens into gigabytes would hold everybody up."""
OPENED_RECORDS_MAX = 1_000_000
"""Likewise for records."""

_CODEC_MASK = 0x07
_KEYLESS = 1  # the zigzag varint of a length of -1


def stamp(batches: Bytes, infos: Sequence[BatchInfo], settings: Settings, now: Now) -> Stamped | Refused:
    """The batches where they may be written to, as the topic wants them, and their headers.

    A view that can be written to is the request's own buffer, which nobody reads again: it is taken as it is.
    """
    owned = isinstance(batches, memoryview) and not batches.readonly
    copy, headers = cast("Writable", batches if owned else bytearray(batches)), list(infos)
    packed_anew = settings.codec is not None and any(info.codec != settings.codec for info in headers)
    if packed_anew or settings.compacted:
        if max(info.count for info in headers) > OPENED_RECORDS_MAX:
            return Refused(Refusal.TOO_LARGE, f"more than {OPENED_RECORDS_MAX} records in one batch")
        most = max(OPENED_BYTES_MAX, settings.message_bytes_max)
        try:
            bodies = [_body(copy, info, most) for info in headers]
        except ValueError as error:
            return Refused(Refusal.CORRUPT, str(error))
        if settings.compacted and any(map(_keyless, bodies, headers)):
            return Refused(Refusal.BAD_RECORD, "a compacted topic takes no record without a key")
        if packed_anew:
            pairs = zip(headers, bodies, strict=True)
            copy = bytearray().join(_packed(copy, info, body, settings.codec or NONE) for info, body in pairs)
            headers = list(record.scan(copy))
    if settings.log_append_time:
        for info in headers:
            record.stamp_append_time(copy, info, now.wall_ms)
        headers = list(record.scan(copy))
    largest = max(info.size for info in headers)
    if largest > settings.message_bytes_max:
        return Refused(
            Refusal.TOO_LARGE,
            f"{largest} bytes once compressed anew, allowed are {settings.message_bytes_max}",
        )
    if largest > settings.segment_bytes:
        return Refused(Refusal.OVER_SEGMENT, f"{largest} bytes, a segment has {settings.segment_bytes}")
    return copy, headers


def _body(batches: Writable, info: BatchInfo, bytes_max: int) -> bytes:
    packed = memoryview(batches)[info.position + record.HEADER_SIZE : info.position + info.size]
    return decompress(info.codec, packed, bytes_max)


def _packed(batches: Writable, info: BatchInfo, body: bytes, codec: int) -> bytes:
    """The batch with its records in another codec: length, attributes and checksum change, nothing else."""
    packed = compress(codec, body)
    fields = list(record.HEADER.unpack_from(batches, info.position))
    fields[1] = record.HEADER_SIZE - record.PREFIX_SIZE + len(packed)
    fields[5] = info.attributes & ~_CODEC_MASK | codec
    covered = record.HEADER.pack(*fields)[record.CRC_FROM :] + packed
    fields[4] = crc32c(covered)
    return record.HEADER.pack(*fields)[: record.CRC_FROM] + covered


def _keyless(body: bytes, info: BatchInfo) -> bool:
    """Whether a record has no key. Reads only as far as the key's length; a cut record counts as one without."""
    at = 0
    try:
        for _ in range(info.count):
            size, at = _varint(body, at)
            if body[_past(body, _past(body, at + 1))] == _KEYLESS or size < 1:
                return True
            at += size
    except IndexError:
        return True
    return False


def _varint(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = body[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7
        if shift > 63:  # more than ten bytes: a number that never ends would take time without end
            raise IndexError


def _past(body: bytes, at: int) -> int:
    """Where the varint at `at` ends."""
    while body[at] >= 0x80:
        at += 1
    return at + 1
