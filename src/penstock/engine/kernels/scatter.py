"""Scatter aggregates: each row's value goes into its slot's cell, in the order of the rows.

`valid` says which rows take part (not null, and the FILTER is true). Integers wrap, as Flink's do.
Knows nothing of keys or windows.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.compiled import kernel


@kernel("void(const int64[::1], const boolean[::1], const int64[::1], int64[::1])")
def count(slots, valid, signs, cells):  # type: ignore[no-untyped-def]
    """Add each row's sign: 1 for a row that comes, -1 for one that is taken back."""
    for row in range(len(slots)):
        if valid[row]:
            cells[slots[row]] += signs[row]


@kernel("void(const int64[::1], const int64[::1], const int64[::1], int64[::1])")
def add_cells(targets, sources, held, cells):  # type: ignore[no-untyped-def]
    """Add each source's cell to its target's."""
    for row in range(len(targets)):
        cells[targets[row]] += held[sources[row]]


@kernel("void(const int64[::1], const int64[::1], const int64[::1], int64[::1], int64[:, ::1])")
def count_bits(slots, pairs, bits, held, counts):  # type: ignore[no-untyped-def]
    """For each row, the bits that its pair does not have yet: it gets them, and its slot counts one for each."""
    for row in range(len(slots)):
        fresh = bits[row] & ~held[pairs[row]]
        if fresh == 0:
            continue
        held[pairs[row]] |= fresh
        for place in range(counts.shape[1]):
            if (fresh >> place) & 1:
                counts[slots[row], place] += 1


@kernel("int64(const int64[::1], boolean[::1], int64[::1])")
def touched(slots, marks, out):  # type: ignore[no-untyped-def]
    """The slots that there are, each once, as they first appear; returns how many. `marks` is all false before and after."""
    count = 0
    for row in range(len(slots)):
        slot = slots[row]
        if not marks[slot]:
            marks[slot] = True
            out[count] = slot
            count += 1
    for place in range(count):
        marks[out[place]] = False
    return count


@kernel("void(const int64[::1], const boolean[::1], const int64[::1], const int64[::1], int64[::1])")
def sum_int(slots, valid, signs, values, cells):  # type: ignore[no-untyped-def]
    """Add up int64; a value taken back is subtracted."""
    for row in range(len(slots)):
        if valid[row]:
            cells[slots[row]] += signs[row] * values[row]


@kernel("void(const int64[::1], const boolean[::1], const int64[::1], const float64[::1], float64[::1])")
def sum_float(slots, valid, signs, values, cells):  # type: ignore[no-untyped-def]
    """Add up float64; a value taken back is subtracted."""
    for row in range(len(slots)):
        if valid[row]:
            cells[slots[row]] += signs[row] * values[row]


@kernel("void(const int64[::1], const boolean[::1], const int64[::1], int64, int64[::1])")
def extreme_int(slots, valid, values, sign, cells):  # type: ignore[no-untyped-def]
    """Keep the largest (`sign` 1) or smallest (-1) int64."""
    for row in range(len(slots)):
        if valid[row]:
            slot, value = slots[row], values[row]
            if (value > cells[slot]) if sign > 0 else (value < cells[slot]):
                cells[slot] = value


@kernel("void(const int64[::1], const boolean[::1], const float64[::1], int64, float64[::1])")
def extreme_float(slots, valid, values, sign, cells):  # type: ignore[no-untyped-def]
    """Keep the largest or smallest float64; NaN is larger than all, as in Java's Double.compare."""
    for row in range(len(slots)):
        if valid[row]:
            slot, value = slots[row], values[row]
            held = cells[slot]
            if sign > 0:
                if value > held or np.isnan(value):
                    cells[slot] = value
            elif value < held or (np.isnan(held) and not np.isnan(value)):
                cells[slot] = value


@kernel(
    "void(const int64[::1], const boolean[::1], const int64[::1],"
    " const float64[::1], float64[::1], float64[::1], float64[::1])"
)
def spread(slots, valid, signs, values, counts, means, squares):  # type: ignore[no-untyped-def]
    """Welford's running mean and sum of squared distances; runs backwards for a value taken back."""
    for row in range(len(slots)):
        if not valid[row]:
            continue
        slot, value = slots[row], values[row]
        n = counts[slot] + signs[row]
        counts[slot] = n
        if n <= 0:
            means[slot] = 0.0
            squares[slot] = 0.0
            continue
        if signs[row] > 0:
            step = value - means[slot]
            means[slot] += step / n
            squares[slot] += step * (value - means[slot])
        else:
            step = value - means[slot]
            means[slot] -= step / n
            squares[slot] -= step * (value - means[slot])


@kernel(
    "void(const int64[::1], const int64[::1], const float64[::1], const float64[::1],"
    " const float64[::1], float64[::1], float64[::1], float64[::1])"
)
def merge_spread(targets, sources, counts, means, squares, to_counts, to_means, to_squares):  # type: ignore[no-untyped-def]
    """Put parts together (Chan, Golub, LeVeque 1979)."""
    for row in range(len(targets)):
        to, part = targets[row], sources[row]
        n, m = to_counts[to], counts[part]
        if m <= 0:
            continue
        step = means[part] - to_means[to]
        to_counts[to] = n + m
        to_means[to] += step * m / (n + m)
        to_squares[to] += squares[part] + step * step * n * m / (n + m)


@kernel("int64(const int64[::1], const boolean[::1], int64, int64[::1])")
def watermarks(moments_ms, valid, seen_ms, marks):  # type: ignore[no-untyped-def]
    """The largest time seen before each row (starting from `seen_ms`), in `marks`; returns the largest in all."""
    for row in range(len(moments_ms)):
        marks[row] = seen_ms
        if valid[row] and moments_ms[row] > seen_ms:
            seen_ms = moments_ms[row]
    return seen_ms


@kernel("void(const int64[::1], const boolean[::1], int64[::1], int64[::1])")
def versions(slots, gone, heads, before):  # type: ignore[no-untyped-def]
    """For each row, the version of its slot that it replaces (-1: none); `heads` holds each slot's last.

    The batch's rows are numbered on from `before[0]`, which the caller puts there; a row that is `gone` leaves
    its slot without a version.
    """
    number = before[0]
    for row in range(len(slots)):
        slot = slots[row]
        held = heads[slot]
        heads[slot] = -1 if gone[row] else number + row
        before[row] = held


@kernel(
    "void(const int64[::1], const boolean[::1], const int64[::1], const int64[::1], const uint64[::1],"
    " int64[::1], uint64[::1])"
)
def sum_wide(slots, valid, signs, highs, lows, cells_high, cells_low):  # type: ignore[no-untyped-def]
    """Add up 128-bit integers in two halves, the carry by hand."""
    for row in range(len(slots)):
        if not valid[row]:
            continue
        slot, high, low = slots[row], highs[row], lows[row]
        if signs[row] < 0:  # two's complement of the pair
            high = ~high + np.int64(low == np.uint64(0))
            low = ~low + np.uint64(1)
        total = cells_low[slot] + low
        cells_high[slot] += high + np.int64(total < low)
        cells_low[slot] = total


@register_jitable
def _above(high: Any, low: Any, than_high: Any, than_low: Any) -> Any:
    return high > than_high or (high == than_high and low > than_low)


@kernel(
    "void(const int64[::1], const boolean[::1], const int64[::1], const uint64[::1], int64,"
    " int64[::1], int64[::1], uint64[::1])"
)
def extreme_wide(slots, valid, highs, lows, sign, counts, cells_high, cells_low):  # type: ignore[no-untyped-def]
    """Keep the largest (`sign` 1) or smallest (-1) 128-bit integer, and count."""
    for row in range(len(slots)):
        if not valid[row]:
            continue
        slot, high, low = slots[row], highs[row], lows[row]
        held_high, held_low = cells_high[slot], cells_low[slot]
        better = (
            _above(high, low, held_high, held_low) if sign > 0 else _above(held_high, held_low, high, low)
        )
        if better or counts[slot] == 0:
            cells_high[slot] = high
            cells_low[slot] = low
        counts[slot] += 1
