"""Avro's binary encoding to columns: records of one schema, which both sides know.

A schema is a list of steps, each field's in order, a record before its fields, an array before its items: what stands there (TYPE),
whether as one of null and a value (NULLABLE), which column of the table it goes to (COLUMN, -1: it is read over), and the step
after it and all in it (NEXT). A map is an array of records of a key and a value: its bytes are the same.
Source: the Avro specification, "Binary encoding"; Flink's AvroSchemaConverter for what stands for which kind.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
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
    time_of_row,
)
from penstock.engine.kernels.decode.strings import view, wide
from penstock.engine.kernels.decode.words import LANES, eight, four, peek, special, trailing
from penstock.engine.kernels.records import varint

TYPE, NULLABLE, COLUMN, NEXT, UNIT, LOW, HIGH = range(7)
"""UNIT is what a number is multiplied with on its way in (milliseconds to microseconds), LOW and HIGH what it must be within."""
BOOLEAN, NUMBER, FLOAT, DOUBLE, TEXT, BYTES, DECIMAL, RECORD, LIST = range(9)
SHORT, BRANCH, RANGE, NOT_UTF8, FULL = 1, 2, 3, 4, 5
"""Why a record is none: it ends too early, a union has no such branch, a number is too large, a text is not UTF-8. FULL: there is no
room for its lists' elements."""


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


@register_jitable(forceinline=True, _nrt=False)
def _items(data: Any, at: Any, end: Any) -> Any:
    """(how many items a block of an array or map has, the place of the first); the place -1 where there cannot be so many."""
    count, at = varint(data, at, end)
    if at >= 0 and count < 0:
        # The block's size in bytes follows, for who wants to pass over it.
        count = -count
        _, at = varint(data, at, end)
    if at < 0 or count < 0 or count > end - at:  # an item has a byte at least
        return np.int64(0), np.int64(-1)
    return count, at


@register_jitable(forceinline=True, _nrt=False)
def _record(data: Any, at: Any, end: Any, row: Any, there: Any, steps: Any, table: Any, marks: Any, stack: Any, counts: Any,
            nulls: Any, lens: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> Any:  # fmt: skip
    """One record: the place behind it, or less than 0 for a reason, and whether something in it is null.

    `stack` holds what is around a list: a list's column (-1: not wanted), row, mark, the step behind it, and how many items of its
    block are left; and, a place higher, the first step of its own items.
    """
    depth, left, null = 0, np.int64(0), False
    step, stop, owner = np.int64(0), np.int64(len(steps)), np.int64(-1)
    while True:
        if step < stop:
            kind, column = steps[step, 0], steps[step, 2]
            if steps[step, 1] != 0:
                branch, at = varint(data, at, end)
                if at < 0 or branch < 0 or branch > 1:
                    return np.int64(-1) if at < 0 else np.int64(-2), null
                if branch == 0:
                    null = True
                    step = steps[step, 3]
                    continue
            if column >= 0:
                marks[column] = there
            if kind < 7:
                at = _field(data, at, end, step, row, steps, table, o8, o16, o32, o64)
                step += 1
                if at < 0:
                    return at, null
                continue
            if kind == 7:
                step += 1
                continue
            stack[0, depth], stack[1, depth], stack[2, depth], stack[3, depth], stack[4, depth] = (
                owner, row, there, stop, left,
            )  # fmt: skip
            depth += 1
            stack[5, depth] = step + 1
            owner, left, stop = column, np.int64(0), steps[step, 3]
        elif depth == 0:
            return at, null
        else:
            if owner >= 0:
                end_element(owner, row, there, table, marks, nulls, lens, o8, o16, o32, o64)
            left -= 1
        if left == 0:
            left, at = _items(data, at, end)
            if at < 0:
                return np.int64(-1), null
        if left == 0:
            step = stop
            depth -= 1
            owner, row, there = stack[0, depth], stack[1, depth], stack[2, depth]
            stop, left = stack[3, depth], stack[4, depth]
            continue
        step = stack[5, depth]
        if owner >= 0:
            row = lens[0, owner]
            if row >= table[owner + 1, 12]:
                return np.int64(-5), null
            counts[3] += 1
            there = counts[3]


@kernel(
    "int64(const uint8[::1], const int64[::1], const int64[::1], const int64[:, ::1], const int64[:, ::1], int64[::1],"
    " int64[:, ::1], const int64[:, ::1], int64, const int64[:, ::1], const uint8[::1], uint8[::1], int16[::1], int32[::1], int64[::1], int64[::1],"
    " int64[::1], int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1])",
    UNCOUNTED,
)
def read_avro(  # type: ignore[no-untyped-def]
    data, starts, sizes, steps, table, marks, stack, tests, asked, clocks, literals, o8, o16, o32, o64, rows, bad, reasons, nulls,
    lens, counts, times,
):  # fmt: skip
    """Values to rows: `rows` gets the records that became one, `bad` from its start those that did not, with `reasons`, from
    its end those that are null. What fails a test becomes none; `asked`, `clocks` and `times` as with `read_json`. Returns 0, or FULL where there is no
    more room for the elements of a list.
    """
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
        at, null = _record(
            data, start, start + sizes[record], row, there, steps, table, marks, stack, counts, nulls, lens, o8, o16, o32, o64
        )  # fmt: skip
        if at < 0:
            if at == -5:
                return 5
            bad[counts[1]] = record
            reasons[counts[1]] = -at
            counts[1] += 1
            if lists:
                take_back(nulls, lens)
            continue
        if len(clocks) > 0:
            times[record] = time_of_row(
                data, row, table, marks, there, tests, clocks, literals, data, o8, o16, o32, o64
            )
        if not passes(
            data, row, table, marks, there, tests, np.int64(0), asked, literals, data, o8, o16, o32, o64
        ):
            if lists:
                take_back(nulls, lens)
            continue
        if lists:
            end_lists(row, table, lens, o64)
        if null:
            for column in range(len(table)):
                if marks[column] != there and table[column, 10] == 0:
                    put_null(column, row, table, nulls, o8, o16, o32, o64)
        rows[row] = record
        row += 1
    counts[0] = row
    return 0
