"""Open addressing over pairs and tuples of int64: each → a dense number, in the order of first sight.

Pairs serve for (hash, attempt) of keys that the caller verifies and (key number, slice) of windows, tuples for keys of
whole numbers and of texts that have numbers. Knows nothing of columns.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from penstock.engine.kernels.compiled import kernel
from penstock.engine.room import Room

_FIRST = 1024
_FREE = -1
_CLOSE = 8
"""Pairs whose smallest box has at most so many places for each of them are looked up by place."""


@register_jitable
def _mixed(a: Any, b: Any) -> Any:
    """splitmix64's finisher over both halves (Steele, Lea, Flood 2014)."""
    x = np.uint64(a) ^ (np.uint64(b) * np.uint64(0x9E3779B97F4A7C15))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel(
    "Tuple((int64, int64))(const int64[::1], const int64[::1], int64, int64[::1], int64[::1], int64[::1], int64,"
    " int64[::1], int64[::1])"
)
def number_pairs(a, b, start, keys_a, keys_b, numbers, count, out, fresh):  # type: ignore[no-untyped-def]
    """Look up or add rows from `start`; stops at half load. Returns (rows done, numbers given so far).

    `out[row]` is the pair's number; `fresh[number - first]` the row that brought a new pair, first being `count`
    as passed in the first call (the caller passes views).
    """
    mask = np.uint64(len(numbers) - 1)
    limit = len(numbers) // 2
    added = 0
    for row in range(start, len(a)):
        at = np.int64(_mixed(a[row], b[row]) & mask)
        while True:
            number = numbers[at]
            if number == -1:
                if count >= limit:
                    return row, count
                keys_a[at] = a[row]
                keys_b[at] = b[row]
                numbers[at] = count
                out[row] = count
                fresh[added] = row
                added += 1
                count += 1
                break
            if keys_a[at] == a[row] and keys_b[at] == b[row]:
                out[row] = number
                break
            at = np.int64(np.uint64(at + 1) & mask)
    return len(a), count


@kernel("void(const int64[::1], const int64[::1], const int64[::1], int64[::1], int64[::1], int64[::1])")
def rehash(old_a, old_b, old_numbers, keys_a, keys_b, numbers):  # type: ignore[no-untyped-def]
    """Put every entry of an old table into a new, larger one."""
    mask = np.uint64(len(numbers) - 1)
    for entry in range(len(old_numbers)):
        if old_numbers[entry] == -1:
            continue
        at = np.int64(_mixed(old_a[entry], old_b[entry]) & mask)
        while numbers[at] != -1:
            at = np.int64(np.uint64(at + 1) & mask)
        keys_a[at] = old_a[entry]
        keys_b[at] = old_b[entry]
        numbers[at] = old_numbers[entry]


@kernel("int64(const int64[::1], int64[::1], int64[::1], int64[::1])")
def number_places(places, seen, out, fresh):  # type: ignore[no-untyped-def]
    """Number small integers 0, 1, 2, … as they first appear; `seen` has -1 at each place, `fresh` the rows that were
    first. Returns how many numbers were given."""
    count = 0
    for row in range(len(places)):
        number = seen[places[row]]
        if number == -1:
            number = count
            seen[places[row]] = number
            fresh[count] = row
            count += 1
        out[row] = number
    return count


def number_once(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As a new `PairTable`'s `number`. Where the pairs lie close together there is nothing to hash."""
    if not len(a):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    least_a, least_b = int(a.min()), int(b.min())
    wide = int(a.max()) - least_a + 1
    room = wide * (int(b.max()) - least_b + 1)
    if room > _CLOSE * len(a) + _FIRST:
        return PairTable(len(a) // 2).number(a, b)
    out, fresh = np.empty(len(a), np.int64), np.empty(len(a), np.int64)
    places = (b - least_b) * wide + (a - least_a)
    count = number_places(places, np.full(room, _FREE, np.int64), out, fresh)
    return out, fresh[:count]


class PairTable:
    """Pairs numbered 0, 1, 2, … as they first appear; grows by doubling. Begins with room for so many."""

    def __init__(self, room: int = 0) -> None:
        self.count = 0
        self._allot(max(_FIRST, 1 << (2 * room).bit_length()))

    def _allot(self, size: int) -> None:
        self._a, self._b = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._numbers = np.full(size, _FREE, np.int64)

    def number(
        self, a: NDArray[np.int64], b: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each row's number, and the rows that brought new pairs in the order of their numbers."""
        out = np.empty(len(a), np.int64)
        fresh = np.empty(len(a), np.int64)
        first, done = self.count, 0
        while True:
            done, self.count = number_pairs(
                a, b, done, self._a, self._b, self._numbers, self.count, out, fresh[self.count - first :]
            )
            if done == len(a):
                return out, fresh[: self.count - first]
            self._grow()

    def _grow(self) -> None:
        old = self._a, self._b, self._numbers
        self._allot(2 * len(self._numbers))
        rehash(*old, self._a, self._b, self._numbers)


@register_jitable
def _mixed_row(rows: Any, row: Any) -> Any:
    x = np.uint64(0)
    for column in range(rows.shape[1]):
        x = (x ^ np.uint64(rows[row, column])) * np.uint64(0xBF58476D1CE4E5B9)
        x = x ^ (x >> np.uint64(27))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel(
    "Tuple((int64, int64))(const int64[:, ::1], int64, int64[::1], int64, int64[:, ::1], int64[::1], int64[::1])"
)
def number_rows(rows, start, table, count, held, out, fresh):  # type: ignore[no-untyped-def]
    """As `number_pairs`, for rows of several numbers; `held` has those that have a number, and room for all of these."""
    mask = np.uint64(len(table) - 1)
    limit = len(table) // 2
    added = 0
    for row in range(start, len(rows)):
        at = np.int64(_mixed_row(rows, row) & mask)
        while True:
            number = table[at]
            if number == -1:
                if count >= limit:
                    return row, count
                for column in range(rows.shape[1]):
                    held[count, column] = rows[row, column]
                table[at] = count
                out[row] = count
                fresh[added] = row
                added += 1
                count += 1
                break
            same = True
            for column in range(rows.shape[1]):
                if held[number, column] != rows[row, column]:
                    same = False
                    break
            if same:
                out[row] = number
                break
            at = np.int64(np.uint64(at + 1) & mask)
    return len(rows), count


@kernel("void(const int64[:, ::1], int64, int64[::1])")
def rehash_rows(held, count, table):  # type: ignore[no-untyped-def]
    """Put the first `count` rows into a new table."""
    mask = np.uint64(len(table) - 1)
    for number in range(count):
        at = np.int64(_mixed_row(held, number) & mask)
        while table[at] != -1:
            at = np.int64(np.uint64(at + 1) & mask)
        table[at] = number


class TupleTable:
    """Rows of `width` whole numbers, numbered 0, 1, 2, … as they first appear; `rows` are those that have a number.
    Begins with room for so many."""

    def __init__(self, width: int, room: int = 0) -> None:
        self.count = 0
        self._room = Room(np.int64, width, room)
        self._table = np.full(max(_FIRST, 1 << (2 * room).bit_length()), _FREE, np.int64)

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
            self._table = np.full(2 * len(self._table), _FREE, np.int64)
            rehash_rows(held, self.count, self._table)
