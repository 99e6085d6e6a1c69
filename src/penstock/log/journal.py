"""One file that makes many partitions safe with one sync: physical redo of byte ranges of segments.

A round is written whole behind the last one and synced. The file has two halves: while one fills, the segments of
the other are synced a few at a time ("settled"), after which it may be overwritten. After a crash the rounds are
written into their segments again, which changes nothing where the bytes had reached them.

    two headers of a life's number · half · half;   round: magic 4 · life 8 · sequence 8 · length 4 · count 4 · crc 4,
    then ranges: topic id 16 · partition 4 · segment base 8 · position 8 · end offset 8 · length 4 · bytes

A round counts only if it is of the last life, follows its predecessor and its checksum is right. Runs on the disk
thread, except at open and close. Knows nothing of batches.
"""

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from google_crc32c import extend as crc32c
from google_crc32c import value as crc32c_of

from penstock.calls import Bytes
from penstock.log.disk import Disk
from penstock.log.segment import Segment
from penstock.log.state import IDENTITY_NAME

if TYPE_CHECKING:
    from penstock.log.sync import Range

JOURNAL_NAME = "journal"
_MAGIC = b"PSJ1"
_LIFE = struct.Struct(">4sqI")
_ROUND = struct.Struct(">4sqqiiI")
_ENTRY = struct.Struct(">16siqqqi")
_SLOT = 4096  # a header a disk's block, so that a torn one leaves the other whole
_DATA = 2 * _SLOT
# Below this mean size a range costs less written twice than synced by itself: docs/decisions/0002-group-commit.md.
_RANGE_MEAN_MAX = 256 * 1024
_RANGES_MIN = 2


class Redo(NamedTuple):
    """Bytes to be written again."""

    topic_id: bytes
    partition: int
    base: int
    position: int
    end: int
    data: Bytes


class _Half:
    """Where rounds go, and the segments that they touched and that are not synced since."""

    def __init__(self, start: int) -> None:
        self.start = self.position = start
        self.pending: dict[Segment, Range] = {}
        self.touched = 0


class Journal:
    """See the module. `size` is the file's, headers aside; 0 is without a journal.

    About `held_max` segments at most are held open.
    """

    def __init__(self, disk: Disk, size: int, held_max: int) -> None:
        self._disk, self._half_size, self._held_max = disk, size // 2, held_max
        self._fd = -1
        self._life = self._sequence = 0
        self._halves = [_Half(_DATA), _Half(_DATA + self._half_size)]
        self._settled: list[Range] = []

    # --- after a crash -----------------------------------------------------------------------------------------

    def replay(self) -> Iterator[Redo]:
        """What the last life left, in order. Call `begin_life` when it is safe in the segments."""
        try:
            self._fd = self._disk.open(JOURNAL_NAME)
        except FileNotFoundError:
            return
        lives = [self._life_in(slot) for slot in (0, _SLOT)]
        self._life = max(lives)
        if self._life == 0:
            return
        size = self._disk.listing("")[JOURNAL_NAME]
        halves = self._disk.read(self._fd, size, 0)
        runs = [self._rounds(halves, half.start, half.start + self._half_size) for half in self._halves]
        for _, body, count in sorted(runs[0] + runs[1], key=lambda found: found[0]):
            yield from _entries(body, count)

    def _life_in(self, slot: int) -> int:
        content = self._disk.read(self._fd, _LIFE.size, slot)
        if len(content) < _LIFE.size:
            return 0
        magic, life, crc = _LIFE.unpack(content)
        return life if magic == _MAGIC and crc == crc32c_of(content[:12]) else 0

    def _rounds(self, content: bytes, position: int, stop: int) -> list[tuple[int, memoryview, int]]:
        found: list[tuple[int, memoryview, int]] = []
        view = memoryview(content)[:stop]
        while position + _ROUND.size <= len(view):
            magic, life, sequence, length, count, crc = _ROUND.unpack_from(view, position)
            body = view[position + _ROUND.size : position + _ROUND.size + max(length, 0)]
            follows = not found or sequence == found[-1][0] + 1
            if magic != _MAGIC or life != self._life or not follows or len(body) != length:
                break
            if _checksum(content[position : position + _ROUND.size - 4], body) != crc:
                break
            found.append((sequence, body, count))
            position += _ROUND.size + length
        return found

    def begin_life(self) -> None:
        """From now on nothing that was written before counts. The segments must be safe by now."""
        if self._fd < 0:
            return
        self._life += 1
        head = struct.pack(">4sq", _MAGIC, self._life)
        self._disk.write(self._fd, head + struct.pack(">I", crc32c_of(head)), self._life % 2 * _SLOT)
        self._disk.sync(self._fd)

    # --- rounds ------------------------------------------------------------------------------------------------

    def takes(self, ranges: Sequence["Range"]) -> bool:
        """Whether these are safe sooner in the journal than each by itself."""
        total = sum(one.point.position - one.start for one in ranges)
        room = total + len(ranges) * _ENTRY.size + _ROUND.size
        return (
            len(ranges) >= _RANGES_MIN and total <= len(ranges) * _RANGE_MEAN_MAX and room <= self._half_size
        )

    def write(self, ranges: Sequence["Range"]) -> tuple[set[Segment], list["Range"]]:
        """Make the ranges safe; the segments held from now on, and the ranges that are settled and free again."""
        if self._fd < 0:
            self._fd = self._disk.open(JOURNAL_NAME, create=True)
            self.begin_life()
            self._disk.sync_folder("")
        body = b"".join([part for one in ranges for part in self._parts(one)])
        head = struct.pack(">4sqqii", _MAGIC, self._life, self._sequence + 1, len(body), len(ranges))
        content = b"".join((head, struct.pack(">I", _checksum(head, body)), body))
        half, other = self._halves
        if half.position + len(content) > half.start + self._half_size:
            self._settle(other, len(other.pending))
            other.position, other.touched = other.start, 0
            self._halves = [other, half]
            half, other = self._halves
            other.touched = len(other.pending)
        self._disk.write(self._fd, content, half.position)
        self._disk.sync(self._fd)
        self._sequence += 1
        half.position += len(content)
        held = {one.segment for one in ranges if one.segment not in half.pending}
        for one in ranges:
            half.pending.setdefault(one.segment, one)
        # The other half is settled when this one is half full, so that no round waits for all of it.
        share = min(1.0, 2 * (half.position - half.start) / self._half_size)
        self._settle(other, math.ceil(share * other.touched) - (other.touched - len(other.pending)))
        self._settle(other, len(other.pending) + len(half.pending) - self._held_max)
        self._settle(half, len(half.pending) - self._held_max)
        settled, self._settled = self._settled, []
        return held, settled

    def _parts(self, one: "Range") -> tuple[bytes, bytes]:
        data = self._disk.read(one.fd, one.point.position - one.start, one.start)
        if len(data) != one.point.position - one.start:
            raise OSError(f"{one.segment.path}.log is shorter than what was written to it")
        partition, point = one.partition, one.point
        return _ENTRY.pack(
            partition.topic_id, partition.index, point.base, one.start, point.end, len(data)
        ), data

    def _settle(self, half: _Half, count: int) -> None:
        for segment, one in list(itertools.islice(half.pending.items(), max(count, 0))):
            settle(self._disk, [one])
            del half.pending[segment]
            self._settled.append(one)

    def close(self) -> None:
        """Settle everything and end the life, so that the next start replays nothing."""
        if self._fd < 0:
            return
        for half in reversed(self._halves):
            self._settle(half, len(half.pending))
        self.begin_life()
        self._disk.close(self._fd)
        self._fd = -1


def settle(disk: Disk, ranges: Sequence["Range"]) -> None:
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


def _entries(body: memoryview, count: int) -> Iterator[Redo]:
    position = 0
    for _ in range(count):
        topic_id, partition, base, at, end, length = _ENTRY.unpack_from(body, position)
        position += _ENTRY.size
        yield Redo(topic_id, partition, base, at, end, body[position : position + length])
        position += length
