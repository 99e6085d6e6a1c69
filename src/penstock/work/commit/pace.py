"""When the next commit is due: soon while there is little to do, rarely while there is much.

A commit that takes t is followed by work for `SHARE` times t, times the share of time that the engine was busy: a
quiet job commits as soon as something came out, one at its limit spends a tenth of its time. Knows no clock.
"""

from dataclasses import dataclass, field

SHARE = 10.0


@dataclass
class Pace:
    """Between `first_s` and `most_s` after the commit before, in seconds."""

    first_s: float
    most_s: float
    interval_s: float = field(default=0.0, init=False)
    """How far apart commits are now."""
    next_s: float = field(default=0.0, init=False)
    """Not before this moment (of the monotonic clock)."""
    _worked_s: float = field(default=0.0, init=False)
    _cost_s: float = field(default=0.0, init=False)

    def worked(self, seconds: float) -> None:
        """The engine was busy for so long."""
        self._worked_s += seconds

    def begun(self, now_s: float) -> None:
        """A commit begins."""
        passed_s = now_s - (self.next_s - self.interval_s)
        busy = min(1.0, self._worked_s / max(passed_s, self.first_s, 1e-6))
        self._worked_s = 0.0
        self.interval_s = min(self.most_s, max(self.first_s, SHARE * self._cost_s * busy))
        self.next_s = now_s + self.interval_s

    def ended(self, took_s: float) -> None:
        """A commit took so long, from beginning to end. One that is out of line counts for a part."""
        self._cost_s = took_s if not self._cost_s else 0.7 * self._cost_s + 0.3 * took_s
