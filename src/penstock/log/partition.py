"""One partition: an unbroken run of offsets in segments. Append, read, find by time, forget the oldest.

Knows offsets and segments; knows nothing of how bytes become safe (`durability`) or when they grow old (`topics.py`).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

from penstock.calls import Bytes
from penstock.clock import Now
from penstock.later import Steps
from penstock.log.disk import DiskFull
from penstock.log.search import Found, first_since, youngest
from penstock.log.segments.index import RELATIVE_MAX, OffsetIndex, TimeIndex
from penstock.log.segments.segment import Files, Segment
from penstock.log.settings import Settings
from penstock.log.state import DELETED, IDENTITY_NAME, PartitionPoint, Point, Sealed, identity
from penstock.record import BatchInfo, Writable, place

_PLACES_MAX = 64


class Owner(Protocol):
    """The topic that a partition is of."""

    name: str
    topic_id: bytes
    settings: Settings


class Unsafe(Protocol):
    """Where a partition says what is not safe yet; see `durability.sync.Dirty`, which makes it so."""

    segments: "dict[Segment, Partition]"
    homes: "dict[Partition, None]"
    doomed: list[str]
    failure: Exception | None
    keep: Callable[[], None]

    def add(self, segment: Segment, partition: "Partition", size: int) -> bool:
        """`size` more bytes; whether they count as durable all the same."""


class Partition:
    """Offsets from `start_offset` to `end_offset` (exclusive); those below `durable_offset` survive a crash."""

    __slots__ = (
        "_dirty", "_files", "_interval", "_places", "_topic", "clean_offset", "deleted", "durable_offset", "end_offset", "folder",
        "gaps_offset", "housed", "index", "key", "point", "segments", "size_bytes", "start_offset", "topic", "topic_id",
    )  # fmt: skip

    def __init__(self, topic: Owner, index: int, files: Files, dirty: Unsafe, interval: int) -> None:
        self.topic, self.index, self._topic = topic.name, index, topic
        self._files, self._dirty, self._interval = files, dirty, interval
        self.folder = f"{topic.name}-{index}"
        self.topic_id = topic.topic_id
        self.key = f"{topic.topic_id.hex()}-{index}"
        self.housed = False  # the folder stands, with this topic's id in it
        self.deleted = False  # with its topic, for good
        self.segments: list[Segment] = []
        self.start_offset = self.end_offset = self.durable_offset = 0
        self.clean_offset = self.gaps_offset = (
            0  # below: each key is there once; compaction may have left gaps
        )
        self.size_bytes = 0
        self.point: Point | None = None  # what the last sync made safe
        self._places: dict[int, tuple[Segment, int]] = {}  # where readers will go on

    @property
    def settings(self) -> Settings:
        """The topic's configuration as it is now."""
        return self._topic.settings

    # --- append ------------------------------------------------------------------------------------------------

    def append(self, batches: Writable, infos: Sequence[BatchInfo], now: Now) -> int:
        """Write whole batches and return the first one's new offset. `infos` are those of all of `batches`.

        The offsets are stamped into `batches`. Raises DiskFull (nothing is written then) or DiskFailed.
        """
        dirty = self._dirty
        if dirty.failure:
            raise dirty.failure
        segments = self.segments
        segment = segments[-1] if segments else None
        if segment is None or segment.index is None or self._is_full(segment, batches, infos, now):
            segment = self._open_active(segment, batches, infos, now)
        first = offset = self.end_offset
        for info in infos:
            place(batches, info.position, offset)
            offset += info.last_offset_delta + 1
        segment.used = True
        try:
            self._files.disk.write(
                segment.fd if segment.fd >= 0 else self._files.fd(segment), batches, segment.size
            )
        except DiskFull:
            self._files.disk.truncate(self._files.fd(segment), segment.size)
            raise
        segment.note(infos, first, self._interval)
        self.end_offset = offset
        self.size_bytes += len(batches)
        if dirty.add(segment, self, len(batches)):
            self.durable_offset = offset
        return first

    def _is_full(self, segment: Segment, batches: Writable, infos: Sequence[BatchInfo], now: Now) -> bool:
        settings, more = self._topic.settings, len(batches)
        last = self.end_offset + sum(info.last_offset_delta + 1 for info in infos)
        return segment.size > 0 and (
            segment.size + more > settings.segment_bytes
            or now.wall_ms - segment.born_ms > settings.segment_ms
            or last - segment.base > RELATIVE_MAX
        )

    def _open_active(
        self, segment: Segment | None, batches: Writable, infos: Sequence[BatchInfo], now: Now
    ) -> Segment:
        """The segment to append to: the last one, once its indexes are loaded, or a new one."""
        if segment is not None and not segment.sealed:
            self._files.index(segment)
            if not self._is_full(segment, batches, infos, now):
                return segment
            self._files.seal(segment)
            self._dirty.add(segment, self, 0)
        return self._begin(now)

    def _begin(self, now: Now) -> Segment:
        disk, files = self._files.disk, self._files
        if not self.housed:
            self.move_in()
        segment = Segment(self.folder, self.end_offset, now.wall_ms)
        segment.newborn = True
        disk.truncate(files.fd(segment), 0)  # a crash may have brought back what stood here
        files.begin_indexes(segment)
        self.segments.append(segment)
        return segment

    def move_in(self) -> None:
        """Make the folder, with the topic's id in it."""
        disk = self._files.disk
        if self.folder not in disk.listing(""):
            disk.make_folder(self.folder)
        fd = disk.open(f"{self.folder}/{IDENTITY_NAME}", create=True)
        try:
            disk.truncate(fd, 0)
            disk.write(fd, identity(self._topic.topic_id), 0)
        finally:
            disk.close(fd)
        self.housed = True
        self.doubt()

    def doubt(self) -> None:
        """Whether the folder, and whose it is, is safe on disk is not known: the next sync sees to it."""
        self._dirty.homes[self] = None

    # --- read --------------------------------------------------------------------------------------------------

    def read(self, offset: int, bytes_max: int, *, end: int) -> Bytes:
        """Whole batches from the one that holds `offset`, below `end` and of one segment.

        At most `bytes_max`, but at least one batch; empty where `offset` is `end` or more. Raises LookupError for
        an offset below `start_offset` or above `end_offset`.
        """
        return self._read(offset, bytes_max, end)

    def read_near(self, offset: int, bytes_max: int, *, end: int) -> Bytes:
        """As `read`, but raises Cold where bytes would have to be waited for."""
        self._files.patient = False
        try:
            return self._read(offset, bytes_max, end)
        finally:
            self._files.patient = True

    def _read(self, offset: int, bytes_max: int, end: int) -> Bytes:
        if not self.start_offset <= offset <= self.end_offset:
            raise LookupError(f"offset {offset} is not in {self.start_offset}..{self.end_offset}")
        if offset >= end or offset == self.end_offset:
            return b""
        segment, start = self._places[offset] if offset in self._places else self._locate(offset)
        stop = self._limit(segment, end)
        while stop <= start:  # compaction may have taken a segment's last batches
            number = bisect_right(self.segments, segment.base, key=_base)
            if number == len(self.segments) or self.segments[number].base >= end:
                return b""
            segment, start = self.segments[number], 0
            stop = self._limit(segment, end)
        after = min(end, segment.end)
        if stop - start > bytes_max:
            stop, after = self._files.boundary(segment, start, min(start + bytes_max, stop))
        content = self._files.content(segment, start, stop - start)
        self._places.pop(offset, None)
        self._remember(after, segment, stop)
        return content

    def _remember(self, offset: int, segment: Segment, position: int) -> None:
        """Where a reader that goes on at `offset` will find it, if more is written to the same segment."""
        if len(self._places) >= _PLACES_MAX:
            del self._places[next(iter(self._places))]
        if not (position == segment.size and segment.sealed):
            self._places[offset] = segment, position

    def _locate(self, offset: int) -> tuple[Segment, int]:
        number = max(0, bisect_right(self.segments, offset, key=_base) - 1)
        segment = self.segments[number]
        if offset >= segment.end and number + 1 < len(self.segments):
            segment = self.segments[number + 1]
        return segment, self._files.position_of(segment, offset)

    def _limit(self, segment: Segment, end: int) -> int:
        if end >= segment.end:
            return segment.size
        point = self.point
        if point is not None and end == point.end and point.base == segment.base:
            return point.position
        return self._files.position_of(segment, end)

    # --- find by time ------------------------------------------------------------------------------------------

    def find(self, timestamp_ms: int) -> Steps[Found | None]:
        """Offset and timestamp of the first durable record as young as `timestamp_ms` or younger; None if none is."""
        return first_since(self, self._files, timestamp_ms)

    def find_youngest(self) -> Steps[Found | None]:
        """Offset and timestamp of the youngest durable record, the first of several; None if there is none."""
        return youngest(self, self._files)

    # --- forget ------------------------------------------------------------------------------------------------

    def truncate_before(self, offset: int) -> int:
        """Forget the records below `offset` for good (at most up to the durable end); the new start offset."""
        before, target = self.start_offset, min(offset, self.durable_offset)
        if target > before:
            self.start_offset = target
            try:
                self._dirty.keep()  # a segment goes only after it is written down that it is not needed
            except BaseException:
                self.start_offset = before
                raise
            self.drop()
        return self.start_offset

    def drop(self) -> int:
        """Remove the segments that lie below the start offset (which is kept by now); how many."""
        count = 0
        while self.segments and self.segments[0].end <= self.start_offset:
            if self.segments[0].size == 0 and not self.segments[0].sealed:
                break  # the active one, before its first batch
            segment = self.segments.pop(0)
            self.size_bytes -= segment.size
            self.discard(segment)
            self._bury(segment)
            count += 1
        return count

    def replace(self, number: int, old: Sequence[Segment], new: Segment) -> None:
        """`new`, whose files have their names already, is read in place of `old` from now on."""
        new.index = new.times = None  # loaded again when needed
        self.segments[number : number + len(old)] = [new]
        self.size_bytes += new.size - sum(segment.size for segment in old)
        self.gaps_offset = max(self.gaps_offset, new.end)
        for segment in old:
            self.discard(segment)
            if segment.base != new.base:
                self._bury(segment)

    def _bury(self, segment: Segment) -> None:
        """Free the names at once, a later segment may want them; the disk thread removes the bytes."""
        for kind in (".log", ".index", ".timeindex"):
            try:
                self._files.disk.rename(segment.path + kind, segment.path + kind + DELETED)
            except FileNotFoundError:
                continue
            self._dirty.doomed.append(segment.path + kind + DELETED)

    def discard(self, segment: Segment) -> None:
        """Let go of a segment whose files are to be removed."""
        segment.dead = segment.sealed = True
        self._places.clear()
        self._dirty.segments.pop(segment, None)
        self._files.close(segment)

    # --- what is known to be whole -----------------------------------------------------------------------------

    def point_now(self, segment: Segment) -> Point:
        """Where `segment` stands now: what a sync that begins now makes safe."""
        known, behind = segment.indexed, segment.behind if segment.index is None else None
        if known is None or not (segment.sealed or behind):
            known = self._files.index(segment).extent(), self._files.times(segment).extent()
        return Point(
            segment.base,
            segment.size,
            segment.end,
            segment.max_ms,
            segment.max_offset,
            segment.born_ms,
            *known,
            behind,
        )

    def known(self) -> PartitionPoint | None:
        """What is known to be whole; None before the first sync."""
        point = self.point
        if point is None:
            return None
        sealed = [
            Sealed(s.base, s.size, s.end, s.max_ms, s.max_offset, *s.indexed)
            for s in self.segments
            if s.base < point.base and s.indexed
        ]
        return PartitionPoint(sealed, point)

    def index_tails(self) -> list[tuple[str, int, bytes]]:
        """What the index files lack for `known` to be true of them: path, position and bytes."""
        segment = self.segments[-1] if self.segments else None
        tails = []
        if (
            segment
            and self.point
            and segment.base == self.point.base
            and segment.index
            and not segment.sealed
        ):
            sizes = self.point.index.size, self.point.times.size
            kinds: tuple[tuple[str, OffsetIndex | TimeIndex], ...] = (
                (".index", self._files.index(segment)),
                (".timeindex", self._files.times(segment)),
            )
            for (kind, index), size in zip(kinds, sizes, strict=True):
                if size > index.written:
                    tails.append(
                        (segment.path + kind, index.written, bytes(index.data[index.written : size]))
                    )
                    index.written = size
        return tails


def _base(segment: Segment) -> int:
    return segment.base
