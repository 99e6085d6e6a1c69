"""Columns to Avro's binary encoding, by the steps that `decode.avro` reads it by.

Source: the Avro specification, "Binary encoding". Knows nothing of what stands for which kind.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.records import put_varint


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


@register_jitable(forceinline=True, _nrt=False)
def _put(out: Any, at: Any, kind: Any, unit: Any, held: Any, other: Any, texts: Any) -> Any:
    """Write one value; the place behind it."""
    if kind == 0:
        out[at] = np.uint8(held & 1)
        return at + 1
    if kind == 1:
        return put_varint(out, at, held // unit)
    if kind in (2, 3):
        size = np.int64(4 if kind == 2 else 8)
        for i in range(size):
            out[at + i] = np.uint8((held >> (8 * i)) & 255)
        return at + size
    if kind in (4, 5):
        at = put_varint(out, at, other)
        for i in range(other):
            out[at + i] = texts[held + i]
        return at + other
    return _put_unscaled(out, at, other, held)


@kernel(
    "int64(const int64[:, ::1], const int64[::1], const boolean[::1], const int64[::1], const int64[::1], const uint8[::1],"
    " int64[:, ::1], uint8[::1], int64[::1])",
    UNCOUNTED,
)
def write_avro(steps, starts, valid, first, second, texts, stack, out, offsets):  # type: ignore[no-untyped-def]
    """Rows to values, which end at `offsets[1:]`: 0, or one more than the step of a value that is null and must not be.

    Where a column's values begin in `valid`, `first` and `second`, `starts` has: a number, the bits of a double or float, where a
    text lies and its size, a wide number's lower and upper word, a list's first element and how many it has.
    """
    at = np.int64(0)
    offsets[0] = 0
    for record in range(len(offsets) - 1):
        row, step, stop, left = np.int64(record), np.int64(0), np.int64(len(steps)), np.int64(0)
        depth = 0
        while True:
            if step >= stop:
                if depth == 0:
                    break
                left -= 1
                row += 1
                if left > 0:
                    step = stack[3, depth]
                    continue
                out[at] = 0
                at += 1
                step = stop
                depth -= 1
                row, stop, left = stack[0, depth], stack[1, depth], stack[2, depth]
                continue
            kind, cell = steps[step, 0], starts[steps[step, 2]] + row
            if steps[step, 1] != 0:
                out[at] = 2 if valid[cell] else 0
                at += 1
                if not valid[cell]:
                    step = steps[step, 3]
                    continue
            elif not valid[cell]:
                return step + 1
            if kind == 8 and second[cell] == 0:
                out[at] = 0
                at += 1
                step = steps[step, 3]
                continue
            if kind == 8:
                stack[0, depth], stack[1, depth], stack[2, depth] = row, stop, left
                depth += 1
                stack[3, depth] = step + 1
                row, left, stop = first[cell], second[cell], steps[step, 3]
                at = put_varint(out, at, left)
            elif kind != 7:
                at = _put(out, at, kind, steps[step, 4], first[cell], second[cell], texts)
            step += 1
        offsets[record + 1] = at
    return 0
