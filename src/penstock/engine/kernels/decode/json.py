"""JSON objects to columns: each value is walked once, whole, and what the table does not want is passed over.

A row that this walk is not sure of is flagged, for a reader that asks less of a document or says what is wrong with it:
what is no JSON, a value of another kind than its column's, a number of too many digits, a key written with escapes or
twice. Keys are looked for first where the row before had them. Source: RFC 8259; Flink's JSON format for kinds.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.columns import (
    NONE,
    begin,
    clear,
    end_element,
    end_lists,
    find,
    is_named,
    passes,
    put,
    put_bit,
    put_null,
    take_back,
    time_of_row,
)
from penstock.engine.kernels.decode.numbers import POWERS, double, number_of, rounded, single
from penstock.engine.kernels.decode.strings import unescape, until_quote, view
from penstock.engine.kernels.decode.words import bits_of, peek
from penstock.engine.kernels.moments import date_of, moment_of, time_of

ROWS, FLAGGED, TOMBSTONES, DROPPED, EXTRA, FOUND, STAMP = range(7)
"""The counts a walk gives: of rows written, flagged, null, failing a test; bytes unescaped; fields found in a row; and what marks
the columns that the row, or element, of the moment has: two more for each."""
FULL, LISTS_FULL = 1, 2
"""What a walk ends with where there is no more room: for texts, for the elements of a list."""
DEPTH_MAX = 64
MAPS, KEYS_MAX = -1000, 4096
"""What the group of the pairs of the map in column 0 is; and the keys that a map may have: each is held against all before it."""


@register_jitable(forceinline=True, _nrt=False)
def _blank(data: Any, at: Any) -> Any:
    """The next place that holds no blank; there is one."""
    byte = peek(data, at)
    while byte in (32, 10, 13, 9):
        at += 1
        byte = peek(data, at)
    return at


@register_jitable(_nrt=False)
def _string(data: Any, at: Any, stop: Any, seen: Any, place: Any, counts: Any, extra: Any, o64: Any) -> Any:
    """A text that ends at `stop`, to `place`; the place behind its last quote, or -2."""
    if seen & 1 == 0:
        view(data, at, stop - at, 0, o64, place)
        return stop + 1
    start = counts[4]
    if start + stop - at > len(extra):
        return np.int64(-2)
    counts[4] = unescape(data, at, stop, extra, start)
    view(extra, start, counts[4] - start, 1, o64, place)
    return stop + 1


@register_jitable(forceinline=True, _nrt=False)
def _text(data: Any, at: Any, end: Any, column: Any, row: Any, table: Any, counts: Any, extra: Any,
          o8: Any, o16: Any, o32: Any, o64: Any) -> Any:  # fmt: skip
    """A text, from behind its first quote; the place behind its last, or -1."""
    stop, seen = until_quote(data, at, end)
    if stop < 0 or column < 0:
        return stop + 1 if stop >= 0 else stop
    kind, base = table[column, 0], table[column, 1]
    if kind == 0:
        return _string(data, at, stop, seen, base + 2 * row, counts, extra, o64)
    if seen != 0:
        return np.int64(-1)
    if kind == 6:
        found = moment_of(data, at, stop, table[column, 4], table[column, 5] != 0)
    elif kind == 7:
        found = date_of(data, at, stop)
    elif kind == 8:
        found = time_of(data, at, stop)
    else:
        return np.int64(-1)
    if found == NONE:
        return np.int64(-1)
    put(base, table[column, 3], row, found, o8, o16, o32, o64)
    return stop + 1


@register_jitable(forceinline=True, _nrt=False)
def _number(
    data: Any, at: Any, column: Any, row: Any, table: Any, o8: Any, o16: Any, o32: Any, o64: Any
) -> Any:
    """A number; the place behind it, or -1."""
    stop, negative, mantissa, digits, power, whole = number_of(data, at)
    if stop < 0 or column < 0:
        return stop
    kind, base = table[column, 0], table[column, 1]
    if digits > 19:
        return np.int64(-1)
    if kind == 2:
        value = -mantissa if negative else mantissa
        if not whole or mantissa < 0 or value < table[column, 4] or value > table[column, 5]:
            return np.int64(-1)
        put(base, table[column, 3], row, value, o8, o16, o32, o64)
        return stop
    if kind in (3, 4):
        settled, near = double(mantissa, power)
        if not settled or (negative and whole and mantissa == 0):
            return np.int64(-1)
        if negative:
            near = -near
        if kind == 3:
            o64[base + row] = bits_of(near)
            return stop
        settled, narrow = single(near)
        if not settled:
            return np.int64(-1)
        o32[base + row] = bits_of(narrow)
        return stop
    scale = table[column, 4]
    if kind != 5 or mantissa < 0 or digits > 18 or power < -400:
        return np.int64(-1)
    if -power <= scale:
        if scale + power > 18:
            return np.int64(-1)
        unit = POWERS[scale + power]
        value = mantissa * unit
        if mantissa > (table[column, 5] - 1) // unit:
            return np.int64(-1)
    else:
        value = rounded(mantissa, -power - scale)
    if value >= table[column, 5]:
        return np.int64(-1)
    put(base, 16, row, -value if negative else value, o8, o16, o32, o64)
    return stop


@register_jitable(forceinline=True, _nrt=False)
def _word(data: Any, at: Any, end: Any) -> Any:
    """(the place behind true, false or null, which of them as 1, 0 and -1); the place -1 where it is none."""
    if at + 4 >= end:
        return np.int64(-1), 0
    first, second, third, fourth = peek(data, at), peek(data, at + 1), peek(data, at + 2), peek(data, at + 3)
    if first == 110 and second == 117 and third == 108 and fourth == 108:
        return at + 4, -1
    if first == 116 and second == 114 and third == 117 and fourth == 101:
        return at + 4, 1
    if first == 102 and second == 97 and third == 108 and fourth == 115 and peek(data, at + 4) == 101:
        return at + 5, 0
    return np.int64(-1), 0


@register_jitable(forceinline=True, _nrt=False)
def _key(data: Any, at: Any, end: Any, group: Any, place: Any, table: Any, words: Any, names: Any, buckets: Any,
         order: Any) -> Any:  # fmt: skip
    """(the place behind a key's last quote or -1, its column or -1), from behind its first quote."""
    near = min(place, 63)
    if group >= 0:
        column = order[group, near]
        if column >= 0:
            size = table[column, 9]
            closed = at + size < end and peek(data, at + size) == 34
            if closed and is_named(data, at, column, size, words, names, table):
                return at + size + 1, column
    stop, seen = until_quote(data, at, end)
    if stop < 0 or group < 0:
        return stop + 1 if stop >= 0 else stop, np.int64(-1)
    if seen & 1 != 0:
        return np.int64(-1), np.int64(-1)
    column = find(data, at, stop - at, group, words, names, table, buckets)
    order[group, near] = column
    return stop + 1, column


@register_jitable(forceinline=True, _nrt=False)
def _value(data: Any, at: Any, end: Any, byte: Any, column: Any, row: Any, there: Any, table: Any, marks: Any,
           counts: Any, extra: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> Any:  # fmt: skip
    """A scalar; the place behind it, -1 where the row is to be flagged, -2 where `extra` is full."""
    if column >= 0:
        if marks[column] >= there:
            return np.int64(-1)
        marks[column] = there
        counts[5] += 1
    if byte == 34:
        return _text(data, at + 1, end, column, row, table, counts, extra, o8, o16, o32, o64)
    if byte == 45 or 48 <= byte <= 57:
        return _number(data, at, column, row, table, o8, o16, o32, o64)
    at, which = _word(data, at, end)
    if at < 0 or column < 0:
        return at
    if which < 0:
        marks[column] = there + 1
        counts[5] -= 1
    elif table[column, 0] == 1:
        put_bit(o8, table[column, 1], row, which == 1)
    else:
        return np.int64(-1)
    return at


@register_jitable(_nrt=False)
def _map_key(
    data: Any, at: Any, end: Any, base: Any, first: Any, row: Any, counts: Any, extra: Any, o64: Any
) -> Any:
    """A map's key, from behind its first quote; the place behind its last, -1 for one that was there, -2 where `extra` is full."""
    stop, seen = until_quote(data, at, end)
    if stop < 0:
        return np.int64(-1)
    behind = _string(data, at, stop, seen, base + 2 * row, counts, extra, o64)
    if behind < 0:
        return behind
    start, rest = o64[base + 2 * row], o64[base + 2 * row + 1]
    size = start & 0xFFFFFFFF
    for other in range(first, row):
        if o64[base + 2 * other] == start:
            held = o64[base + 2 * other + 1]
            if held == rest or (size > 12 and _alike(data, extra, held, rest, size)):
                return np.int64(-1)
    return behind


@register_jitable(_nrt=False)
def _alike(data: Any, extra: Any, first: Any, second: Any, size: Any) -> Any:
    """Whether two texts are the same that lie where the second words of their views say."""
    for i in range(size):
        one = peek(extra, (first >> 32) + i) if first & 0xFFFFFFFF else peek(data, (first >> 32) + i)
        other = peek(extra, (second >> 32) + i) if second & 0xFFFFFFFF else peek(data, (second >> 32) + i)
        if one != other:
            return False
    return True


@register_jitable(forceinline=True, _nrt=False)
def _label(data: Any, at: Any, end: Any, group: Any, place: Any, row: Any, there: Any, column: Any, table: Any, words: Any,
           names: Any, buckets: Any, order: Any, marks: Any, counts: Any, extra: Any, o64: Any) -> Any:  # fmt: skip
    """(where the value begins, its column or -1), from behind the first quote of its key, in a map whose pairs are `column`; the
    place is -1 or -2 where there is none."""
    if group <= MAPS:
        at = np.int64(-1) if row - place >= KEYS_MAX else _map_key(
            data, at, end, table[column + 1, 1], place, row, counts, extra, o64
        )  # fmt: skip
        marks[column] = there
        marks[column + 1] = there
        column += 2
    else:
        at, column = _key(data, at, end, group, place, table, words, names, buckets, order)
    if at < 0:
        return at, column
    at = _blank(data, at)
    if peek(data, at) != 58:
        return np.int64(-1), column
    return _blank(data, at + 1), column


@register_jitable(forceinline=True, _nrt=False)
def _closes(group: Any) -> Any:
    """The byte that ends a container."""
    return 93 if MAPS < group <= -2 else 125


@register_jitable(forceinline=True, _nrt=False)
def _list_of(group: Any) -> Any:
    """The column of the list, or map, whose elements these are."""
    return MAPS - group if group <= MAPS else -3 - group


@register_jitable(forceinline=True, _nrt=False)
def _opens(byte: Any, column: Any, table: Any) -> Any:
    """Whether the container that begins with a byte is of the column's kind."""
    if byte == 91:
        return table[column, 0] == 10 and table[column, 4] == 0
    return table[column, 0] == 9 or (table[column, 0] == 10 and table[column, 4] == 1)


@register_jitable(forceinline=True, _nrt=False)
def _entered(byte: Any, column: Any, there: Any, table: Any, marks: Any, counts: Any, lens: Any) -> Any:
    """(the group, the keys so far or the first row) in a container that begins, which is a column's where that is not -1."""
    if column < 0:
        return np.int64(-2) if byte == 91 else np.int64(-1), np.int64(0)
    marks[column] = there
    counts[5] += 1
    if byte == 91:
        return -3 - column, np.int64(0)
    if table[column, 0] == 9:
        return table[column, 6], np.int64(0)
    return MAPS - column, lens[0, column]


@register_jitable(forceinline=True, _nrt=False)
def _lacks(owner: Any, there: Any, table: Any, marks: Any) -> Any:
    """Whether a row in an element of a list, which is complete, lacks a field."""
    for column in range(owner + 1, table[owner, 11]):
        parent = table[column, 7] - 1
        if (
            table[column, 10] == owner + 1
            and marks[column] < there
            and parent >= 0
            and marks[parent] == there
        ):
            return True
    return False


@register_jitable(forceinline=True, _nrt=False)
def _push(stack: Any, depth: Any, group: Any, place: Any, row: Any, there: Any) -> None:
    """Remember what is around a container that begins: its group (-1: not wanted, -2: an array, less: the elements of column
    -3 - group, from MAPS on the pairs of column MAPS - group), how many keys it had, or a map's first row, its row and mark."""
    stack[0, depth] = group
    stack[1, depth] = place
    stack[2, depth] = row
    stack[3, depth] = there


@register_jitable(forceinline=True, _nrt=False)
def _object(data: Any, at: Any, end: Any, complete: Any, row: Any, there: Any, table: Any, words: Any, names: Any, buckets: Any,
            order: Any, marks: Any, stack: Any, counts: Any, nulls: Any, lens: Any, extra: Any, o8: Any, o16: Any, o32: Any,
            o64: Any) -> Any:  # fmt: skip
    """One object from its brace to its end: 0, -1 where the row is to be flagged, -2 where `extra` is full, -3 where a list is.

    `stack` holds the containers around (`_push`). The last byte is a closing brace: whatever is looked for byte by byte stops there.
    """
    depth, group, place, fresh = 0, np.int64(0), np.int64(0), True
    at += 1
    while True:
        at = _blank(data, at)
        byte = peek(data, at)
        if not (fresh and byte == _closes(group)):
            column = np.int64(-1)
            if group < -2:
                column = _list_of(group) + 1
                row = lens[0, column - 1]
                if row >= table[column, 12]:
                    return -3
                counts[6] += 2
                there = counts[6]
            if group <= MAPS or group >= -1:
                if byte != 34:
                    return -1
                at, column = _label(
                    data, at + 1, end, group, place, row, there, column, table, words, names, buckets, order, marks, counts, extra,
                    o64,
                )  # fmt: skip
                if at < 0:
                    return at
                place += group >= -1
                byte = peek(data, at)
            if byte in (123, 91):
                if depth == 63 or (
                    column >= 0 and (not _opens(byte, column, table) or marks[column] >= there)
                ):
                    return -1
                _push(stack, depth, group, place, row, there)
                group, place = _entered(byte, column, there, table, marks, counts, lens)
                depth, fresh = depth + 1, True
                at += 1
                continue
            at = _value(
                data, at, end, byte, column, row, there, table, marks, counts, extra, o8, o16, o32, o64
            )
            if at < 0:
                return at
            if group < -2:
                if complete and _lacks(_list_of(group), there, table, marks):
                    return -1
                end_element(_list_of(group), row, there, table, marks, nulls, lens, o8, o16, o32, o64)
        while True:
            at = _blank(data, at)
            byte = peek(data, at)
            at += 1
            if byte == 44:
                break
            if byte != _closes(group):
                return -1
            if depth == 0:
                return 0 if at == end else -1
            if at >= end:
                return -1
            depth -= 1
            group, place, row, there = stack[0, depth], stack[1, depth], stack[2, depth], stack[3, depth]
            if group < -2:
                if complete and _lacks(_list_of(group), there, table, marks):
                    return -1
                end_element(_list_of(group), row, there, table, marks, nulls, lens, o8, o16, o32, o64)
        fresh = False


@kernel(
    "int64(const uint8[::1], const int64[::1], const int64[::1], boolean, const int64[:, ::1], const uint64[::1],"
    " const uint8[::1], const int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], const int64[:, ::1],"
    " int64, const int64[:, ::1], const uint8[::1], uint8[::1], int16[::1], int32[::1], int64[::1], uint8[::1], int64[::1], int64[::1], int64[::1],"
    " int64[:, ::1], int64[::1], int64[::1])",
    UNCOUNTED,
)
def read_json(  # type: ignore[no-untyped-def]
    data, starts, sizes, complete, table, words, names, buckets, order, marks, stack, tests, asked, clocks,
    literals, o8, o16, o32, o64, extra, rows, flagged, nulls, lens, counts, times,
):  # fmt: skip
    """Values to rows: `rows` gets the records that became one, `flagged` from its start those to be read otherwise,
    from its end those that are null. With `complete` all columns of the table must be in each. Rows are written that pass the
    first `asked` tests. `times` gets, by record, what the first column of `clocks` (a line each: the first test that must hold, the one
    behind the last, the column) holds, whether its row is written or not; the smallest number where there is none. Returns 0, FULL or LISTS_FULL.
    """
    for i in range(len(counts)):
        counts[i] = 0
    lists = clear(len(starts), table, marks, nulls, lens, o8, o64)
    row = np.int64(0)
    for record in range(len(starts)):
        if sizes[record] < 0:
            counts[2] += 1
            flagged[len(flagged) - counts[2]] = record
            continue
        at, end = starts[record], starts[record] + sizes[record]
        while at < end and peek(data, at) in (32, 10, 13, 9):
            at += 1
        while end > at and peek(data, end - 1) in (32, 10, 13, 9):
            end -= 1
        counts[6] += 2
        there, unescaped = counts[6], counts[4]
        counts[5] = 0
        if lists:
            begin(nulls, lens)
        result = -1
        if end - at >= 2 and peek(data, at) == 123 and peek(data, end - 1) == 125:
            result = _object(
                data, at, end, complete, row, there, table, words, names, buckets, order, marks, stack, counts, nulls, lens,
                extra, o8, o16, o32, o64,
            )  # fmt: skip
            if result < -1:
                return -1 - result
        if result == 0 and complete:
            for column in range(len(table)):
                owner = table[column, 7] - 1
                if table[column, 10] == 0 and marks[column] < there and (owner < 0 or marks[owner] == there):
                    result = -1
        if result < 0:
            flagged[counts[1]] = record
            counts[1] += 1
            counts[4] = unescaped
            if lists:
                take_back(nulls, lens)
            continue
        if len(clocks) > 0:
            times[record] = time_of_row(
                data, row, table, marks, there, tests, clocks, literals, extra, o8, o16, o32, o64
            )
        if not passes(
            data, row, table, marks, there, tests, np.int64(0), asked, literals, extra, o8, o16, o32, o64
        ):
            counts[3] += 1
            counts[4] = unescaped
            if lists:
                take_back(nulls, lens)
        else:
            if lists:
                end_lists(row, table, lens, o64)
            if lists or counts[5] < len(table):
                for column in range(len(table)):
                    if marks[column] != there and table[column, 10] == 0:
                        put_null(column, row, table, nulls, o8, o16, o32, o64)
            rows[row] = record
            row += 1
    counts[0] = row
    return 0
