"""Workers and brokers that start in an instant: forked from a process that has imported and compiled everything.

A kill is a real SIGKILL of a real process; only Python's start is saved, which on a busy machine takes ten times as
long as all that a test is about. Speaks JSON lines: {"module", "words", "said"} in, the child's process id out.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

START_S = 60.0


class Nursery:
    """The process that forks. A context manager; what it forked ends with it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.work.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )  # fmt: skip
        assert self.process.stdout
        assert self.process.stdout.readline() == "warm\n"
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process
        self.process.communicate()

    def start(self, module: str, *words: str) -> "Child":
        """Run `module`'s main; returns when it says ready."""
        assert self.process and self.process.stdin and self.process.stdout
        self._count += 1
        said = self._folder / f"child{self._count}.txt"
        wish = {"module": module, "words": words, "said": str(said)}
        print(json.dumps(wish), file=self.process.stdin, flush=True)
        child = Child(int(self.process.stdout.readline()), said)
        end_s = time.monotonic() + START_S
        while "ready" not in child.text:
            assert child.lives and time.monotonic() < end_s, child.text
            time.sleep(0.01)
        return child


class Child:
    """A forked process."""

    def __init__(self, pid: int, said: Path) -> None:
        self.pid, self._said = pid, said

    @property
    def text(self) -> str:
        """All that it said."""
        return self._said.read_text() if self._said.exists() else ""

    @property
    def lives(self) -> bool:
        """Whether it is there; the nursery takes the dead away."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def end(self, number: int = signal.SIGKILL) -> None:
        """Send a signal, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        while self.lives:
            time.sleep(0.002)


def main() -> None:
    """Import and compile, then fork on demand."""
    from penstock.engine import kernels

    importlib.import_module("penstock.work.__main__")
    importlib.import_module("penstock.app.broker")
    importlib.import_module("penstock.sql")
    kernels.warm(lambda sentence: None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("warm", flush=True)
    while line := sys.stdin.readline():
        wish = json.loads(line)
        read_end, _ = os.pipe()  # its other end is ours: the lifeline
        pid = os.fork()
        if pid == 0:
            os._exit(_child(wish, read_end))
        os.close(read_end)
        print(pid, flush=True)


def _child(wish: dict[str, Any], lifeline: int) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    out = os.open(wish["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for fd, source in ((0, lifeline), (1, out), (2, out)):
        os.dup2(source, fd)
    sys.stdin = os.fdopen(0)
    sys.argv = [wish["module"], *wish["words"]]
    return int(importlib.import_module(wish["module"]).main())


if __name__ == "__main__":
    main()
