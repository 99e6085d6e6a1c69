"""Scatter aggregates: each row's value goes into its slot's cell, in the order of the rows.

`valid` says which rows take part (not null, and the FILTER is true). Integers wrap, as Flink's do.
Knows nothing of keys or windows.
"""

import numpy as np

from penstock.engine.kernels.compiled import kernel


@kernel("void(const int64[::1], const boolean[::1], const int64[::1], int64[::1])")
def count(slots, valid, signs, cells):  # type: ignore[no-untyped-def]
    """Add each row's sign: 1 for a row that comes, -1 for one that is taken back."""
    for row in range(len(slots)):
        if valid[row]:
            cells[slots[row]] += signs[row]


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


@kernel("void(const int64[::1], const boolean[::1], int64, int64, int64[::1], int64[::1])")
def edge(slots, valid, sequence, sign, rows, held):  # type: ignore[no-untyped-def]
    """Keep per slot the first (`sign` -1) or last (1) row that takes part.

    `held` is the sequence number of the row a slot holds (-1: none), `rows` the batch's row that is now held
    (-1: as before). Row i of the batch has the number `sequence` + i.
    """
    for row in range(len(slots)):
        if valid[row]:
            slot = slots[row]
            if sign > 0 or held[slot] < 0:
                held[slot] = sequence + row
                rows[slot] = row


@kernel("int64(const int64[::1], const boolean[::1], int64, int64[::1])")
def watermarks(moments_ms, valid, seen_ms, marks):  # type: ignore[no-untyped-def]
    """The largest time seen before each row (starting from `seen_ms`), in `marks`; returns the largest in all."""
    for row in range(len(moments_ms)):
        marks[row] = seen_ms
        if valid[row] and moments_ms[row] > seen_ms:
            seen_ms = moments_ms[row]
    return seen_ms


@kernel("void(const int64[::1], int64[::1], int64[::1])")
def chain(slots, heads, before):  # type: ignore[no-untyped-def]
    """For each row, the row of its slot that came before it: `heads` holds the last one of each slot (-1: none).

    Rows are numbered on from len(slots)' first number, which the caller puts into `before[0]` beforehand.
    """
    number = before[0]
    for row in range(len(slots)):
        slot = slots[row]
        held = heads[slot]
        heads[slot] = number + row
        before[row] = held
