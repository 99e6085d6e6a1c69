"""Frames that no client would send: of no type, without their end, too large, in no order, of methods nobody knows."""

import struct
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import GREETING, Asking, content, cut, encode


def method(group: int, number: int, arguments: bytes = b"") -> bytes:
    return struct.pack(">HH", group, number) + arguments


def a_client_of_amqp_1_0_is_told_what_is_spoken(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    yield ask.raw(wire, b"AMQP\x00\x01\x00\x00")
    yield wire.outcome()


def a_client_of_http_is_told_what_is_spoken(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    yield ask.raw(wire, b"GET / HTTP/1.1\r\n\r\n")
    yield wire.outcome()


def amqp_0_9_is_spoken_too(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    outcome = ask.raw(wire, b"AMQP\x01\x01\x00\x09")
    yield outcome[0]


def a_frame_of_no_known_type(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.raw(ask.connect(), cut(9, 1, b"what?"))


def a_frame_without_its_end(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.raw(ask.connect(), encode(1, "channel.open", {})[:-1] + b"\x00")


def a_frame_over_the_negotiated_size(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield ask.raw(channel.wire, cut(3, channel.number, b"x" * 200_000), channel.number)


def a_method_that_nobody_knows(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield ask.raw(channel.wire, cut(1, channel.number, method(60, 99)), channel.number)


def a_class_that_nobody_knows(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.raw(ask.connect(), cut(1, 0, method(77, 10)))


def a_method_that_is_cut_short(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield ask.raw(channel.wire, cut(1, channel.number, method(50, 10, b"\0\0\x20abc")), channel.number)


def a_field_of_no_known_type(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    table = b"\x01kZ\0\0\0\0"
    arguments = b"\0\0\x01q\x00" + struct.pack(">I", len(table)) + table
    yield ask.raw(channel.wire, cut(1, channel.number, method(50, 10, arguments)), channel.number)


def a_header_that_no_method_asked_for(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    frames = content(channel.number, b"m", {})
    yield ask.raw(channel.wire, frames, channel.number)


def a_body_that_no_header_announced(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield ask.raw(channel.wire, cut(3, channel.number, b"m"), channel.number)


def a_method_where_a_header_was_due(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.wire.send(encode(channel.number, "basic.publish", {"routing_key": name}))
    yield ask.raw(channel.wire, encode(channel.number, "basic.qos", {}), channel.number)


def a_body_longer_than_its_header_said(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    frames = encode(channel.number, "basic.publish", {"routing_key": name})
    header = content(channel.number, b"m", {})[:-9]
    channel.wire.send(frames + header)
    yield ask.raw(channel.wire, cut(3, channel.number, b"too long"), channel.number, wait_s=1)


def a_header_of_another_class(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.wire.send(encode(channel.number, "basic.publish", {"routing_key": name}))
    header = cut(2, channel.number, struct.pack(">HHQH", 50, 0, 1, 0))
    yield ask.raw(channel.wire, header, channel.number)


def a_heartbeat_on_a_channel(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield ask.raw(channel.wire, cut(8, channel.number, b""), channel.number)


def an_answer_that_nobody_asked_for(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel("queue.declare-ok", queue=name, message_count=0, consumer_count=0)


def a_method_of_the_connection_on_a_channel(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel("connection.open", virtual_host="/")


def a_method_of_a_channel_on_the_connection(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.connect().call(0, "basic.qos", prefetch_count=1)


def an_open_before_the_login(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    wire.send(GREETING)
    wire.outcome()
    yield wire.call(0, "connection.open", virtual_host="/")


def a_channel_before_the_open(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    wire.send(GREETING)
    wire.outcome()
    yield wire.call(1, "channel.open")


def a_login_in_the_middle(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.connect().call(0, "connection.start-ok", mechanism="PLAIN", response="\0guest\0guest")


def access_is_granted_as_it_was_in_old_times(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield ask.raw(channel.wire, cut(1, channel.number, method(30, 10, b"\x05/data\x1f")), channel.number)


def a_message_in_many_frames_arrives_whole(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect(tune=(2047, 4096, 0))
    channel = ask.channel(wire)
    channel.declare(name, exclusive=True)
    body = "0123456789" * 2000
    wire.send(
        encode(channel.number, "basic.publish", {"routing_key": name})
        + content(channel.number, body.encode(), {}, 4096)
    )
    got = channel.get(name)
    yield [got[0], got[-1] == body]


FRAMING = (
    a_client_of_amqp_1_0_is_told_what_is_spoken, a_client_of_http_is_told_what_is_spoken, amqp_0_9_is_spoken_too, a_frame_of_no_known_type,
    a_frame_without_its_end, a_frame_over_the_negotiated_size, a_method_that_nobody_knows, a_class_that_nobody_knows,
    a_method_that_is_cut_short, a_field_of_no_known_type, a_header_that_no_method_asked_for, a_body_that_no_header_announced,
    a_method_where_a_header_was_due, a_body_longer_than_its_header_said, a_header_of_another_class, a_heartbeat_on_a_channel,
    an_answer_that_nobody_asked_for, a_method_of_the_connection_on_a_channel, a_method_of_a_channel_on_the_connection,
    an_open_before_the_login, a_channel_before_the_open, a_login_in_the_middle, access_is_granted_as_it_was_in_old_times,
    a_message_in_many_frames_arrives_whole,
)  # fmt: skip
