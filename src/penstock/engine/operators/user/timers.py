"""Timers of keys, by name: set again one moves, and each fires once, in the order of their times.

Times are microseconds of whatever clock the owner goes by. Knows nothing of what a timer is for.
"""

import heapq
from collections.abc import Hashable, Iterator

import polars as pl

Key = tuple[Hashable, ...]
NAME, AT, SEQUENCE = "$name", "$at", "$seq"
FOREVER_US = 2**62


class Timers:
    """What is set, by key and name; a heap beside it knows the order, and may hold times that were moved since."""

    def __init__(self, keys: dict[str, pl.DataType]) -> None:
        self.keys = keys
        self._set: dict[Key, dict[str, tuple[int, int]]] = {}
        self._heap: list[tuple[int, int, Key, str]] = []
        self._count = self._living = 0

    def __len__(self) -> int:
        return self._living

    @property
    def first_us(self) -> int:
        """When the next one is due."""
        while self._heap:
            at_us, sequence, key, name = self._heap[0]
            if self._set.get(key, {}).get(name) == (at_us, sequence):
                return at_us
            heapq.heappop(self._heap)
        return FOREVER_US

    def set(self, key: Key, name: str, at_us: int) -> None:
        """Set a timer, or move it."""
        self._count += 1
        names = self._set.setdefault(key, {})
        self._living += name not in names
        names[name] = at_us, self._count
        heapq.heappush(self._heap, (at_us, self._count, key, name))
        if len(self._heap) > 2 * self._living + 1024:  # most of it was moved or taken back
            self._heap = [(*at, key, name) for key, names in self._set.items() for name, at in names.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: Key, name: str) -> None:
        """Take a timer back, if it is set."""
        names = self._set.get(key)
        if names is not None and names.pop(name, None) is not None:
            self._living -= 1
            if not names:
                del self._set[key]

    def clear(self, key: Key) -> None:
        """Take all of a key's timers back."""
        self._living -= len(self._set.pop(key, ()))

    def due(self, until_us: int) -> Iterator[tuple[int, Key, str]]:
        """Take out those due, one by one, also such as are set meanwhile."""
        while (first_us := self.first_us) <= until_us and first_us < FOREVER_US:
            at_us, _, key, name = heapq.heappop(self._heap)
            self.cancel(key, name)
            yield at_us, key, name

    def frame(self) -> pl.DataFrame:
        """All timers, in the order in which they were set."""
        rows = [
            (*key, name, at_us, sequence)
            for key, names in self._set.items()
            for name, (at_us, sequence) in names.items()
        ]
        schema = {**self.keys, NAME: pl.String(), AT: pl.Int64(), SEQUENCE: pl.Int64()}
        return pl.DataFrame(rows, schema=schema, orient="row").sort(SEQUENCE)

    def restore(self, frame: pl.DataFrame) -> None:
        """The opposite of `frame`."""
        self._set, self._heap, self._living = {}, [], 0
        for *key, name, at_us, _ in frame.rows():
            self.set(tuple(key), name, at_us)
