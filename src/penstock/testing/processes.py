"""Real processes for tests and benchmarks: a broker on a free port, killed or stopped as the test likes."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class BrokerProcess:
    """A broker of its own on a free loopback port, with its data in `data_dir`. A context manager.

    After `kill` (SIGKILL, no chance to tidy up) `start` brings it back on the same port, as a supervisor would.
    """

    def __init__(
        self,
        data_dir: Path,
        fsync: str = "always",
        words: Sequence[str] = (),
        module: str = "penstock.app.broker",
    ) -> None:
        """`words` are further flags; `ready` is what it said it listens on, by name; `module` is what is run."""
        self.data_dir, self.fsync, self.words, self.module = data_dir, fsync, words, module
        self.ready: dict[str, str] = {}
        self.address = "127.0.0.1:0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and wait until clients can connect; its address. Raises RuntimeError with what it said."""
        words = [
            "--data-dir",
            str(self.data_dir),
            "--kafka",
            self.address,
            "--fsync",
            self.fsync,
            *self.words,
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready kafka="):
            self.process.wait()
            raise RuntimeError(f"the broker did not start (code {self.process.returncode}): {line}")
        self.ready = dict(word.split("=", 1) for word in line.split()[1:])
        self.address = self.ready["kafka"]
        return self.address

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a supervisor does."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            try:
                with contextlib.suppress(BrokenPipeError):
                    self.process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
            finally:
                self.process = None

    def __enter__(self) -> "BrokerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
