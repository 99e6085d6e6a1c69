"""The table of columns that a walk goes by, and how values are written to where Arrow will find them.

A frame's memory is one block, seen as bytes and as words of each size; a column's values start at BASE (in its own
width), a column's validity bits at BITS (in bytes), both in all rows the same, whatever the schema. A ROW is a column
without values whose fields are columns of a group of their own; group 0 are the columns of the table.

A LIST's values are offsets, and the column behind it holds its elements: those of all lists in turn, in rows of their own. Such
a STREAM of rows is counted by its list (`lens`); the rows of the table are stream 0. A map is a LIST, whose LOW is 1, of ROWs
of a key and a value. Knows nothing of formats.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.decode.strings import few
from penstock.engine.kernels.decode.words import peek

KIND, BASE, BITS, WIDTH, LOW, HIGH, GROUP, PARENT, NAME_AT, NAME_SIZE, STREAM, LAST, ROOM = range(13)
"""STREAM is 0 or one more than the LIST's place, LAST the place behind a LIST's last column, ROOM the rows there is memory for."""
FIELDS = 13
TEXT, BOOLEAN, INTEGER, DOUBLE, FLOAT, DECIMAL, MOMENT, DATE, TIME, ROW, LIST = range(11)
LENGTHS, BEGAN, NULLS_BEGAN = range(3)
"""What `lens` holds, by LIST: the elements so far; and as they were when the row began, by column: these, and the nulls."""
BUCKETS = 512
PLACES = 64
NONE = -9223372036854775808
"""What stands for no moment."""
EQ, NE, LT, LE, GT, GE, NULL, NOT_NULL = range(8)
"""What a test does. Its row in the table of tests: column, sign, number or place of its text's bytes, their size, modulus (0:
none), and its clause: of the tests of one clause, which stand together, one has to hold."""


@register_jitable(forceinline=True, _nrt=False)
def bucket(group: Any, size: Any, first: Any, last: Any) -> Any:
    """Where to look a name up."""
    return (group * 41 + size * 29 + first * 5 + last * 19) & 511


@register_jitable(forceinline=True, _nrt=False)
def is_named(data: Any, at: Any, column: Any, size: Any, words: Any, names: Any, table: Any) -> Any:
    """Whether the bytes at a place are a column's name, which is `size` bytes long."""
    if few(data, at, min(size, 8)) != words[column]:
        return False
    begin, i = table[column, 8], 8
    while i < size and peek(data, at + i) == peek(names, begin + i):
        i += 1
    return i >= size


@register_jitable(forceinline=True, _nrt=False)
def find(data: Any, at: Any, size: Any, group: Any, words: Any, names: Any, table: Any, buckets: Any) -> Any:
    """The column of that name in a group, or -1."""
    if size == 0:
        place = bucket(group, 0, 0, 0)
    else:
        place = bucket(group, size, peek(data, at), peek(data, at + size - 1))
    while buckets[place] >= 0:
        column = buckets[place]
        fits = table[column, 7] == group and table[column, 9] == size
        if fits and is_named(data, at, column, size, words, names, table):
            return column
        place = (place + 1) & 511
    return np.int64(-1)


@register_jitable(forceinline=True, _nrt=False)
def put(base: Any, width: Any, row: Any, number: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> None:
    """Write a whole number."""
    if width == 8:
        o64[base + row] = number
    elif width == 4:
        o32[base + row] = number
    elif width == 2:
        o16[base + row] = number
    elif width == 1:
        o8[base + row] = np.uint8(number & 255)
    else:
        o64[base + 2 * row] = number
        o64[base + 2 * row + 1] = np.int64(-1) if number < 0 else np.int64(0)


@register_jitable(forceinline=True, _nrt=False)
def put_bit(o8: Any, base: Any, row: Any, one: Any) -> None:
    """Write one bit."""
    place, bit = base + (row >> 3), 1 << (row & 7)
    o8[place] = np.uint8((np.int64(o8[place]) | bit) if one else (np.int64(o8[place]) & (255 - bit)))


@register_jitable(forceinline=True, _nrt=False)
def put_null(column: Any, row: Any, table: Any, nulls: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> None:
    """Write a null: its bit, and a value that is none."""
    put_bit(o8, table[column, 2], row, False)
    nulls[column] += 1
    kind, base = table[column, 0], table[column, 1]
    if kind in (0, 5):
        o64[base + 2 * row] = 0
        o64[base + 2 * row + 1] = 0
    elif kind == 1:
        put_bit(o8, base, row, False)
    elif kind < 9:
        put(base, table[column, 3], row, 0, o8, o16, o32, o64)


@register_jitable(forceinline=True, _nrt=False)
def clear(rows: Any, table: Any, marks: Any, nulls: Any, lens: Any, o8: Any, o64: Any) -> Any:
    """Begin a frame: nothing is null. Whether there are lists."""
    lists = False
    for column in range(len(table)):
        marks[column] = 0
        nulls[column] = 0
        count = rows if table[column, 10] == 0 else table[column, 12]
        o8[table[column, 2] : table[column, 2] + (count + 7) // 8] = 255
        if table[column, 0] == 10:
            lists = True
            lens[0, column] = 0
            o64[table[column, 1]] = 0
    return lists


@register_jitable(forceinline=True, _nrt=False)
def begin(nulls: Any, lens: Any) -> None:
    """Remember where the lists are as a row begins."""
    for column in range(len(nulls)):
        lens[1, column] = lens[0, column]
        lens[2, column] = nulls[column]


@register_jitable(forceinline=True, _nrt=False)
def take_back(nulls: Any, lens: Any) -> None:
    """The row is none: what it added to lists is gone."""
    for column in range(len(nulls)):
        lens[0, column] = lens[1, column]
        nulls[column] = lens[2, column]


@register_jitable(forceinline=True, _nrt=False)
def end_lists(row: Any, table: Any, lens: Any, o64: Any) -> None:
    """A row of the table is written: so far go the elements of its lists."""
    for column in range(len(table)):
        if table[column, 0] == 10 and table[column, 10] == 0:
            o64[table[column, 1] + row + 1] = lens[0, column]


@register_jitable(forceinline=True, _nrt=False)
def end_element(
    owner: Any, row: Any, there: Any, table: Any, marks: Any, nulls: Any, lens: Any, o8: Any, o16: Any, o32: Any, o64: Any
) -> None:  # fmt: skip
    """An element of a list is written, in its row: what was not there (`there`) is null."""
    for column in range(owner + 1, table[owner, 11]):
        if table[column, 10] == owner + 1:
            if marks[column] == there:
                # Another, that was taken back, may have been null here.
                put_bit(o8, table[column, 2], row, True)
            else:
                put_null(column, row, table, nulls, o8, o16, o32, o64)
            if table[column, 0] == 10:
                o64[table[column, 1] + row + 1] = lens[0, column]
    lens[0, owner] = row + 1


@register_jitable(forceinline=True, _nrt=False)
def _held(base: Any, width: Any, row: Any, o8: Any, o16: Any, o32: Any, o64: Any) -> Any:
    if width == 8:
        return o64[base + row]
    if width == 4:
        return np.int64(o32[base + row])
    if width == 2:
        return np.int64(o16[base + row])
    number = np.int64(o8[base + row])
    return number - 256 if number > 127 else number


@register_jitable(forceinline=True, _nrt=False)
def _compared(
    data: Any, extra: Any, place: Any, row: Any, at: Any, size: Any, literals: Any, o8: Any, o64: Any
) -> Any:
    """Less than, equal to or more than nothing as a text is before, at or after a literal, byte by byte."""
    held = o64[place + 2 * row] & 0xFFFFFFFF
    second = o64[place + 2 * row + 1]
    buffer, begin = second & 0xFFFFFFFF, second >> 32
    for i in range(min(held, size)):
        if held <= 12:
            mine = np.int64(o8[(place + 2 * row) * 8 + 4 + i])
        elif buffer == 0:
            mine = np.int64(data[begin + i])
        else:
            mine = np.int64(extra[begin + i])
        theirs = np.int64(literals[at + i])
        if mine != theirs:
            return mine - theirs
    return held - size


@register_jitable(forceinline=True, _nrt=False)
def _rest(number: Any, modulus: Any) -> Any:
    """What a division leaves over, with the number's sign (SQL's MOD)."""
    rest = number % modulus
    return rest - modulus if number < 0 and rest != 0 else rest


@register_jitable(_nrt=False)
def passes(
    data: Any, row: Any, table: Any, marks: Any, there: Any, tests: Any, first: Any, last: Any, literals: Any, extra: Any,
    o8: Any, o16: Any, o32: Any, o64: Any,
) -> Any:  # fmt: skip
    """Whether a row passes one of these tests of every clause; a null passes none but NULL. A column is there where its mark says `there`."""
    clause, good = np.int64(-1), True
    for test in range(first, last):
        if tests[test, 5] != clause:
            if not good:
                return False
            clause, good = tests[test, 5], False
        if good:
            continue
        column, sign = tests[test, 0], tests[test, 1]
        if sign >= 6:
            good = (marks[column] == there) == (sign == 7)
            continue
        if marks[column] != there:
            continue
        base = table[column, 1]
        if table[column, 0] == 0:
            order = _compared(data, extra, base, row, tests[test, 2], tests[test, 3], literals, o8, o64)
            limit = np.int64(0)
        else:
            order = _held(base, table[column, 3], row, o8, o16, o32, o64)
            limit = tests[test, 2]
            if tests[test, 4] > 0:
                order = _rest(order, tests[test, 4])
        if sign == 0:
            good = order == limit
        elif sign == 1:
            good = order != limit
        elif sign == 2:
            good = order < limit
        elif sign == 3:
            good = order <= limit
        elif sign == 4:
            good = order > limit
        else:
            good = order >= limit
    return good


@register_jitable(_nrt=False)
def time_of_row(
    data: Any, row: Any, table: Any, marks: Any, there: Any, tests: Any, clocks: Any, literals: Any, extra: Any,
    o8: Any, o16: Any, o32: Any, o64: Any,
) -> Any:  # fmt: skip
    """What the first column holds whose tests hold, by the lines of `clocks`: the first test, the one behind the last, the column.
    The smallest number where there is none."""
    for place in range(len(clocks)):
        if passes(
            data, row, table, marks, there, tests, clocks[place, 0], clocks[place, 1], literals, extra, o8, o16, o32, o64
        ):  # fmt: skip
            column = clocks[place, 2]
            return o64[table[column, 1] + row] if marks[column] == there else np.int64(NONE)
    return np.int64(NONE)
