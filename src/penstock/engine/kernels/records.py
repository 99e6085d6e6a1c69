"""Kafka's record batches, format v2, as columns: where each record's key and value lie, and the way back.

Source: KIP-98 and the Kafka documentation, "Record Batch". What is read may be hostile: every length is checked
against the end of its section. Knows nothing of compression or of what the values hold.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.words import peek


@register_jitable(forceinline=True, _nrt=False)
def varint(data: Any, at: Any, end: Any) -> Any:
    """A zigzag varint of up to ten bytes: (number, next position), the position -1 where it is cut or too long."""
    if at < 0 or at >= end:
        return np.int64(0), np.int64(-1)
    byte = peek(data, at)
    number, shift = byte & 127, 0
    while byte >= 128:
        at += 1
        shift += 7
        if at >= end or shift > 63:
            return np.int64(0), np.int64(-1)
        byte = peek(data, at)
        number |= (byte & 127) << shift
    return ((number >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(number & 1), at + 1


@kernel(
    "int64(const uint8[::1], int64, int64, int64, int64, int64, boolean, int64[:, ::1], int64)",
    UNCOUNTED,
)
def locate(data, start, end, count, base_offset, base_ms, append_time, out, first):  # type: ignore[no-untyped-def]
    """Positions of `count` records between `start` and `end`, written to the columns of `out` from row `first` on.

    Rows of `out`: key position, key size (-1 null), value position, value size (-1 null), timestamp, offset,
    headers position. Returns 0, or the position (at least 1) where the section is damaged.
    With `append_time` every record bears `base_ms`.
    """
    at = np.int64(start)
    for record in range(count):
        size, body = varint(data, at, end)
        if body < 0 or size < 0 or size > end - body or body >= end:
            return at + 1
        stop = body + size
        late, at = varint(data, body + 1, stop)  # the byte skipped is the record's attributes, unused so far
        delta, at = varint(data, at, stop)
        key, at = varint(data, at, stop)
        if at < 0 or key < -1 or max(key, 0) > stop - at:
            return body
        column = first + record
        out[0, column] = at
        out[1, column] = key
        at += max(key, 0)
        value, at = varint(data, at, stop)
        if at < 0 or value < -1 or max(value, 0) > stop - at:
            return body
        out[2, column] = at
        out[3, column] = value
        at += max(value, 0)
        if at >= stop:
            return body
        out[4, column] = base_ms if append_time else base_ms + late
        out[5, column] = base_offset + delta
        out[6, column] = at
        at = stop
    return 0 if at == end else at + 1


@register_jitable(_nrt=False)
def put_varint(out: Any, at: Any, number: Any) -> Any:
    """Write a zigzag varint; the place behind it."""
    return put_plain_varint(out, at, (number << 1) ^ (number >> 63))


@register_jitable(_nrt=False)
def put_plain_varint(out: Any, at: Any, number: Any) -> Any:
    """Write a number's bits as a varint; the place behind it."""
    left = np.uint64(number)
    while left >= np.uint64(128):
        out[at] = np.uint8((left & np.uint64(127)) | np.uint64(128))
        left >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(left)
    return at + 1


@register_jitable
def _varint_size(number: Any) -> Any:
    left = np.uint64((number << 1) ^ (number >> 63))
    size = 1
    while left >= np.uint64(128):
        left >>= np.uint64(7)
        size += 1
    return size


@register_jitable
def _put_bytes(out: Any, at: Any, data: Any, start: Any, size: Any) -> Any:
    at = put_varint(out, at, size)
    if size > 0:
        out[at : at + size] = data[start : start + size]
        at += size
    return at


@kernel(
    "int64(const uint8[::1], const int64[::1], const int64[::1], const uint8[::1], const int64[::1], const int64[::1],"
    " const int64[::1], int64, int64, uint8[::1])"
)
def write(keys, key_at, key_size, values, value_at, value_size, late_ms, start, stop, out):  # type: ignore[no-untyped-def]
    """Records `start` to `stop` as a batch's records section, without headers; sizes of -1 are nulls.

    `late_ms` are the timestamps less the batch's base. Returns the bytes written; `out` must hold
    keys + values + 36 bytes a record.
    """
    at = 0
    for row in range(start, stop):
        delta = np.int64(row - start)
        key, value, late = key_size[row], value_size[row], late_ms[row]
        size = (
            2 + _varint_size(late) + _varint_size(delta) + _varint_size(key) + max(key, 0)
            + _varint_size(value) + max(value, 0)
        )  # fmt: skip
        at = put_varint(out, at, np.int64(size))
        out[at] = 0
        at = put_varint(out, at + 1, late)
        at = put_varint(out, at, delta)
        at = _put_bytes(out, at, keys, key_at[row], key)
        at = _put_bytes(out, at, values, value_at[row], value)
        out[at] = 0
        at += 1
    return at


@kernel("void(const uint8[::1], const int64[::1], const int64[::1], int64, int64[::1])")
def partition_keys(keys, key_at, key_size, partitions, out):  # type: ignore[no-untyped-def]
    """The partition Kafka's Java producer gives each key: murmur2, seed 0x9747b28c, sign bit dropped."""
    m = np.uint32(0x5BD1E995)
    for row in range(len(key_at)):
        at, size = key_at[row], max(key_size[row], 0)
        h = np.uint32(np.uint32(0x9747B28C) ^ np.uint32(size))
        whole = size // 4
        for word in range(whole):
            i = at + 4 * word
            k = np.uint32(
                np.uint32(keys[i]) | (np.uint32(keys[i + 1]) << np.uint32(8))
                | (np.uint32(keys[i + 2]) << np.uint32(16)) | (np.uint32(keys[i + 3]) << np.uint32(24))
            )  # fmt: skip
            k = np.uint32(k * m)
            k = np.uint32(k ^ (k >> np.uint32(24)))
            k = np.uint32(k * m)
            h = np.uint32(np.uint32(h * m) ^ k)
        left = size - 4 * whole
        i = at + 4 * whole
        if left == 3:
            h = np.uint32(h ^ (np.uint32(keys[i + 2]) << np.uint32(16)))
        if left >= 2:
            h = np.uint32(h ^ (np.uint32(keys[i + 1]) << np.uint32(8)))
        if left >= 1:
            h = np.uint32(h ^ np.uint32(keys[i]))
            h = np.uint32(h * m)
        h = np.uint32(h ^ (h >> np.uint32(13)))
        h = np.uint32(h * m)
        h = np.uint32(h ^ (h >> np.uint32(15)))
        out[row] = np.int64(h & np.uint32(0x7FFFFFFF)) % partitions
