"""Whose time it is: what passed since the last lap goes to whoever did the work in it.

Operators are called one after the other, so one reading of a clock a call is enough, and what they were given adds up
to the whole. Knows no clock: it is handed one, or none, and then costs nothing.
"""

from collections.abc import Callable
from typing import Protocol


class Worker(Protocol):
    """Whoever works: an operator in its place, a sink."""

    busy_s: float


class Laps:
    """`read_s` gives seconds since any moment: of the processor, or of the wall."""

    def __init__(self, read_s: Callable[[], float] | None = None) -> None:
        self._read_s = read_s
        self._at_s = 0.0

    def begin(self) -> None:
        """Work begins: what passed before was nobody's."""
        if self._read_s is not None:
            self._at_s = self._read_s()

    def end(self, worker: Worker) -> None:
        """A worker is done."""
        if self._read_s is not None:
            now_s = self._read_s()
            worker.busy_s += now_s - self._at_s
            self._at_s = now_s
