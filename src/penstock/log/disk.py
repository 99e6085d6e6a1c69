"""The few file operations that the log is made of, and the real disk behind them.

Paths are relative to the data directory, with `/`; a descriptor is an int. Reads, writes and syncs of descriptors
may run on another thread. Knows nothing of topics, segments or batches.
"""

import errno
import fcntl
import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from penstock.calls import Bytes
from penstock.errors import PenstockError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PIECE = 1024 * 1024
_LOCK_NAME = ".lock"
_DESCRIPTORS_MAX = 10_240  # macOS allows no more, whatever its hard limit says


class DiskFull(Exception):  # noqa: N818  # reads as what it says at the `except`
    """A write found no room. What was written of it is for the caller to cut off."""


class DiskFailed(Exception):  # noqa: N818
    """The disk failed to make data safe, or to write: nothing may be acknowledged any more (the server stops)."""


@dataclass
class Cold(Exception):  # noqa: N818
    """Bytes that would have to be waited for. `fetch`, on any thread, brings them near; then ask again."""

    disk: "Disk"
    path: str
    position: int
    size: int

    def fetch(self) -> None:
        """Read them, by a descriptor of its own, into the operating system's memory."""
        try:
            fd = self.disk.open(self.path)
        except FileNotFoundError:
            return  # deleted meanwhile: whoever asks again will hear so
        try:
            for position in range(self.position, self.position + self.size, _PIECE):
                self.disk.read(fd, min(_PIECE, self.position + self.size - position), position)
        finally:
            self.disk.close(fd)


class Disk(Protocol):
    """What the log asks of a disk. Nothing lasts before `sync` (a file's bytes) or `sync_folder` (its names)."""

    place: str
    """Where this is, for people: the data directory's path."""

    def lock(self) -> None:
        """Make the directory where it is missing, and take it; PenstockError where that is not possible.

        Nothing happens where it is taken by this very object.
        """

    def unlock(self) -> None:
        """Give the directory back."""

    def listing(self, folder: str) -> dict[str, int]:
        """Names in `folder` ("" is the data directory) with their sizes in bytes, -1 for folders; {} if missing."""

    def make_folder(self, path: str) -> None:
        """Make one folder."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""

    def open(self, path: str, create: bool = False) -> int:
        """A descriptor to read and write; FileNotFoundError unless `create`."""

    def close(self, fd: int) -> None:
        """Give the descriptor back."""

    def read(self, fd: int, size: int, position: int) -> bytes:
        """Up to `size` bytes: fewer only at the file's end."""

    def peek(self, fd: int, size: int, position: int) -> Bytes | None:
        """Exactly `size` bytes; None where they would have to be waited for, or are not there."""

    def write(self, fd: int, data: Bytes, position: int) -> None:
        """All of `data`. Raises DiskFull, perhaps after a part of it."""

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size`, or grow it with zeros."""

    def sync(self, fd: int) -> None:
        """Make the file's bytes and size safe. An OSError is final: what is on disk is unknown then."""

    def sync_folder(self, folder: str) -> None:
        """Make the names in `folder` safe."""

    def rename(self, source: str, target: str) -> None:
        """Move within one folder, replacing a file."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def descriptors(self) -> int:
        """How many descriptors the log may hold open."""

    def space(self) -> tuple[int, int]:
        """All bytes of the file system, and those that may still be written; -1 where that is not known."""

    def unique(self) -> bytes:
        """Sixteen bytes that nobody else has, for ids."""


class RealDisk:
    """The operating system's files under `root`."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).absolute()
        self.place = str(self._root)
        self._lock_fd = -1
        self._tells = hasattr(os, "RWF_NOWAIT")

    def lock(self) -> None:
        """Make and take the data directory; refused when another process has it or it cannot be written."""
        if self._lock_fd >= 0:
            return
        try:
            self._make_root()
            fd = os.open(self._root / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise PenstockError(
                f"the data directory cannot be written: {error.strerror}",
                remedy="make it writable for this user, or choose another with --data-dir",
                place=self.place,
            ) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise PenstockError(
                f"the data directory is in use by process {holder}",
                remedy="stop that process, or choose another directory with --data-dir",
                place=self.place,
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def _make_root(self) -> None:
        if self._root.is_dir():
            return
        self._root.mkdir(parents=True, exist_ok=True)
        _sync_path(self._root.parent)

    def unlock(self) -> None:
        """Give the directory back; the lock file stays, because removing it would race with the next owner."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def listing(self, folder: str) -> dict[str, int]:
        """Names and sizes in `folder`."""
        try:
            with os.scandir(f"{self.place}/{folder}") as entries:
                return {e.name: -1 if e.is_dir() else e.stat().st_size for e in entries}
        except FileNotFoundError:
            return {}

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        with _typed():
            (self._root / path).mkdir()

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        (self._root / path).rmdir()

    def open(self, path: str, create: bool = False) -> int:
        """A descriptor to read and write."""
        with _typed():
            flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
            return os.open(f"{self.place}/{path}", flags, 0o644)

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        os.close(fd)

    def read(self, fd: int, size: int, position: int) -> bytes:
        """Up to `size` bytes."""
        data = os.pread(fd, size, position)
        if len(data) == size or not data:
            return data
        parts = [data]  # Linux gives at most 2 GiB at once, and signals may cut a read short
        while data and (left := size - sum(map(len, parts))):
            data = os.pread(fd, left, position + size - left)
            parts.append(data)
        return b"".join(parts)

    def peek(self, fd: int, size: int, position: int) -> Bytes | None:
        """What is in memory already; where the system cannot tell, as `read`."""
        if not self._tells:
            data = self.read(fd, size, position)
            return data if len(data) == size else None
        buffer = bytearray(size)
        try:
            return buffer if os.preadv(fd, [buffer], position, os.RWF_NOWAIT) == size else None
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise
            self._tells = False  # not every file system does
            return self.peek(fd, size, position)

    def write(self, fd: int, data: Bytes, position: int) -> None:
        """All of `data`."""
        try:
            done = os.pwrite(fd, data, position)
            while done < len(data):
                done += os.pwrite(fd, memoryview(data)[done:], position + done)
        except OSError as error:
            raise _translated(error) from error

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        with _typed():
            os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Make the file's bytes and size safe."""
        _flush(fd)

    def sync_folder(self, folder: str) -> None:
        """Make the names in `folder` safe."""
        _sync_path(self._root / folder)

    def rename(self, source: str, target: str) -> None:
        """Move within one folder."""
        with _typed():
            os.replace(f"{self.place}/{source}", f"{self.place}/{target}")  # noqa: PTH105

    def remove(self, path: str) -> None:
        """Remove a file."""
        (self._root / path).unlink()

    def descriptors(self) -> int:
        """Half of what the process may have, the other half is for sockets; the soft limit is raised for it."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS_MAX)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return (
            resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 if soft != resource.RLIM_INFINITY else wanted
        )

    def space(self) -> tuple[int, int]:
        """As the operating system counts."""
        found = os.statvfs(self._root)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def unique(self) -> bytes:
        """Sixteen random bytes."""
        return os.urandom(16)


if hasattr(fcntl, "F_FULLFSYNC"):

    def _flush(fd: int) -> None:
        # macOS: fsync leaves the bytes in the drive's volatile cache.
        fcntl.fcntl(fd, getattr(fcntl, "F_FULLFSYNC"))  # noqa: B009  # mypy sees Linux's module

else:
    _flush = os.fdatasync


def _sync_path(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class _typed:  # noqa: N801  # reads as a word in `with _typed():`
    """Turns an OSError into DiskFull where it says that there is no room."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise DiskFull(str(error)) from error


def _translated(error: OSError) -> Exception:
    return DiskFull(str(error)) if error.errno in _FULL else DiskFailed(str(error))
