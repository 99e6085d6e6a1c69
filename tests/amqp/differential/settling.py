"""Acknowledgements, rejections, redelivery and its order."""

from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking, Channel


def held(ask: Asking, name: str, bodies: str = "abcde", **arguments: Any) -> Channel:
    """A channel whose consumer holds these messages, as delivery tags 1, 2, …."""
    channel = ask.channel()
    channel.declare(name, exclusive=True, **arguments)
    ask.fill(name, bodies)
    for _ in bodies:
        channel.get(name, no_ack=False)
    return channel


def what_is_not_acknowledged_comes_again(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name)
    channel.ack(2)
    channel.ack(4)
    channel("channel.close", reply_code=200, class_id=0, method_id=0)
    again = ask.channel(channel.wire)
    yield [again.get(name) for _ in range(4)]


def all_up_to_a_tag_are_acknowledged(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name)
    channel.ack(3, multiple=True)
    channel.nack(0, multiple=True)
    yield channel.drain(name)


def all_of_the_channel_are_acknowledged(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name)
    channel.ack(0, multiple=True)
    yield channel("basic.recover", requeue=True)
    yield channel.drain(name)


def a_tag_that_was_never_given(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "a")
    channel.ack(9)
    yield channel.next()


def a_tag_is_acknowledged_twice(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "ab")
    channel.ack(1)
    channel.ack(1)
    yield channel.next()


def a_tag_that_is_unknown_is_rejected(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.reject(3)
    yield channel.next()


def a_tag_that_is_unknown_is_refused(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.nack(3, multiple=True)
    yield channel.next()


def nothing_is_held_and_all_of_it_acknowledged(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.ack(0, multiple=True)
    yield channel("basic.qos", prefetch_count=1)
    channel.ack(0)
    yield channel.next()


def a_tag_of_another_channel(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "ab")
    other = ask.channel(channel.wire)
    other.ack(1)
    yield other.next()


def a_message_without_acknowledgement_is_acknowledged(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "a")
    yield channel.get(name)
    channel.ack(1)
    yield channel.next()


def what_goes_back_goes_back_to_its_place(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "abc")
    ask.fill(name, "de")
    channel.nack(2)
    channel.nack(1)
    yield channel.drain(name)
    channel.reject(3, requeue=True)
    yield channel.get(name)


def several_go_back_at_once(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "abcde")
    channel.ack(2)
    channel.nack(4, multiple=True)
    yield channel.drain(name)


def what_is_rejected_is_gone(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "abcde")
    channel.reject(1)
    channel.nack(3, requeue=False)
    channel.nack(4, multiple=True, requeue=False)
    channel.nack(0, multiple=True)
    yield channel.drain(name)


def what_goes_back_is_delivered_again(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "a")
    channel.consume(name)
    yield channel.next()
    channel.nack(1)
    yield channel.next()
    channel.reject(2, requeue=True)
    yield channel.next()


def everything_is_recovered(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "abc")
    channel.consume(name)
    channel.take(3)
    channel.ack(2)
    yield channel("basic.recover", requeue=True)
    yield channel.take(2)


def recovery_without_requeue_is_not_offered(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.channel()("basic.recover", requeue=False)


def recovery_without_an_answer(ask: Asking, name: str) -> Iterator[Any]:
    channel = held(ask, name, "ab")
    channel.wire.send(b"\x01\x00\x01\x00\x00\x00\x05\x00\x3c\x00\x64\x01\xce")
    yield channel.rest(0.1)
    yield channel.get(name)


def tags_count_on_over_all_consumers(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for queue in ("one", "two"):
        channel.declare(f"{name}-{queue}", exclusive=True)
        channel.consume(f"{name}-{queue}", queue, no_ack=queue == "two")
    tags = []
    for queue in ("one", "two", "one"):
        ask.fill(f"{name}-{queue}", "m")
        said = channel.next()[1]
        tags.append([said["consumer_tag"], said["delivery_tag"]])
    yield tags
    channel.ack(3, multiple=True)
    yield channel("basic.recover", requeue=True)
    yield channel.rest()


def a_requeued_message_meets_the_other_consumer(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    one, other = ask.channel(wire), ask.channel(wire)
    one.declare(name, exclusive=True)
    one.consume(name, "one")
    ask.fill(name, "a")
    one.next()
    one("basic.cancel", consumer_tag="one")
    other.consume(name, "other")
    one.nack(1)
    yield other.next()


SETTLING = (
    what_is_not_acknowledged_comes_again, all_up_to_a_tag_are_acknowledged, all_of_the_channel_are_acknowledged, a_tag_that_was_never_given,
    a_tag_is_acknowledged_twice, a_tag_that_is_unknown_is_rejected, a_tag_that_is_unknown_is_refused,
    nothing_is_held_and_all_of_it_acknowledged, a_tag_of_another_channel, a_message_without_acknowledgement_is_acknowledged,
    what_goes_back_goes_back_to_its_place, several_go_back_at_once, what_is_rejected_is_gone, what_goes_back_is_delivered_again,
    everything_is_recovered, recovery_without_requeue_is_not_offered, recovery_without_an_answer, tags_count_on_over_all_consumers,
    a_requeued_message_meets_the_other_consumer,
)  # fmt: skip
