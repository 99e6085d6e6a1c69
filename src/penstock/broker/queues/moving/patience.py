"""Consumers that hold a message for ever: their channel is ended, as RabbitMQ does (its page on consumers,
"delivery acknowledgement timeout"), and what it held goes to others.
"""

from collections.abc import Collection

from penstock.broker.queues.channel import Client
from penstock.broker.turns.timers import Timers
from penstock.clock import Now
from penstock.errors import Refusal, Refused

TIMEOUT_S = 1800.0
LOOK_S = 60.0
WORDS = (
    "delivery acknowledgement on channel timed out. Timeout value used: 1800000 ms. This timeout value can be configured, "
    "see consumers doc guide to learn more"
)


class Patience:
    """Looks at all channels once a minute, while there are any."""

    def __init__(self, timers: Timers, clients: Collection[Client]) -> None:
        self._timers, self._clients = timers, clients
        self._looking = False

    def begin(self, now: Now) -> None:
        """A client came."""
        if not self._looking:
            self._looking = True
            self._timers.at(now.mono_s + LOOK_S, self._look)

    def _look(self, now: Now) -> None:
        self._looking = False
        for channel in [channel for client in self._clients for channel in client.channels]:
            oldest_s = channel.oldest_s()
            if oldest_s is not None and now.mono_s - oldest_s > TIMEOUT_S and channel.lease is not None:
                lease, channel.lease = channel.lease, None
                lease.resolve(Refused(Refusal.PRECONDITION, WORDS))
        if self._clients:
            self.begin(now)
