"""Lists of the best rows of each group, kept in order: rows put in, and what has changed since.

Knows nothing of what the rows are.
"""

from typing import Any

from numba.extending import register_jitable

from penstock.engine.kernels.compiled import kernel


@register_jitable
def _beats(values: Any, row: Any, directions: Any, newest: Any, others: Any, slot: Any, place: Any) -> Any:
    for column in range(values.shape[1]):
        mine, other = values[row, column], others[slot, place, column]
        if mine != other:
            return (mine < other) == (directions[column] > 0)
    return newest


@kernel(
    "Tuple((int64, int64))(const int64[::1], const int64[:, ::1], const int64[::1], boolean, int64, int64[::1],"
    " int64[:, ::1], int64[:, :, ::1], int64[::1], int64[::1], int64[:, ::1])"
)
def place_best(slots, values, directions, newest, first, sizes, numbers, held, seen, touched, olds):  # type: ignore[no-untyped-def]
    """Put rows, numbered from `first` on, into their groups' lists, in their order; of equal rows the `newest` or the
    first to come stands first.

    Returns how many groups' lists have changed, and how much longer all lists are together. `touched` gets the groups,
    `olds` their lists as they were, with -1 behind their ends; `seen` is -1 everywhere before and after.
    """
    limit = numbers.shape[1]
    count = 0
    more = 0
    for row in range(len(slots)):
        slot = slots[row]
        size = sizes[slot]
        if size == limit and not _beats(values, row, directions, newest, held, slot, limit - 1):
            continue
        if seen[slot] == -1:
            seen[slot] = count
            touched[count] = slot
            for place in range(limit):
                olds[count, place] = numbers[slot, place] if place < size else -1
            count += 1
        if size < limit:
            sizes[slot] = size + 1
            more += 1
            place = size
        else:
            place = limit - 1
        while place > 0 and _beats(values, row, directions, newest, held, slot, place - 1):
            numbers[slot, place] = numbers[slot, place - 1]
            for column in range(values.shape[1]):
                held[slot, place, column] = held[slot, place - 1, column]
            place -= 1
        numbers[slot, place] = first + row
        for column in range(values.shape[1]):
            held[slot, place, column] = values[row, column]
    for group in range(count):
        seen[touched[group]] = -1
    return count, more


@kernel("int64(const int64[::1], const int64[::1], int64[:, ::1], int64, int64[::1])")
def settle_best(touched, sizes, numbers, first, places):  # type: ignore[no-untyped-def]
    """Number the new rows that stand in a list from `first` on, without gaps; returns how many they are.

    `places` is -1 for each new row and gets how many stand before it.
    """
    count = 0
    for group in range(len(touched)):
        slot = touched[group]
        for place in range(sizes[slot]):
            row = numbers[slot, place] - first
            if row >= 0:
                places[row] = count
                numbers[slot, place] = first + count
                count += 1
    return count


@kernel(
    "int64(const int64[::1], const int64[:, ::1], const int64[::1], const int64[:, ::1], int64, boolean, boolean,"
    " int64[::1], int64[::1], int8[::1])"
)
def compare_best(touched, olds, sizes, lists, first, by_rank, befores, numbers, ranks, kinds):  # type: ignore[no-untyped-def]
    """What has changed, as rows, their ranks from 1 and kinds (0 +I, 1 -U, 2 +U, 3 -D); returns how many.

    `by_rank` a place keeps its identity, and the row in it changes; else a row does, wherever it stands: then those
    that have left come first.
    """
    count = 0
    if by_rank:
        for group in range(len(touched)):
            slot = touched[group]
            for place in range(sizes[slot]):
                old, new = olds[group, place], lists[slot, place]
                if old == new:
                    continue
                if old >= 0 and befores:
                    numbers[count] = old
                    ranks[count] = place + 1
                    kinds[count] = 1
                    count += 1
                numbers[count] = new
                ranks[count] = place + 1
                kinds[count] = 2 if old >= 0 else 0
                count += 1
        return count
    for group in range(len(touched)):
        slot = touched[group]
        for place in range(olds.shape[1]):
            old = olds[group, place]
            stays = old < 0
            for other in range(sizes[slot]):
                if lists[slot, other] == old:
                    stays = True
            if not stays:
                numbers[count] = old
                ranks[count] = place + 1
                kinds[count] = 3
                count += 1
    for group in range(len(touched)):
        slot = touched[group]
        for place in range(sizes[slot]):
            if lists[slot, place] >= first:
                numbers[count] = lists[slot, place]
                ranks[count] = place + 1
                kinds[count] = 0
                count += 1
    return count
