"""The web process by itself, beside whatever broker a test has."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def console(*words: str) -> Iterator[str]:
    """A web process; its address."""
    command = [sys.executable, "-m", "penstock.web", "--http", "127.0.0.1:0", *words]
    web = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert web.stdout
        yield "http://" + web.stdout.readline().decode().split("http=")[1].strip()
    finally:
        web.terminate()
        web.communicate(timeout=20)
