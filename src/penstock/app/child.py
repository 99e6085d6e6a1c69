"""One child process of the supervisor: started, watched for its ``ready`` line, restarted, stopped.

The child's standard input is its lifeline (see `penstock.lifeline`); what it prints is passed on under its name.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence

Said = Callable[[str, str], None]
USER_ERROR = 2
"""A child that exits with this code met something only the user can mend: it is not restarted."""


class Child:
    """A Python module run as a process of its own."""

    def __init__(
        self, name: str, arguments: Sequence[str], said: Said, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.arguments, self.said = name, list(arguments), said
        self.environment = environment
        self.ready: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self.process: asyncio.subprocess.Process | None = None
        self.restarts = 0
        self._reading: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the process; `ready` is answered when it says so."""
        if self.ready.done():
            self.ready = asyncio.get_running_loop().create_future()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-m", *self.arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self.environment, limit=1024 * 1024,
            # A Ctrl-C in the terminal reaches the supervisor alone, which stops its children in order.
            start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._reading = [
            asyncio.create_task(self._read(self.process.stdout)),
            asyncio.create_task(self._read(self.process.stderr)),
        ]

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # a line over the limit: shown in pieces would be noise
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            if text.startswith("ready ") and not self.ready.done():
                self.ready.set_result(dict(word.split("=", 1) for word in text.split()[1:] if "=" in word))
            elif text:
                self.said(self.name, text)

    async def ended(self) -> int:
        """Wait until the process has ended and all it said is read; its exit code."""
        assert self.process is not None
        code = await self.process.wait()
        await asyncio.gather(*self._reading)
        return code

    async def stop(self, seconds: float) -> None:
        """End the process: by closing its lifeline and SIGTERM, after `seconds` by SIGKILL."""
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
