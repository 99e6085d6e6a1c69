"""Memory of one array that grows at its end and stays where it is: what was laid into it is neither copied nor touched again.

To grow by copying touches every page of a state twice or three times, and first touches are dear: the system clears a
page before it gives it, and a virtual machine's host may have to find it. So from some size on the array is the beginning
of a mapping as large as the machine's memory, of which only touched pages count. What was handed out of it stays valid,
too. Knows nothing of what the numbers mean.
"""

import mmap
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

MAPPED_FROM_BYTES = 4 * 1024 * 1024
"""Below this an array is copied when it grows: a mapping is whole huge pages."""
FIRST = 16
_NORESERVE = 0x4000 if sys.platform == "linux" else 0  # of the mapping, only what is touched counts as memory


class Room:
    """`array` has room for what `reach` asked for last, and more; rows of `width` numbers where that is given."""

    __slots__ = ("_kind", "_map", "_width", "array")

    def __init__(self, kind: DTypeLike, width: int | None = None, count: int = FIRST) -> None:
        """Begins with room for `count`."""
        self._kind, self._width = np.dtype(kind), width
        self._map: mmap.mmap | None = None
        self.array: NDArray[Any] = np.empty(self._shape(max(FIRST, count)), self._kind)

    def reach(self, count: int, used: int) -> NDArray[Any]:
        """The array with room for `count`, of which the first `used` are as they were; what is behind them is anything."""
        if count <= len(self.array):
            return self.array
        if count * self._row_bytes < MAPPED_FROM_BYTES:
            self._copy(np.empty(self._shape(max(count, 2 * len(self.array))), self._kind), used)
        elif self._map is None or count * self._row_bytes > len(self._map):
            self._map = _mapping(2 * count * self._row_bytes)
            self._copy(self._mapped(count), used)
        else:
            self.array = self._mapped(count)
        return self.array

    @property
    def _row_bytes(self) -> int:
        return self._kind.itemsize * (self._width or 1)

    def _shape(self, count: int) -> Any:
        return count if self._width is None else (count, self._width)

    def _copy(self, wider: NDArray[Any], used: int) -> None:
        wider[:used] = self.array[:used]
        self.array = wider

    def _mapped(self, count: int) -> NDArray[Any]:
        """The beginning of the mapping: somewhat more than `count`, so that not every batch makes a new array."""
        assert self._map is not None
        rows = min(count + count // 8, len(self._map) // self._row_bytes)
        numbers = np.frombuffer(self._map, self._kind, rows * (self._width or 1))
        return numbers if self._width is None else numbers.reshape(rows, self._width)


def widened(held: NDArray[Any], count: int, fill: Any) -> NDArray[Any]:
    """An array with a line for each of `count`, `fill` in those that are new: for what is few beside the rows that are kept."""
    if count <= len(held):
        return held
    wider = np.full((max(count, 2 * len(held)), *held.shape[1:]), fill, held.dtype)
    wider[: len(held)] = held
    return wider


def _mapping(least: int) -> mmap.mmap:
    """As large as the machine's memory, which no column outgrows; `least` where so much may not be mapped."""
    for size in (max(_MACHINE_BYTES, least), least):
        try:
            made = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
            break
        except OSError as error:  # `ulimit -v`, or a system that counts mappings as memory
            failed = error
    else:
        raise MemoryError(f"{least} bytes cannot be mapped: {failed.strerror}")
    if hasattr(mmap, "MADV_HUGEPAGE"):
        made.madvise(mmap.MADV_HUGEPAGE)
    return made


def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


_MACHINE_BYTES = _machine_bytes()
