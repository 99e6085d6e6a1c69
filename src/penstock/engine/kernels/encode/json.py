"""Columns to JSON values: a list of steps a row, each a piece of text that never changes and a value behind it.

A ROW is its opening step, its fields' steps, and its closing one; arrays and maps come as texts that are JSON already (RAW),
which `join_lists` makes of their elements' texts. Source: RFC 8259; Flink's RowDataToJsonConverters for what stands for which
kind. Knows nothing of columns' names or of Kafka's batches.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.words import LANES, carry, eight, peek, set_eight, special, trailing
from penstock.engine.kernels.moments import put_date, put_digits, put_moment

KIND, COLUMN, TEXT_AT, TEXT_SIZE, NEXT, COMMA, ARGUMENT, SECOND = range(8)
"""TEXT_AT and TEXT_SIZE say which of the literals stands before a value, COMMA whether a comma may have to before that, NEXT is
the step after the value. A moment's ARGUMENT is the sign in its middle, its SECOND whether it ends in Z; a DECIMAL's its scale."""
BOOLEAN, INTEGER, TEXT, RAW, MOMENT, DATE, TIME, DECIMAL, SHORT, OPEN, CLOSE = range(11)
WIDEST = 48
"""Bytes that any value but a text or RAW one takes at most."""
SPARE = 32
"""Bytes that texts and literals, and what is written to, must have at their ends."""


@register_jitable(forceinline=True, _nrt=False)
def _put_whole(out: Any, at: Any, number: Any) -> Any:
    """A whole number; the place behind it."""
    if number == np.int64(-9223372036854775808):
        out[at] = 45
        out[at + 1] = 57
        put_digits(out, at + 2, np.int64(223372036854775808), 18)
        return at + 20
    if number < 0:
        out[at] = 45
        at += 1
        number = -number
    width, limit = 1, np.int64(10)
    while width < 19 and number >= limit:
        width += 1
        limit = limit * 10 if width < 19 else np.int64(9223372036854775807)
    put_digits(out, at, number, width)
    return at + width


@register_jitable(forceinline=True, _nrt=False)
def _put_scaled(out: Any, at: Any, number: Any, scale: Any) -> Any:
    """A number of which the last `scale` digits are a fraction."""
    if number < 0:
        out[at] = 45
        at += 1
        number = -number
    power = np.int64(1)
    for _ in range(scale):
        power *= 10
    at = _put_whole(out, at, number // power)
    if scale > 0:
        out[at] = 46
        put_digits(out, at + 1, number % power, scale)
        at += 1 + scale
    return at


@register_jitable(forceinline=True, _nrt=False)
def _put_wide(out: Any, at: Any, low: Any, high: Any, scale: Any) -> Any:
    """A number of two words, likewise: at most 38 digits, each by a division of all four quarters."""
    if high < 0:
        out[at] = 45
        at += 1
        high = ~high + (1 if low == 0 else 0)
        low = -low
    a, b = (high >> 32) & 0xFFFFFFFF, high & 0xFFFFFFFF
    c, d = (low >> 32) & 0xFFFFFFFF, low & 0xFFFFFFFF
    end = at + 40
    place = end
    count = 0
    while count <= scale or a != 0 or b != 0 or c != 0 or d != 0:
        rest = a % 10
        a //= 10
        b += rest << 32
        rest = b % 10
        b //= 10
        c += rest << 32
        rest = c % 10
        c //= 10
        d += rest << 32
        rest = d % 10
        d //= 10
        if count == scale and scale > 0:
            place -= 1
            out[place] = 46
        place -= 1
        out[place] = 48 + rest
        count += 1
    for i in range(end - place):
        out[at + i] = out[place + i]
    return at + end - place


@register_jitable(forceinline=True, _nrt=False)
def _put_time(out: Any, at: Any, nanos: Any) -> Any:
    """``HH:mm:ss`` and as many digits of fraction as it needs."""
    seconds = nanos // 1000000000
    put_digits(out, at, seconds // 3600, 2)
    out[at + 2] = 58
    put_digits(out, at + 3, seconds // 60 % 60, 2)
    out[at + 5] = 58
    put_digits(out, at + 6, seconds % 60, 2)
    at += 8
    rest, width = nanos % 1000000000, 9
    if rest > 0:
        while rest % 10 == 0:
            rest //= 10
            width -= 1
        out[at] = 46
        put_digits(out, at + 1, rest, width)
        at += 1 + width
    return at


@register_jitable(forceinline=True, _nrt=False)
def _hexadecimal(digit: Any) -> Any:
    return 48 + digit if digit < 10 else 55 + digit


@register_jitable(forceinline=True, _nrt=False)
def _put_escaped(out: Any, at: Any, byte: Any) -> Any:
    out[at] = 92
    short = 0
    if byte in (34, 92):
        short = byte
    elif byte == 10:
        short = 110
    elif byte == 13:
        short = 114
    elif byte == 9:
        short = 116
    elif byte == 8:
        short = 98
    elif byte == 12:
        short = 102
    if short != 0:
        out[at + 1] = short
        return at + 2
    out[at + 1] = 117
    out[at + 2] = 48
    out[at + 3] = 48
    out[at + 4] = _hexadecimal(byte >> 4)
    out[at + 5] = _hexadecimal(byte & 15)
    return at + 6


@register_jitable(forceinline=True, _nrt=False)
def _copy(out: Any, to: Any, data: Any, at: Any, size: Any) -> Any:
    """Eight bytes at a time: both sides have as many to spare at their ends."""
    i = 0
    while i < size:
        set_eight(out, to + i, eight(data, at + i))
        i += 8
    return to + size


@register_jitable(forceinline=True, _nrt=False)
def _put_text(out: Any, to: Any, data: Any, at: Any, size: Any) -> Any:
    """A text in quotes, with what must be escaped."""
    out[to] = 34
    to += 1
    end = at + size
    while at < end:
        # What is not ASCII counts as special too: it is looked at byte by byte, and copied.
        found = special(data, at)
        carry(out, to, data, at)
        plain = min(end - at, LANES if found == 0 else trailing(found))
        at += plain
        to += plain
        if at >= end or found == 0:
            continue
        byte = peek(data, at)
        if byte < 32 or byte in (34, 92):
            to = _put_escaped(out, to, byte)
        else:
            out[to] = byte
            to += 1
        at += 1
    out[to] = 34
    return to + 1


@register_jitable(forceinline=True, _nrt=False)
def _put(out: Any, at: Any, kind: Any, step: Any, steps: Any, held: Any, other: Any, texts: Any) -> Any:
    """One value."""
    if kind == 2:
        return _put_text(out, at, texts, held, other)
    if kind == 1:
        return _put_whole(out, at, held)
    if kind == 8 and other >= 0:
        return _put_scaled(out, at, held, other)
    if kind == 8:
        return _copy(out, at, texts, held, -1 - other)
    if kind == 3:
        return _copy(out, at, texts, held, other)
    if kind == 7:
        if (
            other == held >> 63
            and held > -1000000000000000000
            and held < 1000000000000000000
            and steps[step, 6] <= 18
        ):
            return _put_scaled(out, at, held, steps[step, 6])
        return _put_wide(out, at, held, other, steps[step, 6])
    if kind == 0:
        word = np.uint64(0x65757274) if held != 0 else np.uint64(0x65736C6166)
        size = 4 if held != 0 else 5
        for i in range(size):
            out[at + i] = np.uint8((word >> np.uint64(8 * i)) & np.uint64(255))
        return at + size
    out[at] = 34
    at += 1
    if kind == 4:
        at = put_moment(out, at, held, steps[step, 6], steps[step, 7] != 0, -1)
    elif kind == 5:
        at = put_date(out, at, held)
    else:
        at = _put_time(out, at, held)
    out[at] = 34
    return at + 1


@kernel(
    "int64(const int64[:, ::1], const uint8[::1], const boolean[:, ::1], const int64[:, ::1], const int64[:, ::1], const uint8[::1],"
    " boolean, uint8[::1], int64[::1])",
    UNCOUNTED,
)
def write_json(steps, literals, valid, first, second, texts, sparse, out, offsets):  # type: ignore[no-untyped-def]
    """Rows to values, which end at `offsets[1:]`; the bytes written. COLUMN says which row of `valid`, `first` and `second` a step
    takes: a whole number, a number and its scale, or where its text lies and one less than nothing minus its size (SHORT), where a text lies and its size, a DECIMAL's lower and upper word. With
    `sparse` what is null is left out.
    """
    at = np.int64(0)
    offsets[0] = 0
    for row in range(len(offsets) - 1):
        step = np.int64(0)
        while step < len(steps):
            kind, column = steps[step, 0], steps[step, 1]
            if kind == 10:
                out[at] = 125
                at += 1
                step += 1
                continue
            there = column < 0 or valid[column, row]
            if sparse and not there and steps[step, 3] > 1:
                step = steps[step, 4]
                continue
            if steps[step, 5] != 0 and out[at - 1] != 123:
                out[at] = 44
                at += 1
            at = _copy(out, at, literals, steps[step, 2], steps[step, 3])
            if not there:
                out[at] = 110
                out[at + 1] = 117
                out[at + 2] = 108
                out[at + 3] = 108
                at += 4
                step = steps[step, 4]
            elif kind == 9:
                out[at] = 123
                at += 1
                step += 1
            else:
                at = _put(out, at, kind, step, steps, first[column, row], second[column, row], texts)
                step += 1
        offsets[row + 1] = at
    return at


@kernel(
    "int64(const uint8[::1], const int64[::1], const int64[::1], const boolean[::1], int64, int64, uint8[::1], int64[::1])",
    UNCOUNTED,
)
def join_lists(data, ends, lists, valid, opening, closing, out, offsets):  # type: ignore[no-untyped-def]
    """Elements' texts to lists' texts, with commas between: list i has the elements lists[i] to lists[i + 1], element e the
    bytes ends[e] to ends[e + 1]; one of no bytes is left out. A list that is not valid is empty bytes."""
    at = np.int64(0)
    offsets[0] = 0
    for row in range(len(offsets) - 1):
        if valid[row]:
            out[at] = opening
            at += 1
            begin = at
            for one in range(lists[row], lists[row + 1]):
                size = ends[one + 1] - ends[one]
                if size > 0:
                    if at > begin:
                        out[at] = 44
                        at += 1
                    at = _copy(out, at, data, ends[one], size)
            out[at] = closing
            at += 1
        offsets[row + 1] = at
    return at


@kernel("int64(const float64[::1], const boolean[::1], int64[::1], int64[::1])", UNCOUNTED)
def shorten(numbers, valid, whole, scales):  # type: ignore[no-untyped-def]
    """Doubles as whole numbers over powers of ten, where that is exact and short; returns 1 at the first that is not.

    A whole number below 2^53 over 10^k is the double nearest to what it says, so it reads back as the same; with the
    smallest k it is the shortest that does.
    """
    for row in range(len(numbers)):
        number = numbers[row]
        whole[row] = 0
        scales[row] = 1
        if not valid[row]:
            continue
        power = 1.0
        found = False
        if abs(number) < 1e14 and (number != 0.0 or not np.signbit(number)):
            for scale in range(7):
                scaled = np.rint(number * power)
                if abs(scaled) < 9007199254740992.0 and scaled / power == number:
                    whole[row] = np.int64(scaled) * (10 if scale == 0 else 1)
                    scales[row] = max(scale, 1)
                    found = True
                    break
                power *= 10.0
        if not found:
            return 1
    return 0
