"""Open addressing over pairs of int64: pair → dense number, in the order of first sight.

One table serves all: (key, null flag) for integer keys, (hash, attempt) for hashed ones that the caller verifies,
(key number, slice) for windows. Knows nothing of columns.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from penstock.engine.kernels.compiled import kernel

_FIRST = 1024
_FREE = -1


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


class PairTable:
    """Pairs numbered 0, 1, 2, … as they first appear; grows by doubling."""

    def __init__(self) -> None:
        self.count = 0
        self._allot(_FIRST)

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
