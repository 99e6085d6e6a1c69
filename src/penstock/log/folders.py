"""What stands in the data directory: which folders and files are the log's, and which are somebody else's.

Only what surely is the log's own is ever removed. Knows names and identities; knows no segments.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from penstock.log.disk import Disk
from penstock.log.state import IDENTITY_NAME, identity

_IDENTITY = re.compile(rb"version: 0\ntopic_id: [A-Za-z0-9_-]{22}")
_LIKE_PARTITION = re.compile(r".+-[0-9]+")
_GRAVE = re.compile(r"[0-9a-f]{32}-[0-9]+\.deleted")  # what `Log.delete_topics` calls a folder
_OURS = re.compile(
    r"[0-9]{20}\.(log|index|timeindex)(\.deleted|\.cleaned)?|[0-9]{20}\.swap(\.tmp)?"
    r"|compaction(\.tmp)?|partition\.metadata"
)


class Owner(NamedTuple):
    """Whose a partition's folder is, by its `partition.metadata`: `text` is None where that is missing."""

    text: bytes | None

    @property
    def damaged(self) -> bool:
        """Whether it says nothing, though it stands there: that it is another's it does not say either."""
        return self.text is not None and not _IDENTITY.fullmatch(self.text)

    def is_other_than(self, topic_id: bytes) -> bool:
        """Whether it surely is another topic's."""
        return self.text is not None and not self.damaged and self.text != identity(topic_id)


def owner(disk: Disk, folder: str, listing: Mapping[str, int]) -> Owner:
    """Reads the identity of the folder that holds `listing`."""
    if listing.get(IDENTITY_NAME, -1) < 0:
        return Owner(None)
    fd = disk.open(f"{folder}/{IDENTITY_NAME}")
    try:
        return Owner(disk.read(fd, 1024, 0).strip())
    finally:
        disk.close(fd)


def set_aside(disk: Disk, folder: str) -> str:
    """Give the folder another name, which no partition can have, and leave all that is in it; the name."""
    aside = f"{folder}.{disk.unique().hex()[:8]}.aside"
    disk.rename(folder, aside)
    return aside


class Cleared(NamedTuple):
    """What came of looking through the data directory: sentences for people, and folders that are not the log's."""

    told: list[str]
    strangers: set[str]


def clear_strangers(disk: Disk, ours: Collection[str], topic_ids: Collection[bytes]) -> Cleared:
    """Remove the folders of topics that are gone, and leave alone whatever is not surely one."""
    told: list[str] = []
    strangers: set[str] = set()
    for name, size in disk.listing("").items():
        if size >= 0 or name in ours or not (_GRAVE.fullmatch(name) or _LIKE_PARTITION.fullmatch(name)):
            continue
        whose = owner(disk, name, disk.listing(name))
        gone = (
            whose.text is not None
            and all(whose.is_other_than(one) for one in topic_ids)
            and not whose.damaged
        )
        if (gone or _GRAVE.fullmatch(name)) and remove_folder(disk, name):
            continue
        strangers.add(name)
        told.append(
            f"{name}: left alone, it is no topic's folder" if not gone else f"{name}: left, it holds a folder"
        )
    return Cleared(told, strangers)


def remove_folder(disk: Disk, folder: str) -> bool:
    """Remove a folder with its files; False where a folder within keeps it. What is gone already is fine."""
    whole = True
    for name, size in disk.listing(folder).items():
        if size < 0:
            whole = False
        else:
            disk.remove(f"{folder}/{name}")
    if whole:
        disk.remove_folder(folder)
    return whole


def is_ours(name: str) -> bool:
    """Whether a file's name, in a partition's folder, is one that the log gives."""
    return bool(_OURS.fullmatch(name))
