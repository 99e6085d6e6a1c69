"""Works an AMQP session by hand, as the driver does; and frames as plain values."""

import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

from penstock.calls import Call, Principal
from penstock.clock import Now
from penstock.content import NO_PROPERTIES, Properties
from penstock.later import Later
from penstock.wire.amqp.methods import METHODS, decode, frame
from penstock.wire.amqp.options import AmqpOptions
from penstock.wire.amqp.session import AmqpSession
from penstock.wire.sasl import Login
from tests.amqp.fake_broker import FakeBroker

NOW = Now(100.0, 1_700_000_000_000)
HEADER = b"AMQP\0\0\x09\x01"
CAPABILITIES = {
    "authentication_failure_close": True, "consumer_cancel_notify": True, "connection.blocked": True,
}  # fmt: skip
HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"


def start_ok(response: bytes = b"\0guest\0guest", mechanism: str = "PLAIN", **capabilities: bool) -> bytes:
    properties = {"capabilities": {**CAPABILITIES, **capabilities}, "product": "test"}
    return frame(
        0, "connection.start-ok",
        client_properties=properties, mechanism=mechanism, response=response, locale="en_US",
    )  # fmt: skip


def tune_ok(channel_max: int = 2047, frame_max: int = 131072, heartbeat: int = 0) -> bytes:
    return frame(0, "connection.tune-ok", channel_max=channel_max, frame_max=frame_max, heartbeat=heartbeat)


def header(channel: int, size: int, properties: Properties = NO_PROPERTIES) -> bytes:
    payload = struct.pack(">HHQ", 60, 0, size) + properties.raw
    return struct.pack(">BHI", 2, channel, len(payload)) + payload + b"\xce"


def body(channel: int, data: bytes) -> bytes:
    return struct.pack(">BHI", 3, channel, len(data)) + data + b"\xce"


def publish(
    channel: int, key: str, data: bytes = b"hello", properties: Properties = NO_PROPERTIES,
    exchange: str = "", mandatory: bool = False,
) -> bytes:  # fmt: skip
    method = frame(channel, "basic.publish", exchange=exchange, routing_key=key, mandatory=mandatory)
    return method + header(channel, len(data), properties) + (body(channel, data) if data else b"")


def raw(kind: int, channel: int, payload: bytes, end: bytes = b"\xce") -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def parsed(data: bytes) -> Iterator[tuple[Any, ...]]:
    """Each frame: (channel, method's name, its fields), or (type, channel, payload)."""
    while data:
        if data.startswith(b"AMQP"):
            yield ("header", data[:8])
            data = data[8:]
            continue
        kind, channel, size = struct.unpack_from(">BHI", data)
        payload = data[7 : 7 + size]
        assert data[7 + size] == 0xCE
        data = data[8 + size :]
        if kind == 1:
            method = METHODS[int.from_bytes(payload[:4], "big")]
            yield channel, method.name, decode(method, payload)
        else:
            yield kind, channel, payload


class Client:
    """A session with a fake broker behind it; `step` gives bytes and the frames that came back."""

    def __init__(self, broker: FakeBroker | None = None, login: Login | None = None, **options: Any) -> None:
        self.broker = broker or FakeBroker()
        self.low = False
        self.session = AmqpSession(
            Principal(host="10.0.0.1"), AmqpOptions(**options), login, lambda: self.low
        )
        self.later: list[tuple[object, Call]] = []

    def step(self, *data: bytes, now: Now = NOW) -> list[tuple[Any, ...]]:
        return list(parsed(self.bytes_of(*data, now=now)))

    def bytes_of(self, *data: bytes, now: Now = NOW) -> bytes:
        self._run(self.session.receive(b"".join(data), now))
        return self.settle()

    def settle(self) -> bytes:
        """Ends of turns, until nothing is left to do; what was written."""
        out = bytearray()
        while True:
            self.broker.settle()
            later, self.later = self.later, []
            self._run(later)
            out += b"".join(self.session.take_output())
            if self.session.stalled:
                self._run(self.session.go_on())
            elif not later and not self.later:
                return bytes(out) + b"".join(self.session.take_output())

    def _run(self, asked: list[tuple[object, Call]]) -> None:
        waiting = list(asked)
        while waiting:
            ticket, call = waiting.pop(0)
            answer = self.broker.answer(call)
            if isinstance(answer, Later):
                answer.watch(partial(self._resolved, ticket))
            else:
                waiting += self.session.answer(ticket, answer)

    def _resolved(self, ticket: object, result: object) -> None:
        # As the driver does: in the midst of something, so that what it asks for waits for the turn's end.
        self.later += self.session.answer(ticket, result)

    def lose(self) -> list[Call]:
        calls = self.session.lost()
        for call in calls:
            self.broker.answer(call)
        return calls


def opened(channels: int = 1, heartbeat: int = 0, **options: Any) -> Client:
    """A client whose connection and channels are open."""
    client = Client(**options)
    tuned = tune_ok(options.get("channels_max", 2047), heartbeat=heartbeat)
    client.step(HEADER, start_ok(), tuned, frame(0, "connection.open", virtual_host="/"))
    client.step(*(frame(number, "channel.open") for number in range(1, channels + 1)))
    client.broker.asked.clear()
    return client
