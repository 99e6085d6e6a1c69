"""Lists of row numbers, one a slot: linked arrays that rows are added to at the end and looked up in, in order. And slots of
windows: which are of some slices, in the order of these, and the windows that each is in.

Such a slot is what is kept of one key in one slice of time; a window is named by its last slice. Over `reach` slices a HOP
window goes back `reach` - 1 slices, a CUMULATE one to the last multiple of `reach`. Knows nothing of what the rows are, nor of
keys and aggregates.
"""

from penstock.engine.kernels.compiled import kernel


@kernel("void(const int64[::1], int64, int64[::1], int64[::1], int64[::1])")
def link(slots, first, heads, tails, nexts):  # type: ignore[no-untyped-def]
    """Add the rows `first`, `first + 1`, … each to its slot's list."""
    for place in range(len(slots)):
        slot, row = slots[place], first + place
        nexts[row] = -1
        if heads[slot] == -1:
            heads[slot] = row
        else:
            nexts[tails[slot]] = row
        tails[slot] = row


@kernel("int64(const int64[::1], const int64[::1], const int64[::1], const int64[::1])")
def count_listed(slots, heads, nexts, copies):  # type: ignore[no-untyped-def]
    """How many rows `listed` will give."""
    total = 0
    for place in range(len(slots)):
        if slots[place] >= 0:
            row = heads[slots[place]]
            while row != -1:
                if copies[row] > 0:
                    total += 1
                row = nexts[row]
    return total


@kernel(
    "void(const int64[::1], const int64[::1], const int64[::1], const int64[::1], int64[::1], int64[::1])"
)
def listed(slots, heads, nexts, copies, places, rows):  # type: ignore[no-untyped-def]
    """Each slot's rows that are there (`copies` > 0), as (place in `slots`, row); slot -1 has none."""
    at = 0
    for place in range(len(slots)):
        if slots[place] >= 0:
            row = heads[slots[place]]
            while row != -1:
                if copies[row] > 0:
                    places[at] = place
                    rows[at] = row
                    at += 1
                row = nexts[row]


@kernel("void(const int64[::1], const int64[::1], int64[::1])")
def settle(rows, signs, copies):  # type: ignore[no-untyped-def]
    """Count each row's copies up or down, in order; none goes below zero."""
    for place in range(len(rows)):
        left = copies[rows[place]] + signs[place]
        copies[rows[place]] = left if left > 0 else 0


@kernel("void(const int64[::1], const int64[::1], int64[::1], int8[::1])")
def tally(rows, signs, counts, turns):  # type: ignore[no-untyped-def]
    """Count each row's matches up or down, in order; `turns` says where one got its first (1) or lost its last (-1)."""
    for place in range(len(rows)):
        held = counts[rows[place]]
        counts[rows[place]] = held + signs[place]
        turns[place] = 0
        if held == 0 and signs[place] > 0:
            turns[place] = 1
        elif held == 1 and signs[place] < 0:
            turns[place] = -1


@kernel("int64(const int64[::1], const int64[::1], const int64[::1], int64[::1])")
def touching(owners, starts, ends, groups):  # type: ignore[no-untyped-def]
    """Number the runs of spans that touch, of spans sorted by owner and start; returns how many there are."""
    count = 0
    reach = 0
    for place in range(len(owners)):
        if place == 0 or owners[place] != owners[place - 1] or starts[place] > reach:
            count += 1
            reach = ends[place]
        elif ends[place] > reach:
            reach = ends[place]
        groups[place] = count - 1
    return count


@kernel("void(const int64[::1], const int64[::1], int64, int64, boolean, int64[::1], int64[::1])")
def frames(groups, times, rows, span, by_rows, first, last):  # type: ignore[no-untyped-def]
    """Each row's frame, of rows sorted by group and time: at most `rows` before it, or `span` back; -1: no such bound.

    By rows a frame ends at its row, by time at the last row of the same time.
    """
    count = len(groups)
    begin = 0
    low = 0
    for row in range(count):
        if row == 0 or groups[row] != groups[row - 1]:
            begin = row
            low = row
        if span >= 0:
            while times[low] < times[row] - span:
                low += 1
            first[row] = low
        elif rows >= 0:
            first[row] = max(begin, row - rows)
        else:
            first[row] = begin
    for row in range(count - 1, -1, -1):
        last[row] = row
        if (
            not by_rows
            and row + 1 < count
            and groups[row + 1] == groups[row]
            and times[row + 1] == times[row]
        ):
            last[row] = last[row + 1]


@kernel(
    "void(const int64[::1], const int64[:, ::1], const int64[::1], boolean, int64[:, ::1], int64[::1], boolean[::1])"
)
def beats(slots, values, directions, newest, bounds, full, out):  # type: ignore[no-untyped-def]
    """Which rows sort before their slot's bound, where that is `full`; of equal ones only the `newest` do.

    `directions` are 1 for columns that sort upwards, -1 downwards.
    """
    for row in range(len(slots)):
        slot = slots[row]
        out[row] = True
        if full[slot] == 0:
            continue
        better = newest
        for column in range(values.shape[1]):
            mine, other = values[row, column], bounds[slot, column]
            if mine != other:
                better = (mine < other) == (directions[column] > 0)
                break
        out[row] = better


@kernel(
    "void(const int64[::1], const int64[:, ::1], const int64[::1], boolean, int64[:, ::1], int64[::1], int64[::1])"
)
def first_rows(slots, values, directions, newest, bounds, full, winners):  # type: ignore[no-untyped-def]
    """The row that sorts first in each slot so far: its values go to `bounds`, its number to `winners`."""
    for row in range(len(slots)):
        slot = slots[row]
        better = True
        if full[slot] != 0:
            better = newest
            for column in range(values.shape[1]):
                mine, other = values[row, column], bounds[slot, column]
                if mine != other:
                    better = (mine < other) == (directions[column] > 0)
                    break
        if better:
            full[slot] = 1
            winners[slot] = row
            for column in range(values.shape[1]):
                bounds[slot, column] = values[row, column]


@kernel("Tuple((int64, int64))(const int64[::1], int64)")
def remaining(slices, low):  # type: ignore[no-untyped-def]
    """How many slots are of slices from `low` on, and the earliest of those slices."""
    count, oldest = 0, 2**62
    for slot in range(len(slices)):
        if slices[slot] >= low:
            count += 1
            oldest = min(oldest, slices[slot])
    return count, oldest


@kernel("void(const int64[::1], int64, int64[::1])")
def count_slices(slices, low, counts):  # type: ignore[no-untyped-def]
    """Count the slots of the slices `low`, `low` + 1, …"""
    for slot in range(len(slices)):
        place = slices[slot] - low
        if 0 <= place < len(counts):
            counts[place] += 1


@kernel("void(const int64[::1], int64, int64[::1], int64[::1])")
def place_slices(slices, low, begins, out):  # type: ignore[no-untyped-def]
    """The slots of those slices, slice by slice, each slice's in order; `begins` says where each begins, and ends as ends."""
    for slot in range(len(slices)):
        place = slices[slot] - low
        if 0 <= place < len(begins):
            out[begins[place]] = slot
            begins[place] += 1


@kernel(
    "Tuple((int64, int64, int64))(const int64[::1], int64, int64, const int64[::1], const int64[::1], int64, int64, int64,"
    " boolean, int64[::1], int64[::1], int64[::1])"
)
def share(slots, place, done, keys, slices, before, through, reach, cumulates, sources, owners, windows):  # type: ignore[no-untyped-def]
    """Each slot once for each of its windows behind `before` up to `through`: the slot, its key, the window; as many as there
    is room for. Goes on at a place of `slots`, of whose windows some are done; returns how many, and where to go on."""
    size = 0
    while place < len(slots):
        slot = slots[place]
        first = max(slices[slot], before + 1) + done
        last = min((slices[slot] // reach * reach if cumulates else slices[slot]) + reach - 1, through)
        for window in range(first, last + 1):
            if size == len(sources):
                return size, place, done
            sources[size] = slot
            owners[size] = keys[slot]
            windows[size] = window
            size += 1
            done += 1
        place += 1
        done = 0
    return size, place, done
