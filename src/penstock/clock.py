"""The two readings of time that floors below the sockets are handed.

Defines what a reading is; never takes one. Floor 5 reads the clocks and passes a `Now` in.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of both clocks.

    `mono_s` never steps back: timeouts and waits are measured with it, in seconds.
    `wall_ms` is Unix time in milliseconds: timestamps, TTL and persisted leases; it may step either way.
    """

    mono_s: float
    wall_ms: int

    def after(self, seconds: float) -> "Now":
        """The reading `seconds` later on both clocks: what a test uses to let time pass."""
        return Now(self.mono_s + seconds, self.wall_ms + round(seconds * 1000))
