"""Columns to Protobuf's wire format, from the last byte to the first: then a message's size is known when it is to be written.

A message is a list of steps, each field's, a message before its fields, a list before its elements, and what stands beside each
other in the opposite order: its TYPE, the COLUMN, the step after it and all in it (NEXT), what is written before it (TAG; 0: nothing,
as within packed numbers), and whether it is left out where it is 0 (SPARSE). Source: the Protocol Buffers documentation, "Encoding".
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import UNCOUNTED, kernel
from penstock.engine.kernels.records import put_plain_varint

TYPE, COLUMN, NEXT, TAG, SPARSE = range(5)


@register_jitable(forceinline=True, _nrt=False)
def _varint_before(out: Any, at: Any, bits: Any) -> Any:
    """Write a varint that ends before a place; where it begins."""
    left = np.uint64(bits)
    size = np.int64(1)
    while left >= np.uint64(128):
        left >>= np.uint64(7)
        size += np.int64(1)
    put_plain_varint(out, at - size, bits)
    return at - size


@register_jitable(forceinline=True, _nrt=False)
def _put_before(out: Any, at: Any, kind: Any, held: Any, size: Any, texts: Any) -> Any:
    """Write a value that ends before a place; where it begins."""
    if kind in (2, 3):
        return _varint_before(out, at, (held << 1) ^ (held >> 63))
    if kind <= 4:
        return _varint_before(out, at, held)
    if kind in (5, 6):
        at -= np.int64(4 if kind == 5 else 8)
        for i in range(4 if kind == 5 else 8):
            out[at + i] = np.uint8((held >> (8 * i)) & 255)
        return at
    at -= size
    for i in range(size):
        out[at + i] = texts[held + i]
    return _varint_before(out, at, size)


@kernel(
    "void(const int64[:, ::1], const int64[::1], const boolean[::1], const int64[::1], const int64[::1], const uint8[::1],"
    " int64[:, ::1], uint8[::1], int64[::1])",
    UNCOUNTED,
)
def write_protobuf(steps, starts, valid, first, second, texts, stack, out, offsets):  # type: ignore[no-untyped-def]
    """Rows to messages, the first of which begins at `offsets[0]`; see `write_avro`. What is null is not written."""
    at = np.int64(len(out))
    offsets[len(offsets) - 1] = at
    for back in range(len(offsets) - 1):
        row = np.int64(len(offsets) - 2 - back)
        step, stop, left, depth = np.int64(0), np.int64(len(steps)), np.int64(0), 0
        while True:
            if step >= stop and depth == 0:
                break
            if step >= stop and left > 0:
                left -= 1
                row -= 1
                step = stack[0, depth] + 1
                continue
            if step >= stop:
                tag = steps[stack[0, depth], 3]
                if tag != 0:
                    at = _varint_before(out, at, stack[1, depth] - at)
                    at = _varint_before(out, at, tag)
                step = stop
                row, stop, left = stack[2, depth], stack[3, depth], stack[4, depth]
                depth -= 1
                continue
            kind, cell = steps[step, 0], starts[steps[step, 1]] + row
            held, size = first[cell], second[cell]
            empty = kind == 10 and size == 0
            if steps[step, 4] != 0:
                empty = size == 0 if kind in (7, 8) else held == 0
            if empty or not valid[cell]:
                step = steps[step, 2]
                continue
            if kind >= 9:
                depth += 1
                stack[0, depth], stack[1, depth], stack[2, depth] = step, at, row
                stack[3, depth], stack[4, depth] = stop, left
                left, stop = np.int64(0), steps[step, 2]
                if kind == 10:
                    left = size - 1
                    row = held + left
            else:
                at = _put_before(out, at, kind, held, size, texts)
                if steps[step, 3] != 0:
                    at = _varint_before(out, at, steps[step, 3])
            step += 1
        offsets[len(offsets) - 2 - back] = at
