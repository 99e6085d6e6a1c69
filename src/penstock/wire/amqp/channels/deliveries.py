"""Messages on their way to the client: the frames of deliver, get-ok and return, made for whole runs of messages.

This is written for every message: it packs by hand what `methods` would write field by field. Knows no channel's state.
"""

import struct
from collections.abc import Iterable
from typing import Final

from penstock.calls.queues import Delivery
from penstock.content import Content
from penstock.wire.amqp.methods import BODY, HEADER, KEYS, METHOD, frame, short_string

FRAME_COST: Final = 8
"""Bytes of a frame beside its payload."""
HEADS_MAX: Final = 1024
_FRAME: Final = struct.Struct(">BHII")
_LEAD: Final = struct.Struct(">BH")
_TAG: Final = struct.Struct(">QB")
_HEADER: Final = struct.Struct(">IHHQ")
_BODY: Final = struct.Struct(">BHI")
_SIZE: Final = struct.Struct(">I")
_BASIC: Final = KEYS["basic.deliver"] >> 16
_DELIVER: Final = KEYS["basic.deliver"]


class Deliveries:
    """Those of one channel: what its consumers and routing keys make of a frame is remembered."""

    __slots__ = ("_body_lead", "_header_lead", "_heads", "_number", "payload_max")

    def __init__(self, channel: int, payload_max: int) -> None:
        self.payload_max = payload_max
        self._number = channel
        self._header_lead = b"\xce" + _LEAD.pack(HEADER, channel)
        self._body_lead = b"\xce" + _LEAD.pack(BODY, channel)
        self._heads: dict[tuple[str, str, str], tuple[bytes, bytes]] = {}

    def deliver(self, deliveries: Iterable[Delivery]) -> bytes:
        """All of them, in order."""
        heads, payload_max, body_lead = self._heads, self.payload_max, self._body_lead
        parts: list[bytes] = []
        for consumer, tag, redelivered, content in deliveries:
            exchange, routing_key, properties, body = content
            found = heads.get((consumer, exchange, routing_key))
            if found is None:
                found = self._head(consumer, exchange, routing_key)
            raw, size = properties.raw, len(body)
            lead = (
                found[0]
                + _TAG.pack(tag, redelivered)
                + found[1]
                + _HEADER.pack(12 + len(raw), _BASIC, 0, size)
            )
            if 0 < size <= payload_max:
                parts += (lead, raw, body_lead, _SIZE.pack(size), body, b"\xce")
            else:
                parts += (lead, raw, b"\xce", self.body(body))
        return b"".join(parts)

    def _head(self, consumer: str, exchange: str, routing_key: str) -> tuple[bytes, bytes]:
        """What stands before a delivery's tag, and what behind it up to the header's size."""
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        tag = short_string(consumer)
        route = short_string(exchange) + short_string(routing_key)
        head = _FRAME.pack(METHOD, self._number, 4 + len(tag) + 9 + len(route), _DELIVER) + tag
        made = head, route + self._header_lead
        self._heads[consumer, exchange, routing_key] = made
        return made

    def content(self, method: bytes, content: Content) -> bytes:
        """One message behind its method's frame: get-ok or return."""
        raw, body = content.properties.raw, content.body
        header = _LEAD.pack(HEADER, self._number) + _HEADER.pack(12 + len(raw), _BASIC, 0, len(body))
        return b"".join((method, header, raw, b"\xce", self.body(body)))

    def returned(self, content: Content) -> bytes:
        """A message that no queue wanted, back to who published it."""
        method = frame(
            self._number, "basic.return",
            reply_code=312, reply_text="NO_ROUTE", exchange=content.exchange, routing_key=content.routing_key,
        )  # fmt: skip
        return self.content(method, content)

    def body(self, body: bytes) -> bytes:
        """The body's frames: as many as the negotiated size makes of it."""
        step = self.payload_max
        parts: list[bytes] = []
        for start in range(0, len(body), step):
            piece = body[start : start + step]
            parts += (_BODY.pack(BODY, self._number, len(piece)), piece, b"\xce")
        return b"".join(parts)
