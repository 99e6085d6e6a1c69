"""One partition's compaction, from the first look at its keys to the last segment swapped.

    cleaning = log.begin_clean(now)
    while not log.end_clean(cleaning, now):    # on the log's thread: takes over what is ready
        cleaning.run(work)                     # on the disk thread, as much as `work` allows

`run` reads sealed segments by its own descriptors and writes new files: appends and reads go on meanwhile. It stops
where a new segment is to take the place of old ones, which only the log's thread may do. Knows no clock.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from penstock.log.compaction.filter import Filter
from penstock.log.compaction.swap import (
    CLEANED,
    KINDS,
    Mark,
    Swap,
    commit,
    discard,
    settle,
    write_mark,
)
from penstock.log.disk import Disk, DiskFailed, DiskFull
from penstock.log.partition import Partition
from penstock.log.segments.index import RELATIVE_MAX, OffsetIndex, TimeIndex
from penstock.log.segments.segment import Segment
from penstock.log.state import IDENTITY_NAME
from penstock.record import HEADER_SIZE, BatchInfo, info_at

_CHUNK = 256 * 1024
_RECORD_WORK = 32  # a batch of many small records is more work than its bytes
_HEADER_WORK = 512  # a batch of which only the header is looked at
_TURN_WORK = 16 * 1024  # likewise what is done between two moments inside of a batch


class Source(NamedTuple):
    """A segment as it was when the cleaning began: it does not change, but it may be deleted."""

    path: str
    base: int
    end: int
    size: int


class Group(NamedTuple):
    """`segment` is ready to take the place of `sources`."""

    segment: Segment
    sources: list[Source]


class Cleaning:
    """See the module. `over` is set at the end; `error` says why the log can go on no more, `notice` what people
    should know."""

    def __init__(
        self, disk: Disk, partition: Partition, sources: Sequence[Source], filtering: Filter, segment_bytes: int,
        interval: int,
    ) -> None:  # fmt: skip
        self.partition = partition
        self.ready: Group | None = None
        self.swapped = self.over = self.complete = False
        self.error: Exception | None = None
        self.notice = ""
        self.damaged = self.full = False
        self.bytes_before = self.bytes_after = 0
        self.end = filtering.end
        self._disk, self._folder, self._topic_id = disk, partition.folder, partition.topic_id.hex()
        self._sources, self._filter = list(sources), filtering
        self._segment_bytes, self._interval = segment_bytes, interval
        self._steps = self._work()

    def run(self, work: int) -> None:
        """Go on until about `work` bytes are read, a group is ready, or all is done."""
        done = 0
        try:
            while done < work and self.ready is None:
                done += next(self._steps) or _TURN_WORK
        except StopIteration:
            self.over = True
        except FileNotFoundError:
            self.over = True  # the topic, or the segment, was deleted meanwhile
        except ValueError as error:
            self._give_up(f"is damaged and stays as it is: {error}")
            self.damaged = True
        except DiskFull as error:
            self._give_up(f"is not compacted now: {error}")
            self.full = True
        except (OSError, DiskFailed) as error:
            self.error, self.over = error, True

    def stop(self) -> None:
        """Nobody will run this any more: give the descriptors back. What is half done is removed at the next start."""
        self._steps.close()

    def _give_up(self, why: str) -> None:
        self.notice, self.over = f"{self._folder} {why}", True
        self._steps.close()
        for base in {source.base for source in self._sources}:
            try:
                discard(self._disk, self._folder, base)
            except (OSError, DiskFailed) as error:
                self.error = error
                return

    # --- the work, step by step; each step says how many bytes it took ---------------------------------------------

    def _work(self) -> Generator[int, None, None]:
        yield from self._secure()
        for source in self._sources:
            yield from self._survey(source)
        self._filter.surveyed()
        if self._filter.end <= self._filter.first_dirty:
            return  # a transaction is open: there is nothing to clean before it ends
        for source in self._sources:
            if source.end > self._filter.first_dirty and not self._filter.full:
                yield from self._learn(source)
        clean = self._filter.end
        self._sources = [source for source in self._sources if source.base < clean]
        gaps = self._sources[-1].end if self._sources else 0
        write_mark(self._disk, self._folder, Mark(self._topic_id, gaps, self._filter.first_dirty))
        for sources in self._groups():
            yield from self._rewrite(sources)
            if not self.swapped:
                return  # retention was faster: what is behind it must be seen as a whole another time
        self.end = clean
        write_mark(self._disk, self._folder, Mark(self._topic_id, gaps, clean))
        self.complete = True

    def _secure(self) -> Iterator[int]:
        """What only the journal has safe must be so in its own files, before the mark says that no redo is needed."""
        for path in (*(f"{source.path}.log" for source in self._sources), f"{self._folder}/{IDENTITY_NAME}"):
            fd = self._disk.open(path)
            try:
                self._disk.sync(fd)
            finally:
                self._disk.close(fd)
            yield 0
        self._disk.sync_folder(self._folder)
        self._disk.sync_folder("")

    def _survey(self, source: Source) -> Iterator[int]:
        with closing(self._batches(source)) as found:
            for info, batch in found:
                self._filter.survey(info, batch)
                yield _HEADER_WORK

    def _learn(self, source: Source) -> Iterator[int]:
        with closing(self._batches(source)) as found:
            for info, batch in found:
                yield from self._filter.learn(info, batch)
                yield info.size + _RECORD_WORK * info.count

    def _groups(self) -> Iterator[list[Source]]:
        """Small neighbours become one segment."""
        group: list[Source] = []
        for source in self._sources:
            size = sum(one.size for one in group) + source.size
            if group and (size > self._segment_bytes or source.end - group[0].base > RELATIVE_MAX):
                yield group
                group = []
            group.append(source)
        if group:
            yield group

    def _rewrite(self, sources: list[Source]) -> Iterator[int]:
        segment = Segment(self._folder, sources[0].base, 0)
        segment.index, segment.times = OffsetIndex(segment.base), TimeIndex(segment.base)
        fd = self._disk.open(f"{segment.path}.log{CLEANED}", create=True)
        try:
            self._disk.truncate(fd, 0)
            changed = False
            for source in sources:
                for step in self._copy(source, segment, fd):
                    yield abs(step)
                    changed = changed or step < 0
            if len(sources) > 1 or changed:
                self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        before = sum(source.size for source in sources)
        self.bytes_before, self.bytes_after = self.bytes_before + before, self.bytes_after + segment.size
        if len(sources) == 1 and not changed:
            self._disk.remove(f"{segment.path}.log{CLEANED}")
            self.swapped = True
            return
        self._seal(segment, sources[-1].end)
        self._disk.sync_folder(self._folder)
        bases = [source.base for source in sources]
        commit(self._disk, self._folder, Swap(self._topic_id, segment.base, bases))
        self.swapped, self.ready = False, Group(segment, sources)
        yield 0
        if self.swapped:
            settle(self._disk, self._folder, segment.base)
        else:
            discard(self._disk, self._folder, segment.base)

    def _copy(self, source: Source, segment: Segment, fd: int) -> Iterator[int]:
        """What stays of the source goes behind what the segment has; a negative step says that something went."""
        waiting = bytearray()
        with closing(self._batches(source)) as found:
            for info, batch in found:
                yield from self._filter.cut(info, batch)
                left = self._filter.result
                if left:
                    new = info_at(left, 0)
                    waiting += left
                    segment.note((new,), new.base_offset, self._interval)
                if len(waiting) >= _CHUNK:
                    self._disk.write(fd, waiting, segment.size - len(waiting))
                    waiting = bytearray()
                work = info.size + _RECORD_WORK * info.count
                yield work if left is batch else -work
        if waiting:
            self._disk.write(fd, waiting, segment.size - len(waiting))

    def _seal(self, segment: Segment, end: int) -> None:
        """The indexes; they need not be safe, the log makes them again where they are wrong."""
        index, times = segment.index, segment.times
        assert index is not None and times is not None
        times.add(segment.max_ms, segment.max_offset)
        contents: tuple[OffsetIndex | TimeIndex, ...] = (index, times)
        for kind, entries in zip(KINDS[1:], contents, strict=True):
            fd = self._disk.open(segment.path + kind + CLEANED, create=True)
            try:
                self._disk.truncate(fd, 0)
                self._disk.write(fd, entries.data, 0)
            finally:
                self._disk.close(fd)
            entries.written = len(entries.data)
        segment.end, segment.synced = end, segment.size
        segment.sealed, segment.indexed = True, (index.extent(), times.extent())

    def _batches(self, source: Source) -> Generator[tuple[BatchInfo, memoryview], None, None]:
        """Every batch, whole. Raises ValueError where there is none."""
        fd = self._disk.open(source.path + ".log")
        try:
            position, start, chunk = 0, 0, memoryview(b"")
            while position < source.size:
                at = position - start
                size = info_at(chunk, at).size if at + HEADER_SIZE <= len(chunk) else 0
                if not size or at + size > len(chunk):
                    want = max(_CHUNK, size)
                    start, chunk = (
                        position,
                        memoryview(self._disk.read(fd, min(want, source.size - position), position)),
                    )
                    if (size and len(chunk) < size) or len(chunk) < HEADER_SIZE:
                        raise ValueError(f"no record batch at byte {position} of {source.path}.log")
                    size = info_at(chunk, 0).size
                    if size < HEADER_SIZE or size > source.size - position:
                        raise ValueError(f"no record batch at byte {position} of {source.path}.log")
                    continue
                if size < HEADER_SIZE:
                    raise ValueError(f"no record batch at byte {position} of {source.path}.log")
                yield info_at(chunk, at), chunk[at : at + size]
                position += size
        finally:
            self._disk.close(fd)
