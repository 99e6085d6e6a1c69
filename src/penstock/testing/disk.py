"""A disk in memory that keeps no promise it did not make: for crash tests of the log, repeatable by its seed.

At a crash every write, truncation and change of a name since the last sync of that file or folder may be lost, torn
at any byte, or kept while an earlier one is lost. Knows the operations of `penstock.log.Disk`, nothing of the log.
"""

import random
from collections.abc import Iterator
from typing import TypeAlias

from penstock.calls import Bytes
from penstock.errors import PenstockError
from penstock.log.disk import DiskFull


class Crashed(BaseException):
    """The machine went down in the middle of an operation. Not an Exception: nothing may catch it by accident."""


class _File:
    """Bytes as programs see them (`data`), as they surely are on disk (`safe`), and the writes in between."""

    def __init__(self) -> None:
        self.data, self.safe = bytearray(), bytearray()
        self.pending: list[tuple[int, bytes | None]] = []  # position and bytes, or size and None to truncate

    def change(self, position: int, data: bytes | None) -> None:
        _apply(self.data, position, data)
        self.pending.append((position, data))

    def sync(self) -> None:
        for position, data in self.pending:
            _apply(self.safe, position, data)
        self.pending.clear()

    def crash(self, chance: random.Random) -> None:
        mood = chance.random()  # all lost, all kept, or anything in between
        for position, data in self.pending:
            if mood < 0.2 or (mood < 0.8 and chance.random() < 0.5):
                continue
            if data and mood < 0.8 and chance.random() < 0.5:
                first = chance.randrange(len(data)) if chance.random() < 0.3 else 0
                data = data[first : chance.randint(first, len(data))]  # noqa: PLW2901
                position += first  # noqa: PLW2901
            _apply(self.safe, position, data)
        self.pending.clear()
        self.data = bytearray(self.safe)


_Node: TypeAlias = "_File | _Folder"


class _Folder:
    """Names as programs see them, as they surely are on disk, and the changes in between."""

    def __init__(self) -> None:
        self.names: dict[str, _Node] = {}
        self.safe: dict[str, _Node] = {}
        self.pending: list[
            tuple[str | None, str | None, _Node]
        ] = []  # the name that goes, the one that comes

    def change(self, gone: str | None, come: str | None, node: _Node) -> None:
        _rename(self.names, gone, come, node)
        self.pending.append((gone, come, node))

    def sync(self) -> None:
        self.safe = dict(self.names)
        self.pending.clear()

    def crash(self, chance: random.Random) -> None:
        mood = chance.random()
        for change in self.pending:
            if mood > 0.8 or (mood > 0.2 and chance.random() < 0.5):
                _rename(self.safe, *change)
        self.pending.clear()
        self.names = dict(self.safe)


def _apply(content: bytearray, position: int, data: bytes | None) -> None:
    if len(content) < position:
        content.extend(bytes(position - len(content)))
    if data is None:
        del content[position:]
    else:
        content[position : position + len(data)] = data


def _rename(names: dict[str, _Node], gone: str | None, come: str | None, node: _Node) -> None:
    if gone is not None:
        names.pop(gone, None)
    if come is not None:
        names[come] = node


class SimulatedDisk:
    """See the module. `crash_at` counts changing operations from now on; None is never.

    `room` is how many bytes may still be written before DiskFull; `sync_error` is raised by every sync while set.
    """

    def __init__(self, seed: int = 0) -> None:
        self.place = "simulated"
        self.crash_at: int | None = None
        self.room: int | None = None
        self.sync_error: OSError | None = None
        self.steps = 0
        self._chance = random.Random(seed)
        self.cold = 0.0  # how often bytes are not at hand, from 0 to 1
        self._root = _Folder()
        self._open: dict[int, _File] = {}
        self._next_fd = 3
        self._locked = False

    def crash(self) -> None:
        """Go down and come up again: descriptors are gone, and what was not safe is left to chance."""
        reached: list[_Node] = [self._root]
        for node in reached:
            node.crash(self._chance)
            if isinstance(node, _Folder):
                reached += node.names.values()
        self.kill()

    def kill(self) -> None:
        """Only the process dies: descriptors are gone, and what was not safe is neither lost nor safe."""
        self._open.clear()
        self._locked = False
        self.crash_at = None

    def damage(self, path: str, size: int) -> None:
        """Cut a file, safely: what a failing disk or a careless user does."""
        file = self._file(path)
        file.change(size, None)
        file.sync()

    def paths(self) -> Iterator[str]:
        """All files."""
        for name, node in self._root.names.items():
            if isinstance(node, _Folder):
                yield from (f"{name}/{inner}" for inner in node.names)
            else:
                yield name

    def _step(self) -> None:
        self.steps += 1
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0:
                raise Crashed

    def _folder(self, path: str) -> _Folder:
        folder = self._root.names.get(path) if path else self._root
        if not isinstance(folder, _Folder):
            raise FileNotFoundError(path)
        return folder

    def _file(self, path: str) -> _File:
        folder, _, name = path.rpartition("/")
        file = self._folder(folder).names.get(name)
        if not isinstance(file, _File):
            raise FileNotFoundError(path)
        return file

    # --- what a Disk does --------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Take the directory."""
        if self._locked:
            raise PenstockError("the data directory is in use by process 1", place=self.place)
        self._locked = True

    def unlock(self) -> None:
        """Give it back."""
        self._locked = False

    def listing(self, folder: str) -> dict[str, int]:
        """Names and sizes."""
        try:
            names = self._folder(folder).names
        except FileNotFoundError:
            return {}
        return {name: len(node.data) if isinstance(node, _File) else -1 for name, node in names.items()}

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        if path in self._root.names:
            raise FileExistsError(path)
        self._root.change(None, path, _Folder())
        self._step()

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        folder = self._folder(path)
        if folder.names:
            raise OSError(f"{path} is not empty")
        self._root.change(path, None, folder)
        self._step()

    def open(self, path: str, create: bool = False) -> int:
        """A descriptor."""
        try:
            file = self._file(path)
        except FileNotFoundError:
            if not create:
                raise
            file = _File()
            folder, _, name = path.rpartition("/")
            self._folder(folder).change(None, name, file)
            self._step()
        self._next_fd += 1
        self._open[self._next_fd] = file
        return self._next_fd

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        del self._open[fd]

    def read(self, fd: int, size: int, position: int) -> bytes:
        """Up to `size` bytes."""
        return bytes(self._open[fd].data[position : position + size])

    def peek(self, fd: int, size: int, position: int) -> bytes | None:
        """As `read`; None where chance, `cold` times out of one, has it that the bytes are far away."""
        if self.cold and self._chance.random() < self.cold:
            return None
        data = self.read(fd, size, position)
        return data if len(data) == size else None

    def write(self, fd: int, data: Bytes, position: int) -> None:
        """All of `data`, or what there is room for and DiskFull."""
        kept = bytes(data)
        if self.room is not None and len(kept) > self.room:
            self._open[fd].change(position, kept[: self.room])
            self.room = 0
            raise DiskFull("no space left on the simulated disk")
        if self.room is not None:
            self.room -= len(kept)
        self._open[fd].change(position, kept)
        self._step()

    def truncate(self, fd: int, size: int) -> None:
        """Cut or grow."""
        file = self._open[fd]
        if len(file.data) < size:
            file.change(len(file.data), bytes(size - len(file.data)))
        elif len(file.data) > size:
            file.change(size, None)
        self._step()

    def sync(self, fd: int) -> None:
        """Make a file's bytes safe."""
        file = self._open[fd]
        self._step()
        if self.sync_error is not None:
            raise self.sync_error
        file.sync()

    def sync_folder(self, folder: str) -> None:
        """Make names safe."""
        node = self._folder(folder)
        self._step()
        if self.sync_error is not None:
            raise self.sync_error
        node.sync()

    def rename(self, source: str, target: str) -> None:
        """Move within one folder."""
        place, _, old = source.rpartition("/")
        folder, new = self._folder(place), target.rpartition("/")[2]
        if old not in folder.names:
            raise FileNotFoundError(source)
        folder.change(old, new, folder.names[old])
        self._step()

    def remove(self, path: str) -> None:
        """Remove a file."""
        file = self._file(path)
        folder, _, name = path.rpartition("/")
        self._folder(folder).change(name, None, file)
        self._step()

    def descriptors(self) -> int:
        """As many as one wants."""
        return 1 << 20

    def space(self) -> tuple[int, int]:
        """What `room` says."""
        return (-1, -1) if self.room is None else (1 << 40, self.room)

    def unique(self) -> bytes:
        """Sixteen bytes, by the seed."""
        return self._chance.randbytes(16)
