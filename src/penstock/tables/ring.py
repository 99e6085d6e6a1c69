"""The recent changes of a table: a bounded ring that readers walk by number, each at its own pace.

Readers keep nothing here and are not known here: one that falls behind the oldest change kept finds out by number.
Knows nothing of rows or tokens.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

CHANGE_OVERHEAD_BYTES = (
    400  # of one change's Python objects, beside its key and value, measured on CPython 3.11
)


@dataclass(slots=True)
class Change:
    """One record's effect on the table: `value` of None deletes. `frame` is for the reader to keep an encoding in."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes | None
    frame: bytes | None = field(default=None, compare=False, repr=False)

    @property
    def weight(self) -> int:
        """Bytes this change may take in memory, its kept encoding included."""
        return CHANGE_OVERHEAD_BYTES + 3 * len(self.key) + 2 * len(self.value or b"")


class Ring:
    """Changes numbered from 0 in order of arrival; `tail` is the oldest that is kept, `head` the next to come.

    At most `changes_max` changes and about `bytes_max` bytes are kept, and always the newest one.
    """

    __slots__ = ("_block", "_blocks", "_bytes_max", "_changes_max", "bytes", "head", "tail")

    def __init__(self, changes_max: int, bytes_max: int) -> None:
        self._changes_max, self._bytes_max = changes_max, bytes_max
        self._block = 256
        # Blocks, not one deque: walking from the middle of a deque is linear in the distance to its ends.
        self._blocks: deque[list[Change]] = deque([[]])
        self.head = self.tail = self.bytes = 0

    def __len__(self) -> int:
        return self.head - self.tail

    def append(self, change: Change) -> list[Change]:
        """Keep a change; the changes that had to go for it, a block at a time."""
        if len(self._blocks[-1]) == self._block:
            self._blocks.append([])
        self._blocks[-1].append(change)
        self.head += 1
        self.bytes += change.weight
        dropped: list[Change] = []
        while len(self._blocks) > 1 and (len(self) > self._changes_max or self.bytes > self._bytes_max):
            dropped += self._drop_block()
        return dropped

    def _drop_block(self) -> list[Change]:
        gone = self._blocks.popleft()
        self.tail += len(gone)
        self.bytes -= sum(change.weight for change in gone)
        return gone

    def walk(self, number: int, count: int) -> Iterator[Change]:
        """Up to `count` changes from `number` on, which must not be below `tail`."""
        index, within = divmod(number - self.tail, self._block)
        for block in islice(self._blocks, index, None):
            part = block[within : within + count]
            yield from part
            count -= len(part)
            within = 0
            if count <= 0:
                return

    def first_at(self, offset: int) -> int:
        """The number of the first change at or after `offset`; only where all changes are of one partition."""
        starts = [block[0].offset for block in self._blocks if block]
        index = max(bisect_left(starts, offset) - 1, 0)
        block = self._blocks[index]
        return self.tail + index * self._block + bisect_left(block, offset, key=lambda change: change.offset)
