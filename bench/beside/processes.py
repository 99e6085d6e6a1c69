"""A server's processes: which they are, what they use, what they hold. Knows nothing of what is asked of them."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil


class Weighed:
    """A server that runs, with all that it started."""

    pid: int

    def processes(self) -> list[psutil.Process]:
        """The server and all that it started."""
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    def cpu_s(self) -> float:
        """CPU seconds that all its processes have used."""
        return float(sum(sum(one.cpu_times()[:2]) for one in self.processes()))

    def memory_mb(self) -> float:
        """Resident memory of all its processes now."""
        return float(sum(one.memory_info().rss for one in self.processes())) / 1e6

    def memory_most_mb(self) -> float:
        """The most that they ever held (Linux keeps it; elsewhere: what they hold now)."""
        marks = [Path(f"/proc/{one.pid}/status") for one in self.processes()]
        if not all(mark.exists() for mark in marks):
            return self.memory_mb()
        lines = [line for mark in marks for line in mark.read_text().splitlines() if line.startswith("VmHWM")]
        return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6


@contextlib.contextmanager
def found(
    oracle: AbstractContextManager[str], is_it: Callable[[psutil.Process], bool]
) -> Iterator[tuple[str, int]]:
    """The address that an oracle gives, and which of the processes that it started is the server."""
    before = {child.pid for child in psutil.Process().children()}
    with oracle as address:
        new = [child for child in psutil.Process().children() if child.pid not in before]
        yield address, next(child.pid for child in new if is_it(child))
