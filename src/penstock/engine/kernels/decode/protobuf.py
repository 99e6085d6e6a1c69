"""Protobuf's wire format to columns.

A message is a list of fields (NUMBER, TYPE, COLUMN of the table, and LISTED, the list whose elements these are, or -1); the fields
of each message lie together, a nested message's have a group of their own, as its columns do. Fields that nobody wants are passed
over, as are those of another wire type; numbers that repeat may be packed or not, whatever the schema says. A map is a list of
messages of a key and a value. Source: the Protocol Buffers documentation, "Encoding". Knows nothing of ``.proto`` files.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.avro import is_utf8
from penstock.engine.kernels.decode.columns import (
    begin,
    clear,
    end_element,
    end_lists,
    passes,
    put,
    put_bit,
    put_null,
    take_back,
)
from penstock.engine.kernels.decode.strings import view
from penstock.engine.kernels.decode.words import eight, four
from penstock.engine.kernels.records import varint

NUMBER, TYPE, COLUMN, LISTED = range(4)
VARINT32, VARINT64, ZIGZAG32, ZIGZAG64, BOOLEAN, FIXED32, FIXED64, TEXT, BYTES, RECORD, LIST = range(11)
SHORT, WIRE, NOT_UTF8, DEPTH, FULL = 1, 2, 3, 4, 5
"""Why a message is none: it ends too early, has a wire type or field number there is not, a text is not UTF-8, is too deep. FULL:
there is no room for its lists' elements."""


@register_jitable(forceinline=True, _nrt=False)
def _plain(data: Any, at: Any, end: Any) -> Any:
    """A varint's bits as a signed number, from the zigzag of them: (number, next position)."""
    folded, at = varint(data, at, end)
    return (folded << 1) ^ (folded >> 63), at


@register_jitable(forceinline=True, _nrt=False)
def wire_of(kind: Any) -> Any:
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
def _body(data: Any, at: Any, end: Any, wire: Any) -> Any:
    """(a varint's bits, where what else it may be begins, where that ends or -1) of a field, from behind its tag."""
    size, bits = np.int64(0), np.int64(0)
    if wire == 0:
        bits, at = _plain(data, at, end)
    elif wire == 2:
        size, at = _plain(data, at, end)
    else:
        size = np.int64(4 if wire == 5 else 8)
    if at < 0 or size < 0 or size > end - at:
        return bits, at, np.int64(-1)
    return bits, at, at + size


@register_jitable(forceinline=True, _nrt=False)
def _scalar(data: Any, at: Any, end: Any, kind: Any) -> Any:
    """A number's bits, and the place behind it, or -1."""
    if kind <= 4:
        return _plain(data, at, end)
    size = np.int64(4 if kind == 5 else 8)
    if size > end - at:
        return np.int64(0), np.int64(-1)
    return np.int64(four(data, at)) if kind == 5 else np.int64(eight(data, at)), at + size


@register_jitable(forceinline=True, _nrt=False)
def _put(data: Any, at: Any, stop: Any, bits: Any, kind: Any, column: Any, row: Any, table: Any, o8: Any, o16: Any, o32: Any,
         o64: Any) -> Any:  # fmt: skip
    """Write a number, or the text or bytes that stand from `at` to `stop`; whether it is one."""
    base = table[column, 1]
    if kind >= 7:
        if kind == 7 and not is_utf8(data, at, stop):
            return False
        view(data, at, stop - at, 0, o64, base + 2 * row)
    elif kind == 4:
        put_bit(o8, base, row, bits != 0)
    else:
        put(base, table[column, 3], row, _number(bits, kind), o8, o16, o32, o64)
    return True


@register_jitable(forceinline=True, _nrt=False)
def _find(fields: Any, groups: Any, group: Any, near: Any, wanted: Any) -> Any:
    """The field of a number in a group, looked for first where the one before it makes likely, or -1."""
    if fields[near, 0] == wanted:
        return near
    for place in range(groups[group, 0], groups[group, 0] + groups[group, 1]):
        if fields[place, 0] == wanted:
            return np.int64(place)
    return np.int64(-1)


@register_jitable(forceinline=True, _nrt=False)
def _imply(first: Any, last: Any, stream: Any, row: Any, there: Any, implicit: Any, table: Any, marks: Any, nulls: Any, o8: Any,
           o16: Any, o32: Any, o64: Any) -> None:  # fmt: skip
    """Of a row of a stream, what is not there and counts as its default, if the message around it is there, is there."""
    for column in range(first, last):
        if marks[column] != there and implicit[column] != 0 and table[column, 10] == stream:
            owner = table[column, 7] - 1
            if owner < 0 or marks[max(owner, 0)] == there:
                put_null(column, row, table, nulls, o8, o16, o32, o64)
                nulls[column] -= 1
                put_bit(o8, table[column, 2], row, True)
                marks[column] = there


@register_jitable(forceinline=True, _nrt=False)
def _element(listed: Any, there: Any, table: Any, marks: Any, counts: Any, lens: Any) -> Any:
    """Begin an element of a list, with a mark of its own: its row, or -1 where there is no room."""
    row = lens[0, listed]
    if row >= table[listed + 1, 12]:
        return np.int64(-1)
    marks[listed] = there
    counts[3] += 1
    return row


@register_jitable(forceinline=True, _nrt=False)
def _message(data: Any, at: Any, end: Any, row: Any, there: Any, fields: Any, groups: Any, implicit: Any, table: Any, marks: Any,
             stack: Any, counts: Any, nulls: Any, lens: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> Any:  # fmt: skip
    """One message: 0, or a reason as a negative number. `stack` holds what is around a message: its end, group, row and mark, and
    the list that it is an element of (-1: none)."""
    depth, group, near, owner = 0, np.int64(0), np.int64(0), np.int64(-1)
    while True:
        if at >= end:
            if owner >= 0:
                _imply(owner + 1, table[owner, 11], owner + 1, row, there, implicit, table, marks, nulls, o8, o16, o32, o64)  # fmt: skip
                end_element(owner, row, there, table, marks, nulls, lens, o8, o16, o32, o64)
            if depth == 0:
                return 0
            depth -= 1
            end, group, row = stack[0, depth], stack[1, depth], stack[2, depth]
            there, owner = stack[3, depth], stack[4, depth]
            near = groups[group, 0]
            continue
        tag, at = _plain(data, at, end)
        if at < 0:
            return -1
        wire, wanted = tag & 7, tag >> 3
        if wanted <= 0 or wanted >= 536870912 or wire in (3, 4, 6, 7):
            return -2
        field = _find(fields, groups, group, near, wanted)
        kind, column, listed = fields[max(field, 0), 1], fields[max(field, 0), 2], fields[max(field, 0), 3]
        packed = wire == 2 and kind <= 6 and listed >= 0
        bits, at, stop = _body(data, at, end, wire)
        if stop < 0:
            return -1
        if field < 0 or not (packed or wire_of(kind) == wire):
            at = stop
            continue
        near = field + 1 if field + 1 < groups[group, 0] + groups[group, 1] else groups[group, 0]
        if kind == 9:
            if depth == 63:
                return -4
            stack[0, depth], stack[1, depth], stack[2, depth] = end, group, row
            stack[3, depth], stack[4, depth] = there, owner
            depth += 1
            if listed >= 0:
                row = _element(listed, there, table, marks, counts, lens)
                if row < 0:
                    return -5
                there = counts[3]
            marks[column] = there
            end, group, owner = stop, table[column, 6], listed
            near = groups[group, 0]
            continue
        if listed < 0:
            if kind in (5, 6):
                bits, at = _scalar(data, at, stop, kind)
            marks[column] = there
            if not _put(data, at, stop, bits, kind, column, row, table, o8, o16, o32, o64):
                return -3
            at = stop
            continue
        more = not packed or at < stop
        while more:
            into = _element(listed, there, table, marks, counts, lens)
            if into < 0:
                return -5
            if packed or kind in (5, 6):
                bits, at = _scalar(data, at, stop, kind)
                if at < 0:
                    return -1
            marks[column] = counts[3]
            if not _put(data, at, stop, bits, kind, column, into, table, o8, o16, o32, o64):
                return -3
            end_element(listed, into, counts[3], table, marks, nulls, lens, o8, o16, o32, o64)
            more = packed and at < stop
        at = stop


@kernel(
    "int64(const uint8[::1], const int64[::1], const int64[::1], const int64[:, ::1], const int64[:, ::1], const int64[::1],"
    " const int64[:, ::1], int64[::1], int64[:, ::1], const int64[:, ::1], const uint8[::1], uint8[::1], int16[::1], int32[::1],"
    " int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[:, ::1], int64[::1])",
    UNCOUNTED,
)
def read_protobuf(  # type: ignore[no-untyped-def]
    data, starts, sizes, fields, groups, implicit, table, marks, stack, tests, literals, o8, o16, o32, o64, rows, bad, reasons, nulls,
    lens, counts,
):  # fmt: skip
    """Values to rows, as `read_avro` does it. A column that is `implicit` and not there is 0, if its message is there."""
    counts[0] = counts[1] = counts[2] = counts[3] = 0
    lists = clear(len(starts), table, marks, nulls, lens, o8, o64)
    row = np.int64(0)
    for record in range(len(starts)):
        if sizes[record] < 0:
            counts[2] += 1
            bad[len(bad) - counts[2]] = record
            continue
        counts[3] += 1
        there, start = counts[3], starts[record]
        if lists:
            begin(nulls, lens)
        result = _message(
            data, start, start + sizes[record], row, there, fields, groups, implicit, table, marks, stack, counts, nulls, lens,
            o8, o16, o32, o64,
        )  # fmt: skip
        if result == -5:
            return 5
        if result < 0:
            bad[counts[1]] = record
            reasons[counts[1]] = -result
            counts[1] += 1
            if lists:
                take_back(nulls, lens)
            continue
        _imply(0, len(table), 0, row, there, implicit, table, marks, nulls, o8, o16, o32, o64)
        if not passes(
            data, row, table, marks, there, tests, np.int64(0), np.int64(len(tests)), literals, data, o8, o16, o32, o64
        ):  # fmt: skip
            if lists:
                take_back(nulls, lens)
            continue
        if lists:
            end_lists(row, table, lens, o64)
        for column in range(len(table)):
            if marks[column] != there and table[column, 10] == 0:
                put_null(column, row, table, nulls, o8, o16, o32, o64)
        rows[row] = record
        row += 1
    counts[0] = row
    return 0
