"""Which queues hold a message, as one small number: sets of queues are told apart once, and shared by all messages.

Number 0 is nobody. A set also says whether its messages must survive a restart. Knows no message.
"""

from array import array
from collections.abc import Iterable, Sequence


class Holders:
    """All sets in use. `queues[n]` and `kept[n]` describe set n; `only[n]` is its queue where that is one, else -1."""

    def __init__(self) -> None:
        self.queues: list[tuple[int, ...]] = [()]
        self.kept: list[bool] = [False]
        self.only: list[int] = [-1]
        self._numbers: dict[tuple[tuple[int, ...], bool], int] = {}
        self._kept_single: dict[int, int] = {}
        self._less: dict[tuple[int, int], int] = {}
        self._free: list[int] = []

    def of(self, queues: Sequence[int], keep: bool) -> int:
        """The number of this set."""
        if keep and len(queues) == 1:
            found = self._kept_single.get(queues[0])
            if found is not None:
                return found
        return self._number(tuple(queues), keep)

    def without(self, number: int, queue: int) -> int:
        """The set without one queue; the same number where it is not in it."""
        if self.only[number] == queue:
            return 0
        key = (number, queue)
        found = self._less.get(key)
        if found is None:
            rest = tuple(one for one in self.queues[number] if one != queue)
            found = number if len(rest) == len(self.queues[number]) else self._number(rest, self.kept[number])
            self._less[key] = found
        return found

    def having(self, number: int, queue: int) -> int:
        """The set with one queue more, for what was taken out of it by mistake."""
        return self._number((*self.queues[number], queue), self.kept[number])

    def _number(self, queues: tuple[int, ...], keep: bool) -> int:
        if not queues:
            return 0
        found = self._numbers.get((queues, keep))
        if found is None:
            found = self._place(queues, keep)
            self._numbers[queues, keep] = found
            if keep and len(queues) == 1:
                self._kept_single[queues[0]] = found
        return found

    def _place(self, queues: tuple[int, ...], keep: bool) -> int:
        only = queues[0] if len(queues) == 1 else -1
        if self._free:
            number = self._free.pop()
            self.queues[number], self.kept[number], self.only[number] = queues, keep, only
            return number
        self.queues.append(queues)
        self.kept.append(keep)
        self.only.append(only)
        return len(self.queues) - 1

    def __len__(self) -> int:
        return len(self._numbers)

    def sweep(self, used: Iterable[int]) -> None:
        """Forget the sets that no message has."""
        keys = {
            self._numbers[self.queues[n], self.kept[n]]: (self.queues[n], self.kept[n])
            for n in set(used)
            if n
        }
        self._free += [number for number in self._numbers.values() if number not in keys]
        self._numbers = {key: number for number, key in keys.items()}
        self._kept_single = {key[0][0]: n for n, key in keys.items() if key[1] and len(key[0]) == 1}
        self._less = {}


# --- as bytes ---------------------------------------------------------------------------------------------------------------


def written(sets: Iterable[tuple[bool, Sequence[int]]]) -> "array[int]":
    """Sets as one column: whether they are kept, how many queues, the queues."""
    column = array("I")
    for keep, queues in sets:
        column.extend((keep, len(queues), *queues))
    return column


def read(column: "array[int]") -> list[tuple[bool, tuple[int, ...]]]:
    """The sets of such a column."""
    found, at = [], 0
    while at < len(column):
        behind = at + 2 + column[at + 1]
        found.append((bool(column[at]), tuple(column[at + 2 : behind])))
        at = behind
    return found
