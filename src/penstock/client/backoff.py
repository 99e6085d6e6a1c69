"""How long to wait before the next attempt: doubling, capped, spread by jitter that is passed in.

Knows no clock and no randomness of its own: a test passes ``jitter=lambda: 0.5``.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Backoff:
    """Waits of `first_s`, twice that, … up to `max_s`, each times 0.8 to 1.2 by `jitter` (uniform in 0..1)."""

    first_s: float
    max_s: float
    jitter: Callable[[], float]
    failures: int = 0

    def next_s(self) -> float:
        """Count one more failure and say how long to wait after it, in seconds."""
        wait_s = min(self.max_s, self.first_s * 2.0 ** min(self.failures, 60))
        self.failures += 1
        return wait_s * (0.8 + 0.4 * self.jitter())

    def reset(self) -> None:
        """An attempt went well: the next failure waits the shortest time again."""
        self.failures = 0
