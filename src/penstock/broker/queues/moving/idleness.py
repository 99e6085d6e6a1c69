"""Queues that go when nobody has used them for long (x-expires): no consumer, no declaration, no get."""

from typing import TYPE_CHECKING

from penstock.broker.queues.queue.queue import Queue
from penstock.clock import Now

if TYPE_CHECKING:
    from penstock.broker.queues.queues import Queues


class Idleness:
    """One lazy timer a queue: use moves the moment, the timer looks again when it comes."""

    def __init__(self, queues: "Queues") -> None:
        self._queues = queues

    def used(self, queue: Queue, now: Now) -> None:
        """Somebody used the queue, or its last consumer went."""
        queue.used_s = now.mono_s
        if queue.asked.expires_ms is not None and (queue.idle is None or queue.idle.over):
            self._arm(queue, queue.asked.expires_ms)

    def _arm(self, queue: Queue, expires_ms: int) -> None:
        due_s = queue.used_s + expires_ms / 1000

        def look(now: Now) -> None:
            vhost = self._queues.vhosts.get(queue.vhost)
            if queue.gone or vhost is None or queue.turns.all:
                return  # its last consumer's end is a use of it
            if queue.used_s + expires_ms / 1000 > now.mono_s:
                self._arm(queue, expires_ms)
            else:
                self._queues.remove_queue(vhost, queue)

        queue.idle = self._queues.around.timers.at(due_s, look)
