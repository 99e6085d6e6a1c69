"""What may happen as often as clients like, and is told of now and then. Knows moments; knows no sentence."""

from penstock.clock import Now

NOTICE_S = 10.0
"""Seconds between two notices of one thing: nobody must be able to fill the log."""


class Seldom:
    """Things of one kind, counted until they are told of."""

    __slots__ = ("_count", "_told_s")

    def __init__(self) -> None:
        self._count, self._told_s = 0, float("-inf")

    def add(self, now: Now) -> int:
        """One more. How many there were since they were told of last, this one too; 0 while it is not time to tell."""
        self._count += 1
        if now.mono_s - self._told_s < NOTICE_S:
            return 0
        count, self._count, self._told_s = self._count, 0, now.mono_s
        return count
