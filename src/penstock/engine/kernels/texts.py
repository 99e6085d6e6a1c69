"""Texts laid after each other: copied in and out by number, told apart, compared.

Text `n` is ``data[at[n]:at[n + 1]]``. Knows nothing of columns.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.decode.strings import few
from penstock.engine.kernels.decode.words import LANES, equal, peek, trailing


@register_jitable(forceinline=True, _nrt=False)
def _hashed(data: Any, at: Any, size: Any) -> Any:
    """Eight bytes after the other, mixed in by splitmix64's steps (Steele, Lea, Flood 2014)."""
    x = np.uint64(size) * np.uint64(0x9E3779B97F4A7C15)
    i = np.int64(0)
    while i < size:
        x = (x ^ few(data, at + i, min(size - i, 8))) * np.uint64(0xBF58476D1CE4E5B9)
        x = x ^ (x >> np.uint64(29))
        i += 8
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@register_jitable(forceinline=True, _nrt=False)
def _same(data: Any, at: Any, other: Any, place: Any, size: Any) -> Any:
    i = np.int64(0)
    while i < size:
        left = min(size - i, 8)
        if few(data, at + i, left) != few(other, place + i, left):
            return False
        i += 8
    return True


@register_jitable(forceinline=True, _nrt=False)
def _copied(data: Any, at: Any, size: Any, out: Any, to: Any) -> None:
    for i in range(size):
        out[to + i] = np.uint8(peek(data, at + i))


@kernel(
    "Tuple((int64, int64))(const uint8[::1], const int64[::1], const boolean[::1], int64, int64[::1], int64,"
    " uint8[::1], int64[::1], int64[::1])",
    UNCOUNTED,
)
def number_texts(data, at, there, start, table, count, held, held_at, out):  # type: ignore[no-untyped-def]
    """Look up or add texts from row `start` on; stops at half load. Returns (rows done, numbers given so far).

    `held` and `held_at` are the texts that have a number, with room for all of these; what is not `there` gets -1.
    """
    mask = np.uint64(len(table) - 1)
    limit = len(table) // 2
    for row in range(start, len(out)):
        if not there[row]:
            out[row] = -1
            continue
        begin, size = at[row], at[row + 1] - at[row]
        place = np.int64(_hashed(data, begin, size) & mask)
        while True:
            number = table[place]
            if number == -1:
                if count >= limit:
                    return row, count
                table[place] = count
                _copied(data, begin, size, held, held_at[count])
                held_at[count + 1] = held_at[count] + size
                out[row] = count
                count += 1
                break
            if held_at[number + 1] - held_at[number] == size and _same(
                data, begin, held, held_at[number], size
            ):
                out[row] = number
                break
            place = np.int64(np.uint64(place + 1) & mask)
    return len(out), count


@kernel("void(const uint8[::1], const int64[::1], int64, int64[::1])", UNCOUNTED)
def rehash_texts(held, held_at, count, table):  # type: ignore[no-untyped-def]
    """Put the first `count` texts into a new table."""
    mask = np.uint64(len(table) - 1)
    for number in range(count):
        place = np.int64(_hashed(held, held_at[number], held_at[number + 1] - held_at[number]) & mask)
        while table[place] != -1:
            place = np.int64(np.uint64(place + 1) & mask)
        table[place] = number


@kernel("int64(const int64[::1], const int64[::1], int64[::1])")
def measure(at, numbers, out):  # type: ignore[no-untyped-def]
    """Where each of some texts goes when they are laid after each other, and how long they are together; -1 is none."""
    total = 0
    out[0] = 0
    for row in range(len(numbers)):
        number = numbers[row]
        if number >= 0:
            total += at[number + 1] - at[number]
        out[row + 1] = total
    return total


@kernel("void(const uint8[::1], const int64[::1], const int64[::1], const int64[::1], uint8[::1])", UNCOUNTED)
def gather(data, at, numbers, places, out):  # type: ignore[no-untyped-def]
    """Lay some texts where `measure` said."""
    for row in range(len(numbers)):
        if numbers[row] >= 0:
            _copied(data, at[numbers[row]], places[row + 1] - places[row], out, places[row])


@register_jitable(forceinline=True, _nrt=False)
def _next(data: Any, at: Any, end: Any, mark: Any, wide: Any) -> Any:
    """Where `mark` stands next; `end` where it does not."""
    first = peek(mark, 0)
    while at + wide <= end:
        if at + LANES <= len(data):
            found = equal(data, at, first)
            if found == 0:
                at += LANES
                continue
            at += trailing(found)
            if at + wide > end:
                break
        if peek(data, at) == first and (wide == 1 or _same(data, at, mark, np.int64(0), wide)):
            return at
        at += 1
    return end


@kernel(
    "void(const uint8[::1], const int64[::1], boolean[::1], const uint8[::1], int64, uint8[::1], int64[::1])",
    UNCOUNTED,
)
def part(data, at, there, mark, index, out, places):  # type: ignore[no-untyped-def]
    """Of each text the part at `index` (from 0) when it is cut at each `mark`; beyond the last it is not `there`."""
    to, wide = np.int64(0), len(mark)
    places[0] = 0
    for row in range(len(there)):
        begin, end, left = at[row], at[row + 1], index
        if there[row]:
            i = _next(data, begin, end, mark, wide)
            while left > 0 and i < end:
                left -= 1
                begin = i + wide
                i = _next(data, begin, end, mark, wide)
            there[row] = left == 0
            if left == 0:
                _copied(data, begin, i - begin, out, to)
                to += i - begin
        places[row + 1] = to


@register_jitable(forceinline=True, _nrt=False)
def _above(data: Any, at: Any, one: Any, other: Any) -> Any:
    """Whether a text comes behind another, byte by byte."""
    begin, begun = at[one], at[other]
    size, sized = at[one + 1] - begin, at[other + 1] - begun
    for i in range(min(size, sized)):
        mine, theirs = np.uint8(peek(data, begin + i)), np.uint8(peek(data, begun + i))
        if mine != theirs:
            return mine > theirs
    return size > sized


@kernel(
    "void(const int64[::1], const boolean[::1], const int64[::1], const uint8[::1], const int64[::1], int64,"
    " int64[::1], int64[::1])",
    UNCOUNTED,
)
def extreme_text(slots, valid, numbers, data, at, sign, counts, cells):  # type: ignore[no-untyped-def]
    """Keep, by number, the largest (`sign` 1) or smallest (-1) text, and count."""
    for row in range(len(slots)):
        if not valid[row]:
            continue
        slot, number = slots[row], numbers[row]
        held = cells[slot]
        if counts[slot] == 0 or (held != number and _above(data, at, number, held) == (sign > 0)):
            cells[slot] = number
        counts[slot] += 1
