"""How many bytes of the log are of messages that still wait, about a MiB of blocks at a time.

A stripe is a run of blocks. A message counts as its stripe's bytes shared out evenly. Knows offsets; reads nothing.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

STRIPE_BYTES = 1024 * 1024
STRIPE_BLOCKS = 256


class Stripes:
    """Columns by stripe, oldest first: its first block's offset, bytes, messages, and those that wait."""

    def __init__(self) -> None:
        self.firsts, self.sizes = array("Q"), array("Q")
        self.counts, self.lives = array("Q"), array("q")
        self._low = self._high = 0  # the offsets of the stripe that was asked for last
        self._at = 0
        self._is_cut = True  # a stripe begins with the next block

    def add(self, offset: int, size: int, count: int, live: int) -> None:
        """A block was written at `offset`."""
        if self._is_cut or self.sizes[-1] + size > STRIPE_BYTES or offset - self.firsts[-1] >= STRIPE_BLOCKS:
            self._is_cut = False
            self.firsts.append(offset)
            for column in (self.sizes, self.counts, self.lives):
                column.append(0)
            self._low = self._high = 0
        self.sizes[-1] += size
        self.counts[-1] += count
        self.lives[-1] += live

    def cut(self) -> None:
        """Begin a new stripe with the next block."""
        self._is_cut = True

    def less(self, offset: int, count: int = 1) -> None:
        """Messages of the block at `offset` wait no more."""
        self.lives[self._at if self._low <= offset < self._high else self._find(offset)] -= count

    @classmethod
    def of(cls, firsts: "array[int]", sizes: "array[int]", counts: "array[int]") -> "Stripes":
        """Stripes that were written down. `recount` tells what of them lives."""
        made = cls()
        made.firsts, made.sizes, made.counts = firsts, sizes, counts
        made.lives = array("q", bytes(8 * len(firsts)))
        return made

    def recount(self, wheres: Iterable[Iterable[int]]) -> None:
        """Count anew what lives: by the blocks' offsets of all messages that wait."""
        self.lives = array("q", bytes(8 * len(self.firsts)))
        for column in wheres:
            for offset, count in Counter(column).items():
                self.less(offset, -count)

    def emptied(self, offset: int) -> None:
        """All that waited in the stripe of this offset stands elsewhere now."""
        self.lives[self._find(offset)] = 0

    def end_of(self, offset: int) -> int:
        """The first offset of the next stripe."""
        self._find(offset)
        return self._high

    def _find(self, offset: int) -> int:
        at = bisect_right(self.firsts, offset) - 1
        self._at, self._low = at, self.firsts[at]
        self._high = self.firsts[at + 1] if at + 1 < len(self.firsts) else 1 << 63
        return at

    @property
    def live_bytes(self) -> int:
        """Bytes of all that waits, about."""
        rows = zip(self.sizes, self.counts, self.lives, strict=True)
        return sum(size * live // count for size, count, live in rows if live)

    def first_live(self, end: int) -> int:
        """Below this offset nothing waits; `end` where nothing does at all."""
        for first, live in zip(self.firsts, self.lives, strict=True):
            if live:
                return first
        return end

    def drop_before(self, offset: int) -> None:
        """What stands below is gone from the log."""
        gone = max(0, bisect_right(self.firsts, offset) - 1)
        if gone:
            for column in (self.firsts, self.sizes, self.counts, self.lives):
                del column[:gone]
            self._low = self._high = 0
