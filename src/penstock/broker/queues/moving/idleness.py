"""Queues that go when nobody has used them for long (x-expires): no consumer, no declaration, no get."""

from collections.abc import Callable

from penstock.broker.queues.queue.queue import Queue
from penstock.broker.turns.timers import Timers
from penstock.clock import Now


class Idleness:
    """One lazy timer a queue: use moves the moment, the timer looks again when it comes."""

    def __init__(self, timers: Timers, remove: Callable[[Queue], object]) -> None:
        self._timers, self._remove = timers, remove

    def used(self, queue: Queue, now: Now) -> None:
        """Somebody used the queue, or its last consumer went."""
        queue.used_s = now.mono_s
        if queue.asked.expires_ms is not None and (queue.idle is None or queue.idle.over):
            self._arm(queue, queue.asked.expires_ms)

    def _arm(self, queue: Queue, expires_ms: int) -> None:
        due_s = queue.used_s + expires_ms / 1000

        def look(now: Now) -> None:
            if queue.gone or queue.turns.all:
                return  # its last consumer's end is a use of it
            if queue.used_s + expires_ms / 1000 > now.mono_s:
                self._arm(queue, expires_ms)
            else:
                self._remove(queue)

        queue.idle = self._timers.at(due_s, look)
