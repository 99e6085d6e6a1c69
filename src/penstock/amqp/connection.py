"""One connection: bytes to frames, frames to their channels; opening, heartbeats, the end.

Knows frames and channel 0; what a channel does is `Channel`'s. Source: AMQP 0-9-1, 2.2.4 and 4.2.3.
"""

import asyncio
import ssl
import struct

from penstock.amqp.channel import Channel
from penstock.amqp.errors import AmqpError
from penstock.amqp.url import Url
from penstock.client.security import from_environment
from penstock.tls import client_context
from penstock.version import __version__
from penstock.wire.amqp.methods import (
    BODY,
    FRAME_END,
    HEADER,
    HEARTBEAT,
    METHOD,
    METHODS,
    Values,
    decode,
    frame,
)

PROTOCOL = b"AMQP\x00\x00\x09\x01"
FRAME_BYTES_MAX = 131_072
HEARTBEAT_S = 30
CAPABILITIES = dict.fromkeys(("consumer_cancel_notify", "basic.nack", "authentication_failure_close"), True)
_PREFIX = struct.Struct(">BHI")


class Connection(asyncio.Protocol):
    """Made by `connect`. `lost` is set once it is over, and says why; `server` is what the server says of itself."""

    def __init__(self, url: Url, timeout_s: float, name: str) -> None:
        self.url, self.timeout_s, self.name = url, timeout_s, name
        self.lost: AmqpError | None = None
        self.server: Values = {}
        self.frame_max = FRAME_BYTES_MAX
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._channels: dict[int, Channel] = {}
        self._beat: asyncio.TimerHandle | None = None
        self._heartbeat_s, self._heard_s = 0.0, 0.0

    @property
    def is_penstock(self) -> bool:
        """Whether the server has what RabbitMQ has not: delays, topics, looking at what waits."""
        platform = self.server.get("platform", "")
        return isinstance(platform, str) and platform.startswith("penstock")

    async def channel(self) -> Channel:
        """A new channel; raises AmqpError."""
        if self.lost:
            raise self.lost
        number = next(n for n in range(1, 65_536) if n not in self._channels)
        made = self._channels[number] = Channel(self, number)
        await made.call("channel.open")
        return made

    def forget(self, number: int) -> None:
        """The channel is over: its number may be used again."""
        self._channels.pop(number, None)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self.lost or self._transport is None:
            raise self.lost or AmqpError(f"not connected to {self.url}")
        self._transport.write(data)

    async def close(self) -> None:
        """Say good-bye, and wait for it a moment."""
        if self.lost is None:
            self.write(frame(0, "connection.close", reply_code=200, reply_text="bye"))
            await asyncio.wait([self._over], timeout=2.0)
        self.fail(AmqpError(f"the connection to {self.url} was closed"))

    def fail(self, error: AmqpError) -> None:
        """It is over: all channels hear why."""
        self.lost = self.lost or error
        if self._beat:
            self._beat.cancel()
        if not self.opened.done():
            self.opened.set_exception(self.lost)
            self.opened.exception()
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.fail(self.lost)
        if self._transport:
            self._transport.abort()

    # --- asyncio's side ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the socket is open."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection
        self.write(PROTOCOL)

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: the socket is gone."""
        self.fail(AmqpError(f"{self.url} closed the connection" + (f": {error}" if error else "")))
        if not self._over.done():
            self._over.set_result(None)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self._heard_s = self._loop.time()
        self._buffer += data
        try:
            self._frames()
        except (ValueError, KeyError, struct.error) as damage:
            self.fail(AmqpError(f"{self.url} does not speak AMQP 0-9-1: {damage}"))

    def _frames(self) -> None:
        buffer, at = bytes(self._buffer), 0
        if buffer.startswith(b"AMQP"):
            raise ValueError("it offers another version")
        while len(buffer) - at >= 8:
            kind, number, size = _PREFIX.unpack_from(buffer, at)
            end = at + 7 + size
            if size > max(self.frame_max, FRAME_BYTES_MAX):
                raise ValueError(f"a frame of {size} bytes")
            if len(buffer) <= end:
                break
            if buffer[end] != FRAME_END:
                raise ValueError("a frame without its end")
            self._take(kind, number, buffer[at + 7 : end])
            at = end + 1
        self._buffer = bytearray(buffer[at:])

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        if kind == HEARTBEAT:
            return
        channel = self._channels.get(number)
        if kind == METHOD:
            method = METHODS[int.from_bytes(payload[:4], "big")]
            values = decode(method, payload)
            if number == 0:
                self._own(method.name, values)
            elif channel is not None:
                channel.take(method, values)
        elif channel is not None and kind in (HEADER, BODY):
            (channel.header if kind == HEADER else channel.body)(payload)

    # --- channel 0 -----------------------------------------------------------------------------------------------

    def _own(self, name: str, values: Values) -> None:
        if name == "connection.start":
            self.server = values["server_properties"]
            said = {
                "product": "penstock", "version": __version__, "connection_name": self.name,
                "capabilities": CAPABILITIES,
            }  # fmt: skip
            token = f"{self.url.acting}\0{self.url.user}\0{self.url.password}".encode()
            self.write(
                frame(
                    0,
                    "connection.start-ok",
                    client_properties=said,
                    mechanism="PLAIN",
                    response=token,
                    locale="en_US",
                )
            )
        elif name == "connection.tune":
            self.frame_max = min(values["frame_max"] or FRAME_BYTES_MAX, FRAME_BYTES_MAX)
            beat_s = min(values["heartbeat"] or HEARTBEAT_S, HEARTBEAT_S)
            self.write(
                frame(
                    0,
                    "connection.tune-ok",
                    channel_max=values["channel_max"],
                    frame_max=self.frame_max,
                    heartbeat=beat_s,
                )
            )
            self.write(frame(0, "connection.open", virtual_host=self.url.vhost))
            self._heartbeat_s = beat_s
            self._tick()
        elif name == "connection.open-ok":
            if not self.opened.done():
                self.opened.set_result(None)
        elif name == "connection.close":
            self.write(frame(0, "connection.close-ok"))
            self.fail(AmqpError(values["reply_text"], values["reply_code"]))
        elif name == "connection.close-ok" and self._transport:
            self._transport.close()

    def _tick(self) -> None:
        """Half of the interval: a heartbeat goes; two of silence: the server is gone (4.2.7)."""
        if self.lost:
            return
        if self._loop.time() - self._heard_s > 2 * self._heartbeat_s:
            self.fail(AmqpError(f"{self.url} has been silent for {2 * self._heartbeat_s:g} s"))
            return
        self.write(_PREFIX.pack(HEARTBEAT, 0, 0) + b"\xce")
        self._beat = self._loop.call_later(self._heartbeat_s / 2, self._tick)


async def connect(url: Url, *, timeout_s: float = 15.0, name: str = "penstock") -> Connection:
    """Open a connection and log in; raises AmqpError, with the server's own words where it has some."""
    loop = asyncio.get_running_loop()
    made: Connection | None = None
    try:
        async with asyncio.timeout(timeout_s):
            _, made = await loop.create_connection(
                lambda: Connection(url, timeout_s, name), url.host, url.port, ssl=_context(url)
            )
            await made.opened
            return made
    except TimeoutError:
        raise AmqpError(f"{url} did not answer within {timeout_s:g} s") from None
    except ssl.SSLError as error:
        raise AmqpError(f"no TLS with {url}: {error}") from None
    except OSError as error:
        raise AmqpError(
            f"no AMQP server answers at {url}: {error.strerror or error}",
            remedy="start one with `penstock up`, or name another: amqp://host:port",
        ) from None
    finally:
        if made is not None and not made.opened.done():
            made.fail(AmqpError("it was given up"))


def _context(url: Url) -> ssl.SSLContext | None:
    if not url.tls:
        return None
    known = from_environment()
    return client_context(known.tls_ca, known.tls_cert, known.tls_key)
