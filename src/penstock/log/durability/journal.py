"""One file that makes many partitions safe with one sync: physical redo of byte ranges of segments.

A round is written whole behind the last one and synced. The file has two halves: while one fills, the segments of
the other are synced a few at a time ("settled"), after which it may be overwritten. After a crash the rounds are
written into their segments again, which changes nothing where the bytes had reached them, and the journal goes on
behind them: a start need not sync what is safe here. A clean stop settles everything, if it is not too much, and
ends the life. Soon after a start, when too much of the last life is not settled for a half to be overwritten, rounds
go into a third part behind the halves.

    two headers of a life's number and the halves' size · half · half · spare part
    round: magic 4 · life 8 · sequence 8 · length 4 · count 4 · crc 4 · ranges
    range: topic id 16 · partition 4 · segment base 8 · position 8 · end offset 8 · length 4 · bytes

A range of no bytes says that its segment is safe up to that position in its own file, which saves the next start
from doing it again. A round counts only if it is of the last life, follows its predecessor and its checksum is right. Runs on the disk
thread, except at open and close. Knows nothing of batches.
"""

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from google_crc32c import extend as crc32c
from google_crc32c import value as crc32c_of

from penstock.calls import Bytes
from penstock.log.disk import Disk, DiskFull
from penstock.log.partition import Partition
from penstock.log.segments.segment import Segment
from penstock.log.state import IDENTITY_NAME, Point

JOURNAL_NAME = "journal"
_MAGIC = b"PSJ1"
_LIFE = struct.Struct(">4sqqI")
_ROUND = struct.Struct(">4sqqiiI")
_ENTRY = struct.Struct(">16siqqqi")
_SLOT = 4096  # a header a disk's block, so that a torn one leaves the other whole
_DATA = 2 * _SLOT
# Below this mean size a range costs less written twice than synced by itself: docs/decisions/0002-group-commit.md.
_RANGE_MEAN_MAX = 256 * 1024
_RANGES_MIN = 2
_PIECE = 4 * 1024 * 1024
_SETTLED_AT_CLOSE_MAX = 128  # a second or so on a slow disk


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of one segment to be made safe, from `start` up to the position in `point`."""

    partition: Partition
    segment: Segment
    fd: int
    start: int
    point: Point
    newborn: bool  # the file's name is not safe yet
    home: bool  # the folder's name is not safe yet, nor whose it is


class Redo(NamedTuple):
    """Bytes to be written again, and in which half of the journal they are safe; none: all before is safe."""

    half: int
    topic_id: bytes
    partition: int
    base: int
    position: int
    end: int
    data: Bytes


_Found = tuple[int, memoryview, int, int]  # a round's sequence, its ranges, how many, and where it ends


class _Part:
    """Where rounds go, and the segments that they touched and that are not synced since."""

    def __init__(self, start: int, stop: int) -> None:
        self.start = self.position = start
        self.stop = stop
        self.pending: dict[Segment, Range] = {}
        self.touched = 0

    def has_room(self, size: int) -> bool:
        return self.position + size <= self.stop

    def due(self, share: float) -> int:
        """How many segments have to be settled now so that `share` of them are."""
        return math.ceil(share * self.touched) - (self.touched - len(self.pending))


class Journal:
    """See the module. `size` is the file's, headers aside; 0 is without a journal.

    About `held_max` segments at most are held open.
    """

    def __init__(self, disk: Disk, size: int, held_max: int) -> None:
        self._disk, self._half_size, self._held_max = disk, size // 2, held_max
        self._fd = -1
        self._life = self._sequence = self._found_size = 0
        self._written = 0  # since the start, or since the half was begun
        self._place_parts()
        self._settled: list[Range] = []

    def _place_parts(self) -> None:
        places = [_DATA + number * self._half_size for number in range(4)]
        parts = [_Part(start, stop) for start, stop in itertools.pairwise(places)]
        self._halves, self._spare = parts[:2], parts[2]

    # --- after a crash -----------------------------------------------------------------------------------------

    def replay(self) -> Iterator[Redo]:
        """What the last life left, in order. Hand its segments to `adopt` afterwards."""
        try:
            self._fd = self._disk.open(JOURNAL_NAME)
        except FileNotFoundError:
            return
        self._life, self._found_size = max(self._life_in(slot) for slot in (0, _SLOT))
        places = [_DATA + number * self._found_size for number in range(4)]
        runs = [self._rounds(*place) if self._life else [] for place in itertools.pairwise(places)]
        for part, run in zip((*self._halves, self._spare), runs, strict=True):
            if run:
                part.position = run[-1][3]
                self._sequence = max(self._sequence, run[-1][0])
        if runs[1] and (not runs[0] or runs[1][-1][0] > runs[0][-1][0]):
            self._halves.reverse()
        found = [(round_, number) for number, run in enumerate(runs) for round_ in run]
        for (_, body, count, _), number in sorted(found, key=lambda one: one[0][0]):
            yield from _entries(number, body, count)

    def _life_in(self, slot: int) -> tuple[int, int]:
        content = self._disk.read(self._fd, _LIFE.size, slot)
        if len(content) < _LIFE.size:
            return 0, 0
        magic, life, half_size, crc = _LIFE.unpack(content)
        return (life, half_size) if magic == _MAGIC and crc == crc32c_of(content[:20]) else (0, 0)

    def adopt(self, ranges: Sequence[tuple[int, Range]]) -> list[Range]:
        """Go on behind what was replayed: these segments, by half, are safe in the journal only.

        Returns those that are settled already, because they are too many or the journal's size was changed.
        """
        if self._fd < 0:
            return []
        self._disk.sync(self._fd)  # a killed process may have written the last round and not come to this
        parts = sorted((*self._halves, self._spare), key=lambda part: part.start)
        for number, one in ranges:
            parts[number].pending[one.segment] = one
        new = self._life == 0 or self._found_size != self._half_size
        self._settle_down_to(0 if new else self._held_max)
        for part in parts:
            part.touched = len(part.pending)
        self._written = -self._half_size // 4  # what the start itself writes settles nothing
        if new:
            self._begin_life()
        return self.take_settled()

    def _rounds(self, position: int, stop: int) -> list[_Found]:
        found: list[_Found] = []
        start, chunk = position, memoryview(b"")
        while position + _ROUND.size <= stop:
            if position + _ROUND.size > start + len(chunk):
                start, chunk = position, self._chunk(position, _PIECE, stop)
            if len(chunk) < position - start + _ROUND.size:
                break
            magic, life, sequence, length, count, crc = _ROUND.unpack_from(chunk, position - start)
            after = position + _ROUND.size + max(length, 0)
            if start + len(chunk) < after <= stop:
                start, chunk = position, self._chunk(position, max(_PIECE, after - position), stop)
            head, body = chunk[position - start :][: _ROUND.size - 4], chunk[position - start : after - start]
            body = body[_ROUND.size :]
            # Between two rounds in the spare part there may have been some elsewhere.
            follows = not found or sequence > found[-1][0]
            if magic != _MAGIC or life != self._life or not follows or len(body) != length:
                break
            if _checksum(bytes(head), body) != crc:
                break
            position = after
            found.append((sequence, body, count, position))
        return found

    def _chunk(self, position: int, size: int, stop: int) -> memoryview:
        return memoryview(self._disk.read(self._fd, min(size, stop - position), position))

    def _begin_life(self) -> None:
        """From now on nothing that was written before counts. The segments must be safe by now."""
        self._life, self._sequence, self._written = self._life + 1, 0, 0
        self._place_parts()
        head = struct.pack(">4sqq", _MAGIC, self._life, self._half_size)
        self._disk.write(self._fd, head + struct.pack(">I", crc32c_of(head)), self._life % 2 * _SLOT)
        self._disk.sync(self._fd)

    # --- rounds ------------------------------------------------------------------------------------------------

    def takes(self, ranges: Sequence[Range]) -> bool:
        """Whether these are safe sooner in the journal than each by itself."""
        total = sum(one.point.position - one.start for one in ranges)
        room = total + len(ranges) * _ENTRY.size + _ROUND.size
        return (
            len(ranges) >= _RANGES_MIN and total <= len(ranges) * _RANGE_MEAN_MAX and room <= self._half_size
        )

    def write(self, ranges: Sequence[Range]) -> tuple[set[Segment], list[Range]]:
        """Make the ranges safe; the segments held from now on, and the ranges that are settled and free again."""
        if self._fd < 0:
            self._begin()
        content = self._round([part for one in ranges for part in self._parts(one)], len(ranges))
        part = self._part_for(len(content))
        self._disk.write(self._fd, content, part.position)
        self._disk.sync(self._fd)
        self._sequence += 1
        part.position += len(content)
        held = {one.segment for one in ranges if one.segment not in part.pending}
        for one in ranges:
            part.pending.setdefault(one.segment, one)
        # What is older is settled when half of a half is written, so that no round waits for all of it.
        self._written += len(content)
        share = min(1.0, 2 * self._written / self._half_size)
        for older in (self._halves[1], self._spare):
            if older is not part:
                self._settle(older, older.due(share))
        self._settle_down_to(self._held_max)
        return held, self.take_settled()

    def _begin(self) -> None:
        """The first round needs the file, and a life that is safe before it counts."""
        self._fd = self._disk.open(JOURNAL_NAME, create=True)
        try:
            self._begin_life()
            self._disk.sync_folder("")
        except DiskFull:  # begun again by the next round: without its header, no round would be found
            self._disk.close(self._fd)
            self._fd = -1
            raise

    def _part_for(self, size: int) -> _Part:
        """Where the next round of `size` bytes goes."""
        half, other = self._halves
        if half.has_room(size):
            return half
        spare = self._spare
        if not spare.pending:
            spare.position = spare.start
        if other.pending and spare.has_room(size):
            return spare
        self._settle(other, len(other.pending))
        other.position, other.touched = other.start, 0
        self._halves, self._written = [other, half], 0
        for older in (half, spare):
            older.touched = len(older.pending)
        return other

    def take_settled(self) -> list[Range]:
        """The ranges that are settled and free again."""
        settled, self._settled = self._settled, []
        return settled

    def let_go(self) -> None:
        """Hold nothing whose files were removed: an open file keeps its room on the disk.

        A deleted topic's bytes need not be safe; of a topic that stays, a start may meet a file that was removed.
        """
        for part in (*self._halves, self._spare):
            for one in [one for segment, one in part.pending.items() if segment.dead]:
                if not one.partition.deleted:
                    settle(self._disk, [one])
                del part.pending[one.segment]
                self._settled.append(one)

    def note(self, ranges: Sequence[Range]) -> None:
        """These are safe in their own files. Not made safe itself: who loses it has only more to do."""
        content = self._round([_entry(one, one.point.position, 0) for one in ranges], len(ranges))
        half = self._halves[0]
        if self._fd >= 0 and half.has_room(len(content)):
            self._disk.write(self._fd, content, half.position)
            self._sequence += 1
            half.position += len(content)

    def _round(self, parts: Sequence[bytes], count: int) -> bytes:
        body = b"".join(parts)
        head = struct.pack(">4sqqii", _MAGIC, self._life, self._sequence + 1, len(body), count)
        return b"".join((head, struct.pack(">I", _checksum(head, body)), body))

    def _parts(self, one: Range) -> tuple[bytes, bytes]:
        data = self._disk.read(one.fd, one.point.position - one.start, one.start)
        if len(data) != one.point.position - one.start:
            raise OSError(f"{one.segment.path}.log is shorter than what was written to it")
        return _entry(one, one.start, len(data)), data

    def _settle(self, part: _Part, count: int) -> None:
        for segment, one in list(itertools.islice(part.pending.items(), max(count, 0))):
            settle(self._disk, [one])
            del part.pending[segment]
            self._settled.append(one)

    def _settle_down_to(self, count: int) -> None:
        """Keep at most `count` segments held, the older half's go first."""
        half, other = self._halves
        parts = (other, self._spare, half)
        if sum(len(part.pending) for part in parts) <= count:
            return
        for part in parts:
            held = len({segment for each in parts for segment in each.pending})
            self._settle(part, held - count)

    def close(self) -> None:
        """End the life, so that the next start replays nothing; unless that would keep the user waiting."""
        if self._fd < 0:
            return
        if sum(len(part.pending) for part in (*self._halves, self._spare)) <= _SETTLED_AT_CLOSE_MAX:
            self._settle_down_to(0)
            self._begin_life()
        self._disk.close(self._fd)
        self._fd = -1


def settle(disk: Disk, ranges: Sequence[Range]) -> None:
    """Make each range safe by itself, with the names that lead to it. What was deleted meanwhile need not be."""
    for one in ranges:
        disk.sync(one.fd)
        try:
            if one.home:
                _sync_path(disk, f"{one.partition.folder}/{IDENTITY_NAME}")
            if one.newborn:
                disk.sync_folder(one.partition.folder)
        except FileNotFoundError:
            if not one.segment.dead:
                raise
    if any(one.home for one in ranges):
        disk.sync_folder("")


def _sync_path(disk: Disk, path: str) -> None:
    fd = disk.open(path)
    try:
        disk.sync(fd)
    finally:
        disk.close(fd)


def _checksum(head: bytes, body: Bytes) -> int:
    return int(crc32c(crc32c_of(head), bytes(body)))


def _entry(one: Range, position: int, length: int) -> bytes:
    partition, point = one.partition, one.point
    return _ENTRY.pack(partition.topic_id, partition.index, point.base, position, point.end, length)


def _entries(half: int, body: memoryview, count: int) -> Iterator[Redo]:
    position = 0
    for _ in range(count):
        topic_id, partition, base, at, end, length = _ENTRY.unpack_from(body, position)
        position += _ENTRY.size
        yield Redo(half, topic_id, partition, base, at, end, body[position : position + length])
        position += length
