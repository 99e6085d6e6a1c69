"""The users' file as it changes, for a process that runs for long. Knows no clock: whoever has one calls `look`."""

from collections.abc import Mapping
from pathlib import Path

from penstock.errors import PenstockError
from penstock.users import file
from penstock.users.directory import Directory
from penstock.users.scram import ScramKeys


class FollowedUsers:
    """`directory` is what holds now. Raises PenstockError where the file is damaged at the start.

    Once there were users, a file that is gone or empty lets nobody in, until the next start: a mistake, or someone who
    may delete files, must not open what was closed. A damaged file changes nothing.
    """

    def __init__(self, path: Path, itself: Mapping[str, ScramKeys] | None = None, password: str = "") -> None:
        """`itself` and `password` let penstock's own processes in."""
        self.path, self._itself = path, (itself or {}, password)
        self._seen = self._signature()
        self.directory = file.read(path).with_itself(*self._itself)

    def look(self) -> bool:
        """Whether `directory` is another one now. Raises PenstockError, once, for a file that became damaged."""
        seen = self._signature()
        if seen == self._seen:
            return False
        self._seen = seen
        found = file.read(self.path)
        if found.open and not self.directory.open:
            found = Directory(closed=True)
        self.directory = found.with_itself(*self._itself)
        return True

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            at = self.path.stat()
        except OSError:
            return None
        return at.st_mtime_ns, at.st_size, at.st_ino


def told_of(error: PenstockError) -> str:
    """What a process logs of a file that became damaged."""
    return f"the users' file was not taken over, the users from before still hold: {error}"
