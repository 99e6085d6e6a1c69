"""Whether the disk has room for those who publish: looked at from time to time, so that they wait before it is full.

Knows a folder; knows no clients.
"""

import os
from pathlib import Path
from typing import Final

FREE_BYTES_MIN: Final = 50_000_000
"""RabbitMQ's disk_free_limit."""


class Room:
    """The disk of a folder. `low` is what the last look found."""

    def __init__(self, folder: Path, free_bytes_min: int = FREE_BYTES_MIN) -> None:
        self._folder, self._free_bytes_min = folder, free_bytes_min
        self.low = False

    def look(self) -> bool:
        """Look again; whether it changed."""
        try:
            found = os.statvfs(self._folder)
        except OSError:  # who cannot look does not know
            return False
        before, self.low = self.low, found.f_bavail * found.f_frsize < self._free_bytes_min
        return self.low != before
