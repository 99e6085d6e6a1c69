"""What is due when: a heap of moments on the monotonic reading, run by `tick`.

Knows neither what it runs nor a clock; whoever ticks passes the time in.
"""

import heapq
from collections.abc import Callable

from penstock.clock import Now

_DEAD_MAX = 1024


class Timer:
    """One moment; `cancel` makes it never come."""

    __slots__ = ("_timers", "run")

    def __init__(self, timers: "Timers", run: Callable[[Now], None]) -> None:
        self._timers, self.run = timers, run

    def cancel(self) -> None:
        """Never run; harmless when it ran already."""
        if self._timers is not None:
            self._timers.dead += 1
            self._timers = None  # type: ignore[assignment]  # None marks a timer that is over

    @property
    def over(self) -> bool:
        """Whether it ran or was cancelled."""
        return self._timers is None


class Timers:
    """Equal moments run in the order in which they were set, so every run is repeatable."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0
        self.dead = 0

    def at(self, due_s: float, run: Callable[[Now], None]) -> Timer:
        """Call `run` at the first tick at or after `due_s` (a `mono_s`)."""
        timer = Timer(self, run)
        self._count += 1
        if self.dead > _DEAD_MAX and self.dead * 2 > len(self._heap):
            self._sweep()
        heapq.heappush(self._heap, (due_s, self._count, timer))
        return timer

    def run_due(self, now: Now) -> None:
        """Run what is due; what that sets anew for now waits for the next tick, so this always ends."""
        due = []
        while self._heap and self._heap[0][0] <= now.mono_s:
            due.append(heapq.heappop(self._heap)[2])
        for timer in due:
            if timer.over:
                self.dead -= 1
            else:
                timer._timers = None  # type: ignore[assignment]  # it is over before it runs
                timer.run(now)

    def next_s(self) -> float | None:
        """The `mono_s` of the next moment, None when nothing is due ever."""
        while self._heap and self._heap[0][2].over:
            heapq.heappop(self._heap)
            self.dead -= 1
        return self._heap[0][0] if self._heap else None

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if not entry[2].over]
        heapq.heapify(self._heap)
        self.dead = 0
