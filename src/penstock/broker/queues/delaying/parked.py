"""Messages that wait for a moment, in columns by that moment. No object stands for one, but for the latest few thousand.

Knows moments, numbers and sizes; knows no queue and no disk.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

MERGE_FROM = 4096


class Parked:
    """In order in the columns; what comes out of order, beside them in a heap until that is large."""

    __slots__ = ("_due", "_fresh", "_head", "_numbers", "_sizes")

    def __init__(self) -> None:
        self._due, self._numbers, self._sizes = array("Q"), array("Q"), array("I")
        self._fresh: list[tuple[int, int, int]] = []
        self._head = 0

    def __len__(self) -> int:
        return len(self._due) - self._head + len(self._fresh)

    def put(self, due_ms: int, number: int, size: int) -> None:
        """One more."""
        if not self._due or due_ms >= self._due[-1]:
            self._due.append(due_ms)
            self._numbers.append(number)
            self._sizes.append(size)
            return
        heappush(self._fresh, (due_ms, number, size))
        if len(self._fresh) > MERGE_FROM:
            self._merge()

    def put_many(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """The same of many: cheap where they are later than all others."""
        some = sorted(rows)
        if not some or (self._due and some[0][0] < self._due[-1]):
            self._fresh += some
            heapify(self._fresh)
            if len(self._fresh) > MERGE_FROM:
                self._merge()
            return
        for place, column in enumerate((self._due, self._numbers, self._sizes)):
            column.extend([row[place] for row in some])

    def next_ms(self) -> int:
        """When the first is due; 0 where there is none."""
        heads = [self._due[self._head]] if self._head < len(self._due) else []
        return min([*heads, *(one[0] for one in self._fresh[:1])], default=0)

    def take(self, until_ms: int, most: int, bytes_max: int) -> list[tuple[int, int, int]]:
        """Those that are due, as (moment, number, size), in order, within these bounds but for the first."""
        found: list[tuple[int, int, int]] = []
        while len(found) < most and 0 < self.next_ms() <= until_ms and bytes_max > 0:
            found.append(self._pop())
            bytes_max -= found[-1][2]
        return found

    def numbers(self) -> "array[int]":
        """Of all."""
        found = self._numbers[self._head :]
        found.extend(one[1] for one in self._fresh)
        return found

    def remove_from(self, number: int) -> None:
        """Forget those of this number and above."""
        rest = [(d, n, s) for d, n, s in self._all() if n < number]
        self._due, self._numbers, self._sizes = array("Q"), array("Q"), array("I")
        self._fresh, self._head = [], 0
        for due_ms, one, size in rest:
            self.put(due_ms, one, size)

    def _all(self) -> list[tuple[int, int, int]]:
        head = self._head
        rows = zip(self._due[head:], self._numbers[head:], self._sizes[head:], strict=True)
        return sorted([*rows, *self._fresh])

    def _pop(self) -> tuple[int, int, int]:
        head = self._head
        if self._fresh and (
            head == len(self._due) or self._fresh[0][:2] < (self._due[head], self._numbers[head])
        ):
            return heappop(self._fresh)
        found = self._due[head], self._numbers[head], self._sizes[head]
        self._head += 1
        if self._head > MERGE_FROM and self._head * 2 > len(self._due):
            for column in (self._due, self._numbers, self._sizes):
                del column[: self._head]
            self._head = 0
        return found

    def _merge(self) -> None:
        fresh, columns = sorted(self._fresh), (self._due, self._numbers, self._sizes)
        merged, at = tuple(array(column.typecode) for column in columns), self._head
        for row in fresh:
            end = bisect_right(self._due, row[0], at) if at < len(self._due) else at
            for into, column, value in zip(merged, columns, row, strict=True):
                into.extend(column[at:end])
                into.append(value)
            at = end
        for into, column in zip(merged, columns, strict=True):
            into.extend(column[at:])
        self._due, self._numbers, self._sizes = merged
        self._fresh, self._head = [], 0
