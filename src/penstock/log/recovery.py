"""Opening what an earlier run left: where each partition ends, after a clean stop or a crash.

A segment before the checkpoint is taken as it is; what comes behind is read batch by batch, and cut at the first
that is not whole, has a wrong checksum or does not follow. Knows nothing of appends and syncs.
"""

from collections.abc import Mapping, Sequence

from penstock.calls import Bytes
from penstock.clock import Now
from penstock.log.compaction.swap import LEFTOVERS, restore
from penstock.log.disk import Disk
from penstock.log.durability.journal import Journal
from penstock.log.folders import is_ours, owner, set_aside
from penstock.log.partition import Partition
from penstock.log.segments.index import Indexed
from penstock.log.segments.segment import Files, Segment
from penstock.log.state import DELETED, IDENTITY_NAME, PartitionPoint, Sealed
from penstock.record import HEADER_SIZE, BatchInfo, info_at, intact

_CHUNK = 1024 * 1024


class Recovery:
    """Opens partitions, and tells what has to be made safe before they are used.

    `suspects` are segments with bytes that perhaps are not, `replayed` those that are safe in the journal only (and in
    which of its halves), `folders` where files were removed that must not come back. `cuts` says, for people, what
    had to be cut.
    """

    def __init__(self, disk: Disk, files: Files, interval: int, now: Now) -> None:
        self._disk, self._files, self._interval, self._now = disk, files, interval, now
        self.cuts: list[str] = []
        self.suspects: dict[Segment, Partition] = {}
        self.replayed: dict[tuple[Partition, int], set[int]] = {}
        self.folders: dict[str, None] = {}
        self._safe: dict[str, list[tuple[int, int]]] = {}
        self._homes: dict[Partition, dict[str, int]] = {}  # what the partitions' folders hold

    def visit(self, partitions: Sequence[Partition], points: Mapping[str, PartitionPoint]) -> None:
        """Look once into each folder. Comes first."""
        for partition in partitions:
            listing = self._disk.listing(partition.folder)
            if listing and self._is_home(partition, listing, points.get(partition.key)):
                self._homes[partition] = self._restored(partition, listing)

    def replay(self, journal: Journal, partitions: Sequence[Partition]) -> None:
        """Bring what only the journal has into the segments; it need not be safe there for now."""
        ours = {(partition.topic_id, partition.index): partition for partition in partitions}
        runs: dict[tuple[Partition, int], tuple[int, list[Bytes], int]] = {}
        for redo in journal.replay():
            partition = ours.get((redo.topic_id, redo.partition))
            if partition is None:
                continue  # the topic was deleted since; a segment that was will be removed again by `open`
            if redo.base < partition.gaps_offset:
                continue  # compacted since, which only segments are that need the journal no more
            place = partition, redo.base
            if not redo.data:
                self._safe.setdefault(f"{partition.folder}/{redo.base:020}", []).append((0, redo.position))
                continue
            start, run, stop = runs.get(place, (redo.position, [], redo.position))
            if stop != redo.position:
                self._write_back(place, start, run)
                start, run = redo.position, []
            run.append(redo.data)
            # What was appended in many rounds is written once.
            runs[place] = start, run, redo.position + len(redo.data)
            self.replayed.setdefault(place, set()).add(redo.half)
        for place, (start, run, _) in runs.items():
            self._write_back(place, start, run)

    def _write_back(self, place: tuple[Partition, int], position: int, run: Sequence[Bytes]) -> None:
        partition, base = place
        if partition not in self._homes:  # the folder is missing, or was another topic's
            partition.move_in()
            self._homes[partition] = self._disk.listing(partition.folder)
        path, data, listing = f"{partition.folder}/{base:020}", b"".join(run), self._homes[partition]
        stop, size = position + len(data), listing.get(f"{base:020}.log", 0)
        fd = self._disk.open(path + ".log", create=True)
        try:
            # A killed process leaves its bytes with the operating system: they need not be made dirty again.
            if size < stop or self._disk.read(fd, len(data), position) != data:
                self._disk.write(fd, data, position)
        finally:
            self._disk.close(fd)
        listing[f"{base:020}.log"] = max(size, stop)
        self._safe.setdefault(path, []).append((position, stop))

    def _restored(self, partition: Partition, listing: dict[str, int]) -> dict[str, int]:
        """Finish what compaction began; what the folder holds then."""
        mark = restore(self._disk, partition.folder, listing, partition.topic_id)
        if mark is not None:
            partition.gaps_offset, partition.clean_offset = mark.gaps, mark.clean
        if any(name.endswith(LEFTOVERS) for name in listing):
            return self._disk.listing(partition.folder)
        return listing

    def open(self, partition: Partition, known: PartitionPoint | None) -> None:
        """Fill `partition` (its start offset is set) with what its folder holds."""
        listing = self._homes.get(partition)
        if listing is None:
            partition.end_offset = partition.durable_offset = partition.start_offset
            return
        partition.housed = True
        if IDENTITY_NAME not in listing:
            partition.move_in()
        if known is None or IDENTITY_NAME not in listing:
            partition.doubt()  # a killed process may not have come to make the folder safe
        for name in listing:
            if not is_ours(name):
                self.cuts.append(f"{partition.folder}/{name}: left alone, it is not the log's")
            elif name.endswith(DELETED):
                self._disk.remove(f"{partition.folder}/{name}")
        bases = sorted(int(n[:-4]) for n in listing if n.endswith(".log") and is_ours(n))
        sizes = {base: listing[f"{base:020}.log"] for base in bases}
        self._fill(partition, bases, sizes, known)
        self._settle(partition)

    def _is_home(
        self, partition: Partition, listing: Mapping[str, int], known: PartitionPoint | None
    ) -> bool:
        """Whether the folder belongs to this topic; one that says that it is another's is set aside.

        Without an identity, or with one that is damaged, records are kept: nothing says that they are not ours.
        """
        folder = partition.folder
        whose = owner(self._disk, folder, listing)
        if whose.is_other_than(partition.topic_id):
            aside = set_aside(self._disk, folder)
            self.folders[""] = None
            self.cuts.append(f"{folder}: renamed to {aside}, its {IDENTITY_NAME} is of another topic")
            return False
        if whose.damaged:
            partition.move_in()
            self.cuts.append(f"{folder}/{IDENTITY_NAME}: written anew, it was damaged; the records are kept")
        return (
            whose.text is not None
            or any(n.endswith(".log") and is_ours(n) for n in listing)
            or known is not None
        )

    def _fill(
        self, partition: Partition, bases: list[int], sizes: Mapping[int, int], known: PartitionPoint | None
    ) -> None:
        sealed = {one.base: one for one in known.sealed} if known else {}
        for number, base in enumerate(bases):
            segment = Segment(partition.folder, base, self._now.wall_ms)
            segment.size = sizes[base]
            following = bases[number + 1] if number + 1 < len(bases) else None
            if following is not None and following <= partition.start_offset:
                self._remove(segment, "")
                continue
            before = partition.segments[-1].end if partition.segments else partition.start_offset
            gap = before < base <= partition.gaps_offset
            if (
                base != before
                and not gap
                and (partition.segments or base > before)
                and not (known and base <= known.point.base)
            ):
                self._remove(segment, f"does not follow offset {before}")
                continue
            if (
                base > before and not gap
            ):  # known to have been whole: better a gap than what is left behind it lost, too
                self.cuts.append(
                    f"{partition.folder}: the records from offset {before} to {base} are missing"
                )
            if following is not None and _is_known(segment, sealed.get(base)):
                segment.synced, segment.sealed = segment.size, True
            else:
                self._recover(segment, partition, known)
            if base < partition.gaps_offset:  # what compaction took at its end belongs to it all the same
                after = partition.gaps_offset if following is None else min(following, partition.gaps_offset)
                segment.end = max(segment.end, after)
            partition.segments.append(segment)
        partition.point = known.point if known else None

    def _recover(self, segment: Segment, partition: Partition, known: PartitionPoint | None) -> None:
        """Find the segment's end: from the checkpoint's place on, or from its beginning."""
        size, position = segment.size, 0
        point = known.point if known and segment.base >= partition.gaps_offset else None
        if point and point.base == segment.base and point.position <= size:
            position = segment.synced = point.position
            segment.end, segment.born_ms = point.end, point.born_ms
            segment.max_ms, segment.max_offset = point.max_ms, point.max_offset
            segment.indexed = point.index, point.times
            segment.behind = point.indexed or Indexed(position, point.max_ms, point.max_offset)
        if position == size > 0:
            return
        segment.size = position
        if position == 0:
            self._files.begin_indexes(segment)
            segment.behind = None
        fd = self._files.fd(segment)
        for info in _sound_batches(self._disk, fd, segment, size, gaps=segment.base < partition.gaps_offset):
            segment.note((info,), info.base_offset, self._interval)
        if segment.size < size:
            self.cuts.append(f"{segment.path}.log: cut from {size} to {segment.size} bytes")
            self._disk.truncate(fd, segment.size)
            self._disk.sync(fd)  # lest what was cut off comes back behind new batches
        for start, stop in self._safe.get(segment.path, ()):
            if start <= segment.synced:
                segment.synced = max(segment.synced, min(stop, segment.size))
        self.suspects[segment] = partition

    def _remove(self, segment: Segment, why: str) -> None:
        self.folders[segment.folder] = None
        for kind in (".log", ".index", ".timeindex"):
            try:
                self._disk.remove(segment.path + kind)
            except FileNotFoundError:
                continue
        if why:
            self.cuts.append(f"{segment.path}.log: removed, it {why}")

    def _settle(self, partition: Partition) -> None:
        """Take the start offset into account, seal all segments but the last, and sum up."""
        segments = partition.segments
        if segments and segments[-1].end <= partition.start_offset:
            for segment in segments:
                self._remove(segment, "")
                self._files.close(segment)
                self.suspects.pop(segment, None)
            segments.clear()
        if segments:
            partition.start_offset = max(partition.start_offset, segments[0].base)
        for segment in segments[:-1]:
            if not segment.sealed:
                self._files.seal(segment)
        end = segments[-1].end if segments else partition.start_offset
        partition.end_offset = partition.durable_offset = end
        partition.size_bytes = sum(segment.size for segment in segments)


def _is_known(segment: Segment, sealed: Sealed | None) -> bool:
    """Whether the checkpoint knows the segment; its facts are taken over then."""
    if sealed is None or sealed.size != segment.size:
        return False
    segment.end, segment.max_ms, segment.max_offset = sealed.end, sealed.max_ms, sealed.max_offset
    segment.indexed = sealed.index, sealed.times
    return True


def _sound_batches(disk: Disk, fd: int, segment: Segment, stop: int, *, gaps: bool) -> "list[BatchInfo]":
    """The batches from the segment's present end on that are whole, have a right checksum and follow each other.

    Where compaction has been, there may be `gaps` between them.
    """
    position, expected = segment.size, segment.end
    found: list[BatchInfo] = []
    start, chunk = position, b""
    while position + HEADER_SIZE <= stop:
        if position + HEADER_SIZE > start + len(chunk):
            start, chunk = position, disk.read(fd, min(_CHUNK, stop - position), position)
        info = info_at(chunk, position - start)
        follows = info.base_offset >= expected if gaps else info.base_offset == expected
        if not HEADER_SIZE <= info.size <= stop - position or not follows:
            break
        if position + info.size > start + len(chunk):
            start, chunk = position, disk.read(fd, max(_CHUNK, info.size), position)
        if not intact(chunk, position - start) or info.last_offset_delta < 0:
            break
        found.append(info)
        position, expected = position + info.size, info.last_offset + 1
    return found
