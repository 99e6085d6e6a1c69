"""A whole penstock, started by its command line, for tests that look at it from outside."""

import contextlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil


class Running:
    """`penstock up` (or demo) with both listeners on free ports; `lines` are what it printed so far."""

    def __init__(self, *words: str) -> None:
        self.begun_s = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "penstock.cli.main", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._coming: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._coming.put(line.rstrip())
        self._coming.put(None)

    def until(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """Wait for a line that matches; fails with all that was printed."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                line = self._coming.get(timeout=left_s)
                if line is None:
                    break
                self.lines.append(line)
                if found := re.search(pattern, line):
                    return found
        raise AssertionError(f"no line like {pattern!r} in:\n" + "\n".join(self.lines))

    def family(self) -> list[psutil.Process]:
        """The supervisor's children and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> float:
        """Ctrl-C; the seconds it took."""
        begun_s = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(15)
        return time.monotonic() - begun_s


@contextlib.contextmanager
def running(command: str, folder: Path, *words: str) -> Iterator[Running]:
    """One that is stopped at the end, whatever happened."""
    found = Running(
        command,
        str(folder),
        "--kafka",
        "127.0.0.1:0",
        "--amqp",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        *words,
    )
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.stop()
