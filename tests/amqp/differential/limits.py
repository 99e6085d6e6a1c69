"""What bounds a queue: how long a message waits, how many and how large they are together, and what comes first."""

import time
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking


def a_queue_s_messages_expire(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_message_ttl=300)
    ask.fill(name, "ab")
    yield channel.get(name)
    time.sleep(0.6)
    yield channel.get(name)


def a_message_expires(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "a", expiration="200")
    ask.fill(name, "b")
    time.sleep(0.5)
    yield channel.get(name)


def the_shorter_time_counts(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(f"{name}-queue", exclusive=True, x_message_ttl=200)
    channel.declare(f"{name}-message", exclusive=True, x_message_ttl=60_000)
    for queue, expiration in (("queue", "60000"), ("message", "200")):
        ask.fill(f"{name}-{queue}", "m", expiration=expiration)
    time.sleep(0.5)
    yield [channel.drain(f"{name}-{queue}") for queue in ("queue", "message")]


def messages_expire_from_the_head_only(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "a")
    ask.fill(name, "b", expiration="100")
    time.sleep(0.4)
    yield channel.declare(name, passive=True)
    yield channel.drain(name)


def what_expires_at_once_is_for_those_who_wait(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_message_ttl=0)
    ask.fill(name, "a")
    yield channel.get(name)
    channel.consume(name, no_ack=True)
    ask.fill(name, "b")
    yield channel.next()


def what_a_consumer_holds_does_not_expire(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_message_ttl=200)
    ask.fill(name, "a")
    yield channel.get(name, no_ack=False)[-1]
    time.sleep(0.4)
    channel.nack(1)
    yield channel.get(name)


def the_first_ones_are_dropped(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_length=3)
    ask.fill(name, "abcde")
    yield channel.declare(name, passive=True)
    yield channel.drain(name)


def what_is_held_does_not_count(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_length=2)
    ask.fill(name, "ab")
    channel.get(name, no_ack=False)
    channel.get(name, no_ack=False)
    ask.fill(name, "cd")
    channel.nack(1)
    yield channel.drain(name)


def bytes_are_counted(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_length_bytes=10)
    ask.fill(name, ["aaaa", "bbbb", "cccc", ""])
    yield channel.drain(name)
    ask.fill(name, ["a body larger than all that is allowed"])
    yield channel.drain(name)


def no_room_at_all(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_length=0)
    channel("confirm.select")
    channel.publish("", name, "a")
    yield channel.confirmed(1)
    yield channel.get(name)
    other = ask.channel(channel.wire)
    other.consume(name, no_ack=True)
    channel.publish("", name, "b")
    yield [channel.verdict(), other.next()[-1]]


def the_last_ones_are_refused(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_length=2, x_overflow="reject-publish")
    channel("confirm.select")
    for body in "abcd":
        channel.publish("", name, body)
        yield channel.verdict()
    yield channel.get(name, no_ack=False)[-1]
    channel.publish("", name, "e")
    yield channel.verdict()
    yield channel.drain(name)


def one_queue_of_two_refuses(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name, "fanout", auto_delete=True)
    channel.declare(f"{name}-large", exclusive=True)
    channel.declare(f"{name}-small", exclusive=True, x_max_length=1, x_overflow="reject-publish")
    for queue in ("large", "small"):
        channel.bind(f"{name}-{queue}", name)
    channel("confirm.select")
    for body in "ab":
        channel.publish(name, "", body)
        yield channel.verdict()
    yield [channel.drain(f"{name}-{queue}") for queue in ("large", "small")]


def the_last_ones_are_dead(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(f"{name}-dead", exclusive=True)
    channel.declare(
        name, exclusive=True, x_max_length=1, x_overflow="reject-publish-dlx", x_dead_letter_exchange="",
        x_dead_letter_routing_key=f"{name}-dead",
    )  # fmt: skip
    channel("confirm.select")
    for body in "abc":
        channel.publish("", name, body)
        yield channel.verdict()
    yield channel.drain(name)
    yield [channel.get(f"{name}-dead"), channel.get(f"{name}-dead")[-1]]


def what_is_urgent_comes_first(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_priority=5)
    for body, priority in (("a", 0), ("b", 3), ("c", 5), ("d", 3), ("e", 9), ("f", None), ("g", 1)):
        ask.fill(name, [body], **({} if priority is None else {"priority": priority}))
    channel("basic.qos", prefetch_count=2)
    channel.consume(name)
    yield channel.bodies(2)
    ask.fill(name, "h", priority=5)
    channel.nack(2)
    yield channel.bodies(1)
    channel("basic.cancel", consumer_tag="c")
    channel("basic.recover", requeue=True)
    yield channel.drain(name)


def no_priority_where_none_was_declared(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    for body, priority in (("a", 0), ("b", 9)):
        ask.fill(name, body, priority=priority)
    yield channel.drain(name)


def the_least_urgent_are_dropped(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_priority=5, x_max_length=2)
    for body, priority in (("a", 1), ("b", 5), ("c", 1), ("d", 3)):
        ask.fill(name, body, priority=priority)
    yield channel.drain(name)


def a_requeued_message_over_the_limit(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_max_length=1)
    ask.fill(name, "a")
    channel.get(name, no_ack=False)
    ask.fill(name, "b")
    channel.nack(1)
    yield channel.drain(name)


LIMITS = (
    a_queue_s_messages_expire, a_message_expires, the_shorter_time_counts, messages_expire_from_the_head_only,
    what_expires_at_once_is_for_those_who_wait, what_a_consumer_holds_does_not_expire, the_first_ones_are_dropped, what_is_held_does_not_count,
    bytes_are_counted, no_room_at_all, the_last_ones_are_refused, one_queue_of_two_refuses, the_last_ones_are_dead, what_is_urgent_comes_first,
    no_priority_where_none_was_declared, the_least_urgent_are_dropped, a_requeued_message_over_the_limit,
)  # fmt: skip
