"""Consumers: tags, turns, prefetch, exclusive and single active ones, priorities, cancelling from both sides."""

import time
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking, Channel


def a_consumer_gets_messages_until_it_cancels(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "a")
    yield channel.consume(name)
    yield channel.next()
    ask.fill(name, "b")
    yield channel.next()
    yield channel("basic.cancel", consumer_tag="c")
    ask.fill(name, "c")
    yield channel.rest()
    channel.ack(2, multiple=True)
    yield channel.drain(name)


def a_consumer_s_tag_is_made_up(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel.consume(name, "")


def a_tag_is_used_twice(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel.consume(name, "again")
    yield channel.consume(name, "again")


def a_tag_that_nobody_has_is_cancelled(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.channel()("basic.cancel", consumer_tag="nobody's")


def without_acknowledgement_messages_are_gone(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "ab")
    yield channel.consume(name, no_ack=True)
    yield channel.take(2)
    channel("channel.close", reply_code=200, class_id=0, method_id=0)
    yield ask.channel(channel.wire).get(name)


def a_consumer_that_goes_gives_its_messages_back(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    one, other = ask.channel(wire), ask.channel(wire)
    one.declare(name, exclusive=True)
    ask.fill(name, "abc")
    one.consume(name)
    one.take(3)
    one.ack(2)
    yield one("channel.close", reply_code=200, class_id=0, method_id=0)
    yield [other.get(name), other.get(name), other.get(name)]


def a_killed_connection_gives_its_messages_back(ask: Asking, name: str) -> Iterator[Any]:
    one, other = ask.channel(), ask.channel()
    other.declare(name)
    ask.fill(name, "ab")
    one.consume(name)
    one.take(2)
    one.wire.close()
    other.consume(name)
    yield other.take(2)
    ask.remove(name)


def consumers_take_turns(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    for tag in "xyz":
        channel.consume(name, tag, no_ack=True)
    ask.fill(name, "abcdef")
    yield sorted([one[1]["consumer_tag"], one[-1]] for one in channel.take(6))


def what_a_consumer_holds_is_bounded(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "abcde")
    yield channel("basic.qos", prefetch_count=2)
    channel.consume(name)
    yield [one[-1] for one in channel.rest()]
    channel.ack(1)
    yield [one[-1] for one in channel.rest()]
    channel.ack(3, multiple=True)
    yield [one[-1] for one in channel.rest()]


def each_consumer_is_bounded_alone(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel("basic.qos", prefetch_count=1)
    channel.consume(name, "one")
    channel("basic.qos", prefetch_count=2)
    channel.consume(name, "two")
    ask.fill(name, "abcdef")
    yield sorted(one[1]["consumer_tag"] for one in channel.rest())


def a_channel_s_consumers_are_bounded_together(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel("basic.qos", prefetch_count=3, global_=True)
    for tag in "xy":
        channel.consume(name, tag)
    ask.fill(name, "abcdef")
    yield sorted(one[-1] for one in channel.rest())
    channel.ack(0, multiple=True)
    yield sorted(one[-1] for one in channel.rest())


def both_bounds_hold(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel("basic.qos", prefetch_count=2)
    channel("basic.qos", prefetch_count=3, global_=True)
    for tag in "xy":
        channel.consume(name, tag)
    ask.fill(name, "abcdef")
    held = channel.rest()
    yield sorted(one[-1] for one in held)
    yield max(sum(one[1]["consumer_tag"] == tag for one in held) for tag in "xy") <= 2


def the_bound_is_lifted(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "abcdef")
    channel("basic.qos", prefetch_count=1, global_=True)
    channel.consume(name)
    yield channel.bodies(1)
    yield channel("basic.qos", prefetch_count=4, global_=True)
    yield [one[-1] for one in channel.rest()]
    yield channel("basic.qos", prefetch_count=0, global_=True)
    yield [one[-1] for one in channel.rest()]


def no_bound_in_bytes_is_offered(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.channel()("basic.qos", prefetch_size=1000)


def what_basic_get_holds_counts_for_no_bound(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel("basic.qos", prefetch_count=1)
    ask.fill(name, "abc")
    yield channel.get(name, no_ack=False)[-1]
    yield channel.get(name, no_ack=False)[-1]
    channel.consume(name)
    yield channel.bodies(1)


def an_exclusive_consumer_is_alone(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    one = ask.channel(wire)
    one.declare(name, exclusive=True)
    yield one.consume(name, exclusive=True)
    yield ask.channel(wire).consume(name)
    one("basic.cancel", consumer_tag="c")
    one.consume(name)
    yield ask.channel(wire).consume(name, exclusive=True)


def a_consumer_is_told_that_its_queue_is_gone(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    one, other = ask.channel(wire), ask.channel(wire)
    one.declare(name, exclusive=True)
    one.consume(name)
    other("queue.delete", queue=name)
    yield one.next()
    yield one("basic.cancel", consumer_tag="c")


def who_deletes_its_own_queue_hears_of_that_first(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True)
    channel.consume(name)
    channel.tell("queue.delete", queue=name)
    yield channel.take(2)


def a_consumer_that_cannot_hear_it_is_not_told(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect(capabilities={})
    one, other = ask.channel(wire), ask.channel(wire)
    one.declare(name, exclusive=True)
    one.consume(name)
    other("queue.delete", queue=name)
    yield one.rest()


def consumers_of_higher_priority_come_first(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel("basic.qos", prefetch_count=2)
    channel.consume(name, "low", arguments={"x-priority": -1})
    channel.consume(name, "plain")
    channel.consume(name, "high", arguments={"x-priority": 10})
    ask.fill(name, "abcde")
    yield [[one[1]["consumer_tag"], one[-1]] for one in channel.rest()]


def a_priority_that_is_no_number(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel.consume(name, arguments={"x-priority": "high"})


def a_single_active_consumer_gets_everything(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    one, other = ask.channel(wire), ask.channel(wire)
    one.declare(name, exclusive=True, x_single_active_consumer=True)
    one.consume(name, "one")
    other.consume(name, "other")
    ask.fill(name, "ab")
    yield one.take(2)
    yield other.rest()
    one.ack(1)
    yield one("basic.cancel", consumer_tag="one")
    ask.fill(name, "c")
    yield other.rest()
    one.nack(2)
    yield other.rest()


def a_single_active_consumer_is_not_exclusive(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_single_active_consumer=True)
    yield channel.consume(name, exclusive=True)


def the_next_one_is_active_when_the_first_one_dies(ask: Asking, name: str) -> Iterator[Any]:
    one, other = ask.channel(), ask.channel()
    other.declare(name, x_single_active_consumer=True)
    one.consume(name, "one")
    other.consume(name, "other")
    ask.fill(name, "ab")
    yield [len(one.take(2)), other.rest()]
    one.wire.close()
    yield other.take(2)
    ask.remove(name)


def a_consumer_that_waits_for_no_answer(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "a")
    channel.tell("basic.consume", queue=name, consumer_tag="quiet", nowait=True)
    yield channel.next()
    channel.tell("basic.cancel", consumer_tag="quiet", nowait=True)
    yield channel.declare(name, passive=True)


def consumers_count_in_a_queue_s_declaration(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "ab")
    channel("basic.qos", prefetch_count=1)
    channel.consume(name)
    channel.next()
    time.sleep(0.1)
    yield channel.declare(name, passive=True)


def no_local_is_no_help(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel.consume(name, no_local=True, no_ack=True)
    channel.publish("", name, "my own")
    yield channel.next()


def many_consumers(channel: Channel, name: str) -> None:
    for number in range(3):
        channel.consume(name, f"{number}")


def a_queue_s_end_is_told_to_each_of_its_consumers(ask: Asking, name: str) -> Iterator[Any]:
    one, other = ask.channel(), ask.channel()
    other.declare(name)
    many_consumers(one, name)
    other("queue.delete", queue=name)
    yield sorted(said[1]["consumer_tag"] for said in one.take(3))


CONSUMING = (
    a_consumer_gets_messages_until_it_cancels, a_consumer_s_tag_is_made_up, a_tag_is_used_twice, a_tag_that_nobody_has_is_cancelled,
    without_acknowledgement_messages_are_gone, a_consumer_that_goes_gives_its_messages_back, a_killed_connection_gives_its_messages_back,
    consumers_take_turns, what_a_consumer_holds_is_bounded, each_consumer_is_bounded_alone, a_channel_s_consumers_are_bounded_together,
    both_bounds_hold, the_bound_is_lifted, no_bound_in_bytes_is_offered, what_basic_get_holds_counts_for_no_bound, an_exclusive_consumer_is_alone,
    a_consumer_is_told_that_its_queue_is_gone,
    who_deletes_its_own_queue_hears_of_that_first, a_consumer_that_cannot_hear_it_is_not_told, consumers_of_higher_priority_come_first,
    a_priority_that_is_no_number, a_single_active_consumer_gets_everything, a_single_active_consumer_is_not_exclusive,
    the_next_one_is_active_when_the_first_one_dies, a_consumer_that_waits_for_no_answer, consumers_count_in_a_queue_s_declaration,
    no_local_is_no_help, a_queue_s_end_is_told_to_each_of_its_consumers,
)  # fmt: skip
