"""Queues of other types: quorum queues with their delivery limit, streams as far as AMQP 0-9-1 reads them."""

import time
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking


def a_quorum_queue_is_durable_and_shared(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire).declare(name, x_queue_type="quorum")
    yield ask.channel(wire).declare(name, durable=True, exclusive=True, x_queue_type="quorum")
    yield ask.channel(wire).declare(name, durable=True, auto_delete=True, x_queue_type="quorum")


def what_a_quorum_queue_does_not_offer(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for key, value in (("x-max-priority", 5), ("x-queue-mode", "lazy"), ("x-overflow", "reject-publish-dlx")):
        yield channel.declare(name, durable=True, arguments={"x-queue-type": "quorum", key: value})
        channel("channel.open")


def a_queue_s_type_is_agreed_to_or_not(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, durable=True)
    yield channel.declare(name, durable=True, x_queue_type="classic")
    yield channel.declare(name, durable=True, x_queue_type="quorum")
    channel("channel.open")
    ask.remove(name)


def deliveries_are_counted(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, durable=True, x_queue_type="quorum")
    ask.fill(name, "a")
    channel.consume(name)
    for tag in (1, 2):
        yield channel.next()
        channel.nack(tag)
    yield channel.next()
    channel.ack(3)
    ask.remove(name)


def what_is_delivered_too_often_is_dropped(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="quorum", x_delivery_limit=2)
    ask.fill(name, "a")
    channel.consume(name)
    for tag in (1, 2, 3):
        yield channel.next()[1]["redelivered"]
        channel.nack(tag)
    yield channel.rest()
    ask.remove(name)


def what_is_delivered_too_often_is_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(f"{name}-dead", exclusive=True)
    channel.declare(
        name, durable=True, x_queue_type="quorum", x_delivery_limit=1, x_dead_letter_exchange="", x_dead_letter_routing_key=f"{name}-dead",
    )  # fmt: skip
    ask.fill(name, "a")
    channel.consume(name)
    for tag in (1, 2):
        channel.next()
        channel.nack(tag)
    time.sleep(0.4)
    yield channel.get(f"{name}-dead")
    ask.remove(name)


def what_goes_back_goes_to_the_end_where_deliveries_are_counted(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="quorum")
    ask.fill(name, "abc")
    yield channel.get(name, no_ack=False)
    channel.nack(1)
    time.sleep(0.1)
    yield channel.drain(name)
    ask.remove(name)


def a_quorum_queue_s_messages_are_bounded(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="quorum", x_max_length=2)
    ask.fill(name, "abcd")
    yield channel.drain(name)
    ask.remove(name)


def no_channel_wide_bound_for_quorum_queues(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="quorum")
    channel("basic.qos", prefetch_count=2, global_=True)
    yield channel.consume(name)
    ask.remove(name)


def a_stream_is_read_from_its_start(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, durable=True, x_queue_type="stream")
    ask.fill(name, "abc")
    channel("basic.qos", prefetch_count=10)
    yield channel.consume(name, arguments={"x-stream-offset": "first"})
    yield channel.take(3)
    channel.ack(3, multiple=True)
    channel("basic.cancel", consumer_tag="c")
    channel.consume(name, "again", arguments={"x-stream-offset": "first"})
    yield channel.bodies(3)
    ask.remove(name)


def a_stream_is_read_from_an_offset(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="stream")
    ask.fill(name, "abcde")
    channel("basic.qos", prefetch_count=10)
    channel.consume(name, arguments={"x-stream-offset": 3})
    yield channel.take(2)
    ask.remove(name)


def a_stream_is_read_from_what_comes_next(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="stream")
    ask.fill(name, "ab")
    channel("basic.qos", prefetch_count=10)
    channel.consume(name)
    channel.consume(name, "next", arguments={"x-stream-offset": "next"})
    ask.fill(name, "c")
    yield sorted([one[1]["consumer_tag"], one[-1]] for one in channel.rest())
    ask.remove(name)


def a_stream_is_consumed_with_a_bound(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="stream")
    yield channel.consume(name)
    ask.remove(name)


def a_stream_is_not_read_without_acknowledgement(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True, x_queue_type="stream")
    channel("basic.qos", prefetch_count=10)
    yield channel.consume(name, no_ack=True)
    ask.remove(name)


def a_stream_is_not_got_from(ask: Asking, name: str) -> Iterator[Any]:
    ask.channel().declare(name, durable=True, x_queue_type="stream")
    yield ask.channel().get(name)
    yield ask.channel()("queue.purge", queue=name)
    ask.remove(name)


def what_a_stream_does_not_offer(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, x_queue_type="stream")
    channel("channel.open")
    yield channel.declare(name, durable=True, exclusive=True, x_queue_type="stream")
    channel("channel.open")
    for key, value in (("x-message-ttl", 5), ("x-max-priority", 5), ("x-dead-letter-exchange", "e")):
        yield channel.declare(name, durable=True, arguments={"x-queue-type": "stream", key: value})
        channel("channel.open")


QUORUM = (
    a_quorum_queue_is_durable_and_shared, what_a_quorum_queue_does_not_offer, a_queue_s_type_is_agreed_to_or_not, deliveries_are_counted,
    what_is_delivered_too_often_is_dropped, what_is_delivered_too_often_is_a_dead_letter,
    what_goes_back_goes_to_the_end_where_deliveries_are_counted, a_quorum_queue_s_messages_are_bounded, no_channel_wide_bound_for_quorum_queues,
    a_stream_is_read_from_its_start, a_stream_is_read_from_an_offset, a_stream_is_read_from_what_comes_next, a_stream_is_consumed_with_a_bound,
    a_stream_is_not_read_without_acknowledgement,    a_stream_is_not_got_from, what_a_stream_does_not_offer,
)  # fmt: skip
