"""Texts in quotes: where they end, whether they are UTF-8, and what stands in them once escapes are undone.

Source: RFC 8259, section 7; RFC 3629. Knows nothing of objects or columns.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.decode.words import LANES, eight, four, peek, special, trailing

ESCAPED, WIDE = 1, 2  # what a text was seen to hold: backslashes, more than ASCII


@register_jitable(forceinline=True, _nrt=False)
def until_quote(data: Any, at: Any, end: Any) -> Any:
    """(where the closing quote stands, what was seen) of a text that starts at `at`; (-1, 0) where it is none.

    None is: one without an end, with control characters, that is not UTF-8, with escapes that JSON does not have, that
    are NUL, or half a surrogate pair.
    """
    seen = 0
    while at < end:
        if at + LANES <= len(data):
            found = special(data, at)
            if found == 0:
                at += LANES
                continue
            at += trailing(found)
            if at >= end:
                break
        byte = peek(data, at)
        if byte == 34:
            return at, seen
        if byte == 92:
            size, _ = escape(data, at, end)
            seen |= 1
        elif byte >= 128:
            size = wide(data, at, end)
            seen |= 2
        else:
            size = 1 if byte >= 32 else 0
        if size == 0:
            break
        at += size
    return np.int64(-1), 0


@register_jitable(forceinline=True, _nrt=False)
def wide(data: Any, at: Any, end: Any) -> Any:
    """The bytes of a character above ASCII, 0 where they are not UTF-8."""
    first = peek(data, at)
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first < 0xC2 or first > 0xF4 or at + size > end:
        return 0
    second = peek(data, at + 1)
    low, high = 0x80, 0xBF
    if first == 0xE0:
        low = 0xA0
    elif first == 0xED:
        high = 0x9F
    elif first == 0xF0:
        low = 0x90
    elif first == 0xF4:
        high = 0x8F
    if second < low or second > high:
        return 0
    for i in range(2, size):
        if peek(data, at + i) & 0xC0 != 0x80:
            return 0
    return size


@register_jitable(forceinline=True, _nrt=False)
def _hex(data: Any, at: Any, end: Any) -> Any:
    """Four hexadecimal digits' number, or -1."""
    if at + 4 > end:
        return -1
    number = 0
    for i in range(4):
        byte = peek(data, at + i)
        low = byte | 32
        if 48 <= byte <= 57:
            number = number * 16 + byte - 48
        elif 97 <= low <= 102:
            number = number * 16 + low - 87
        else:
            return -1
    return number


@register_jitable(forceinline=True, _nrt=False)
def escape(data: Any, at: Any, end: Any) -> Any:
    """(bytes, code point) of the escape that starts at a backslash; (0, 0) where it is none, or NUL, or half a pair."""
    if at + 1 >= end:
        return 0, 0
    byte = peek(data, at + 1)
    if byte in (34, 92, 47):
        return 2, byte
    if byte == 110:
        return 2, 10
    if byte == 116:
        return 2, 9
    if byte == 114:
        return 2, 13
    if byte == 98:
        return 2, 8
    if byte == 102:
        return 2, 12
    if byte != 117:
        return 0, 0
    code = _hex(data, at + 2, end)
    if code <= 0 or 0xDC00 <= code <= 0xDFFF:
        return 0, 0
    if code < 0xD800 or code > 0xDFFF:
        return 6, code
    if at + 7 >= end or peek(data, at + 6) != 92 or peek(data, at + 7) != 117:
        return 0, 0
    low = _hex(data, at + 8, end)
    if low < 0xDC00 or low > 0xDFFF:
        return 0, 0
    return 12, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)


@register_jitable(forceinline=True, _nrt=False)
def unescape(data: Any, at: Any, end: Any, out: Any, to: Any) -> Any:
    """Lay a checked text into `out` from `to` on, its escapes undone; where it ends there."""
    while at < end:
        byte = peek(data, at)
        if byte != 92:
            out[to] = byte
            to += 1
            at += 1
            continue
        size, code = escape(data, at, end)
        at += size
        if code < 0x80:
            out[to] = code
            to += 1
            continue
        if code < 0x800:
            out[to] = 0xC0 | (code >> 6)
            to += 1
        else:
            if code < 0x10000:
                out[to] = 0xE0 | (code >> 12)
                to += 1
            else:
                out[to] = 0xF0 | (code >> 18)
                out[to + 1] = 0x80 | ((code >> 12) & 63)
                to += 2
            out[to] = 0x80 | ((code >> 6) & 63)
            to += 1
        out[to] = 0x80 | (code & 63)
        to += 1
    return to


@register_jitable(forceinline=True, _nrt=False)
def few(data: Any, at: Any, size: Any) -> Any:
    """Up to eight bytes as an unsigned number, the first the lowest."""
    if at + 8 <= len(data):
        whole = eight(data, at)
        return whole if size >= 8 else whole & ((np.uint64(1) << np.uint64(8 * size)) - np.uint64(1))
    number = np.uint64(0)
    for i in range(size):
        number |= np.uint64(peek(data, at + i)) << np.uint64(8 * i)
    return number


@register_jitable(forceinline=True, _nrt=False)
def view(data: Any, at: Any, size: Any, buffer: Any, out: Any, place: Any) -> None:
    """Write the Arrow view (two words of `out` from `place` on) of a text: itself up to 12 bytes, else where it lies."""
    if size > 12:
        out[place] = size | (four(data, at) << 32)
        out[place + 1] = buffer | (at << 32)
        return
    first = few(data, at, min(size, 4))
    out[place] = np.int64(np.uint64(size) | (first << np.uint64(32)))
    out[place + 1] = np.int64(few(data, at + 4, size - 4)) if size > 4 else np.int64(0)
