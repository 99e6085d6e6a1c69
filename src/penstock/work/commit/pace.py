"""When the next commit is due: soon while there is little to do, rarely while there is much.

What a commit costs is the processor time that passes while it is under way and is not the engine's; waiting costs
nothing, for the engine goes on. `SHARE` times that lie between two commits of a job that never rests, and less the more
it does: a quiet job commits as soon as something came out, one at its limit spends a twentieth of its time on it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

SHARE = 20.0
KEPT = 0.7
"""How much of what is known of the cost a new commit leaves: one that is out of line counts for a part."""


@dataclass
class Pace:
    """Between `first_s` and `most_s` after the commit before, in seconds.

    `cpu_s` reads the processor time of the thread that runs the engine and its commits. The process's would have the
    compiler's in it: in the minute after an installation every commit would seem dear, and come as late as it may.
    """

    first_s: float
    most_s: float
    cpu_s: Callable[[], float]
    interval_s: float = field(default=0.0, init=False)
    """How far apart commits are now."""
    next_s: float = field(default=0.0, init=False)
    """Not before this moment (of the monotonic clock)."""
    _worked_s: float = field(default=0.0, init=False)
    _cost_s: float = field(default=0.0, init=False)
    _began_cpu_s: float = field(default=0.0, init=False)
    _engine_cpu_s: float = field(default=0.0, init=False)

    def worked(self, took_s: float, cpu_s: float) -> None:
        """The engine was at work for so long, and took so much of the processor."""
        self._worked_s += took_s
        self._engine_cpu_s += cpu_s

    def begun(self, now_s: float) -> None:
        """A commit begins."""
        passed_s = now_s - (self.next_s - self.interval_s)
        busy = min(1.0, self._worked_s / max(passed_s, self.first_s, 1e-6))
        self._worked_s = self._engine_cpu_s = 0.0
        self._began_cpu_s = self.cpu_s()
        self.interval_s = min(self.most_s, max(self.first_s, SHARE * self._cost_s * busy))
        self.next_s = now_s + self.interval_s

    def ended(self, beside_s: float = 0.0) -> None:
        """The commit has ended; other threads were at work for it for so long."""
        cost_s = max(0.0, self.cpu_s() - self._began_cpu_s - self._engine_cpu_s) + beside_s
        self._cost_s = KEPT * self._cost_s + (1 - KEPT) * cost_s if self._cost_s else cost_s
