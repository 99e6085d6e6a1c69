"""One channel: what its client has sent and what is left to do of it, in order, one call at a time.

Frames come from the parser; what they ask for is queued as `Work`, and the next begins when the one before is
answered. A lease and confirms go on beside. Knows no sockets, and not what the methods of `api` do.
"""

import struct
from collections import deque
from typing import TYPE_CHECKING, Final

from penstock.calls import Principal
from penstock.calls.queues import Mark, Publishing, Settlement
from penstock.content import Content, Properties
from penstock.wire.amqp.confirms import Confirms
from penstock.wire.amqp.deliveries import Deliveries
from penstock.wire.amqp.methods import BODY, HEADER, KEYS, METHOD, frame
from penstock.wire.amqp.refusals import AmqpError, not_implemented, unimplemented
from penstock.wire.amqp.registry import ANSWERS
from penstock.wire.amqp.work import (
    Asking,
    Ending,
    Failing,
    Leasing,
    Sending,
    Settling,
    Watching,
    Work,
    octets,
)

if TYPE_CHECKING:
    from penstock.wire.amqp.session import AmqpSession

LEASE_BYTES: Final = 1024 * 1024
LEASE_BYTES_MIN: Final = 8 * 1024
_HEADER: Final = struct.Struct(">HHQ")
_TAG: Final = struct.Struct(">QB")
_PUBLISH, _ACK, _NACK = KEYS["basic.publish"], KEYS["basic.ack"], KEYS["basic.nack"]
_REJECT, _DELETE = KEYS["basic.reject"], KEYS["queue.delete"]
_CLOSE, _CLOSE_OK = KEYS["channel.close"], KEYS["channel.close-ok"]
_OPEN: Final = KEYS["channel.open"]
_CONNECTION: Final = KEYS["connection.open"] >> 16
_SETTLING: Final = (_ACK, _NACK, _REJECT)
_MARKS: Final = {
    (_ACK, 0): (False, Mark.ACK), (_ACK, 1): (True, Mark.ACK),
    (_NACK, 0): (False, Mark.REJECT), (_NACK, 1): (True, Mark.REJECT),
    (_NACK, 2): (False, Mark.REQUEUE), (_NACK, 3): (True, Mark.REQUEUE),
    (_REJECT, 0): (False, Mark.REJECT), (_REJECT, 1): (False, Mark.REQUEUE),
}  # fmt: skip
"""What the bits of a method that settles say: whether all up to the tag are meant, and what becomes of them."""
ACK_BYTES: Final = 21
"""Of a frame that acknowledges."""
ROUTES_MAX: Final = 2048
_routes: dict[bytes, tuple[str, str, bool]] = {}
known_route: Final = _routes.get


def route_of(payload: bytes) -> tuple[str, str, bool]:
    """Exchange, routing key and whether it is mandatory, of a publish's fields; producers repeat themselves."""
    if len(_routes) >= ROUTES_MAX:
        _routes.clear()
    try:
        middle = 3 + payload[2]
        end = middle + 1 + payload[middle]
        (bits,) = payload[end:]
    except (ValueError, IndexError):
        raise AmqpError("FRAME_ERROR", f"cannot decode {octets(payload)}", _PUBLISH) from None
    if bits & 2:
        raise not_implemented("immediate=true", _PUBLISH)
    # Unlike the names of other methods these need not be UTF-8.
    exchange = payload[3:middle].decode("utf-8", "surrogateescape")
    routing_key = payload[middle + 1 : end].decode("utf-8", "surrogateescape")
    found = _routes[payload] = (exchange, routing_key, bool(bits & 1))
    return found


def properties_of(raw: bytes) -> Properties:
    """The properties of a content header. Raises AmqpError for bytes that are none, as RabbitMQ does."""
    try:
        return Properties.of(raw)
    except ValueError:
        raise AmqpError("INTERNAL_ERROR", "") from None


class Channel:
    """Channel `number` of a connection; 0 is for the connection itself.

    `ready` says that the next frame may be any method; `closing` that what comes counts for nothing, but the end of the
    handshake by which a channel closes; `dropped` that no result is waited for; `over` that the broker has let go.
    """

    __slots__ = (
        "_body", "_closed", "_missing", "_properties", "_route", "closing", "confirms", "deliveries", "dropped",
        "handle", "last_queue", "leasing", "number", "over", "ready", "repeated", "running", "sending", "session", "settling",
        "transacting", "watching", "work",
    )  # fmt: skip

    def __init__(self, session: "AmqpSession", number: int) -> None:
        self.session, self.number = session, number
        self.handle: object = None
        self.ready, self.closing, self.dropped, self.over, self._closed = True, False, False, False, False
        self.work: deque[Work] = deque()
        self.running: Work | None = None
        self.sending: Sending | None = None
        self.settling: Settling | None = None
        self.watching: Watching | None = None
        self.confirms: Confirms | None = None
        self.transacting = self.leasing = False
        self.last_queue = ""
        self.repeated: tuple[bytes, int, str, str, Properties, bool] | None = None  # see `parser`
        self.deliveries = Deliveries(number, session.payload_max)
        self._route: tuple[str, str, bool] | None = None
        self._properties: Properties | None = None
        self._body: bytearray | None = None
        self._missing = 0

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.session.principal

    def write(self, data: bytes) -> None:
        """Frames for the client."""
        self.session.write(data)

    # --- frames in ----------------------------------------------------------------------------------------------------

    def frame(self, kind: int, payload: bytes) -> None:
        """A frame that the parser did not take whole with its neighbours."""
        if self.closing:
            return self._closing_frame(kind, payload)
        if self._body is not None:
            return self._take_body(kind, payload)
        if self._route is not None:
            return self._take_header(kind, payload)
        if kind != METHOD:
            raise AmqpError("UNEXPECTED_FRAME", "expected method frame, got non method frame instead")
        key = int.from_bytes(payload[:4], "big")
        if self.number == 0:
            return self._ask(key, payload)
        if key == _PUBLISH:
            self._route, self.ready = route_of(payload[4:]), False
            return None
        if key in _SETTLING and len(payload) == 13:
            return self.settle(key, *_TAG.unpack_from(payload, 4))
        return self._ask(key, payload)

    def _ask(self, key: int, payload: bytes) -> None:
        if key == _OPEN and self.number:
            raise AmqpError("CHANNEL_ERROR", "second 'channel.open' seen", key)
        if self.number == 0:
            self.session.check_method(key)
        answer = ANSWERS.get(key)
        if answer is None or (self.number and key >> 16 == _CONNECTION):
            raise unimplemented(key)
        self.queue(Asking(self, answer, payload))

    def queue(self, work: Work) -> None:
        """To be done after what is queued already."""
        self.work.append(work)
        self.sending = self.settling = None
        self.session.held(self, work.cost)

    def add_sending(self) -> Sending:
        """A new run of publishes."""
        work = Sending(self)
        self.queue(work)
        self.sending = work
        return work

    def settle(self, key: int, tag: int, bits: int, count: int = 1) -> None:
        """One acknowledgement, or `count` of them for the tags from `tag` on."""
        run = self.settling
        if run is None or run.key != key:
            run = Settling(self, key)
            self.queue(run)
            self.settling = run
        multiple, mark = _MARKS[key, bits & (3 if key == _NACK else 1)]
        run.settlements.append(Settlement(tag, multiple, mark, count))
        run.cost += ACK_BYTES * count
        self.session.bytes_in_flight += ACK_BYTES * count

    def _take_header(self, kind: int, payload: bytes) -> None:
        expected = "expected content header for class 60, got"
        if kind != HEADER or len(payload) < 14:
            raise AmqpError("UNEXPECTED_FRAME", f"{expected} non content header frame instead", _PUBLISH)
        number, weight, size = _HEADER.unpack_from(payload)
        if number != 60:
            raise AmqpError("UNEXPECTED_FRAME", f"{expected} one for class {number} instead", _PUBLISH)
        if weight:
            raise AmqpError("UNEXPECTED_FRAME", f"{expected} non content header frame instead", _PUBLISH)
        self._properties = properties_of(payload[12:])
        most = self.session.options.message_bytes_max
        if size > most:
            text = f"message size {size} is larger than configured max size {most}"
            return self._fail_in_turn(AmqpError("PRECONDITION_FAILED", text, _PUBLISH))
        self._body, self._missing = bytearray(), size
        return None if size else self._content_whole()

    def _take_body(self, kind: int, payload: bytes) -> None:
        if kind != BODY:
            text = "expected content body, got non content body frame instead"
            raise AmqpError("UNEXPECTED_FRAME", text, _PUBLISH)
        if len(payload) > self._missing:
            text = f"a body frame of {len(payload)} bytes where {self._missing} were left"
            raise AmqpError("FRAME_ERROR", text, _PUBLISH)
        assert self._body is not None
        self._body += payload
        self._missing -= len(payload)
        self.session.unfinished_bytes += len(payload)
        return None if self._missing else self._content_whole()

    def _content_whole(self) -> None:
        assert self._route is not None
        assert self._properties is not None
        assert self._body is not None
        exchange, routing_key, mandatory = self._route
        body = bytes(self._body)
        self._forget_content()
        self.ready = True
        work = self.sending or self.add_sending()
        work.messages.append(Publishing(Content(exchange, routing_key, self._properties, body), mandatory))
        work.cost += len(body) + 64
        self.session.bytes_in_flight += len(body) + 64

    def _forget_content(self) -> None:
        self.session.unfinished_bytes -= len(self._body or b"")
        self._route = self._body = None

    def _fail_in_turn(self, error: AmqpError) -> None:
        """The channel ends when what was before is done; what follows on it counts for nothing."""
        self._forget_content()
        self.queue(Failing(self, error))
        self.closing, self.ready = True, False

    def _closing_frame(self, kind: int, payload: bytes) -> None:
        """Who was told of an error says so, or wanted to close at the same moment; all else came too late."""
        key = int.from_bytes(payload[:4], "big") if kind == METHOD else 0
        if key == _CLOSE:
            self.write(frame(self.number, "channel.close-ok"))
        if key in (_CLOSE, _CLOSE_OK):
            self._closed = True
            if self.over:
                self.session.forget(self)

    # --- what is to be done -------------------------------------------------------------------------------------------

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

    def watch(self) -> None:
        """It published without confirms: if that is lost, it is to hear of it."""
        if self.watching is None:
            self.watching = Watching(self)
            self.session.ask(self.watching, self.watching.begin())
        else:
            self.watching.again = True

    def lease(self) -> None:
        """From now on there may be something to deliver."""
        if not self.leasing:
            self.leasing = True
            self.session.leasing += 1
            leasing = Leasing(self)
            self.session.ask(leasing, leasing.begin())

    def lease_bytes(self) -> int:
        """The more channels consume, the less each is given at a time: what is written may wait for its reader."""
        return max(LEASE_BYTES_MIN, LEASE_BYTES // max(1, self.session.leasing))

    def cancelled(self, tag: str) -> None:
        """A consumer's queue is gone. Who deletes it on this very channel hears of that first, as from RabbitMQ."""
        if not self.session.knows("consumer_cancel_notify"):
            return
        told, running = frame(self.number, "basic.cancel", consumer_tag=tag, no_wait=True), self.running
        if isinstance(running, Asking) and running.key == _DELETE:
            running.afterwards += told
        else:
            self.write(told)

    # --- the end ------------------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """Nothing of what is left is done, or answered."""
        if self.confirms is not None:
            self.confirms.tell()
        for work in (self.running, *self.work):
            self.session.bytes_in_flight -= work.cost if work is not None else 0
        self.work.clear()
        self.running = self.sending = self.settling = None
        if self._body is not None:
            self._forget_content()
        if self.leasing:
            self.leasing = False
            self.session.leasing -= 1
        self.ready, self.closing, self.dropped = False, True, True

    def end(self, last_words: bytes) -> None:
        """Drop everything, tell the broker, then the client; it may have said before that it closes the channel."""
        if any(isinstance(work, Asking) and work.key == _CLOSE for work in self.work):
            last_words += frame(self.number, "channel.close-ok")
            self._closed = True
        self.drop()
        if self.handle is None:
            return self.ended(last_words)
        ending = Ending(self, last_words)
        return self.session.ask(ending, ending.begin())

    def leave(self) -> None:
        """The client closes it."""
        self._closed = True
        self.end(frame(self.number, "channel.close-ok"))

    def ended(self, last_words: bytes) -> None:
        """The broker has let go."""
        self.over = True
        if self.number == 0:
            return self.session.let_go(last_words)
        self.write(last_words)
        return self.session.forget(self) if self._closed else None
