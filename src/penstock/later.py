"""An answer that is not ready yet, without an event loop.

The broker hands out a `Later` where an answer waits for a disk, a timeout or another client; whoever drives it
adds one watcher and is called once, synchronously, when the answer is there. Where the answer takes slow work, that is
`Steps`: pieces for other threads, and what is done with them between.
"""

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Later(Generic[T]):
    """One answer to come. `resolve` may be called once; watchers added afterwards are called at once."""

    __slots__ = ("_value", "_watchers", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: T | None = None
        self._watchers: list[Callable[[T], None]] = []

    def resolve(self, value: T) -> None:
        """Give the answer to everyone who waits for it."""
        if self.done:
            raise RuntimeError("an answer is given once")
        self.done, self._value = True, value
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher(value)

    def watch(self, watcher: Callable[[T], None]) -> None:
        """Call `watcher` with the answer, now if it is there already."""
        if self.done:
            watcher(self._value)  # type: ignore[arg-type]  # done means that the value is set
        else:
            self._watchers.append(watcher)


Piece = Callable[[], object]
"""Something slow: it may be run on any thread."""

Steps = Generator[Piece, Any, T]
"""Work a piece at a time: each piece that it yields is run on some thread, and what came of that is sent back in on the
caller's own. Between two pieces everything may have changed."""


def finish(steps: "Steps[T]") -> T:
    """All of it at once, here and now."""
    try:
        piece = next(steps)
        while True:
            piece = steps.send(piece())
    except StopIteration as end:
        return cast("T", end.value)
