"""A segment's two sparse indexes, in memory exactly as Kafka has them on disk.

`.index` has entries of 4 + 4 bytes: an offset relative to the segment's base, and where its batch begins; the offset
is the batch's last one. `.timeindex` has entries of 8 + 4 bytes: a timestamp, and the relative offset up to which no
record is younger. Knows nothing of files: the bytes are read and written by the segment.
"""

import struct
from bisect import bisect_right
from typing import NamedTuple

from google_crc32c import extend as crc32c

from penstock.calls import Bytes

_PLACE = struct.Struct(">ii")
_TIME = struct.Struct(">qi")
_INT = struct.Struct(">i")
_LONG = struct.Struct(">q")

RELATIVE_MAX = 2**31 - 1  # a batch may claim so many offsets that an entry behind it has to be left out


class Extent(NamedTuple):
    """How many bytes of an index are known to be right, and their checksum."""

    size: int
    crc: int


class Indexed(NamedTuple):
    """Up to which byte of a segment its indexes reach, and the youngest timestamp there with its batch's last offset."""

    position: int
    max_ms: int
    max_offset: int


class _Entries:
    """An index's bytes, those its file has already (`written`), and a checksum that grows with them."""

    __slots__ = ("_crc", "_summed", "base", "data", "written")

    def __init__(self, base: int, data: Bytes = b"") -> None:
        self.base = base
        self.data = bytearray(data)
        self.written = len(data)
        self._crc = self._summed = 0

    def extent(self) -> Extent:
        """All there is now."""
        if self._summed < len(self.data):
            self._crc = crc32c(self._crc, bytes(memoryview(self.data)[self._summed :]))
            self._summed = len(self.data)
        return Extent(self._summed, self._crc)

    def cut(self, known: Extent) -> bool:
        """Keep what is known to be right; False where it is not there."""
        del self.data[known.size :]
        self.written = len(self.data)
        return self.extent() == known


class OffsetIndex(_Entries):
    """Where batches begin: one entry for about every `index_interval_bytes`."""

    __slots__ = ()

    def add(self, offset: int, position: int) -> None:
        """The batch that ends with `offset` begins at `position`."""
        if offset - self.base <= RELATIVE_MAX:
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


class TimeIndex(_Entries):
    """How young records are: an entry says that up to its offset no record is younger than its timestamp."""

    __slots__ = ()

    def add(self, timestamp_ms: int, offset: int) -> None:
        """Up to `offset` no record is younger than `timestamp_ms`; left out where that is known already."""
        if timestamp_ms > self.last()[0] and offset - self.base <= RELATIVE_MAX:
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

    def youngest_before(self, offset: int) -> int:
        """An offset below `offset` before whose batch no record is younger than that one's; the base at worst."""
        after = bisect_right(range(len(self.data) // 12), offset - 1 - self.base, key=self._relative)
        return self.base + (self._relative(after - 1) if after else 0)

    def _relative(self, number: int) -> int:
        return int(_INT.unpack_from(self.data, 12 * number + 8)[0])

    def _timestamp(self, number: int) -> int:
        return int(_LONG.unpack_from(self.data, 12 * number)[0])
