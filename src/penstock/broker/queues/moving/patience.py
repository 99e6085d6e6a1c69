"""Consumers that hold a message for ever: their channel is ended, as RabbitMQ does (its page on consumers,
"delivery acknowledgement timeout"), and what it held goes to others.
"""

from typing import TYPE_CHECKING

from penstock.clock import Now
from penstock.errors import Refusal, Refused

if TYPE_CHECKING:
    from penstock.broker.queues.queues import Queues

TIMEOUT_S = 1800.0
LOOK_S = 60.0
WORDS = (
    "delivery acknowledgement on channel timed out. Timeout value used: 1800000 ms. This timeout value can be configured, "
    "see consumers doc guide to learn more"
)


class Patience:
    """Looks at all channels once a minute, while there are any."""

    def __init__(self, queues: "Queues") -> None:
        self._queues = queues
        self._looking = False

    def begin(self, now: Now) -> None:
        """A client came."""
        if not self._looking:
            self._looking = True
            self._queues.around.timers.at(now.mono_s + LOOK_S, self._look)

    def _look(self, now: Now) -> None:
        self._looking = False
        for channel in [channel for client in self._queues.clients for channel in client.channels]:
            oldest_s = channel.oldest_s()
            if oldest_s is not None and now.mono_s - oldest_s > TIMEOUT_S and channel.lease is not None:
                lease, channel.lease = channel.lease, None
                lease.resolve(Refused(Refusal.PRECONDITION, WORDS))
        if self._queues.clients:
            self.begin(now)
