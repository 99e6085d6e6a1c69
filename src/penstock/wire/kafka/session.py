"""One Kafka client: requests in, calls out, responses strictly in the order of the requests.

Produce requests are pipelined: the next begins before the one before is on disk, so that they share a group commit.
A Fetch waits its turn, as in Kafka, so that no client has more than one large answer made for it at a time. Who sends
what cannot be understood gets the answers to all before it, and then the end of the connection.
Knows frames, headers and the table of APIs; knows no API, no socket and no clock.
"""

import struct
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Final

from penstock.calls import Bytes, Call, Principal
from penstock.clock import Now
from penstock.wire.frames import FrameError, Frames
from penstock.wire.kafka import api as _apis  # noqa: F401  # importing the folder fills the table
from penstock.wire.kafka.api.api_versions import KEY as API_VERSIONS
from penstock.wire.kafka.api.api_versions import unsupported_version
from penstock.wire.kafka.api.sasl_authenticate import KEY as SASL_AUTHENTICATE
from penstock.wire.kafka.api.sasl_handshake import KEY as SASL_HANDSHAKE
from penstock.wire.kafka.codec import decode_header, decode_request, encode_response, peek
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.fetch_sessions import FetchSessions
from penstock.wire.kafka.guard import MalformedError
from penstock.wire.kafka.registry import OFFERED, Api, HangUpError, Request, Steps
from penstock.wire.sasl import Login
from penstock.wire.session import Asked, Notice

REQUEST_COST_BYTES: Final = 1024
"""What a pending request costs beside its own bytes, so that many tiny ones count too."""
BEFORE_LOGIN: Final = (API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE)
"""The APIs that are answered to someone who must log in first."""
WAITING_BEFORE_LOGIN: Final = 16
_TOKEN: Final = struct.Struct(">hhihi")
"""SaslAuthenticate version 0 up to its token, for one that comes bare."""


@dataclass(frozen=True)
class KafkaOptions:
    """What one Kafka client may ask of us."""

    request_bytes_max: int = 100 * 1024 * 1024
    """The largest request that is read; a larger one closes the connection (Kafka's socket.request.max.bytes)."""
    elements_max: int = 200_000
    """Topics, partitions and other array elements in one request; more close the connection."""
    turn_requests_max: int = 64
    """Requests of one connection that begin before the others have their turn."""
    turn_bytes_max: int = 256 * 1024
    """Bytes of answers after which likewise nothing begins before they are written: a small request may have a large
    answer, and thousands of them fit into one read."""
    pipeline_max: int = 128
    """Requests of one connection that are worked on at a time; further ones wait for their turn."""
    unfinished_s: float = 30.0
    """Seconds of silence in the middle of a request after which the connection is closed."""
    login_bytes_max: int = 64 * 1024
    """The largest request of a client that has to log in first."""
    login_s: float = 30.0
    """Seconds that such a client has for it."""
    idle_s: float = 600.0
    """Seconds of silence after which a connection is closed (Kafka's connections.max.idle.ms)."""


class Exchange:
    """One request from its bytes to its response; a call's ticket."""

    __slots__ = ("api", "correlation_id", "cost", "frame", "output", "steps", "version")

    def __init__(self, frame: memoryview) -> None:
        self.frame = frame
        self.cost = len(frame) + REQUEST_COST_BYTES
        self.version = self.correlation_id = 0
        self.api: Api | None = None
        self.steps: Steps | None = None
        self.output: list[Bytes] | None = None


class KafkaSession:
    """The Kafka protocol for one connection; see `penstock.wire.session.Session`."""

    def __init__(
        self,
        advertised: Callable[[], tuple[str, int]],
        principal: Principal,
        options: KafkaOptions,
        login: Login | None = None,
        fetch_sessions: FetchSessions | None = None,
    ) -> None:
        """`fetch_sessions` are those of all connections; without them this one has its own."""
        self.closing = self.stalled = self.paused = False
        self.bytes_in_flight = self._begun = self._made_bytes = 0
        self._advertised, self._principal, self._options = advertised, principal, options
        self._login, self._fetch_sessions = login or Login(), fetch_sessions or FetchSessions()
        self._ending, self._now_s = False, 0.0
        self._frames = Frames(options.request_bytes_max)
        self._waiting: deque[Exchange] = deque()
        self._running: deque[Exchange] = deque()
        self._output: list[Bytes] = []
        self._notices: list[Notice] = []
        self._heard_s: float | None = None
        self._met_s: float | None = None

    @property
    def bytes_unfinished(self) -> int:
        """What there is of a request that has not come whole."""
        return self._frames.held_bytes

    def receive(self, data: Bytes, now: Now) -> Asked:
        """Take bytes from the client; the calls that its requests make."""
        self._heard_s = self._now_s = now.mono_s
        if self.closing or self._ending:
            return []
        pending = self._login.pending
        self._frames.frame_bytes_max = (
            self._options.login_bytes_max if pending else self._options.request_bytes_max
        )
        try:
            for frame in self._frames.feed(data):
                if pending and len(self._waiting) >= WAITING_BEFORE_LOGIN:
                    raise FrameError("too many requests before the login")
                exchange = Exchange(frame)
                self.bytes_in_flight += exchange.cost
                self._waiting.append(exchange)
        except FrameError as error:
            (self._hang_up if pending else self._end)(f"invalid receive: {error}")
        return self._advance([])

    def answer(self, ticket: Any, result: object) -> Asked:
        """Take the result of a call; the calls that may start now."""
        asked: Asked = []
        if not self.closing and ticket.steps is not None:
            self._step(ticket, result, asked)
        return self._advance(asked)

    def go_on(self) -> Asked:
        """Begin what waited for another turn."""
        self.stalled = False
        return self._advance([])

    def take_output(self) -> list[Bytes]:
        """The responses that are ready, in order."""
        output, self._output = self._output, []
        self._begun = self._made_bytes = 0
        return output

    def take_notices(self) -> list[Notice]:
        """What is worth a line in the log."""
        notices, self._notices = self._notices, []
        return notices

    def stop(self) -> Asked:
        """Kafka has no words for it."""
        self.closing = True
        return []

    def lost(self) -> list[Call]:
        """Nothing: what a Kafka client leaves, time puts in order."""
        return []

    def tick(self, now: Now) -> bool:
        """Close after `idle_s` of silence with nothing left to answer, and when the user is no user any more."""
        self._now_s = now.mono_s
        if self._heard_s is None:
            self._heard_s = now.mono_s
        if self._met_s is None:
            self._met_s = now.mono_s
        if self._login.pending and now.mono_s - self._met_s > self._options.login_s:
            self._hang_up("it did not log in in time")
        if self._login.removed():
            self._hang_up(f"the user {self._login.user} was removed")
        busy = self._running or self._waiting
        most_s = self._options.unfinished_s if self._frames.held_bytes else self._options.idle_s
        if not busy and now.mono_s - self._heard_s > most_s:
            self.closing = True
        return self.closing

    # --- the pipeline ------------------------------------------------------------------------------------------

    def _advance(self, asked: Asked) -> Asked:
        """Send what is answered at the head, begin what may begin, until neither is left."""
        while not self.closing:
            if self._running and self._running[0].output is not None:
                done = self._running.popleft()
                self._output += done.output or []
                self.bytes_in_flight -= done.cost
                self.closing = self._login.over
            elif self._waiting and self._may_begin(self._waiting[0]):
                self._begin(asked)
            elif self._ending and not self._running and not self._waiting:
                self.closing = True
            else:
                return asked
        return []

    def _may_begin(self, exchange: Exchange) -> bool:
        if self._begun >= self._options.turn_requests_max or self._made_bytes >= self._options.turn_bytes_max:
            self.stalled = True
            return False
        if exchange.api is None:
            if self._login.pending and self._running:
                return False
            try:
                self._identify(exchange)
            except MalformedError as error:
                self._end(str(error), exchange)
                return False
        if exchange.api is not None and exchange.api.alone:
            return not self._running
        return len(self._running) < self._options.pipeline_max

    def _identify(self, exchange: Exchange) -> None:
        if self._login.mechanism and self._login.bare_tokens:
            size = len(exchange.frame)
            exchange.frame = memoryview(_TOKEN.pack(SASL_AUTHENTICATE, 0, 0, -1, size) + exchange.frame)
        key, version, exchange.correlation_id = peek(exchange.frame)
        if key not in BEFORE_LOGIN and self._login.pending:
            raise MalformedError(f"a request (API key {key}) came before the login")
        found = OFFERED.get(key)
        if found is None:
            raise MalformedError(f"API key {key} (version {version}) is not offered")
        exchange.api, exchange.version = found, version
        if not found.lowest <= version <= found.highest and key != API_VERSIONS:
            offered = f"{found.lowest} to {found.highest} are"
            raise MalformedError(f"{found.name} (API key {key}) version {version} is not offered; {offered}")

    def _begin(self, asked: Asked) -> None:
        exchange = self._waiting.popleft()
        self._running.append(exchange)
        self._begun += 1
        api = exchange.api
        assert api is not None
        if exchange.version > api.highest or exchange.version < api.lowest:
            # KIP-511: only ApiVersions gets here; it is answered in the form that every client can read.
            exchange.version = 0
            return self._finish(exchange, unsupported_version())
        try:
            begun = api.run(self._request(api, exchange))
        except MalformedError as error:
            return self._end(f"{api.name}: {error}", exchange)
        if isinstance(begun, Generator):
            exchange.steps = begun
            return self._step(exchange, None, asked)
        return self._finish(exchange, begun)

    def _request(self, api: Api, exchange: Exchange) -> Request:
        frame = exchange.frame
        header = decode_header(frame)
        message = (api.read or decode_request)(header, frame, self._options.elements_max)
        exchange.frame = memoryview(b"")
        user = self._login.user or self._principal.name
        if header.client_id != self._principal.client_id or user != self._principal.name:
            self._principal = replace(self._principal, name=user, client_id=header.client_id)
        return Request(
            header.version, message, self._principal, self._advertised(), self._login, self._fetch_sessions,
            self._now_s,
        )  # fmt: skip

    def _step(self, exchange: Exchange, result: Any, asked: Asked) -> None:
        assert exchange.steps is not None
        try:
            asked.append((exchange, exchange.steps.send(result)))
        except StopIteration as end:
            self._finish(exchange, end.value)
        except HangUpError as error:
            self._end(str(error), exchange)

    def _finish(self, exchange: Exchange, row: Row | None) -> None:
        exchange.steps = None
        api = exchange.api
        assert api is not None
        try:
            exchange.output = self._response(api, exchange, row)
            self._made_bytes += sum(map(len, exchange.output))
        except struct.error:
            # Before the flexible versions a string has at most 32767 bytes; a name taken in a later version may be longer.
            self._end(f"{api.name}: the answer does not fit version {exchange.version}", exchange)

    def _response(self, api: Api, exchange: Exchange, row: Row | None) -> list[Bytes]:
        if self._login.bare_tokens and api.key == SASL_AUTHENTICATE and row is not None:
            return self._bare(row)
        return [] if row is None else encode_response(api.key, exchange.version, exchange.correlation_id, row)

    def _bare(self, row: Row) -> list[Bytes]:
        """A token without headers; to say no there is only the closed connection."""
        token = row["auth_bytes"]
        return [] if self._login.over else [len(token).to_bytes(4, "big") + token]

    def _end(self, reason: str, exchange: Exchange | None = None) -> None:
        """Take nothing more in; without `exchange` and what came after it, answer what is left, then close."""
        self._notices.append(Notice("warn", f"closed the connection: {reason}"))
        self._ending, self._frames = True, Frames(0)
        if exchange is None:
            return
        dropped = list(self._waiting)
        self._waiting.clear()
        while exchange in self._running:
            dropped.append(self._running.pop())
        for one in dropped:
            one.steps = None
            self.bytes_in_flight -= one.cost

    def _hang_up(self, reason: str) -> None:
        self.closing = True
        self._notices.append(Notice("warn", f"closed the connection: {reason}"))
        self._waiting.clear()
        self._running.clear()
        self._frames = Frames(0)
        self.bytes_in_flight = 0
        self.stalled = False
