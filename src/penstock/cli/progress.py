"""One line on standard error that says how far long work is; nothing where nobody looks.

Knows clocks and terminals; knows nothing of the work.
"""

import shutil
import sys
import time
from types import TracebackType

_FIRST_S, _EVERY_S = 0.5, 0.1
_BAR = 24


class Progress:
    """A context manager. `at` says how much is done of `total` (None: unknown); drawn only on a terminal.

    `beside_output` says that the work itself prints: then there is a line only where its output goes elsewhere.
    """

    def __init__(self, what: str, total: int | None = None, *, beside_output: bool = False) -> None:
        self.what, self.total, self.done = what, total, 0
        self._active = sys.stderr.isatty() and not (beside_output and sys.stdout.isatty())
        self._began_s = time.monotonic()
        self._next_s = self._began_s + _FIRST_S
        self._drawn = False

    def at(self, done: int) -> None:
        """So much is done."""
        self.done = done
        if self._active and (now_s := time.monotonic()) >= self._next_s:
            self._next_s = now_s + _EVERY_S
            self._draw(line(self.what, done, self.total, now_s - self._began_s))

    def step(self, more: int = 1) -> None:
        """So much more is done."""
        self.at(self.done + more)

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{text[:width]}")
        sys.stderr.flush()
        self._drawn = True

    def __enter__(self) -> "Progress":
        """The work begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The work is over: the line goes."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def line(what: str, done: int, total: int | None, elapsed_s: float) -> str:
    """The line itself: a bar where the end is known, the rate, the time it will still take."""
    rate = done / elapsed_s if elapsed_s > 0 else 0.0
    if not total:
        return f"{done:,} {what}  {rate:,.0f}/s"
    share = min(done / total, 1.0)
    bar = "█" * round(share * _BAR)
    left = f"  {(total - done) / rate:.0f} s left" if rate and done < total else ""
    return f"{bar:·<{_BAR}} {share:4.0%}  {done:,} of {total:,} {what}  {rate:,.0f}/s{left}"
