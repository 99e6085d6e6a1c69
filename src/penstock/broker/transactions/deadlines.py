"""Which ongoing transaction is to be aborted when: one timer each, cancelled with its transaction.

Knows timers and transactional ids; `on_late`, set by whoever aborts, is told of those whose time is over.
"""

from collections.abc import Callable

from penstock.broker.transactions.transaction import Transaction
from penstock.broker.turns.timers import Timer, Timers
from penstock.clock import Now

OnLate = Callable[[str, Now], None]


class Deadlines:
    """Timers by transactional id."""

    def __init__(self, timers: Timers) -> None:
        self.on_late: OnLate = lambda name, now: None
        self._timers = timers
        self._by_name: dict[str, Timer] = {}

    def begin(self, transaction: Transaction, now: Now) -> None:
        """Its transaction began, or was found ongoing at the start; what passed while we were down counts."""
        passed_ms = min(max(0, now.wall_ms - transaction.start_ms), transaction.timeout_ms)
        self.again(transaction.name, (transaction.timeout_ms - passed_ms) / 1000, now)

    def again(self, name: str, seconds: float, now: Now) -> None:
        """Look in so many seconds."""
        self.end(name)
        self._by_name[name] = self._timers.at(now.mono_s + seconds, lambda now: self.on_late(name, now))

    def end(self, name: str) -> None:
        """Its transaction is over."""
        timer = self._by_name.pop(name, None)
        if timer is not None:
            timer.cancel()
