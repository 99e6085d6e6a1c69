"""Cuts the client's bytes into frames, and gives them to their channels.

What comes most often, a publish whose frames all lie in the received bytes and an acknowledgement, is read here, in one
loop, without an object a frame. Bytes of a frame that is not whole are kept. Knows no calls, and answers nothing.
"""

import re
import struct
from functools import lru_cache
from typing import Final

from penstock.calls.queues import Publishing
from penstock.content import Content
from penstock.wire.amqp.channels.channel import Channel, Connection
from penstock.wire.amqp.channels.incoming import (
    ACK_BYTES,
    add_sending,
    known_route,
    properties_of,
    route_of,
    settle,
    take,
)
from penstock.wire.amqp.channels.work import octets
from penstock.wire.amqp.methods import BODY, FRAME_END, HEADER, HEARTBEAT, KEYS, METHOD
from penstock.wire.amqp.refusals import AmqpError

_HEAD: Final = struct.Struct(">BHI")
_KEY: Final = struct.Struct(">I")
_TAG: Final = struct.Struct(">QB")
_ACKED: Final = struct.Struct(">11xQ2x")
_CONTENT: Final = struct.Struct(">BHIHHQ")
_PUBLISH, _ACK = KEYS["basic.publish"], KEYS["basic.ack"]
_REPEATED_MAX: Final = 1024
"""How much of what stands before a body is remembered."""
_SHOWN: Final = 16
"""How many bytes of a bad frame an error shows."""


class Parser:
    """The frames of one connection. `paused`: what comes is kept unread."""

    def __init__(self, session: Connection) -> None:
        self._session = session
        self._held = bytearray()
        self._needed = 8
        self.paused = False

    @property
    def held_bytes(self) -> int:
        """Bytes that are kept."""
        return len(self._held)

    def forget(self) -> None:
        """Nobody is there to finish what is kept."""
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes. Raises AmqpError for what ends the connection; what was before it has reached its channel."""
        if self._held:
            self._held += data
            if self.paused or len(self._held) < self._needed:
                return
            data = bytes(self._held)
            self._held.clear()
        position = 0 if self.paused else self._walk(data)
        if position < len(data):
            self._held += memoryview(data)[position:]

    def go_on(self) -> None:
        """Read what was kept meanwhile."""
        if not self.paused and self._held:
            data = bytes(self._held)
            self._held.clear()
            self.feed(data)

    def _walk(self, data: bytes) -> int:
        """Every whole frame; where the first begins that is not."""
        session = self._session
        channels, touched, payload_max = session.channels, session.touched, session.payload_max
        position, end = 0, len(data)
        self._needed = 8
        while end - position >= 8 and not self.paused:
            kind, number, size = _HEAD.unpack_from(data, position)
            if size > payload_max:
                raise AmqpError(
                    "FRAME_ERROR", f"type {kind}, all octets = <<>>: {{frame_too_large,{size},{payload_max}}}"
                )
            stop = position + 7 + size
            if stop >= end:
                self._needed = size + 8
                break
            if data[stop] != FRAME_END:
                raise bad_frame(kind, data[position + 7 : stop], f"{{invalid_frame_end_marker,{data[stop]}}}")
            channel = channels.get(number)
            if channel is not None:
                touched[channel] = None
                if channel.ready and kind == METHOD and size >= 9 and number:
                    key = _KEY.unpack_from(data, position + 7)[0]
                    if key == _PUBLISH:
                        position = _publish(channel, data, position, stop, payload_max)
                        continue
                    if key == _ACK and size == 13:
                        position = _acks(channel, data, position)
                        continue
            payload = data[position + 7 : stop]
            position = stop + 1
            self._frame(kind, number, channel, payload)
            payload_max = session.payload_max
        return position

    def _frame(self, kind: int, number: int, channel: Channel | None, payload: bytes) -> None:
        if kind == HEARTBEAT and not payload:
            if number:
                raise AmqpError("UNEXPECTED_FRAME", "type 8, all octets = <<>>")
            return
        if kind not in (METHOD, HEADER, BODY) or (kind == METHOD and len(payload) < 4):
            raise bad_frame(kind, payload, "unknown_frame")
        if channel is not None:
            take(channel, kind, payload)
        elif kind == METHOD:
            self._session.method_on_no_channel(number, int.from_bytes(payload[:4], "big"), payload)
        else:
            raise AmqpError("UNEXPECTED_FRAME", "expected method frame, got non method frame instead")


def bad_frame(kind: int, payload: bytes, what: str) -> AmqpError:
    """The error for bytes that are no frame, in RabbitMQ's words."""
    count = "all octets" if len(payload) <= _SHOWN else f"first {_SHOWN} octets"
    return AmqpError("FRAME_ERROR", f"type {kind}, {count} = {octets(payload[:_SHOWN])}: {what}")


@lru_cache(maxsize=4096)
def _single_acks(number: int) -> re.Pattern[bytes]:
    """Frames that acknowledge one tag each, one behind the other, on the channel of this number."""
    head = _HEAD.pack(METHOD, number, 13) + _KEY.pack(_ACK)
    # `++` would do, but loses the end of a match before Python 3.11.5.
    return re.compile(rb"(?:%b.{8}\0%b)+" % (re.escape(head), re.escape(bytes([FRAME_END]))), re.DOTALL)


def _acks(channel: Channel, data: bytes, position: int) -> int:
    """The acknowledgement at `position`, with those behind it if each is of one tag; where the next frame begins.

    Who acknowledges one by one mostly does so in the order of the deliveries: then they are one settlement.
    """
    run = _single_acks(channel.number).match(data, position)
    if run is None:
        settle(channel, _ACK, *_TAG.unpack_from(data, position + 11))
        return position + ACK_BYTES
    tags = [tag for (tag,) in _ACKED.iter_unpack(run[0])]
    first, count = tags[0], len(tags)
    if tags == list(range(first, first + count)):
        settle(channel, _ACK, first, 0, count)
    else:
        for tag in tags:
            settle(channel, _ACK, tag, 0)
    return run.end()


def _repeated(channel: Channel, data: bytes, position: int) -> int:
    """A run of publishes from `position` on that are like the channel's last one but for their bodies: where it ends.

    Producers mostly say the same in all that stands before a body; then one comparison takes the place of reading it.
    """
    assert channel.repeated is not None
    head, size, exchange, routing_key, properties, mandatory = channel.repeated
    start, end, step = position, len(data), len(head)
    found: list[Publishing] = []
    while data.startswith(head, position):
        body_end = position + step + size
        if body_end >= end or data[body_end] != FRAME_END:
            break
        body = data[position + step : body_end]
        found.append(Publishing(Content(exchange, routing_key, properties, body), mandatory))
        position = body_end + 1
    if found:
        work = channel.sending or add_sending(channel)
        work.messages += found
        work.cost += position - start
        channel.session.bytes_in_flight += position - start
    return position


def _publish(channel: Channel, data: bytes, position: int, stop: int, payload_max: int) -> int:
    """The publish whose method frame stands at `position` and ends at `stop`; where the next frame begins.

    Where its content's frames are not all there, or are not as they mostly are, the channel takes them one by one.
    """
    if channel.repeated is not None and (after := _repeated(channel, data, position)) > position:
        return after
    fields = data[position + 11 : stop]
    exchange, routing_key, mandatory = known_route(fields) or route_of(fields)
    head = stop + 1
    try:
        kind, number, size, class_id, weight, body_size = _CONTENT.unpack_from(data, head)
        header_end: int = head + 7 + size
        at = header_end + 1
        usual = kind == HEADER and class_id == 60 and not weight and 14 <= size <= payload_max
        if usual and number == channel.number and data[header_end] == FRAME_END and body_size <= payload_max:
            body, begin = b"", at
            if body_size:
                begin = at + 7
                kind, number, size = _HEAD.unpack_from(data, at)
                body_end = at + 7 + size
                usual = kind == BODY and number == channel.number and size == body_size
                usual = usual and data[body_end] == FRAME_END
                body, at = data[begin:body_end], body_end + 1
            if usual:
                properties = properties_of(data[head + 19 : header_end])
                work = channel.sending or add_sending(channel)
                work.messages.append(Publishing(Content(exchange, routing_key, properties, body), mandatory))
                work.cost += at - position
                channel.session.bytes_in_flight += at - position
                if body and begin - position <= _REPEATED_MAX:
                    before = data[position:begin]
                    channel.repeated = before, len(body), exchange, routing_key, properties, mandatory
                return at
    except (struct.error, IndexError):
        pass  # not all there
    take(channel, METHOD, data[position + 7 : stop])
    return head
