"""Pairs and tuples of int64: each → a dense number, in the order of first sight, by open addressing.

Pairs serve for (hash, attempt) of keys that the caller verifies and (key number, slice) of windows, tuples for keys of
whole numbers and of texts that have numbers. Where a table is larger than the caches each look into it waits for memory.
So a table's entry is a number and, in the bits that are left above it, some of the hash: what stands at another's place is
passed without a look at it. And some rows' looks are begun together, by loads that do not wait for each other, before any
is decided. Knows nothing of columns.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from penstock.engine.kernels.compiled import kernel
from penstock.engine.room import Room

_FIRST = 2048
_FREE = 2**32 - 1
_CLOSE = 4
"""Pairs whose smallest box has at most so many places for each of them are looked up by place."""
_AHEAD = 64
"""So many rows' looks are begun together."""
Numbers = NDArray[np.int64]
Entries = NDArray[np.uint32]


@register_jitable
def _mixed(a: Any, b: Any) -> Any:
    """splitmix64's finisher over both halves (Steele, Lea, Flood 2014)."""
    x = np.uint64(a) ^ (np.uint64(b) * np.uint64(0x9E3779B97F4A7C15))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@register_jitable
def _mixed_row(rows: Any, row: Any) -> Any:
    x = np.uint64(0)
    for column in range(rows.shape[1]):
        x = (x ^ np.uint64(rows[row, column])) * np.uint64(0xBF58476D1CE4E5B9)
        x = x ^ (x >> np.uint64(27))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@register_jitable
def _tag(hashed: Any, numbers: Any) -> Any:
    """What an entry has of a hash: of its upper half the bits that no number needs."""
    return (hashed >> np.uint64(32)) & ~numbers


@register_jitable
def _alike(entry: Any, hashed: Any, numbers: Any) -> Any:
    """Whether an entry that is not free may be what has this hash."""
    return entry & ~numbers == _tag(hashed, numbers)


@register_jitable
def _put(table: Any, hashed: Any, number: Any) -> Any:
    """An entry at the first free place from a hash's on."""
    mask, numbers = np.uint64(len(table) - 1), np.uint64(len(table) // 2 - 1)
    at = hashed & mask
    while table[np.int64(at)] != np.uint32(_FREE):
        at = (at + np.uint64(1)) & mask
    table[np.int64(at)] = np.uint32(_tag(hashed, numbers) | np.uint64(number))


@kernel(
    "Tuple((int64, int64))(const int64[::1], const int64[::1], int64, int64[::1], int64[::1], uint32[::1], int64,"
    " int64[::1], int64[::1])"
)
def number_pairs(a, b, start, held_a, held_b, table, count, out, fresh):  # type: ignore[no-untyped-def]
    """Look up or add rows from `start`; stops before half load. Returns (rows done, numbers given so far).

    `out[row]` is the pair's number; `fresh[number - first]` the row that brought a new pair, first being `count`
    as passed in the first call (the caller passes views). `held_a` and `held_b` have the pairs by number, and room.
    """
    mask, numbers, free = np.uint64(len(table) - 1), np.uint64(len(table) // 2 - 1), np.uint64(_FREE)
    hashes, seen = np.empty(_AHEAD, np.uint64), np.empty(_AHEAD, np.uint64)
    added = 0
    for begin in range(start, len(a), _AHEAD):
        size = min(_AHEAD, len(a) - begin)
        for place in range(size):
            hashes[place] = _mixed(a[begin + place], b[begin + place])
            seen[place] = table[np.int64(hashes[place] & mask)]
        for place in range(size):
            entry = seen[place]
            there = entry != free and _alike(entry, hashes[place], numbers)
            number = np.int64(entry & numbers) if there else 0
            seen[place] = np.uint64(held_a[number] ^ held_b[number])
        for place in range(size):
            row, at = begin + place, hashes[place] & mask
            number = -1
            while True:
                entry = np.uint64(table[np.int64(at)])
                if entry == free:
                    break
                if _alike(entry, hashes[place], numbers):
                    number = np.int64(entry & numbers)
                    if held_a[number] == a[row] and held_b[number] == b[row]:
                        break
                    number = -1
                at = (at + np.uint64(1)) & mask
            if number == -1:
                if np.uint64(count) >= numbers:
                    return row, count
                number = count
                held_a[number] = a[row]
                held_b[number] = b[row]
                table[np.int64(at)] = np.uint32(_tag(hashes[place], numbers) | np.uint64(number))
                fresh[added] = row
                added += 1
                count += 1
            out[row] = number
    return len(a), count


@kernel("void(const int64[::1], const int64[::1], int64, uint32[::1])")
def rehash(held_a, held_b, count, table):  # type: ignore[no-untyped-def]
    """Put the first `count` pairs into a new table."""
    mask = np.uint64(len(table) - 1)
    hashes, seen = np.empty(_AHEAD, np.uint64), np.empty(_AHEAD, np.uint32)
    for begin in range(0, count, _AHEAD):
        size = min(_AHEAD, count - begin)
        for place in range(size):
            hashes[place] = _mixed(held_a[begin + place], held_b[begin + place])
            seen[place] = table[np.int64(hashes[place] & mask)]
        for place in range(size):
            _put(table, hashes[place], begin + place)


def _table(room: int) -> Entries:
    """Free entries for so many numbers."""
    size = max(_FIRST, 1 << (2 * room).bit_length())
    if size > 2**32:
        raise MemoryError(f"{room} keys are more than can be told apart")
    return np.full(size, _FREE, np.uint32)


class PairTable:
    """Pairs numbered 0, 1, 2, … as they first appear; grows by doubling. Begins with room for so many."""

    def __init__(self, room: int = 0) -> None:
        self.count = 0
        self._a, self._b = Room(np.int64, None, room), Room(np.int64, None, room)
        self._table = _table(room)

    @property
    def a(self) -> Numbers:
        """The first of each pair, in the order of their numbers."""
        held: Numbers = self._a.array[: self.count]
        return held

    @property
    def b(self) -> Numbers:
        """The second of each pair."""
        held: Numbers = self._b.array[: self.count]
        return held

    def number(self, a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
        """Each row's number, and the rows that brought new pairs in the order of their numbers."""
        room = [one.reach(self.count + len(a), self.count) for one in (self._a, self._b)]
        out, fresh = np.empty(len(a), np.int64), np.empty(len(a), np.int64)
        first, done = self.count, 0
        while True:
            done, self.count = number_pairs(
                a, b, done, *room, self._table, self.count, out, fresh[self.count - first :]
            )
            if done == len(a):
                return out, fresh[: self.count - first]
            self._hash(2 * self.count)

    def fill(self, a: Numbers, b: Numbers) -> None:
        """Nothing but these pairs, each of which is there once."""
        self.count = len(a)
        for one, values in ((self._a, a), (self._b, b)):
            one.reach(len(values), 0)[: len(values)] = values
        self._hash(len(a))

    def _hash(self, room: int) -> None:
        self._table = _table(room)
        rehash(self._a.array, self._b.array, self.count, self._table)


@kernel("int64(const int64[::1], const int64[::1], int64, int64, uint32[::1], int64, int64[::1], int64[::1])")
def number_places(a, b, least, wide, seen, count, places, out):  # type: ignore[no-untyped-def]
    """Number pairs by their places in a box, ``(b - least) * wide + a``: `seen` has each place's number and 1, 0 for one that
    has not come, and `places` each number's place. Returns how many numbers were given so far."""
    ahead = np.empty(_AHEAD, np.uint32)
    for begin in range(0, len(a), _AHEAD):
        size = min(_AHEAD, len(a) - begin)
        for at in range(size):
            ahead[at] = seen[(b[begin + at] - least) * wide + a[begin + at]]
        for at in range(size):
            row = begin + at
            place = (b[row] - least) * wide + a[row]
            number = np.int64(seen[place]) - 1
            if number < 0:
                number = count
                count += 1
                seen[place] = count
                places[number] = place
            out[row] = number
    return count


@kernel(
    "Tuple((int64, int64))(const int64[:, ::1], int64, uint32[::1], int64, int64[:, ::1], int64[::1], int64[::1])"
)
def number_rows(rows, start, table, count, held, out, fresh):  # type: ignore[no-untyped-def]
    """As `number_pairs`, for rows of several numbers; `held` has those that have a number, and room for all of these."""
    mask, numbers, free = np.uint64(len(table) - 1), np.uint64(len(table) // 2 - 1), np.uint64(_FREE)
    hashes, seen = np.empty(_AHEAD, np.uint64), np.empty(_AHEAD, np.uint64)
    added = 0
    for begin in range(start, len(rows), _AHEAD):
        size = min(_AHEAD, len(rows) - begin)
        for place in range(size):
            hashes[place] = _mixed_row(rows, begin + place)
            seen[place] = table[np.int64(hashes[place] & mask)]
        for place in range(size):
            entry = seen[place]
            there = entry != free and _alike(entry, hashes[place], numbers)
            seen[place] = np.uint64(held[np.int64(entry & numbers) if there else 0, 0])
        for place in range(size):
            row, at = begin + place, hashes[place] & mask
            number: Any = -1
            while True:
                entry = np.uint64(table[np.int64(at)])
                if entry == free:
                    break
                if _alike(entry, hashes[place], numbers):
                    number = np.int64(entry & numbers)
                    for column in range(rows.shape[1]):
                        if held[number, column] != rows[row, column]:
                            number = -1
                            break
                    if number != -1:
                        break
                at = (at + np.uint64(1)) & mask
            if number == -1:
                if np.uint64(count) >= numbers:
                    return row, count
                number = count
                for column in range(rows.shape[1]):
                    held[number, column] = rows[row, column]
                table[np.int64(at)] = np.uint32(_tag(hashes[place], numbers) | np.uint64(number))
                fresh[added] = row
                added += 1
                count += 1
            out[row] = number
    return len(rows), count


@kernel("void(const int64[:, ::1], int64, uint32[::1])")
def rehash_rows(held, count, table):  # type: ignore[no-untyped-def]
    """Put the first `count` rows into a new table."""
    mask = np.uint64(len(table) - 1)
    hashes, seen = np.empty(_AHEAD, np.uint64), np.empty(_AHEAD, np.uint32)
    for begin in range(0, count, _AHEAD):
        size = min(_AHEAD, count - begin)
        for place in range(size):
            hashes[place] = _mixed_row(held, begin + place)
            seen[place] = table[np.int64(hashes[place] & mask)]
        for place in range(size):
            _put(table, hashes[place], begin + place)


class TupleTable:
    """Rows of `width` whole numbers, numbered 0, 1, 2, … as they first appear; `rows` are those that have a number.
    Begins with room for so many."""

    def __init__(self, width: int, room: int = 0) -> None:
        self.count = 0
        self._room = Room(np.int64, width, room)
        self._table = _table(room)

    @property
    def rows(self) -> NDArray[np.int64]:
        """All rows in the order of their numbers."""
        held: NDArray[np.int64] = self._room.array[: self.count]
        return held

    def number(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each row's number, and the rows that brought new ones in the order of their numbers."""
        held = self._room.reach(self.count + len(rows), self.count)
        out, fresh = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        first, done = self.count, 0
        while True:
            done, self.count = number_rows(
                rows, done, self._table, self.count, held, out, fresh[self.count - first :]
            )
            if done == len(rows):
                return out, fresh[: self.count - first]
            self._table = _table(2 * self.count)
            rehash_rows(held, self.count, self._table)


class Places:
    """Pairs that lie close together, numbered by their places in a box: `a` from 0 below `wide`, `b` from `least` on, `deep` of
    them."""

    def __init__(self, wide: int, least: int, deep: int) -> None:
        self._wide, self._least, self._deep = wide, least, deep
        self._seen, self._places, self._count = np.zeros(wide * deep, np.uint32), Room(np.int64), 0

    @staticmethod
    def fit(wide: int, deep: int, count: int) -> bool:
        """Whether so many pairs lie close enough."""
        return wide * deep <= min(_CLOSE * count + _FIRST, _FREE)

    def of(self, a: Numbers, b: Numbers) -> Numbers:
        """Each pair's number."""
        places, out = self._places.reach(self._count + len(a), self._count), np.empty(len(a), np.int64)
        self._count = number_places(a, b, self._least, self._wide, self._seen, self._count, places, out)
        return out

    def taken(self) -> tuple[Numbers, list[int]]:
        """All numbers, by `b`, then as they came; and where those of each `b` end."""
        if self._deep == 1:
            return np.arange(self._count), [self._count]
        floors = self._places.array[: self._count] // self._wide
        numbers = np.argsort(floors, kind="stable")
        return numbers, ends_of(floors[numbers])

    def pairs(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """The pairs behind numbers."""
        places = self._places.array[numbers]
        return places % self._wide, places // self._wide + self._least


class Hashed:
    """As `Places`, of pairs that lie anywhere; begins with room for half as many as `room`."""

    def __init__(self, room: int) -> None:
        self._table = PairTable(room // 2)

    def of(self, a: Numbers, b: Numbers) -> Numbers:
        """Each pair's number."""
        return self._table.number(a, b)[0]

    def taken(self) -> tuple[Numbers, list[int]]:
        """All numbers, by `b`, then as they came; and where those of each `b` end."""
        numbers = np.argsort(self._table.b, kind="stable")
        return numbers, ends_of(self._table.b[numbers])

    def pairs(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """The pairs behind numbers."""
        return self._table.a[numbers], self._table.b[numbers]


def places_of(wide: int, least: int, deep: int, count: int) -> Places | Hashed:
    """What numbers pairs in such a box, of which at most so many will come."""
    return Places(wide, least, deep) if Places.fit(wide, deep, count) else Hashed(count)


def ends_of(values: Numbers) -> list[int]:
    """Where each run of equal ones ends."""
    return [*(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
