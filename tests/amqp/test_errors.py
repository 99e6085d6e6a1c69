"""What is wrong ends the channel or the connection, with RabbitMQ's codes and words (asked of RabbitMQ 3.10.8)."""

import struct
from typing import Any

import pytest

from penstock.calls.queues import CloseChannel, CloseClient, Publish
from penstock.errors import Refusal, Refused
from penstock.wire.amqp.methods import KEYS, frame
from penstock.wire.amqp.refusals import REFUSALS, SOFT, refused_error
from tests.amqp.driving import NOW, Client, body, header, opened, publish, raw

BASIC_PUBLISH = frame(1, "basic.publish", routing_key="q")


def close(name: str, text: str, method: str = "") -> dict[str, Any]:
    code = {
        "CHANNEL_ERROR": 504, "FRAME_ERROR": 501, "UNEXPECTED_FRAME": 505, "COMMAND_INVALID": 503,
        "NOT_IMPLEMENTED": 540, "PRECONDITION_FAILED": 406, "NOT_FOUND": 404, "INTERNAL_ERROR": 541,
        "NOT_ALLOWED": 530,
    }[name]  # fmt: skip
    key = KEYS.get(method, 0)
    told = f"{name} - {text}" if text else name
    return {"reply_code": code, "reply_text": told, "class_id": key >> 16, "method_id": key & 0xFFFF}


HARD = {
    "a method on a channel that is not open": (
        frame(7, "queue.declare", queue="x"), close("CHANNEL_ERROR", "expected 'channel.open'", "queue.declare"),
    ),
    "a channel is opened twice": (
        frame(1, "channel.open"), close("CHANNEL_ERROR", "second 'channel.open' seen", "channel.open"),
    ),
    "a frame without its end": (
        raw(1, 1, b"\0\x3c\0\x0a", b"\0"),
        close("FRAME_ERROR", "type 1, all octets = <<0,60,0,10>>: {invalid_frame_end_marker,0}"),
    ),
    "a frame over the negotiated size": (
        raw(3, 1, bytes(131073)), close("FRAME_ERROR", "type 3, all octets = <<>>: {frame_too_large,131073,131064}"),
    ),
    "a type of frame that there is not": (
        raw(9, 1, b"abc"), close("FRAME_ERROR", 'type 9, all octets = <<"abc">>: unknown_frame'),
    ),
    "a long frame of a type that there is not": (
        raw(9, 1, bytes(range(40))),
        close(
            "FRAME_ERROR",
            "type 9, first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>: unknown_frame",
        ),
    ),
    "a method without its numbers": (
        raw(1, 1, b"ab"), close("FRAME_ERROR", 'type 1, all octets = <<"ab">>: unknown_frame'),
    ),
    "a header without a publish": (
        header(1, 3), close("UNEXPECTED_FRAME", "expected method frame, got non method frame instead"),
    ),
    "a body without a publish": (
        body(1, b"abc"), close("UNEXPECTED_FRAME", "expected method frame, got non method frame instead"),
    ),
    "a method where a header is due": (
        BASIC_PUBLISH + frame(1, "basic.qos"),
        close(
            "UNEXPECTED_FRAME", "expected content header for class 60, got non content header frame instead",
            "basic.publish",
        ),
    ),
    "a body where a header is due": (
        BASIC_PUBLISH + body(1, b"aa"),
        close(
            "UNEXPECTED_FRAME", "expected content header for class 60, got non content header frame instead",
            "basic.publish",
        ),
    ),
    "a header of another class": (
        BASIC_PUBLISH + raw(2, 1, struct.pack(">HHQH", 10, 0, 2, 0)),
        close(
            "UNEXPECTED_FRAME", "expected content header for class 60, got one for class 10 instead",
            "basic.publish",
        ),
    ),
    "a header where a body is due": (
        BASIC_PUBLISH + header(1, 2) + header(1, 2),
        close("UNEXPECTED_FRAME", "expected content body, got non content body frame instead", "basic.publish"),
    ),
    "a body longer than was said": (
        BASIC_PUBLISH + header(1, 2) + body(1, b"aaa"),
        close("FRAME_ERROR", "a body frame of 3 bytes where 2 were left", "basic.publish"),
    ),
    "properties that are none": (
        BASIC_PUBLISH + raw(2, 1, struct.pack(">HHQH", 60, 0, 0, 0x8000) + b"\x10a"), close("INTERNAL_ERROR", ""),
    ),
    "a queue's method on channel 0": (
        frame(0, "queue.declare", queue="x"),
        close("CHANNEL_ERROR", "unexpected method in connection state running", "queue.declare"),
    ),
    "the connection's method on a channel": (
        frame(1, "connection.open", virtual_host="/"),
        close("COMMAND_INVALID", "unimplemented method", "connection.open"),
    ),
    "start-ok again": (
        frame(0, "connection.start-ok", mechanism="PLAIN"),
        close("CHANNEL_ERROR", "unexpected method in connection state running", "connection.start-ok"),
    ),
    "close-ok unasked": (
        frame(0, "connection.close-ok"),
        close("CHANNEL_ERROR", "unexpected method in connection state running", "connection.close-ok"),
    ),
    "a server's method": (
        frame(1, "queue.declare-ok", queue="x"),
        close("COMMAND_INVALID", "unimplemented method", "queue.declare-ok"),
    ),
    "fields cut off": (raw(1, 1, b"\0\x32\0\x0a\0\0"), close("FRAME_ERROR", "cannot decode <<0,0>>", "queue.declare")),
    "fields that go on": (
        raw(1, 1, b"\0\x3c\0\x0a\0\0\0\0\0\x01\0\x07"),
        close("FRAME_ERROR", "cannot decode <<0,0,0,0,0,1,0,7>>", "basic.qos"),
    ),
    "a name that is no UTF-8": (
        raw(1, 1, b"\0\x32\0\x0a\0\0\x03a\xff\xfe\x04\0\0\0\0"),
        close("FRAME_ERROR", "Malformed UTF-8 in shortstr"),
    ),
    "channel.flow with active=false": (
        frame(1, "channel.flow"), close("NOT_IMPLEMENTED", "active=false", "channel.flow"),
    ),
    "a prefetch in bytes": (
        frame(1, "basic.qos", prefetch_size=1), close("NOT_IMPLEMENTED", "prefetch_size!=0 (1)", "basic.qos"),
    ),
    "recover to the same consumer": (
        frame(1, "basic.recover"), close("NOT_IMPLEMENTED", "requeue=false", "basic.recover"),
    ),
    "recover-async to the same consumer": (
        frame(1, "basic.recover-async"), close("NOT_IMPLEMENTED", "requeue=false", "basic.recover-async"),
    ),
    "immediate": (
        frame(1, "basic.publish", immediate=True) + header(1, 0),
        close("NOT_IMPLEMENTED", "immediate=true", "basic.publish"),
    ),
    "a heartbeat on a channel": (raw(8, 1, b""), close("UNEXPECTED_FRAME", "type 8, all octets = <<>>")),
    "a heartbeat with a payload": (
        raw(8, 0, b"abc"), close("FRAME_ERROR", 'type 8, all octets = <<"abc">>: unknown_frame'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HARD)
def test_a_connection_error_closes_the_connection(what: str) -> None:
    client = opened()
    said, expected = HARD[what]
    assert client.step(said) == [(0, "connection.close", expected)]
    assert isinstance(client.broker.asked[-1], CloseClient)
    assert not client.session.closing
    assert client.step(frame(1, "queue.declare", queue="late")) == []
    client.step(frame(0, "connection.close-ok"))
    assert client.session.closing
    assert client.lose() == []
    assert client.session.bytes_in_flight == client.session.bytes_unfinished == 0


SOFT_ERRORS = {
    "an exchange that is not there": (
        publish(1, "q", exchange="nope"),
        close("NOT_FOUND", "no exchange 'nope' in vhost '/'", "basic.publish"),
    ),
    "a delivery tag that is not held": (
        frame(1, "basic.ack", delivery_tag=5), close("PRECONDITION_FAILED", "unknown delivery tag 5", "basic.ack"),
    ),
    "no queue declared before": (
        frame(1, "basic.consume"), close("NOT_FOUND", "no previously declared queue", "basic.consume"),
    ),
    "a nameless queue is looked for": (
        frame(1, "queue.declare", passive=True), close("NOT_FOUND", "no queue '' in vhost '/'", "queue.declare"),
    ),
    "a commit without a transaction": (
        frame(1, "tx.commit"), close("PRECONDITION_FAILED", "channel is not transactional", "tx.commit"),
    ),
    "a message over the largest size": (
        BASIC_PUBLISH + header(1, 1 << 40),
        close(
            "PRECONDITION_FAILED", f"message size {1 << 40} is larger than configured max size 134217728",
            "basic.publish",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SOFT_ERRORS)
def test_a_channel_error_closes_the_channel_alone(what: str) -> None:
    client = opened(channels=2)
    said, expected = SOFT_ERRORS[what]
    assert client.step(said) == [(1, "channel.close", expected)]
    assert isinstance(client.broker.asked[-1], CloseChannel)
    # What was sent before the client read of it counts for nothing, and the number is free after close-ok.
    assert client.step(publish(1, "q"), body(1, b"x"), frame(1, "queue.declare", queue="late")) == []
    assert "late" not in client.broker.queues
    reopened = client.step(frame(1, "channel.close-ok"), frame(1, "channel.open"), frame(2, "basic.qos"))
    assert [(channel, name) for channel, name, _ in reopened] == [(1, "channel.open-ok"), (2, "basic.qos-ok")]
    assert client.session.bytes_in_flight == 0


def test_confirm_and_tx_exclude_each_other() -> None:
    client = opened(channels=2)
    assert client.step(frame(1, "confirm.select"), frame(1, "tx.select")) == [
        (1, "confirm.select-ok", {}),
        (
            1,
            "channel.close",
            close("PRECONDITION_FAILED", "cannot switch from confirm to tx mode", "tx.select"),
        ),
    ]
    assert client.step(frame(2, "tx.select"), frame(2, "confirm.select")) == [
        (2, "tx.select-ok", {}),
        (
            2,
            "channel.close",
            close("PRECONDITION_FAILED", "cannot switch from tx to confirm mode", "confirm.select"),
        ),
    ]


def test_what_came_before_an_error_is_done() -> None:
    client = opened()
    client.step(frame(1, "queue.declare", queue="q"), publish(1, "q", b"first"), raw(9, 1, b""))
    assert [one.body for one in client.broker.queues["q"]] == [b"first"]
    client = opened()
    client.step(
        frame(1, "queue.declare", queue="q"), publish(1, "q", b"first"), BASIC_PUBLISH, header(1, 1 << 40)
    )
    assert [one.body for one in client.broker.queues["q"]] == [b"first"]


def test_both_close_a_channel_at_the_same_moment() -> None:
    client = opened()
    said = client.step(frame(1, "basic.ack", delivery_tag=5), frame(1, "channel.close"))
    assert sorted(name for _, name, _ in said) == ["channel.close", "channel.close-ok"]
    assert client.step(frame(1, "channel.close-ok"), frame(1, "channel.open")) == [
        (1, "channel.open-ok", {"reserved_1": b""})
    ]


def test_both_close_the_connection_at_the_same_moment() -> None:
    client = opened()
    client.step(frame(1, "basic.recover"))
    assert client.step(frame(0, "connection.close", reply_code=200)) == [(0, "connection.close-ok", {})]
    assert client.session.closing


def test_who_does_not_agree_to_the_end_is_cut_off() -> None:
    client = opened()
    client.step(frame(1, "basic.recover"))
    client.session.tick(NOW.after(1))
    client.session.tick(NOW.after(30))
    assert not client.session.closing
    client.session.tick(NOW.after(32))
    assert client.session.closing


def test_more_channels_than_agreed_end_the_connection_and_their_numbers_do_not_matter() -> None:
    client = opened(channels=2, channels_max=3)
    assert client.step(frame(900, "channel.open")) == [(900, "channel.open-ok", {"reserved_1": b""})]
    text = "number of channels opened (3) has reached the negotiated channel_max (3)"
    assert client.step(frame(3, "channel.open")) == [(0, "connection.close", close("NOT_ALLOWED", text))]


def test_a_publish_that_is_refused_as_a_whole_ends_the_channel() -> None:
    client = opened()
    client.broker.scripted[Publish] = [Refused(Refusal.EXCHANGE_NOT_ALLOWED, "no write to 'x'")]
    ((_, name, told),) = client.step(publish(1, "q"))
    assert (name, told["reply_code"]) == ("channel.close", 403)
    assert told["reply_text"] == "ACCESS_REFUSED - no write to 'x'"


def test_every_reason_s_code_ends_what_rabbitmq_s_does() -> None:
    assert {REFUSALS[reason] for reason in REFUSALS if not refused_error(Refused(reason), 0).whole} == {
        "NOT_FOUND", "PRECONDITION_FAILED", "RESOURCE_LOCKED", "ACCESS_REFUSED",
    }  # fmt: skip
    assert refused_error(Refused(Refusal.CORRUPT), 0).code == 541
    assert 541 not in SOFT


def test_an_error_of_a_client_that_is_gone_asks_nothing_twice() -> None:
    client = Client()
    assert client.lose() == []
    assert client.broker.asked == []
