"""An AMQP client of prepared bytes: what it sends is cut from bytes made beforehand, what it reads is counted by its length.

So it costs little, and costs both servers the same. It relies on what it measures: one channel, messages all alike.
"""

import socket
import struct
from typing import Any

from penstock.content import Properties
from penstock.wire.amqp.methods import METHODS, decode, frame

WITHIN_S = 60.0
ACK_BYTES = 21
"""Of a frame with basic.ack."""
RUN = 1000
"""Messages, or acknowledgements, that are prepared as one piece."""
_HEAD = struct.Struct(">BHI")
_ACK = struct.Struct(">BHIIQBB")
PERSISTENT = Properties.made(delivery_mode=2, content_type="application/octet-stream")


def message(queue: str, size: int) -> bytes:
    """The frames that publish a persistent message of `size` bytes to a queue."""
    method = frame(1, "basic.publish", exchange="", routing_key=queue)
    header = struct.pack(">HHQ", 60, 0, size) + PERSISTENT.raw
    return b"".join((method, _framed(2, header), _framed(3, b"x" * size)))


def acknowledgements(first: int, count: int) -> bytes:
    """Frames that acknowledge the delivery tags from `first` on, one by one."""
    return b"".join(_ACK.pack(1, 1, 13, 0x003C0050, tag, 0, 0xCE) for tag in range(first, first + count))


def _framed(kind: int, payload: bytes) -> bytes:
    return _HEAD.pack(kind, 1, len(payload)) + payload + b"\xce"


class Peer:
    """A connection with one open channel."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), WITHIN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = bytearray()
        self.unsent = memoryview(b"")
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self._next()
        login = {
            "client_properties": {},
            "mechanism": "PLAIN",
            "response": b"\0guest\0guest",
            "locale": "en_US",
        }
        self.ask("connection.start-ok", 0, **login)
        tune = frame(0, "connection.tune-ok", channel_max=2047, frame_max=131072, heartbeat=0)
        self.socket.sendall(tune)
        self.ask("connection.open", 0, virtual_host="/")
        self.ask("channel.open")

    def ask(self, method: str, channel: int = 1, **fields: Any) -> dict[str, Any]:
        """Send a method and wait for the answer's fields. Raises ConnectionError where it is a close."""
        self.socket.sendall(frame(channel, method, **fields))
        return self._next()

    def _next(self) -> dict[str, Any]:
        while len(self.held) < 8 or len(self.held) < 8 + _HEAD.unpack_from(self.held)[2]:
            self.take()
        size = 8 + _HEAD.unpack_from(self.held)[2]
        payload = bytes(self.held[7 : size - 1])
        del self.held[:size]
        method = METHODS[int.from_bytes(payload[:4], "big")]
        fields = decode(method, payload)
        if method.name.endswith(".close"):
            raise ConnectionError(f"{method.name}: {fields['reply_text']}")
        return dict(fields)

    def take(self) -> None:
        """Read what there is. Raises ConnectionError at the end."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server hung up")
        self.held += data

    def send(self, data: memoryview) -> None:
        """Give the socket what it takes; the rest goes with `go_on`."""
        self.unsent = memoryview(bytes(self.unsent) + bytes(data)) if self.unsent else data
        self.go_on()

    def go_on(self) -> None:
        """Give the socket more of what is unsent."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            return

    def declare(self, queue: str, passive: bool = False) -> int:
        """Make a durable queue, or only look; how many messages are ready in it."""
        return int(self.ask("queue.declare", queue=queue, durable=True, passive=passive)["message_count"])

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def confirmed(held: bytearray, before: int, singles: set[int]) -> int:
    """Take whole basic.acks out of `held`: up to where all is confirmed. Raises ConnectionError for anything else."""
    whole = len(held) // ACK_BYTES * ACK_BYTES
    for kind, _, _, key, tag, multiple, _ in _ACK.iter_unpack(bytes(memoryview(held)[:whole])):
        if kind != 1 or key != 0x003C0050:
            raise ConnectionError(f"no confirm: {bytes(held[:64])!r}")
        if multiple:
            before = max(before, tag)
            singles.difference_update([one for one in singles if one <= before])
        elif tag == before + 1:
            before = tag
        else:
            singles.add(tag)
    del held[:whole]
    while before + 1 in singles:
        before += 1
        singles.discard(before)
    return before


def delivery_bytes(held: bytearray) -> int:
    """How long the first delivery in `held` is: a method, a header, a body; 0 while it is not whole."""
    end = 0
    for _ in range(3):
        if len(held) < end + 8:
            return 0
        end += 8 + _HEAD.unpack_from(held, end)[2]
    return end if len(held) >= end else 0
