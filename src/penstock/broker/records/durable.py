"""Who waits for which offset of which partition to be safe on disk.

Knows the partitions' durable ends; runs no disk work and knows no call.
"""

from collections import deque
from collections.abc import Callable

from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import DiskFailed, DiskFull, Partition

DISK_ERRORS = (DiskFull, DiskFailed)
_REASONS = {DiskFull: Refusal.DISK_FULL, DiskFailed: Refusal.DISK_FAILED}

Then = Callable[[Refused | None, Now], None]
"""Called once: with None when the bytes are safe, or with why they never will be."""


def refused_by(error: Exception) -> Refused:
    """What a client hears of one of the `DISK_ERRORS`."""
    return Refused(_REASONS[type(error)], str(error))


class Durability:
    """`wake` is told of every partition in which readers may see more."""

    def __init__(self, wake: Callable[[Partition, Now], None]) -> None:
        self._wake = wake
        self.dirty: dict[Partition, None] = {}
        self._waiting: dict[Partition, deque[tuple[int, Then]]] = {}

    def appended(self, partition: Partition, now: Now) -> None:
        """Bytes were written: ask for a sync, or let readers see them where no sync is waited for."""
        if partition.durable_offset < partition.end_offset:
            self.dirty[partition] = None
        else:
            self._wake(partition, now)

    def when(self, partition: Partition, end_offset: int, then: Then, now: Now) -> None:
        """Call `then` once all below `end_offset` is safe: at once if it is."""
        if partition.durable_offset >= end_offset:
            then(None, now)
        else:
            self._waiting.setdefault(partition, deque()).append((end_offset, then))

    def moved(self, partition: Partition, now: Now) -> None:
        """A sync ended: answer those whose bytes are safe, and wake the readers."""
        if partition.durable_offset >= partition.end_offset:
            self.dirty.pop(partition, None)
        waiting = self._waiting.get(partition)
        while waiting and waiting[0][0] <= partition.durable_offset:
            waiting.popleft()[1](None, now)
        if waiting is not None and not waiting:
            self._waiting.pop(partition, None)
        self._wake(partition, now)

    def forget(self, partition: Partition, refused: Refused, now: Now) -> None:
        """The partition is gone: whoever waits for it hears why."""
        self.dirty.pop(partition, None)
        for _, then in self._waiting.pop(partition, ()):
            then(refused, now)
