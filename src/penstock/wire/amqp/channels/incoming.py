"""A client's frames come to a channel: what they ask for is queued as `Work`.

Runs of publishes and of acknowledgements are one work each; a content that comes in pieces waits until it is whole. Knows
no calls, and not what the methods of `api` do.
"""

import struct
from typing import Final

from penstock.calls.queues import Mark, Publishing, Settlement
from penstock.content import Content, Properties
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.channels.work import Asking, Failing, Sending, Settling, octets
from penstock.wire.amqp.methods import BODY, HEADER, KEYS, METHOD, frame
from penstock.wire.amqp.refusals import AmqpError, not_implemented, unimplemented
from penstock.wire.amqp.registry import ANSWERS

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


def take(channel: Channel, kind: int, payload: bytes) -> None:
    """A frame that the parser did not take whole with its neighbours."""
    if channel.closing:
        return _closing_frame(channel, kind, payload)
    if channel.body is not None:
        return _take_body(channel, kind, payload)
    if channel.route is not None:
        return _take_header(channel, kind, payload)
    if kind != METHOD:
        raise AmqpError("UNEXPECTED_FRAME", "expected method frame, got non method frame instead")
    key = int.from_bytes(payload[:4], "big")
    if channel.number == 0:
        return _ask(channel, key, payload)
    if key == _PUBLISH:
        channel.route, channel.ready = route_of(payload[4:]), False
        return None
    if key in _SETTLING and len(payload) == 13:
        return settle(channel, key, *_TAG.unpack_from(payload, 4))
    return _ask(channel, key, payload)


def _ask(channel: Channel, key: int, payload: bytes) -> None:
    if key == _OPEN and channel.number:
        raise AmqpError("CHANNEL_ERROR", "second 'channel.open' seen", key)
    if channel.number == 0:
        channel.session.check_method(key)
    answer = ANSWERS.get(key)
    if answer is None or (channel.number and key >> 16 == _CONNECTION):
        raise unimplemented(key)
    channel.queue(Asking(channel, answer, payload))


def add_sending(channel: Channel) -> Sending:
    """A new run of publishes."""
    work = Sending(channel)
    channel.queue(work)
    channel.sending = work
    return work


def settle(channel: Channel, key: int, tag: int, bits: int, count: int = 1) -> None:
    """One acknowledgement, or `count` of them for the tags from `tag` on."""
    run = channel.settling
    if run is None or run.key != key:
        run = Settling(channel, key)
        channel.queue(run)
        channel.settling = run
    multiple, mark = _MARKS[key, bits & (3 if key == _NACK else 1)]
    run.settlements.append(Settlement(tag, multiple, mark, count))
    run.cost += ACK_BYTES * count
    channel.session.bytes_in_flight += ACK_BYTES * count


def _take_header(channel: Channel, kind: int, payload: bytes) -> None:
    expected = "expected content header for class 60, got"
    if kind != HEADER or len(payload) < 14:
        raise AmqpError("UNEXPECTED_FRAME", f"{expected} non content header frame instead", _PUBLISH)
    number, weight, size = _HEADER.unpack_from(payload)
    if number != 60:
        raise AmqpError("UNEXPECTED_FRAME", f"{expected} one for class {number} instead", _PUBLISH)
    if weight:
        raise AmqpError("UNEXPECTED_FRAME", f"{expected} non content header frame instead", _PUBLISH)
    channel.properties = properties_of(payload[12:])
    most = channel.session.options.message_bytes_max
    if size > most:
        text = f"message size {size} is larger than configured max size {most}"
        return _fail_in_turn(channel, AmqpError("PRECONDITION_FAILED", text, _PUBLISH))
    channel.body, channel.missing = bytearray(), size
    return None if size else _content_whole(channel)


def _take_body(channel: Channel, kind: int, payload: bytes) -> None:
    if kind != BODY:
        text = "expected content body, got non content body frame instead"
        raise AmqpError("UNEXPECTED_FRAME", text, _PUBLISH)
    if len(payload) > channel.missing:
        text = f"a body frame of {len(payload)} bytes where {channel.missing} were left"
        raise AmqpError("FRAME_ERROR", text, _PUBLISH)
    assert channel.body is not None
    channel.body += payload
    channel.missing -= len(payload)
    channel.session.unfinished_bytes += len(payload)
    return None if channel.missing else _content_whole(channel)


def _content_whole(channel: Channel) -> None:
    assert channel.route is not None
    assert channel.properties is not None
    assert channel.body is not None
    exchange, routing_key, mandatory = channel.route
    body = bytes(channel.body)
    channel.forget_content()
    channel.ready = True
    work = channel.sending or add_sending(channel)
    work.messages.append(Publishing(Content(exchange, routing_key, channel.properties, body), mandatory))
    work.cost += len(body) + 64
    channel.session.bytes_in_flight += len(body) + 64


def _fail_in_turn(channel: Channel, error: AmqpError) -> None:
    """The channel ends when what was before is done; what follows on it counts for nothing."""
    channel.forget_content()
    channel.queue(Failing(channel, error))
    channel.closing, channel.ready = True, False


def _closing_frame(channel: Channel, kind: int, payload: bytes) -> None:
    """Who was told of an error says so, or wanted to close at the same moment; all else came too late."""
    key = int.from_bytes(payload[:4], "big") if kind == METHOD else 0
    if key == _CLOSE:
        channel.write(frame(channel.number, "channel.close-ok"))
    if key in (_CLOSE, _CLOSE_OK):
        channel.closed = True
        if channel.over:
            channel.session.forget(channel)
