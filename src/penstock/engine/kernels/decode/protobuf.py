"""Protobuf's wire format to columns and back.

A message is a list of fields (NUMBER, TYPE, COLUMN of the table); the fields of each message lie together, a nested message's
have a group of their own, as its columns do. Fields that nobody wants are passed over, as are those of another wire type.
Source: the Protocol Buffers documentation, "Encoding". Knows nothing of ``.proto`` files.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.avro import is_utf8
from penstock.engine.kernels.decode.columns import put, put_bit, put_null
from penstock.engine.kernels.decode.strings import view
from penstock.engine.kernels.decode.words import eight, four
from penstock.engine.kernels.records import put_plain_varint, varint

NUMBER, TYPE, COLUMN, NEXT, PARENT, IMPLICIT = range(6)
VARINT32, VARINT64, ZIGZAG32, ZIGZAG64, BOOLEAN, FIXED32, FIXED64, TEXT, BYTES, RECORD = range(10)
SHORT, WIRE, NOT_UTF8, DEPTH = 1, 2, 3, 4
"""Why a message is none: it ends too early, has a wire type or field number there is not, a text is not UTF-8, is too deep."""


@register_jitable(forceinline=True, _nrt=False)
def _plain(data: Any, at: Any, end: Any) -> Any:
    """A varint's bits as a signed number, from the zigzag of them: (number, next position)."""
    folded, at = varint(data, at, end)
    return (folded << 1) ^ (folded >> 63), at


@register_jitable(forceinline=True, _nrt=False)
def _wire_of(kind: Any) -> Any:
    """The wire type of a type."""
    if kind <= 4:
        return 0
    if kind == 5:
        return 5
    return 1 if kind == 6 else 2


@register_jitable(forceinline=True, _nrt=False)
def _number(bits: Any, kind: Any) -> Any:
    """What a varint or fixed number says."""
    if kind in (0, 5):
        return np.int64(
            np.int32(bits & 0xFFFFFFFF if bits & 0x80000000 == 0 else (bits & 0xFFFFFFFF) - 0x100000000)
        )
    if kind == 2:
        short = bits & 0xFFFFFFFF
        return (short >> 1) ^ -(short & 1)
    if kind == 3:
        return ((bits >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(bits & 1)
    return bits


@register_jitable(forceinline=True, _nrt=False)
def _message(data: Any, at: Any, end: Any, row: Any, there: Any, fields: Any, groups: Any, table: Any, marks: Any, stack: Any,
             o8: Any, o16: Any, o32: Any, o64: Any) -> Any:  # fmt: skip
    """One message: 0, or a reason as a negative number. `stack` holds the ends and groups of the messages around."""
    depth, group, near = 0, np.int64(0), np.int64(0)
    while True:
        if at >= end:
            if depth == 0:
                return 0
            depth -= 1
            end, group = stack[0, depth], stack[1, depth]
            near = groups[group, 0]
            continue
        tag, at = _plain(data, at, end)
        if at < 0:
            return -1
        wire, wanted = tag & 7, tag >> 3
        if wanted <= 0 or wanted >= 536870912 or wire in (3, 4, 6, 7):
            return -2
        first, count = groups[group, 0], groups[group, 1]
        field = np.int64(-1)
        for turn in range(count):
            place = first + (near - first + turn) % count
            if fields[place, 0] == wanted:
                field = place
                break
        known = field >= 0 and _wire_of(fields[max(field, 0), 1]) == wire
        size, bits = np.int64(0), np.int64(0)
        if wire == 0:
            bits, at = _plain(data, at, end)
        elif wire == 2:
            size, at = _plain(data, at, end)
        else:
            size = np.int64(4 if wire == 5 else 8)
        if at < 0 or size < 0 or size > end - at:
            return -1
        if not known:
            at += size
            continue
        near = field + 1 if field + 1 < first + count else first
        kind, column = fields[field, 1], fields[field, 2]
        base = table[column, 1]
        marks[column] = there
        if kind == 9:
            if depth == 63:
                return -4
            stack[0, depth] = end
            stack[1, depth] = group
            depth += 1
            end, group = at + size, table[column, 6]
            near = groups[group, 0]
            continue
        if kind in (7, 8):
            if kind == 7 and not is_utf8(data, at, at + size):
                return -3
            view(data, at, size, 0, o64, base + 2 * row)
        elif kind == 4:
            put_bit(o8, base, row, bits != 0)
        else:
            if kind == 5:
                bits = np.int64(four(data, at))
            elif kind == 6:
                bits = np.int64(eight(data, at))
            put(base, table[column, 3], row, _number(bits, kind), o8, o16, o32, o64)
        at += size


@kernel(
    "void(const uint8[::1], const int64[::1], const int64[::1], const int64[:, ::1], const int64[:, ::1], const int64[::1],"
    " const int64[:, ::1], int64[::1], int64[:, ::1], uint8[::1], int16[::1], int32[::1], int64[::1], int64[::1], int64[::1],"
    " int64[::1], int64[::1], int64[::1])",
    UNCOUNTED,
)
def read_protobuf(  # type: ignore[no-untyped-def]
    data, starts, sizes, fields, groups, implicit, table, marks, stack, o8, o16, o32, o64, rows, bad, reasons, nulls, counts,
):  # fmt: skip
    """Values to rows, as `read_avro` does it. A column that is `implicit` and not there is 0, if its message is there."""
    counts[0] = counts[1] = counts[2] = 0
    for column in range(len(table)):
        marks[column] = 0
        nulls[column] = 0
        o8[table[column, 2] : table[column, 2] + (len(starts) + 7) // 8] = 255
    row = np.int64(0)
    for record in range(len(starts)):
        if sizes[record] < 0:
            counts[2] += 1
            bad[len(bad) - counts[2]] = record
            continue
        there = record + 1
        result = _message(
            data, starts[record], starts[record] + sizes[record], row, there, fields, groups, table, marks, stack, o8, o16, o32, o64
        )  # fmt: skip
        if result < 0:
            bad[counts[1]] = record
            reasons[counts[1]] = -result
            counts[1] += 1
            continue
        for column in range(len(table)):
            if marks[column] != there:
                owner = table[column, 7] - 1
                put_null(column, row, table, nulls, o8, o16, o32, o64)
                if implicit[column] != 0 and (owner < 0 or marks[max(owner, 0)] == there):
                    nulls[column] -= 1
                    put_bit(o8, table[column, 2], row, True)
        rows[row] = record
        row += 1
    counts[0] = row


@register_jitable(forceinline=True, _nrt=False)
def _varint_size(bits: Any) -> Any:
    left = np.uint64(bits)
    size = np.int64(1)
    while left >= np.uint64(128):
        left >>= np.uint64(7)
        size += np.int64(1)
    return size


@register_jitable(forceinline=True, _nrt=False)
def _bits(held: Any, kind: Any) -> Any:
    """What stands on the wire for a number."""
    return (held << 1) ^ (held >> 63) if kind in (2, 3) else held


@register_jitable(forceinline=True, _nrt=False)
def _body_size(kind: Any, held: Any, size: Any) -> Any:
    """The bytes of a value without its tag; a text's or message's size goes in front of it."""
    if kind <= 4:
        return _varint_size(_bits(held, kind))
    if kind in (5, 6):
        return np.int64(4 if kind == 5 else 8)
    return size + _varint_size(size)


@kernel(
    "int64(const int64[:, ::1], const boolean[:, ::1], const int64[:, ::1], const int64[:, ::1], const uint8[::1],"
    " int64[::1], uint8[::1], int64[::1])",
    UNCOUNTED,
)
def write_protobuf(steps, valid, first, second, texts, inner, out, offsets):  # type: ignore[no-untyped-def]
    """Rows to messages, which end at `offsets[1:]`; the bytes written. See `write_avro`; `inner` has room for a size a step.

    What is null is not written, nor is what is IMPLICIT and 0.
    """
    at = np.int64(0)
    offsets[0] = 0
    for row in range(len(offsets) - 1):
        for step in range(len(steps)):
            inner[step] = 0
        for back in range(len(steps)):
            step = len(steps) - 1 - back
            kind, column, parent = steps[step, 1], steps[step, 2], steps[step, 4]
            held, size = first[column, row], inner[step] if kind == 9 else second[column, row]
            empty = steps[step, 5] != 0 and (size == 0 if kind in (7, 8) else held == 0)
            if not valid[column, row] or empty:
                inner[step] = -1
            elif parent >= 0:
                inner[parent] += _varint_size(steps[step, 0] << 3) + _body_size(kind, held, size)
        step = 0
        while step < len(steps):
            if inner[step] < 0:
                step = steps[step, 3]
                continue
            kind, column = steps[step, 1], steps[step, 2]
            held, size = first[column, row], inner[step] if kind == 9 else second[column, row]
            wire = 0 if kind <= 4 else 5 if kind == 5 else 1 if kind == 6 else 2
            at = put_plain_varint(out, at, (steps[step, 0] << 3) | wire)
            if kind <= 4:
                at = put_plain_varint(out, at, _bits(held, kind))
            elif kind in (5, 6):
                for i in range(4 if kind == 5 else 8):
                    out[at + i] = np.uint8((held >> (8 * i)) & 255)
                at += 4 if kind == 5 else 8
            else:
                at = put_plain_varint(out, at, size)
                if kind != 9:
                    for i in range(size):
                        out[at + i] = texts[held + i]
                    at += size
            step += 1
        offsets[row + 1] = at
    return at
