"""Where each message stands and who holds it: columns, a few thousand messages a page, in the order of their numbers.

A message costs 20 bytes, and 8 more each where numbers are missing between those of its page, and where any has an expiration. Knows numbers, blocks' offsets and sets of holders
(0: nobody); knows neither messages nor queues.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress, repeat
from typing import TypeAlias

PAGE = 8192
_THIN_FROM = 1024
_WHERES, _PLACES, _SIZES, _HOLDERS = range(4)
Numbers: TypeAlias = "range | array[int]"
"""Numbers that grow; as a range they take no room."""


def joined(numbers: Numbers, more: Numbers) -> Numbers:
    """One behind the other; `numbers` may be changed."""
    if isinstance(more, array) and more and more[-1] - more[0] + 1 == len(more):
        more = range(more[0], more[-1] + 1)
    if isinstance(numbers, range):
        if not numbers:
            return more if isinstance(more, range) else more[:]
        if isinstance(more, range) and more.start == numbers.stop:
            return range(numbers.start, more.stop)
        numbers = array("Q", numbers)
    numbers.extend(more)
    return numbers


class Page:
    """A run of messages. `wheres`: their blocks' offsets; `places`: which of the block; `live`: how many are held."""

    __slots__ = ("expires", "holders", "live", "numbers", "places", "priorities", "sizes", "wheres")

    def __init__(self) -> None:
        self.numbers: Numbers = range(0)
        self.wheres = array("Q")
        self.places, self.sizes, self.holders = array("I"), array("I"), array("I")
        self.expires: array[int] | None = (
            None  # milliseconds since 1970, 0 is never; None: none of the page does
        )
        self.priorities: bytearray | None = None  # None: all 0
        self.live = 0

    def find(self, number: int) -> int:
        """Its row; -1 where it is not here."""
        numbers = self.numbers
        row = number - numbers[0]  # right where no number is missing, and too far otherwise
        if row < 0:
            return -1
        if row >= len(numbers) or numbers[row] != number:
            row = bisect_left(numbers, number, 0, min(row + 1, len(numbers)))
            if row == len(numbers) or numbers[row] != number:
                return -1
        return row

    def rows(self, numbers: Sequence[int]) -> list[int]:
        """The rows of those of these numbers that are here, in their order; the numbers grow."""
        first, last = self.numbers[0], self.numbers[-1]
        whole = last - first < len(self.numbers)
        if whole and first <= numbers[0] and numbers[-1] <= last:
            return [number - first for number in numbers]
        return [row for row in map(self.find, numbers) if row >= 0]

    def stand_together(self, row: int, numbers: "array[int]") -> bool:
        """Whether these numbers, which grow, stand one behind the other from this row on."""
        mine = self.numbers[row : row + len(numbers)]
        if isinstance(mine, range):
            return len(mine) == len(numbers) and mine[0] == numbers[0] and mine[-1] == numbers[-1]
        return mine == numbers

    def after(self, number: int) -> int:
        """The first row above this number."""
        return bisect_right(self.numbers, number) if number >= 0 else 0

    def extend(self, rows: "Rows", begin: int, stop: int) -> None:
        """Take these rows over."""
        had = len(self.numbers)
        self.numbers = joined(self.numbers, rows.numbers[begin:stop])
        for mine, theirs in zip(self.columns(), rows.columns, strict=True):
            mine.extend(theirs[begin:stop])
        if rows.expires is not None or self.expires is not None:
            mine_expires = self.expires if self.expires is not None else array("q", bytes(8 * had))
            mine_expires.extend(
                rows.expires[begin:stop] if rows.expires is not None else repeat(0, stop - begin)
            )
            self.expires = mine_expires
        if rows.priorities is not None or self.priorities is not None:
            priorities = self.priorities if self.priorities is not None else bytearray(had)
            priorities += rows.priorities[begin:stop] if rows.priorities is not None else bytes(stop - begin)
            self.priorities = priorities
        self.live += stop - begin - rows.columns[_HOLDERS][begin:stop].count(0)

    def columns(self) -> "tuple[array[int], ...]":
        """The columns that every page has beside its numbers."""
        return self.wheres, self.places, self.sizes, self.holders

    def squeeze(self) -> None:
        """Let go of the rows that nobody holds."""
        held = self.holders
        if self.expires is not None:
            self.expires = array("q", compress(self.expires, held))
        if self.priorities is not None:
            self.priorities = bytearray(compress(self.priorities, held))
        self.numbers = array("Q", compress(self.numbers, held))
        self.wheres = array("Q", compress(self.wheres, held))
        self.places, self.sizes = (
            array("I", compress(self.places, held)),
            array("I", compress(self.sizes, held)),
        )
        self.holders = array("I", compress(held, held))


class Rows:
    """Messages to be added, all of one block or of a piece of a snapshot."""

    __slots__ = ("columns", "expires", "numbers", "priorities")

    def __init__(
        self,
        numbers: Numbers,
        columns: "Sequence[array[int]]",
        expires: "array[int] | None" = None,
        priorities: "bytes | bytearray | None" = None,
    ) -> None:
        self.numbers, self.columns = numbers, columns
        self.expires, self.priorities = expires, priorities


class Pages:
    """All messages. Numbers only grow; a page that nobody needs any more goes."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self._firsts = array("Q")
        self.live = 0
        self._last: Page | None = None  # the one that was asked for last

    def __iter__(self) -> Iterator[Page]:
        return iter(self.pages)

    def extend(self, rows: Rows) -> None:
        """Add messages; their numbers are above all that are here."""
        total, at = len(rows.numbers), 0
        while at < total:
            page = self.pages[-1] if self.pages else None
            if page is None or len(page.numbers) >= PAGE:
                page = Page()
                self.pages.append(page)
                self._firsts.append(rows.numbers[at])
            stop = min(total, at + PAGE - len(page.numbers))
            before = page.live
            page.extend(rows, at, stop)
            self.live += page.live - before
            at = stop

    def after(self, number: int) -> Iterator[Page]:
        """The pages that have messages above this number, in order."""
        begin = max(0, bisect_right(self._firsts, number) - 1) if number >= 0 else 0
        for page in self.pages[begin:]:
            if page.numbers and page.numbers[-1] > number:
                yield page

    def find(self, number: int) -> tuple[Page, int] | None:
        """Its page and row; None where it is not here."""
        page = self.page_of(number)
        row = page.find(number) if page is not None else -1
        return None if page is None or row < 0 else (page, row)

    def page_of(self, number: int) -> Page | None:
        """The page that has it, if any has; not an empty one."""
        page = self._last
        if page is None or not page.numbers or not page.numbers[0] <= number <= page.numbers[-1]:
            at = bisect_right(self._firsts, number) - 1
            if at < 0:
                return None
            page = self._last = self.pages[at]
        return page if page.numbers else None

    def lost(self, page: Page, count: int = 1) -> None:
        """So many rows of the page are held by nobody since now."""
        page.live -= count
        self.live -= count
        held = len(page.numbers)
        if page.live == 0 and held >= PAGE:
            self._remove(page)
        elif page.live * 4 < held and held >= _THIN_FROM:
            self._thin(page)

    def _thin(self, page: Page) -> None:
        """Most of a page is held by nobody: let that go, and what is left goes to the page before if that has room."""
        page.squeeze()
        at = self._at(page)
        if at and len(self.pages[at - 1].numbers) + page.live <= PAGE // 2:
            before = self.pages[at - 1]
            before.extend(
                Rows(page.numbers, page.columns(), page.expires, page.priorities), 0, len(page.numbers)
            )
            self._remove(page)

    def _at(self, page: Page) -> int:
        return bisect_right(self._firsts, page.numbers[0]) - 1 if page.numbers else self.pages.index(page)

    def _remove(self, page: Page) -> None:
        at = self._at(page)
        del self.pages[at], self._firsts[at]
        self._last = None
