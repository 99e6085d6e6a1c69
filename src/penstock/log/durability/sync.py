"""One round of making bytes safe: what was dirty when it began, done in one go, perhaps on another thread.

`Dirty` gathers what is not safe yet; a `Sync` takes it over. `Sync.run` touches descriptors, sealed files and files
to be removed, nothing else. Knows nothing of offsets' meaning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from penstock.log.disk import Disk, DiskFailed, DiskFull
from penstock.log.durability.journal import Journal, Range, settle
from penstock.log.folders import remove_folder
from penstock.log.partition import Partition
from penstock.log.segments.segment import Segment
from penstock.log.state import CHECKPOINT_NAME, replace

_NOTED_MIN = 64 * 1024


class Dirty:
    """What is written but not safe. `follow` is for sync = interval and never: durable means written there."""

    def __init__(self, follow: bool) -> None:
        self.segments: dict[Segment, Partition] = {}
        self.homes: dict[Partition, None] = {}  # partitions whose folder is not safe yet
        self.doomed: list[str] = []  # files, and folders with all that is in them, to be removed
        self.failure: Exception | None = None
        self.keep: Callable[[], None] = _nothing  # writes the start offsets down, safely
        self.bytes = 0
        self._follow = follow

    def add(self, segment: Segment, partition: Partition, size: int) -> bool:
        """`size` more bytes are dirty; whether they count as durable all the same."""
        self.segments[segment] = partition
        self.bytes += size
        return self._follow


def _nothing() -> None:
    return


@dataclass(slots=True)
class Sync:
    """One round. `run` does all that blocks; afterwards `error` is None or why the log can go on no more."""

    disk: Disk
    ranges: Sequence[Range]
    doomed: Sequence[str] = ()
    journal: Journal | None = None
    index_tails: Sequence[tuple[str, int, bytes]] = ()
    checkpoint: bytes | None = None
    error: Exception | None = None
    journaled: bool = False
    held: set[Segment] = field(default_factory=set)  # safe in the journal only, for the time being
    settled: list[Range] = field(default_factory=list)  # no longer needed by the journal

    def run(self) -> None:
        """Make the ranges safe, then do what saves work later."""
        try:
            self._make_safe()
            self._remove()
            self._note()
        except (OSError, DiskFull, DiskFailed) as error:
            self.error = error

    def _remove(self) -> None:
        for path in self.doomed:
            remove_all(self.disk, path)
        if self.doomed and self.journal is not None:
            self.journal.let_go()
            self.settled += self.journal.take_settled()

    def _note(self) -> None:
        """What only saves work later is left out where there is no room for it."""
        try:
            if self.journal is not None and not self.journaled and self._is_large():
                self.journal.note(self.ranges)
            for path, position, data in self.index_tails:
                self._write(path, position, data)
            if self.checkpoint is not None:
                replace(self.disk, CHECKPOINT_NAME, self.checkpoint)
        except DiskFull:
            return

    def _is_large(self) -> bool:
        """Whether the next start would be spared much."""
        return sum(one.point.position - one.start for one in self.ranges) > _NOTED_MIN

    def _make_safe(self) -> None:
        if self.journal is not None and self.journal.takes(self.ranges):
            try:
                self.held, self.settled = self.journal.write(self.ranges)
                self.journaled = True
                return
            except DiskFull:
                pass  # the segments have their room already
        settle(self.disk, self.ranges)
        if self.journal is not None:
            self.settled = self.journal.take_settled()

    def _write(self, path: str, position: int, data: bytes) -> None:
        try:
            fd = self.disk.open(path, create=True)
        except FileNotFoundError:
            return  # the topic was deleted; the index would not be needed
        try:
            self.disk.write(fd, data, position)
        finally:
            self.disk.close(fd)


def remove_all(disk: Disk, path: str) -> None:
    """Remove a file, or a folder with its files (a folder of somebody's in it stays); what is gone already is fine."""
    try:
        if path.endswith("/"):
            remove_folder(disk, path[:-1])
        else:
            disk.remove(path)
    except FileNotFoundError:
        return
