"""One channel: what is left to do of what its client has sent, in order, one call at a time; and what the channels of one
connection share.

What frames ask for is queued as `Work`, and the next begins when the one before is answered. A lease and confirms go on
beside. Knows no frames, no sockets, and not what any of the work is.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Protocol

from penstock.calls import Bytes, Call, Principal
from penstock.calls.queues import Publishing, Settlement
from penstock.content import Properties
from penstock.wire.amqp.channels.deliveries import Deliveries
from penstock.wire.amqp.options import AmqpOptions
from penstock.wire.amqp.refusals import AmqpError
from penstock.wire.sasl import Login
from penstock.wire.session import Asked

LEASE_BYTES: Final = 1024 * 1024
LEASE_BYTES_MIN: Final = 8 * 1024


class Work(ABC):
    """One thing to do. `cost` is its bytes as the session counts them."""

    __slots__ = ("channel", "cost")

    def __init__(self, channel: "Channel", cost: int = 0) -> None:
        self.channel, self.cost = channel, cost

    @abstractmethod
    def begin(self) -> Call | None:
        """The first call."""

    @abstractmethod
    def answered(self, result: Any) -> Call | None:
        """The next call. Raises AmqpError where the result ends the channel or the connection."""


class Publishes(Work):
    """Publishes that followed each other; while it is the last of the channel's work, more are added."""

    __slots__ = ("messages",)

    def __init__(self, channel: "Channel") -> None:
        super().__init__(channel)
        self.messages: list[Publishing] = []


class Settlements(Work):
    """Acknowledgements that followed each other, all by one method: `key`; while it is the last, more are added."""

    __slots__ = ("key", "settlements")

    def __init__(self, channel: "Channel", key: int) -> None:
        super().__init__(channel)
        self.key = key
        self.settlements: list[Settlement] = []


class Promises(Protocol):
    """A channel's publishes that are confirmed when they are safe; see `confirms`."""

    def sent(self, count: int, nacked: Sequence[int]) -> None:
        """Messages were published; those at the places `nacked` were declined."""

    def tell(self) -> None:
        """Tell the client of what is decided."""


class Connection(ABC):
    """What the channels of one client share: who it is, what was agreed, what is asked and written. `decided`: whose
    publishes are safe by now; `touched`: channels that may have something to begin."""

    def __init__(self, principal: Principal, options: AmqpOptions, login: Login) -> None:
        self.stalled = self.publishes = False
        self.bytes_in_flight = self.unfinished_bytes = self.leasing = 0
        self.principal, self.options, self.login = principal, options, login
        self.payload_max = 8192 - 8
        self.channels_max, self.heartbeat_s = options.channels_max, 0
        self.capabilities: frozenset[str] = frozenset()
        self.channels: dict[int, Channel] = {}
        self.touched: dict[Channel, None] = {}
        self.decided: dict[Promises, None] = {}
        self.zero = self.channels[0] = Channel(self, 0)
        self.vhost = ""
        self._made_bytes = 0
        self._output: list[Bytes] = []
        self._asked: Asked = []

    def write(self, data: bytes) -> None:
        """Frames for the client."""
        self._output.append(data)
        self._made_bytes += len(data)

    def ask(self, work: Work, call: Call) -> None:
        """A call for the broker."""
        self._asked.append((work, call))

    def may_begin(self, channel: "Channel") -> bool:
        """A small method may have a large answer: not all are made before any is written."""
        if self._made_bytes >= self.options.turn_bytes_max:
            self.stalled = True
            return False
        return True

    def knows(self, capability: str) -> bool:
        """Whether the client said so."""
        return capability in self.capabilities

    def forget(self, channel: "Channel") -> None:
        """The channel is over, on both sides: its number is free."""
        if self.channels.get(channel.number) is channel:
            del self.channels[channel.number]

    @abstractmethod
    def held(self, channel: "Channel", cost: int) -> None:
        """A channel has more to do."""

    @abstractmethod
    def check_method(self, key: int) -> None:
        """Whether a method may come on channel 0 now. Raises AmqpError."""

    @abstractmethod
    def method_on_no_channel(self, number: int, key: int, payload: bytes) -> None:
        """A method on a channel that is not open opens it. Raises AmqpError."""

    @abstractmethod
    def passed(self) -> None:
        """What opens the connection came, as far as it should have, and is good."""

    @abstractmethod
    def opened(self, vhost: str) -> None:
        """The connection is open."""

    @abstractmethod
    def fail(self, channel: "Channel", error: AmqpError) -> None:
        """An error ends its channel, or the connection."""

    @abstractmethod
    def leave(self) -> None:
        """The client wants to go: when what it asked for before is done."""

    @abstractmethod
    def let_go(self, last_words: bytes) -> None:
        """The broker has let go of the client."""


class Channel:
    """Channel `number` of a connection; 0 is for the connection itself.

    `ready` says that the next frame may be any method; `closing` that what comes counts for nothing, but the end of the
    handshake by which a channel closes; `dropped` that no result is waited for; `over` that the broker has let go; `closed` that the client closes it, or agrees.
    What has come of a content in pieces: its `route`, its `properties`, and of its `body` all but `missing` bytes. While
    publishes without confirms are watched over (`watching`), there may come more (`unwatched`).
    """

    __slots__ = (
        "body", "closed", "closing", "confirms", "deliveries", "dropped", "handle", "last_queue", "leasing", "missing", "number",
        "over", "properties", "ready", "repeated", "route", "running", "sending", "session", "settling", "transacting",
        "unwatched", "watching", "work",
    )  # fmt: skip

    def __init__(self, session: Connection, number: int) -> None:
        self.session, self.number = session, number
        self.handle: object = None
        self.ready, self.closing, self.dropped, self.over, self.closed = True, False, False, False, False
        self.work: deque[Work] = deque()
        self.running: Work | None = None
        self.sending: Publishes | None = None
        self.settling: Settlements | None = None
        self.confirms: Promises | None = None
        self.transacting = self.leasing = self.watching = self.unwatched = False
        self.last_queue = ""
        self.repeated: tuple[bytes, int, str, str, Properties, bool] | None = None  # see `parser`
        self.deliveries = Deliveries(number, session.payload_max)
        self.route: tuple[str, str, bool] | None = None
        self.properties: Properties | None = None
        self.body: bytearray | None = None
        self.missing = 0

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.session.principal

    def write(self, data: bytes) -> None:
        """Frames for the client."""
        self.session.write(data)

    def forget_content(self) -> None:
        """What has come of a content counts for nothing."""
        self.session.unfinished_bytes -= len(self.body or b"")
        self.route = self.body = None

    # --- what is to be done -------------------------------------------------------------------------------------------

    def queue(self, work: Work) -> None:
        """To be done after what is queued already."""
        self.work.append(work)
        self.sending = self.settling = None
        self.session.held(self, work.cost)

    def advance(self) -> None:
        """Begin what may begin."""
        work = self.work
        while work and self.running is None and self.session.may_begin(self):
            first = work.popleft()
            self.running = first
            try:
                call = first.begin()
            except AmqpError as error:
                return self.session.fail(self, error)
            if call is not None:
                self.session.ask(first, call)
            else:
                self.finish(first)
        return None

    def finish(self, done: Work) -> None:
        """A work has come to its end."""
        if done is self.running:
            self.running = None
            self.session.bytes_in_flight -= done.cost

    def lease_bytes(self) -> int:
        """The more channels consume, the less each is given at a time: what is written may wait for its reader."""
        return max(LEASE_BYTES_MIN, LEASE_BYTES // max(1, self.session.leasing))

    # --- the end ------------------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """Nothing of what is left is done, or answered."""
        if self.confirms is not None:
            self.confirms.tell()
        for work in (self.running, *self.work):
            self.session.bytes_in_flight -= work.cost if work is not None else 0
        self.work.clear()
        self.running = self.sending = self.settling = None
        if self.body is not None:
            self.forget_content()
        if self.leasing:
            self.leasing = False
            self.session.leasing -= 1
        self.ready, self.closing, self.dropped = False, True, True

    def ended(self, last_words: bytes) -> None:
        """The broker has let go."""
        self.over = True
        if self.number == 0:
            return self.session.let_go(last_words)
        self.write(last_words)
        return self.session.forget(self) if self.closed else None
