"""A segment's two sparse indexes, in memory exactly as Kafka has them on disk.

`.index` has entries of 4 + 4 bytes: an offset relative to the segment's base, and where its batch begins; the offset
is the batch's last one. `.timeindex` has entries of 8 + 4 bytes: a timestamp, and the relative offset up to which no
record is younger. Knows nothing of files: the bytes are read and written by the segment.
"""

import operator
import struct
from array import array
from bisect import bisect_right
from sys import byteorder

_PLACE = struct.Struct(">ii")
_TIME = struct.Struct(">qi")
_INT = struct.Struct(">i")
_LONG = struct.Struct(">q")


class OffsetIndex:
    """Where batches begin: one entry for about every `index_interval_bytes`."""

    __slots__ = ("base", "data", "written")

    def __init__(self, base: int, data: bytes = b"") -> None:
        self.base = base
        self.data = bytearray(data)
        self.written = len(data)  # how much of it the file has

    def add(self, offset: int, position: int) -> None:
        """The batch that ends with `offset` begins at `position`."""
        self.data += _PLACE.pack(offset - self.base, position)

    def position_of(self, offset: int) -> int:
        """A position at or before the batch that holds `offset`."""
        return self._position(bisect_right(range(len(self.data) // 8), offset - self.base, key=self._offset))

    def position_until(self, position: int) -> int:
        """The last known beginning of a batch at or before `position`."""
        return self._position(bisect_right(range(len(self.data) // 8), position, key=self._place))

    def _position(self, after: int) -> int:
        return self._place(after - 1) if after else 0

    def _offset(self, number: int) -> int:
        return int(_INT.unpack_from(self.data, 8 * number)[0])

    def _place(self, number: int) -> int:
        return int(_INT.unpack_from(self.data, 8 * number + 4)[0])

    def sound(self, size: int, end: int) -> bool:
        """Whether the entries rise and stay below the segment's `size` and `end` offset."""
        if len(self.data) % 8:
            return False
        if not self.data:
            return True
        numbers = _numbers(self.data)
        offsets, places = numbers[0::2], numbers[1::2]
        inside = min(offsets[0], places[0]) >= 0 and offsets[-1] < end - self.base and places[-1] < size
        return inside and _rises(offsets) and _rises(places)


class TimeIndex:
    """How young records are: an entry says that up to its offset no record is younger than its timestamp."""

    __slots__ = ("base", "data", "written")

    def __init__(self, base: int, data: bytes = b"") -> None:
        self.base = base
        self.data = bytearray(data)
        self.written = len(data)

    def add(self, timestamp_ms: int, offset: int) -> None:
        """Up to `offset` no record is younger than `timestamp_ms`; left out where that is known already."""
        if timestamp_ms > self.last()[0]:
            self.data += _TIME.pack(timestamp_ms, offset - self.base)

    def last(self) -> tuple[int, int]:
        """The youngest timestamp and its batch's last offset, (-1, base) where there is none."""
        if not self.data:
            return -1, self.base
        timestamp_ms, offset = _TIME.unpack_from(self.data, len(self.data) - 12)
        return timestamp_ms, self.base + offset

    def offset_of(self, timestamp_ms: int) -> int:
        """An offset at or before the first record that is as young as `timestamp_ms`."""
        after = bisect_right(range(len(self.data) // 12), timestamp_ms, key=self._timestamp)
        return self.base + (_INT.unpack_from(self.data, 12 * after - 4)[0] if after else 0)

    def _timestamp(self, number: int) -> int:
        return int(_LONG.unpack_from(self.data, 12 * number)[0])

    def sound(self, end: int) -> bool:
        """Whether timestamps and offsets rise and the offsets stay below `end`."""
        if len(self.data) % 12:
            return False
        entries = list(_TIME.iter_unpack(self.data))
        times, offsets = [e[0] for e in entries], [e[1] for e in entries]
        inside = not entries or (offsets[0] >= 0 and offsets[-1] < end - self.base)
        return inside and _rises(times) and _rises(offsets)


def _numbers(data: bytearray) -> "array[int]":
    numbers = array("i", data)
    if byteorder == "little":
        numbers.byteswap()
    return numbers


def _rises(numbers: "array[int] | list[int]") -> bool:
    return all(map(operator.lt, numbers, numbers[1:]))
