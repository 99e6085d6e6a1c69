"""Connections and channels: the greeting, logging in, tuning, virtual hosts, channels, and how all of it ends."""

import time
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import GREETING, Asking


def a_client_is_greeted(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    wire.send(GREETING)
    start = wire.outcome()[1]
    yield [start[key] for key in ("version_major", "version_minor", "locales")]
    yield start["mechanisms"]
    yield start["server_properties"]["capabilities"]
    yield sorted(start["server_properties"].keys() - {"cluster_name", "copyright"})


def a_connection_opens_and_closes(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield wire.call(0, "connection.close", reply_code=200, reply_text="bye", class_id=0, method_id=0)


def what_is_tuned_is_said(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire())[1:]


def amqplain_logs_in(ask: Asking, name: str) -> Iterator[Any]:
    response = b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"
    yield ask.handshake(ask.wire(), mechanism="AMQPLAIN", response=response)[1:]


def a_wrong_password_is_told_to_those_who_can_hear_it(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), user="nobody", password="wrong")[1:]


def a_wrong_password_hangs_up_on_the_others(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), user="nobody", password="wrong", capabilities={})[1:]


def a_mechanism_that_nobody_knows(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), mechanism="TELEPATHY")[1:]


def a_response_that_is_not_plain(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), response=b"guest guest")[1:]


def mechanisms_that_are_known_and_not_offered(ask: Asking, name: str) -> Iterator[Any]:
    for mechanism in ("EXTERNAL", "RABBIT-CR-DEMO", "plain", "PLAIN AMQPLAIN", ""):
        yield ask.handshake(ask.wire(), mechanism=mechanism)[1:]


def a_wrong_password_by_amqplain_is_told(ask: Asking, name: str) -> Iterator[Any]:
    response = b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05wrong"
    yield ask.handshake(ask.wire(), mechanism="AMQPLAIN", response=response)[1:]
    yield ask.handshake(ask.wire(), mechanism="AMQPLAIN", response=response, capabilities={})[1:]


def a_response_that_is_not_amqplain(ask: Asking, name: str) -> Iterator[Any]:
    login = b"\x05LOGINS\0\0\0\x05guest"
    for response in (
        b"", login, login + b"\x08PASSWORDI\0\0\0\x05", login + b"\x08PASSWORDS\0\0\0\x09guest", b"\0guest\0guest",
        login + b"\x08passwordS\0\0\0\x05guest",
    ):  # fmt: skip
        yield ask.handshake(ask.wire(), mechanism="AMQPLAIN", response=response)[1:]


def amqplain_passes_over_what_it_does_not_know(ask: Asking, name: str) -> Iterator[Any]:
    pair = b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05"
    for response in (
        b"\x05REALMS\0\0\0\x01x" + pair + b"guest",
        pair + b"wrong" + pair + b"guest",
        pair + b"guest" + pair + b"wrong",
    ):
        yield ask.handshake(ask.wire(), mechanism="AMQPLAIN", response=response)[1:]


def plain_is_for_oneself_and_whole(ask: Asking, name: str) -> Iterator[Any]:
    for response in (
        b"guest\0guest\0guest",
        b"\0guest\0guest\0",
        b"\0guest",
        b"\0\0",
        b"",
        b"\0guest\0gu\0est",
    ):
        yield ask.handshake(ask.wire(), response=response)[1:]


def a_password_without_a_challenge_is_out_of_order(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.wire()
    wire.send(GREETING)
    wire.outcome()
    yield wire.call(0, "connection.secure-ok", response="\0guest\0guest")


def a_virtual_host_that_is_not_there(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), vhost=f"no-{name}")[1:]


def a_frame_larger_than_was_offered_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), tune=(2047, 1 << 20, 0))[2:]


def a_frame_smaller_than_the_least_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), tune=(2047, 100, 0))[2:]


def no_limit_of_channels_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), tune=(0, 131072, 0))[2:]


def more_channels_than_were_offered_are_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), tune=(9000, 131072, 0))[2:]


def more_channels_than_agreed_end_the_connection(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect(tune=(3, 131072, 0))
    yield [wire.call(number, "channel.open") for number in (1, 3, 7)]
    yield wire.call(2, "channel.open")


def frames_without_a_limit_are_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), tune=(2047, 0, 0))[2:]


def heartbeats_come_when_asked_for(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect(tune=(2047, 131072, 1))
    until = time.monotonic() + 2.2
    while time.monotonic() < until:
        wire.pump(until - time.monotonic())
        wire.send(b"\x08\0\0\0\0\0\0\xce")
    yield [wire.heartbeats >= 1, wire.over]


def who_keeps_silent_is_hung_up_on(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect(tune=(2047, 131072, 1))
    yield wire.outcome(wait_s=8)


def a_channel_is_opened_twice(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield wire.call(1, "channel.open")
    yield wire.call(1, "channel.open")


def a_channel_opens_again_after_it_was_closed(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield wire.call(1, "channel.open")
    yield wire.call(1, "channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    yield wire.call(1, "channel.open")
    yield wire.call(1, "basic.qos", prefetch_count=1)


def a_channel_that_was_never_opened(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.connect().call(3, "basic.qos", prefetch_count=1)


def a_channel_opens_again_after_an_error(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel("queue.declare", queue=f"no-{name}", passive=True)
    yield channel("channel.open")
    yield channel.declare(name, exclusive=True)


def what_was_said_before_the_close_was_heard_is_forgotten(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    channel = ask.channel(wire)
    channel.tell("queue.delete", queue="", if_unused=False)  # a wrong one first: all behind it is not done
    channel.tell("queue.declare", queue=name, exclusive=True)
    yield channel.rest()
    yield channel("channel.open")
    yield channel("queue.declare", queue=name, passive=True)


def flow_cannot_be_switched_off(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel("channel.flow", active=True)
    yield channel("channel.flow", active=False)


def the_secret_is_updated(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.connect().call(0, "connection.update-secret", new_secret="guest", reason="tired of the old one")


CONNECTING = (
    a_client_is_greeted, a_connection_opens_and_closes, what_is_tuned_is_said, amqplain_logs_in,
    a_wrong_password_is_told_to_those_who_can_hear_it, a_wrong_password_hangs_up_on_the_others, a_mechanism_that_nobody_knows,
    a_response_that_is_not_plain, mechanisms_that_are_known_and_not_offered, a_wrong_password_by_amqplain_is_told,
    a_response_that_is_not_amqplain, amqplain_passes_over_what_it_does_not_know, plain_is_for_oneself_and_whole,
    a_password_without_a_challenge_is_out_of_order, a_virtual_host_that_is_not_there, a_frame_larger_than_was_offered_is_not_agreed_to,
    a_frame_smaller_than_the_least_is_not_agreed_to, no_limit_of_channels_is_not_agreed_to, more_channels_than_were_offered_are_not_agreed_to,
    more_channels_than_agreed_end_the_connection, frames_without_a_limit_are_not_agreed_to,
    heartbeats_come_when_asked_for, who_keeps_silent_is_hung_up_on, a_channel_is_opened_twice,
    a_channel_opens_again_after_it_was_closed, a_channel_that_was_never_opened, a_channel_opens_again_after_an_error,
    what_was_said_before_the_close_was_heard_is_forgotten, flow_cannot_be_switched_off, the_secret_is_updated,
)  # fmt: skip
