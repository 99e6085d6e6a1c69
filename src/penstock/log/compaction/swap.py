"""Putting a new segment in the place of old ones so that a crash at any step leaves one or the others, never neither.

    1  the new files are written beside the old ones (`.cleaned`) and made safe
    2  `<base>.swap`, which names both, is written and made safe: from here on the new ones count
    3  the new files take their names, the old ones go
    4  that is made safe; `<base>.swap` goes

A start does step 3 again where it finds a `.swap`, and removes what is left `.cleaned` otherwise. `compaction` keeps,
in each folder, below which offset gaps are no damage, and below which all is clean. Knows files; knows no records.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from penstock.log.disk import Disk
from penstock.log.folders import is_ours
from penstock.log.state import replace

KINDS = (".log", ".index", ".timeindex")
CLEANED, SWAP, MARK_NAME = ".cleaned", ".swap", "compaction"
LEFTOVERS = (CLEANED, SWAP, ".tmp")
"""Ends of names that only a crash leaves."""


class Mark(msgspec.Struct, frozen=True):
    """`gaps`: below this offset records may be missing. `clean`: below it each key is there once."""

    topic_id: str
    gaps: int
    clean: int


class Swap(msgspec.Struct, frozen=True):
    """The segment `base` takes the place of those in `sources`."""

    topic_id: str
    base: int
    sources: list[int]


T = TypeVar("T", Mark, Swap)


def write_mark(disk: Disk, folder: str, mark: Mark) -> None:
    """Write the mark, safely."""
    replace(disk, f"{folder}/{MARK_NAME}", msgspec.json.encode(mark))


def commit(disk: Disk, folder: str, swap: Swap) -> None:
    """Step 2. The new files must be safe."""
    replace(disk, f"{folder}/{swap.base:020}{SWAP}", msgspec.json.encode(swap))


def settle(disk: Disk, folder: str, base: int) -> None:
    """Step 4."""
    disk.sync_folder(folder)
    disk.remove(f"{folder}/{base:020}{SWAP}")
    disk.sync_folder(folder)  # the next swap of the same base must not meet this one's word after a crash


def discard(disk: Disk, folder: str, base: int) -> None:
    """Take steps 1 and 2 back."""
    path = f"{folder}/{base:020}"
    try:
        disk.remove(path + SWAP)
        disk.sync_folder(folder)
    except FileNotFoundError:
        pass
    for kind in KINDS:
        try:
            disk.remove(path + kind + CLEANED)
        except FileNotFoundError:
            continue


def restore(disk: Disk, folder: str, listing: Mapping[str, int], topic_id: bytes) -> Mark | None:
    """After a crash: finish what was committed, remove what was not; the folder's mark."""
    swaps = [name for name in listing if name.endswith(SWAP) and is_ours(name)]
    for name in swaps:
        swap = _read(disk, f"{folder}/{name}", Swap)
        if swap is not None and swap.topic_id == topic_id.hex():
            _finish(disk, folder, listing, swap)
        disk.sync_folder(folder)
        disk.remove(f"{folder}/{name}")
    if swaps:
        disk.sync_folder(folder)
    for name in disk.listing(folder) if swaps else listing:
        if name.endswith((CLEANED, ".tmp")) and is_ours(name):
            disk.remove(f"{folder}/{name}")
    if MARK_NAME not in listing:
        return None
    mark = _read(disk, f"{folder}/{MARK_NAME}", Mark)
    return mark if mark is not None and mark.topic_id == topic_id.hex() else None


def _finish(disk: Disk, folder: str, listing: Mapping[str, int], swap: Swap) -> None:
    for kind in KINDS:
        if f"{swap.base:020}{kind}{CLEANED}" in listing:
            disk.rename(f"{folder}/{swap.base:020}{kind}{CLEANED}", f"{folder}/{swap.base:020}{kind}")
    for base in swap.sources:
        for kind in KINDS:
            if base != swap.base and f"{base:020}{kind}" in listing:
                disk.remove(f"{folder}/{base:020}{kind}")


def _read(disk: Disk, path: str, kind: type[T]) -> T | None:
    fd = disk.open(path)
    try:
        return msgspec.json.decode(disk.read(fd, 1 << 20, 0), type=kind)
    except msgspec.MsgspecError:
        return None
    finally:
        disk.close(fd)
