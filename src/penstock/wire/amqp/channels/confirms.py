"""A channel's publisher confirms: publishes are numbered from 1; each is acked once safe, or nacked; in order.

Acks are joined: one says "all up to this". Knows no bytes of messages.
"""

import struct
from collections import deque
from collections.abc import Sequence
from typing import Final

from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.channels.work import Confirming
from penstock.wire.amqp.methods import FRAME_END, KEYS, METHOD, frame

_CONFIRM: Final = struct.Struct(">BHIIQBB")
"""The frame of basic.ack and, with no bit but that of `multiple`, of basic.nack."""


class Confirms:
    """Those of one channel since its confirm.select."""

    __slots__ = ("_channel", "_confirmed", "_nacked", "_published", "_waiting")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._published = self._confirmed = 0
        self._nacked: set[int] = set()
        self._waiting: deque[Confirming] = deque()

    def sent(self, count: int, nacked: Sequence[int]) -> None:
        """Messages were published; those at the places `nacked` were declined, the others become safe."""
        channel, before = self._channel, self._published
        self._published += count
        for place in nacked:
            channel.write(frame(channel.number, "basic.nack", delivery_tag=before + place + 1))
            self._nacked.add(before + place + 1)
        if count > len(nacked):
            waiting = Confirming(channel, self._published)
            self._waiting.append(waiting)
            channel.session.ask(waiting, waiting.begin())

    def tell(self) -> None:
        """Tell the client of all at the head that is decided: at the end of a turn, so that it is one sentence."""
        waiting = self._waiting
        while waiting and waiting[0].done:
            first = waiting.popleft()
            while waiting and waiting[0].done and waiting[0].refused == first.refused:
                first = waiting.popleft()
            self._tell("basic.nack" if first.refused else "basic.ack", first.last)

    def _tell(self, name: str, last: int) -> None:
        told = last
        while told in self._nacked:
            told -= 1
        several = sum(1 for tag in self._nacked if tag < told) + 1 < told - self._confirmed
        if told > self._confirmed:
            self._channel.write(
                _CONFIRM.pack(METHOD, self._channel.number, 13, KEYS[name], told, several, FRAME_END)
            )
        self._confirmed = last
        if self._nacked:
            self._nacked = {tag for tag in self._nacked if tag > last}
