"""What stands in the data directory: which folders and files are the log's, and which are somebody else's.

Only what surely is the log's own is ever removed. Knows names and identities; knows no segments.
"""

import re
from typing import NamedTuple

from penstock.log.disk import Disk
from penstock.log.state import IDENTITY_NAME, identity

_IDENTITY = re.compile(rb"version: 0\ntopic_id: [A-Za-z0-9_-]{22}")


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


def owner(disk: Disk, folder: str) -> Owner:
    """Reads the folder's identity."""
    if disk.listing(folder).get(IDENTITY_NAME, -1) < 0:
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
