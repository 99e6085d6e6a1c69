"""The two servers that are compared: started on an empty directory, weighed, killed and started again on what they have.

Knows processes; knows nothing of what is asked of them.
"""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

from bench.beside.processes import Weighed, found
from bench.oracle.rabbitmq import rabbitmq as oracle
from penstock.testing.processes import BrokerProcess

Running = tuple[str, int]
"""Where it listens, and its process."""


class Side(Weighed):
    """A server. `start_s`: from the process's begin until it greets clients."""

    def __init__(self, name: str, start: Callable[[], AbstractContextManager[Running]]) -> None:
        self.name, self._start = name, start
        self._life = contextlib.ExitStack()
        self.address, self.pid, self.start_s = "", 0, 0.0

    def start(self) -> None:
        """From nothing, or from what was there when it was killed."""
        begun_s = time.monotonic()
        self.address, self.pid = self._life.enter_context(self._start())
        self.start_s = time.monotonic() - begun_s

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        for one in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it."""
        self._life.close()


@contextlib.contextmanager
def _penstock(home: Path) -> Iterator[Running]:
    """What is confirmed is on disk: `--fsync always`, the default."""
    broker = BrokerProcess(home / "data", "always", ("--amqp", "127.0.0.1:0"))
    broker.start()
    assert broker.process is not None
    try:
        yield broker.ready["amqp"], broker.process.pid
    finally:
        broker.stop()


def _rabbitmq(home: Path) -> AbstractContextManager[Running]:
    return found(oracle(home=home), lambda child: child.name() != "epmd")


SIDES = {"penstock": _penstock, "rabbitmq": _rabbitmq}


@contextlib.contextmanager
def running(name: str) -> Iterator[Side]:
    """One of `SIDES` on an empty directory."""
    with tempfile.TemporaryDirectory(prefix="bench-amqp-", ignore_cleanup_errors=True) as folder:
        os.sync()  # nothing of who was before waits to be written
        side = Side(name, lambda: SIDES[name](Path(folder)))
        side.start()
        try:
            yield side
        finally:
            side.stop()
