"""Avro's binary encoding to columns and back: records of one schema, which both sides know.

A schema is a list of steps, each field's in order, a record before its fields: what stands there (TYPE), whether as one of null
and a value (NULLABLE), which column of the table it goes to (COLUMN, -1: it is read over), and the step after it and all in it
(NEXT). Source: the Avro specification, "Binary encoding"; Flink's AvroSchemaConverter for what stands for which kind.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.columns import put, put_bit, put_null
from penstock.engine.kernels.decode.strings import view, wide
from penstock.engine.kernels.decode.words import LANES, eight, four, peek, special, trailing
from penstock.engine.kernels.records import put_varint, varint

TYPE, NULLABLE, COLUMN, NEXT, UNIT, LOW, HIGH = range(7)
"""UNIT is what a number is multiplied with on its way in (milliseconds to microseconds), LOW and HIGH what it must be within."""
BOOLEAN, NUMBER, FLOAT, DOUBLE, TEXT, BYTES, DECIMAL, RECORD = range(8)
SHORT, BRANCH, RANGE, NOT_UTF8 = 1, 2, 3, 4
"""Why a record is none: it ends too early, a union has no such branch, a number is too large, a text is not UTF-8."""


@register_jitable(forceinline=True, _nrt=False)
def is_utf8(data: Any, at: Any, end: Any) -> Any:
    """Whether bytes are UTF-8."""
    while at < end:
        if at + LANES <= len(data):
            # Quotes and control characters count as special: they are passed over one by one.
            found = special(data, at)
            if found == 0:
                at += LANES
                continue
            at += trailing(found)
            if at >= end:
                break
        if peek(data, at) < 128:
            at += 1
            continue
        size = wide(data, at, end)
        if size == 0:
            return False
        at += size
    return True


@register_jitable(forceinline=True, _nrt=False)
def put_unscaled(data: Any, at: Any, size: Any, place: Any, o64: Any) -> None:
    """Big-endian two's complement of up to 16 bytes as the two words of a wide number."""
    low, high = np.int64(0), np.int64(0)
    if size > 0 and peek(data, at) >= 128:
        low, high = np.int64(-1), np.int64(-1)
    for i in range(size):
        high = (high << 8) | ((low >> 56) & 255)
        low = (low << 8) | peek(data, at + i)
    o64[place] = low
    o64[place + 1] = high


@register_jitable(forceinline=True, _nrt=False)
def _field(data: Any, at: Any, end: Any, step: Any, row: Any, steps: Any, table: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> Any:  # fmt: skip
    """One value; the place behind it, or less than 0 for a reason."""
    kind, column = steps[step, 0], steps[step, 2]
    base = table[max(column, 0), 1]
    if kind == 0:
        if at >= end:
            return np.int64(-1)
        byte = peek(data, at)
        if byte > 1:
            return np.int64(-3)
        if column >= 0:
            put_bit(o8, base, row, byte == 1)
        return at + 1
    if kind == 1:
        number, at = varint(data, at, end)
        if at < 0:
            return np.int64(-1)
        if number < steps[step, 5] or number > steps[step, 6]:
            return np.int64(-3)
        if column >= 0:
            put(base, table[column, 3], row, number * steps[step, 4], o8, o16, o32, o64)
        return at
    if kind in (2, 3):
        size = np.int64(4 if kind == 2 else 8)
        if size > end - at:
            return np.int64(-1)
        if column >= 0 and kind == 2:
            o32[base + row] = np.int32(np.int64(four(data, at)))
        elif column >= 0:
            o64[base + row] = np.int64(eight(data, at))
        return at + size
    size, at = varint(data, at, end)
    if at < 0 or size < 0 or size > end - at:
        return np.int64(-1)
    if kind == 4 and not is_utf8(data, at, at + size):
        return np.int64(-4)
    if kind == 6:
        if size > 16:
            return np.int64(-3)
        if column >= 0:
            put_unscaled(data, at, size, base + 2 * row, o64)
    elif column >= 0:
        view(data, at, size, 0, o64, base + 2 * row)
    return at + size


@kernel(
    "void(const uint8[::1], const int64[::1], const int64[::1], const int64[:, ::1], const int64[:, ::1], int64[::1],"
    " uint8[::1], int16[::1], int32[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1])",
    UNCOUNTED,
)
def read_avro(  # type: ignore[no-untyped-def]
    data, starts, sizes, steps, table, marks, o8, o16, o32, o64, rows, bad, reasons, nulls, counts,
):  # fmt: skip
    """Values to rows: `rows` gets the records that became one, `bad` from its start those that did not, with `reasons`, from
    its end those that are null. `counts`: rows, bad ones, nulls.
    """
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
        at, end = starts[record], starts[record] + sizes[record]
        found, step = np.int64(0), np.int64(0)
        while step < len(steps) and at >= 0:
            if steps[step, 1] != 0:
                branch, at = varint(data, at, end)
                if at < 0 or branch < 0 or branch > 1:
                    at = np.int64(-1) if at < 0 else np.int64(-2)
                    break
                if branch == 0:
                    step = steps[step, 3]
                    continue
            if steps[step, 2] >= 0:
                marks[steps[step, 2]] = record + 1
                found += 1
            if steps[step, 0] != 7:
                at = _field(data, at, end, step, row, steps, table, o8, o16, o32, o64)
            step += 1
        if at < 0:
            bad[counts[1]] = record
            reasons[counts[1]] = -at
            counts[1] += 1
            continue
        if found < len(table):
            for column in range(len(table)):
                if marks[column] != record + 1:
                    put_null(column, row, table, nulls, o8, o16, o32, o64)
        rows[row] = record
        row += 1
    counts[0] = row


@register_jitable(forceinline=True, _nrt=False)
def _byte(high: Any, low: Any, place: Any) -> Any:
    """One byte of a wide number, the first the highest."""
    return (high >> (56 - 8 * place)) & 255 if place < 8 else (low >> (120 - 8 * place)) & 255


@register_jitable(forceinline=True, _nrt=False)
def _put_unscaled(out: Any, at: Any, high: Any, low: Any) -> Any:
    """Write a wide number's size and its bytes, as few as tell its sign."""
    sign, first = (255 if high < 0 else 0), 0
    while first < 15 and _byte(high, low, first) == sign and (_byte(high, low, first + 1) ^ sign) < 128:
        first += 1
    at = put_varint(out, at, np.int64(16 - first))
    for place in range(first, 16):
        out[at] = np.uint8(_byte(high, low, place))
        at += 1
    return at


@kernel(
    "int64(const int64[:, ::1], const boolean[:, ::1], const int64[:, ::1], const int64[:, ::1], const uint8[::1],"
    " uint8[::1], int64[::1])",
    UNCOUNTED,
)
def write_avro(steps, valid, first, second, texts, out, offsets):  # type: ignore[no-untyped-def]
    """Rows to values, which end at `offsets[1:]`; the bytes written. COLUMN says which row of `valid`, `first` and `second` a step
    takes: a number, the bits of a double or float, where a text lies and its size, a wide number's lower and upper word.
    """
    at = np.int64(0)
    offsets[0] = 0
    for row in range(len(offsets) - 1):
        step = np.int64(0)
        while step < len(steps):
            kind, column = steps[step, 0], steps[step, 2]
            there = valid[column, row]
            if steps[step, 1] != 0:
                out[at] = 2 if there else 0
                at += 1
                if not there:
                    step = steps[step, 3]
                    continue
            held = first[column, row]
            if kind == 0:
                out[at] = np.uint8(held & 1)
                at += 1
            elif kind == 1:
                at = put_varint(out, at, held // steps[step, 4])
            elif kind in (2, 3):
                for i in range(4 if kind == 2 else 8):
                    out[at + i] = np.uint8((held >> (8 * i)) & 255)
                at += 4 if kind == 2 else 8
            elif kind in (4, 5):
                size = second[column, row]
                at = put_varint(out, at, size)
                for i in range(size):
                    out[at + i] = texts[held + i]
                at += size
            elif kind == 6:
                at = _put_unscaled(out, at, second[column, row], held)
            step += 1
        offsets[row + 1] = at
    return at
