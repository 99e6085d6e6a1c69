"""Values laid one a line, as a JSON reader wants them, and only those that cannot disturb their neighbours.

A value goes in when it starts with ``{``, ends with ``}`` and does not end inside a string. Laid after each other
such values give a reader either an error or at least one object each: an unclosed one is followed by ``{`` where a
comma must stand. So as many rows as lines means one row a line, in order. A value with a NUL in it stays out too:
arro3 aborts the process where an error message would have one (its C string cannot). Knows nothing else of JSON.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import kernel

TOMBSTONE, WHOLE, SUSPECT = 0, 1, 2


@register_jitable
def _risky(data: Any, at: Any, end: Any) -> Any:
    """Whether a text with backslashes ends inside a string, or has escapes that the reader gets wrong.

    These are NUL, and characters above U+1FFFF (``\\ud840`` and up), of which it loses a bit.
    """
    inside = False
    i = at
    while i < end:
        byte = data[i]
        if byte == 34:
            inside = not inside
        elif byte == 92 and inside:
            i += 1
            if i + 4 < end and data[i] == 117:
                if data[i + 1] == 48 and data[i + 2] == 48 and data[i + 3] == 48 and data[i + 4] == 48:
                    return True
                if (
                    (data[i + 1] | 32) == 100
                    and data[i + 2] >= 56
                    and not (data[i + 2] == 56 and data[i + 3] < 52)
                ):
                    return True
        i += 1
    return inside


@register_jitable
def _exponent(data: Any, at: Any, end: Any) -> Any:
    """Whether something like ``1e5`` stands in the text."""
    for i in range(at + 1, end - 1):
        if (data[i] | 32) == 101 and 48 <= data[i - 1] <= 57:
            after = data[i + 1]
            if 48 <= after <= 57 or after in (43, 45):
                return True
    return False


@kernel("int64(const uint8[::1], const int64[::1], const int64[::1], boolean, uint8[::1], uint8[::1])")
def join(data, starts, sizes, plain, out, states):  # type: ignore[no-untyped-def]
    """Lay all values into `out`, a newline after each; returns the bytes written. With `plain` none with an exponent.

    `states[row]` says what each is: a tombstone (null), a whole object that was laid, or a suspect that was not.
    """
    to = 0
    for row in range(len(starts)):
        size = sizes[row]
        if size < 0:
            states[row] = 0
            continue
        at, end = starts[row], starts[row] + size
        while at < end and data[at] in (32, 10, 13, 9):
            at += 1
        while end > at and data[end - 1] in (32, 10, 13, 9):
            end -= 1
        if end - at < 2 or data[at] != 123 or data[end - 1] != 125:
            states[row] = 2
            continue
        quotes, slashes, nuls = np.int64(0), np.int64(0), np.int64(0)
        for i in range(at, end):
            quotes += np.int64(data[i] == 34)
            slashes += np.int64(data[i] == 92)
            nuls += np.int64(data[i] == 0)
        if (
            nuls > 0
            or (plain and _exponent(data, at, end))
            or (_risky(data, at, end) if slashes > 0 else quotes % 2 == 1)
        ):
            states[row] = 2
            continue
        states[row] = 1
        size = end - at
        out[to : to + size] = data[at:end]
        to += size
        out[to] = 10
        to += 1
    return to


@kernel("int64(const uint8[::1], int64[::1])")
def split(data, offsets):  # type: ignore[no-untyped-def]
    """Where the lines of `data` start; `offsets` holds one more than there are lines. Returns the lines found."""
    line = 0
    offsets[0] = 0
    for i in range(len(data)):
        if data[i] == 10:
            line += 1
            if line < len(offsets):
                offsets[line] = i + 1
    return line
