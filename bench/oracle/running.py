"""Servers of other makers as processes: on ports nobody has, ended with all that they started, shown to a person."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

STOPS_WITHIN_S = 20.0


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    words: list[str], env: Mapping[str, str] | None = None, said: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A program, ended as one with all that it started: a script starts a virtual machine, and that its own helpers."""
    process = subprocess.Popen(
        words, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOPS_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(
    answers: Callable[[], object], server: subprocess.Popen[bytes], log: Path, within_s: float = 60
) -> None:
    """Wait until the server answers; what the question raises is a no. Raises RuntimeError with the end of its log."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s and server.poll() is None:
        with contextlib.suppress(Exception):
            if answers():
                return
        time.sleep(0.1)
    raise RuntimeError(f"{server.args} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def for_a_person(missing: str, start: Callable[[], AbstractContextManager[str]]) -> None:
    """Start one and print its address, until Ctrl-C or the end of this process."""
    if missing:
        sys.exit(f"cannot start it: {missing}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with start() as address:
        print(address, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
