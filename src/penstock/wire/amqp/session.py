"""One AMQP 0-9-1 client: its bytes in, calls out; results in, frames out. What RabbitMQ 3.10 does is the law.

Channels work side by side, each in its own order. A channel that met an error is closed and the others live on; what
the protocol calls a connection error ends all of them. Knows no socket, and not what a method does (`api`).
"""

import re
from collections.abc import Callable
from typing import Any, Final

from penstock.calls import Bytes, Call, Principal
from penstock.calls.queues import CloseClient
from penstock.clock import Now
from penstock.wire.amqp import api as _api  # noqa: F401  # importing the folder fills the table
from penstock.wire.amqp.channels.channel import Channel, Connection, Work
from penstock.wire.amqp.channels.work import Asking, Confirming, Ending, Leasing, closing, end
from penstock.wire.amqp.methods import KEYS, frame
from penstock.wire.amqp.opening import Opening
from penstock.wire.amqp.options import AmqpOptions
from penstock.wire.amqp.parser import Parser
from penstock.wire.amqp.refusals import AmqpError, HangUpError
from penstock.wire.amqp.registry import ANSWERS
from penstock.wire.sasl import Login
from penstock.wire.session import Asked, Notice

HEARTBEAT_FRAME: Final = b"\x08\0\0\0\0\0\0\xce"
_OPEN, _CLOSE, _CLOSE_OK = (KEYS[f"channel.{name}"] for name in ("open", "close", "close-ok"))
_RUNNING: Final = (KEYS["connection.close"], KEYS["connection.update-secret"])
"""What may come on channel 0 of an open connection."""
_LAST: Final = re.compile(rb"\x01\0\0\0.{3}\0\x0a\0([\x32\x33])", re.DOTALL)
"""A connection.close or close-ok, in bytes that are not read as frames any more."""
_LAST_BYTES: Final = 11
SHUTDOWN: Final = "broker forced connection closure with reason 'shutdown'"
"""What RabbitMQ says when it stops."""
OUTPUT_JOINED: Final = 64 * 1024
"""Buffers that together are smaller are written as one."""


def plenty() -> bool:
    """The disk has room."""
    return False


class AmqpSession(Connection):
    """AMQP for one connection; see `penstock.wire.session.Session`."""

    def __init__(
        self,
        principal: Principal,
        options: AmqpOptions,
        login: Login | None = None,
        low_on_disk: Callable[[], bool] = plenty,
    ) -> None:
        """`low_on_disk` says whether publishers are to wait, now."""
        super().__init__(principal, options, login or Login())
        self.closing = self.paused = False
        self.opening: Opening | None = Opening(self)
        self._parser = Parser(self)
        self._low_on_disk = low_on_disk
        self._deaf = self._leaving = self._wrote = False
        self._failure: AmqpError | None = None
        self._tail = b""
        self._met_s: float | None = None
        self._heard_s = self._wrote_s = self._deaf_s = 0.0
        self._notices: list[Notice] = []

    @property
    def bytes_unfinished(self) -> int:
        """What there is of frames, and of messages, that have not come whole."""
        return self._parser.held_bytes + self.unfinished_bytes

    # --- the driver's side --------------------------------------------------------------------------------------------

    def receive(self, data: Bytes, now: Now) -> Asked:
        """Take bytes from the client; the calls that its methods make."""
        self._heard_s = now.mono_s
        if self._deaf or self.closing:
            self._listen_for_the_end(bytes(data))
        if self._deaf or self.closing or self._leaving:
            return []
        self._read(data if type(data) is bytes else bytes(data))
        return self._take_asked()

    def answer(self, ticket: Any, result: object) -> Asked:
        """Take the result of a call; the calls that may start now."""
        work: Work = ticket
        channel = work.channel
        if channel.dropped and not isinstance(work, Ending):
            return []
        try:
            call = work.answered(result)
        except AmqpError as error:
            self.fail(channel, error)
        else:
            if call is not None:
                self.ask(work, call)
            else:
                channel.finish(work)
                channel.advance()
        self._read(b"")
        return self._take_asked()

    def go_on(self) -> Asked:
        """Begin what waited for another turn."""
        self.stalled = False
        self.touched.update((channel, None) for channel in self.channels.values() if channel.work)
        self._read(b"")
        return self._take_asked()

    def take_output(self) -> list[Bytes]:
        """The frames that are ready, in order."""
        while self.decided:
            self.decided.popitem()[0].tell()
        output, self._output = self._output, []
        self._wrote = self._wrote or bool(output)
        joined = len(output) > 1 and self._made_bytes < OUTPUT_JOINED
        self._made_bytes = 0
        return [b"".join(output)] if joined else output

    def take_notices(self) -> list[Notice]:
        """What is worth a line in the log."""
        notices, self._notices = self._notices, []
        return notices

    def stop(self) -> Asked:
        """As RabbitMQ: an open connection is closed with the reason, one that opens without a word."""
        if self.opening is not None:
            self.closing = True
        elif not self._deaf:
            self._go_deaf()
            end(self.zero, closing(0, AmqpError("CONNECTION_FORCED", SHUTDOWN)))
        return self._take_asked()

    def lost(self) -> list[Call]:
        """The broker is to let go of the client, where it has not yet.

        Session and channels know each other: what they hold of messages would stay until Python looks for such circles.
        """
        self._parser.forget()
        for channel in self.channels.values():
            channel.forget_content()
        handle, self.zero.handle = self.zero.handle, None
        return [] if handle is None else [CloseClient(self.principal, handle)]

    def tick(self, now: Now) -> bool:
        """Let time pass: heartbeats both ways, handshakes that take too long, users that are no users any more."""
        now_s = now.mono_s
        if self._met_s is None:
            self._met_s = self._heard_s = self._wrote_s = now_s
        if self._wrote:
            self._wrote, self._wrote_s = False, now_s
        if self._deaf:
            self._deaf_s = self._deaf_s or now_s
            self.closing = self.closing or now_s - self._deaf_s > self.options.closing_s
        elif self.opening is not None:
            if now_s - self._met_s > self.options.handshake_s:
                self._hang_up("it did not open the connection in time")
        else:
            self._beat(now_s)
            self._hold_back(now_s)
            if self.login.removed() or self.login.pending:
                self._force(f"the user {self.principal.name} may not be here any more")
        return bool(self._output) or self.closing

    def _beat(self, now_s: float) -> None:
        if self.heartbeat_s and now_s - self._wrote_s >= self.heartbeat_s / 2:
            self.write(HEARTBEAT_FRAME)
        if self.heartbeat_s and not self.paused and now_s - self._heard_s > 2 * self.heartbeat_s:
            self._hang_up(f"missed heartbeats from client, timeout: {self.heartbeat_s}s")

    def _hold_back(self, now_s: float) -> None:
        """Nobody who publishes is read from while the disk is nearly full."""
        low = self.publishes and self._low_on_disk()
        if low != self.paused:
            self.paused, self._heard_s = low, now_s
            if self.knows("connection.blocked"):
                blocked = frame(0, "connection.blocked", reason="low on disk")
                self.write(blocked if low else frame(0, "connection.unblocked"))

    # --- what parser, channels and methods ask for --------------------------------------------------------------------

    def held(self, channel: Channel, cost: int) -> None:
        """A channel has more to do; behind what is asked of the connection itself nothing is read."""
        self.bytes_in_flight += cost
        if channel is self.zero:
            self._parser.paused = True

    def check_method(self, key: int) -> None:
        """Whether a method may come on channel 0 now. Raises AmqpError."""
        if self.opening is not None:
            self.opening.check(key)
        elif key not in _RUNNING:
            raise AmqpError("CHANNEL_ERROR", "unexpected method in connection state running", key)

    def method_on_no_channel(self, number: int, key: int, payload: bytes) -> None:
        """A method on a channel that is not open opens it. Raises AmqpError."""
        if self.opening is not None:
            raise HangUpError(f"channel {number} before the connection is open")
        if key == _CLOSE_OK:  # both closed it at the same moment
            return
        if key != _OPEN:
            raise AmqpError("CHANNEL_ERROR", "expected 'channel.open'", key)
        count = len(self.channels) - 1
        if count >= self.channels_max:
            reached = f"has reached the negotiated channel_max ({self.channels_max})"
            raise AmqpError("NOT_ALLOWED", f"number of channels opened ({count}) {reached}")
        channel = self.channels[number] = Channel(self, number)
        channel.queue(Asking(channel, ANSWERS[key], payload))
        self.touched[channel] = None

    def passed(self) -> None:
        """What opens the connection came, as far as it should have, and is good."""
        assert self.opening is not None
        self.opening.passed()

    def opened(self, vhost: str) -> None:
        """The connection is open."""
        self.opening, self.vhost = None, vhost

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        """Give bytes to the channels, and let these begin, until nothing more can be read or begun."""
        try:
            if self.opening is not None and data:
                data = self.opening.header(data)
            if data and self._failure is None:
                self._parser.feed(data)
            self._advance()
            while self._parser.paused and not (self._deaf or self._leaving or self.zero.running is not None):
                self._parser.paused = False
                self._parser.go_on()
                self._advance()
        except AmqpError as error:
            self._failure, self._leaving = error, True
            self._advance()
        if self._leaving:
            self._leave_when_done()
        elif self.opening is not None and self._parser.held_bytes > self.options.held_bytes_max:
            self._hang_up("it sent too much before the connection was open")

    def _advance(self) -> None:
        while self.touched:
            touched, self.touched = self.touched, {}
            for channel in touched:
                channel.advance()

    def _take_asked(self) -> Asked:
        asked, self._asked = self._asked, []
        return asked

    # --- the end ------------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """The client wants to go: when what it asked for before is done."""
        self._leaving = True

    def _leave_when_done(self) -> None:
        others = [channel for channel in self.channels.values() if channel.number]
        if self._deaf or any(channel.running is not None or channel.work for channel in others):
            return
        if self._failure is not None:
            failure, self._failure, self._leaving = self._failure, None, False
            self._end(failure)
        else:
            self._go_deaf()
            end(self.zero, frame(0, "connection.close-ok"))

    def fail(self, channel: Channel, error: AmqpError) -> None:
        """An error ends its channel, or the connection."""
        if error.whole or channel.number == 0:
            return self._end(error)
        return end(channel, closing(channel.number, error))

    def _end(self, error: AmqpError) -> None:
        """The connection ends by an error: tell the broker, then the client, and wait for it to agree."""
        if self._deaf or self.closing:
            return
        if isinstance(error, HangUpError) or (self.opening is not None and not self.opening.tells(error)):
            self._hang_up(error.text)
            return
        self._notices.append(Notice("warn", f"closing the connection: {error.text}"))
        self._go_deaf()
        end(self.zero, closing(0, error))

    def let_go(self, last_words: bytes) -> None:
        """The broker has let go of the client."""
        self.zero.handle = None
        self.write(last_words)
        self.closing = self._leaving

    def _go_deaf(self) -> None:
        """What comes is not read any more, what is under way is not waited for."""
        self._deaf = True
        for channel in list(self.channels.values()):
            channel.drop()
        self.touched.clear()
        self._asked = [
            (work, call) for work, call in self._asked if not isinstance(work, Leasing | Confirming)
        ]
        self._parser = Parser(self)
        self.stalled = self.paused = False

    def _listen_for_the_end(self, data: bytes) -> None:
        self._tail = self._tail[-_LAST_BYTES:] + data
        said = _LAST.search(self._tail)
        if said is not None and not self.closing:
            if said[1] == b"\x32":
                self.write(frame(0, "connection.close-ok"))
            self.closing = True

    def _hang_up(self, reason: str) -> None:
        self._notices.append(Notice("warn", f"closed the connection: {reason}"))
        self._go_deaf()
        self.closing = True

    def _force(self, reason: str) -> None:
        """The end, without waiting for anyone."""
        error = AmqpError("CONNECTION_FORCED", reason)
        self._hang_up(reason)
        self.write(closing(0, error))
