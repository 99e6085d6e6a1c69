"""One segment: a `.log` file of record batches with its two indexes, and the bounded set of open descriptors.

Knows where batches stand in one file; knows nothing of topics, of what is durable, or of when to roll.
"""

import struct
from collections.abc import Callable, Iterator, Sequence

from penstock.calls import Bytes
from penstock.log.disk import Cold, Disk
from penstock.log.segments.index import Extent, Indexed, OffsetIndex, TimeIndex
from penstock.record import HEADER_SIZE, PREFIX_SIZE, BatchInfo, info_at

_STRIDE = struct.Struct(">qi11xi")  # base offset, length, last offset delta
_CHUNK = 8 * 1024
_NOTHING: Bytes = b""
_Found = Callable[[int, int], bool]


class Segment:
    """Batches from offset `base` up to `end` (exclusive) in `size` bytes. Made by a partition or by recovery."""

    __slots__ = (
        "base", "behind", "born_ms", "dead", "end", "fd", "index", "indexed", "max_ms", "max_offset", "newborn", "path", "pins",
        "sealed", "since", "size", "synced", "times", "used",
    )  # fmt: skip

    def __init__(self, folder: str, base: int, born_ms: int) -> None:
        self.path = f"{folder}/{base:020}"
        self.base = self.end = base
        self.born_ms = born_ms
        self.size = 0
        self.max_ms, self.max_offset = -1, base  # the youngest timestamp, and the last offset of its batch
        self.index: OffsetIndex | None = None  # loaded when first needed
        self.times: TimeIndex | None = None
        self.indexed: tuple[Extent, Extent] | None = None  # what of the index files is known to be right
        self.behind: Indexed | None = None  # where the index files end, until they are loaded
        self.since = 0  # bytes since the last index entry
        self.synced = 0  # bytes that are safe on disk
        self.newborn = False  # the file's name is not safe yet
        self.sealed = False  # nothing is appended any more
        self.dead = False  # deleted; a running sync may still hold the descriptor
        self.fd, self.pins, self.used = -1, 0, False

    @property
    def folder(self) -> str:
        """The partition's folder."""
        return self.path.rpartition("/")[0]

    def note(self, infos: Sequence[BatchInfo], base: int, interval: int) -> None:
        """Account for batches just written at `size`, the first of which has got offset `base`.

        Kafka's rule: before a batch that comes more than `interval` bytes after the last entry, both indexes
        get one.
        """
        for info in infos:
            last = base + info.last_offset_delta
            if (
                info.max_timestamp_ms > self.max_ms and info.count
            ):  # compaction leaves headers without records
                self.max_ms, self.max_offset = info.max_timestamp_ms, last
            if self.since > interval and self.index is not None and self.times is not None:
                self.index.add(last, self.size)
                self.times.add(self.max_ms, self.max_offset)
                self.since = 0
            self.since += info.size
            self.size += info.size
            base = last + 1
        self.end = base


class Files:
    """The open descriptors of segments: at most about `most`, the least used closed first.

    Loaded indexes of sealed segments go with them. Descriptors that a sync uses (`pins`) stay open.
    """

    def __init__(self, disk: Disk, most: int, interval: int) -> None:
        self.disk, self._most, self._interval = disk, most, interval
        self.patient = True  # or raise Cold where bytes would have to be waited for
        self._open: dict[Segment, None] = {}

    def fd(self, segment: Segment) -> int:
        """The segment's descriptor, opened if it is not."""
        segment.used = True
        if segment.fd < 0:
            if len(self._open) >= self._most:
                self._make_room()
            segment.fd = self.disk.open(segment.path + ".log", create=segment.newborn)
            self._open[segment] = None
        return segment.fd

    def _make_room(self) -> None:
        """Second chance: who was used since the last look stays, once."""
        for segment in 2 * list(self._open):
            if segment.pins or segment.fd < 0:
                continue
            if segment.used:
                segment.used = False
                del self._open[segment]
                self._open[segment] = None
                continue
            self.close(segment)
            if len(self._open) < self._most:
                return

    def close(self, segment: Segment) -> None:
        """Close the segment's descriptor unless a sync uses it; a dead segment is closed by its last unpinning."""
        if segment.sealed:
            segment.index = segment.times = None
        if segment.fd >= 0 and not segment.pins:
            self.disk.close(segment.fd)
            segment.fd = -1
            self._open.pop(segment, None)

    def unpin(self, segment: Segment) -> None:
        """A sync no longer uses the descriptor."""
        segment.pins -= 1
        if segment.dead or len(self._open) > self._most:
            self.close(segment)

    def close_all(self) -> None:
        """Close everything."""
        for segment in list(self._open):
            segment.pins = 0
            self.close(segment)

    # --- indexes -----------------------------------------------------------------------------------------------

    def index(self, segment: Segment) -> OffsetIndex:
        """The segment's offset index, read from its file, or rebuilt where that is missing or damaged."""
        if segment.index is None:
            self._load(segment)
        assert segment.index is not None
        return segment.index

    def times(self, segment: Segment) -> TimeIndex:
        """The segment's time index, likewise."""
        if segment.times is None:
            self._load(segment)
        assert segment.times is not None
        return segment.times

    def _load(self, segment: Segment) -> None:
        known = segment.indexed or (Extent(0, 0), Extent(-1, 0))
        index = OffsetIndex(segment.base, self._content(segment.path + ".index", known[0].size))
        times = TimeIndex(segment.base, self._content(segment.path + ".timeindex", known[1].size))
        patient, self.patient = self.patient, True  # what follows cannot be left half done
        try:
            if index.cut(known[0]) and times.cut(known[1]):
                segment.index, segment.times = index, times
                if segment.behind is not None:
                    self._catch_up(segment, segment.behind)
            else:
                self.rebuild(segment)
        finally:
            self.patient = patient
        segment.behind = None

    def _catch_up(self, segment: Segment, known: Indexed) -> None:
        """Index what a start found behind the known part."""
        size, end, youngest = segment.size, segment.end, (segment.max_ms, segment.max_offset)
        segment.size, segment.since = known.position, 0
        segment.max_ms, segment.max_offset = known.max_ms, known.max_offset
        for info in self.walk(segment, known.position, size):
            segment.note((info,), info.base_offset, self._interval)
        segment.size, segment.end = size, end
        segment.max_ms, segment.max_offset = youngest

    def _content(self, path: str, size: int) -> Bytes:
        if size <= 0:
            return b""
        try:
            fd = self.disk.open(path)
        except FileNotFoundError:
            return b""
        try:
            return self._read(fd, path, size, 0)
        finally:
            self.disk.close(fd)

    def _read(self, fd: int, path: str, size: int, position: int) -> Bytes:
        if self.patient:
            return self.disk.read(fd, size, position)
        data = self.disk.peek(fd, size, position)
        if data is None:
            raise Cold(self.disk, path, position, size)
        return data

    def begin_indexes(self, segment: Segment) -> None:
        """Empty indexes for a new segment."""
        segment.index, segment.times = OffsetIndex(segment.base), TimeIndex(segment.base)

    def rebuild(self, segment: Segment) -> None:
        """Make both indexes anew from the batches' headers; they are written again from their beginning."""
        size, end = segment.size, segment.end
        segment.size, segment.since, segment.max_ms, segment.max_offset = 0, 0, -1, segment.base
        self.begin_indexes(segment)
        for info in self.walk(segment, 0, size):
            segment.note((info,), info.base_offset, self._interval)
        segment.size, segment.end = size, end
        if segment.sealed:
            self.seal(segment)

    def seal(self, segment: Segment) -> None:
        """Nothing will be appended: complete and write the indexes."""
        index, times = self.index(segment), self.times(segment)
        times.add(segment.max_ms, segment.max_offset)
        self.write_indexes(segment)
        segment.sealed, segment.indexed = True, (index.extent(), times.extent())

    def write_indexes(self, segment: Segment) -> None:
        """Write what the index files do not have yet."""
        for kind, index in ((".index", segment.index), (".timeindex", segment.times)):
            if index is None:
                continue
            fd = self.disk.open(segment.path + kind, create=True)
            try:
                self.disk.truncate(fd, index.written)  # what a crash left behind it
                self.disk.write(fd, memoryview(index.data)[index.written :], index.written)
            finally:
                self.disk.close(fd)
            index.written = len(index.data)

    # --- reading -----------------------------------------------------------------------------------------------

    def walk(self, segment: Segment, position: int, stop: int) -> Iterator[BatchInfo]:
        """The headers of the batches from `position` up to `stop`; positions are the file's."""
        fd, path = self.fd(segment), segment.path + ".log"
        start, chunk = position, _NOTHING
        while position + HEADER_SIZE <= stop:
            if position + HEADER_SIZE > start + len(chunk):
                start, chunk = position, self._read(fd, path, min(_CHUNK, stop - position), position)
                if len(chunk) < HEADER_SIZE:
                    return
            seen = info_at(chunk, position - start)
            if seen.size < HEADER_SIZE:
                return
            yield BatchInfo(
                position, seen.size, seen.base_offset, seen.last_offset_delta, seen.count, seen.attributes,
                seen.base_timestamp_ms, seen.max_timestamp_ms, seen.producer_id, seen.producer_epoch,
                seen.base_sequence,
            )  # fmt: skip
            position += seen.size

    def position_of(self, segment: Segment, offset: int) -> int:
        """Where the batch begins that holds `offset` or, where none does, the next one; `size` at the end."""
        if offset >= segment.end:
            return segment.size
        known = self.index(segment).position_of(offset)
        return self._stride(segment, known, lambda _, last: last >= offset)[0]

    def boundary(self, segment: Segment, start: int, stop: int) -> tuple[int, int]:
        """The last boundary between batches at or before `stop`, but at least one batch after `start`.

        Returns the position and the offset that begins there.
        """
        known = max(start, self.index(segment).position_until(stop))
        position, base, after, last = self._stride(segment, known, lambda after, _: after > stop)
        return (position, base) if position > start else (after, last + 1)

    def _stride(self, segment: Segment, position: int, found: _Found) -> tuple[int, int, int, int]:
        """Go from batch to batch until `found(where it ends, its last offset)`; its begin, base, end and last offset.

        At the segment's end it is an empty batch that would come next. Raises ValueError for damage.
        """
        fd, stop = self.fd(segment), segment.size
        start, chunk, path = position, _NOTHING, segment.path + ".log"
        while position < stop:
            if position + _STRIDE.size > start + len(chunk):
                start, chunk = position, self._read(fd, path, min(_CHUNK, stop - position), position)
            if len(chunk) < position - start + _STRIDE.size:
                raise ValueError(f"no record batch at byte {position} of {segment.path}.log")
            base, length, delta = _STRIDE.unpack_from(chunk, position - start)
            after = position + PREFIX_SIZE + length
            if length <= 0 or after > stop:
                raise ValueError(f"no record batch at byte {position} of {segment.path}.log")
            if found(after, base + delta):
                return position, base, after, base + delta
            position = after
        return stop, segment.end, stop, segment.end - 1

    def content(self, segment: Segment, position: int, size: int) -> Bytes:
        """The bytes at `position`."""
        return self._read(self.fd(segment), segment.path + ".log", size, position)
