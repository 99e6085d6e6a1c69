"""Queues: what can be declared, agreed to, locked, purged and deleted, and when they go by themselves."""

import time
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking


def a_queue_is_declared_purged_and_deleted(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, durable=True)
    ask.fill(name, "abc")
    yield channel.declare(name, durable=True)
    yield channel.declare(name, passive=True)
    yield channel("queue.purge", queue=name)
    ask.fill(name, "d")
    yield channel("queue.delete", queue=name)
    yield channel("queue.delete", queue=name)


def a_name_is_made_up(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(exclusive=True)
    yield channel.bind("", "amq.direct", f"key-{name}")
    channel.publish("amq.direct", f"key-{name}", "here")
    yield channel.get("")
    yield channel.bind("", "amq.direct", "")
    yield channel("queue.purge", queue="")


def no_queue_was_declared_last(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire).bind("", "amq.direct", "key")
    yield ask.channel(wire).get("")
    yield ask.channel(wire)("basic.consume", queue="")
    yield ask.channel(wire)("queue.purge", queue="")


def a_queue_that_is_not_there(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire).declare(name, passive=True)
    yield ask.channel(wire)("queue.purge", queue=name)
    yield ask.channel(wire).get(name)
    yield ask.channel(wire).consume(name)


def a_queue_that_lasts_otherwise_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True)
    yield channel.declare(name)
    channel("channel.open")
    yield channel("queue.delete", queue=name)


def a_queue_that_goes_by_itself_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel.declare(name, exclusive=True, auto_delete=True)


def a_shared_queue_is_not_made_exclusive(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name)
    yield channel.declare(name, exclusive=True)
    channel("channel.open")
    channel("queue.delete", queue=name)


def each_argument_is_agreed_to_or_not(ask: Asking, name: str) -> Iterator[Any]:
    given = {
        "x-message-ttl": (1000, 2000), "x-expires": (60_000, 70_000), "x-max-length": (5, 6), "x-max-length-bytes": (500, 600),
        "x-overflow": ("drop-head", "reject-publish"), "x-dead-letter-exchange": ("amq.direct", "amq.fanout"),
        "x-max-priority": (5, 6), "x-single-active-consumer": (True, False), "x-queue-mode": ("lazy", "default"),
    }  # fmt: skip
    channel = ask.channel()
    for key, (one, other) in given.items():
        yield channel.declare(f"{name}-{key}", exclusive=True, arguments={key: one})[0]
        yield channel.declare(f"{name}-{key}", exclusive=True, arguments={key: other})
        channel("channel.open")
        yield channel.declare(f"{name}-{key}", exclusive=True)
        channel("channel.open")


def a_routing_key_of_dead_letters_is_agreed_to_or_not(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    where = {"x_dead_letter_exchange": "amq.direct", "exclusive": True}
    yield channel.declare(name, **where, x_dead_letter_routing_key="a")
    yield channel.declare(name, **where, x_dead_letter_routing_key="b")
    channel("channel.open")
    yield channel.declare(f"{name}-alone", x_dead_letter_routing_key="b")


def numbers_of_other_sizes_are_the_same_number(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, exclusive=True, x_max_length=100, x_message_ttl=100_000)
    yield channel.declare(name, exclusive=True, x_max_length=100, x_message_ttl=100_000)
    yield channel.declare(name, exclusive=True, x_max_length=100.0, x_message_ttl=100_000)


def arguments_that_nobody_knows_are_taken(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, exclusive=True, arguments={"x-my-own": 1, "colour": "blue"})
    yield channel.declare(name, exclusive=True, arguments={"x-my-own": 2})


WRONG: tuple[tuple[str, Any], ...] = (
    ("x-message-ttl", -1), ("x-message-ttl", "soon"), ("x-expires", 0), ("x-expires", "late"), ("x-max-length", -1), ("x-max-length", "many"),
    ("x-max-length-bytes", -5), ("x-overflow", "explode"), ("x-overflow", 5), ("x-max-priority", 256), ("x-max-priority", "high"),
    ("x-max-priority", -1), ("x-dead-letter-exchange", 5), ("x-single-active-consumer", "yes"), ("x-queue-mode", "busy"),
    ("x-queue-type", "cubic"), ("x-queue-type", 5), ("x-message-ttl", 2**40), ("x-delivery-limit", -1),
)  # fmt: skip


def arguments_that_make_no_sense_are_refused(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for key, value in WRONG:
        yield [key, value, channel.declare(f"{name}-{key}", exclusive=True, arguments={key: value})]
        channel("channel.open")


def an_exclusive_queue_is_locked_to_others(ask: Asking, name: str) -> Iterator[Any]:
    owner, wire = ask.channel(), ask.connect()
    yield owner.declare(name, exclusive=True)
    yield ask.channel(wire).declare(name, exclusive=True)
    yield ask.channel(wire).declare(name, passive=True)
    yield ask.channel(wire).consume(name)
    yield ask.channel(wire).get(name)
    yield ask.channel(wire).bind(name, "amq.direct")
    yield ask.channel(wire)("queue.purge", queue=name)
    yield ask.channel(wire)("queue.delete", queue=name)
    yield owner.declare(name, passive=True)


def an_exclusive_queue_goes_with_its_connection(ask: Asking, name: str) -> Iterator[Any]:
    owner = ask.channel()
    owner.declare(name, exclusive=True, durable=True)
    owner("channel.close", reply_code=200, class_id=0, method_id=0)
    yield ask.channel(owner.wire).declare(name, passive=True)
    owner.wire.call(0, "connection.close", reply_code=200, class_id=0, method_id=0)
    owner.wire.close()
    time.sleep(0.3)
    yield ask.channel().declare(name, passive=True)


def a_queue_goes_with_its_last_consumer(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, auto_delete=True)
    for tag in "ab":
        channel.consume(name, tag)
    channel("basic.cancel", consumer_tag="a")
    yield channel.declare(name, passive=True)
    yield channel("basic.cancel", consumer_tag="b")
    time.sleep(0.1)
    yield channel.declare(name, passive=True)


def a_queue_that_nobody_consumed_stays(ask: Asking, name: str) -> Iterator[Any]:
    one = ask.channel()
    one.declare(name, auto_delete=True)
    one.publish("", name, "m")
    yield one.get(name)
    one.wire.call(0, "connection.close", reply_code=200, class_id=0, method_id=0)
    one.wire.close()
    time.sleep(0.2)
    other = ask.channel()
    yield other.declare(name, passive=True)
    yield other("queue.delete", queue=name)


def a_queue_expires_that_is_not_used(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, x_expires=400)
    time.sleep(0.2)
    yield channel.declare(name, x_expires=400)
    time.sleep(0.3)
    yield channel.declare(name, passive=True)
    time.sleep(0.8)
    yield channel.declare(name, passive=True)


def a_consumer_keeps_a_queue_from_expiring(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, x_expires=200)
    channel.consume(name)
    time.sleep(0.5)
    yield channel.declare(name, passive=True)
    channel("basic.cancel", consumer_tag="c")
    time.sleep(0.6)
    yield channel.declare(name, passive=True)


def a_queue_in_use_is_not_deleted_if_unused(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    channel = ask.channel(wire)
    channel.declare(name, exclusive=True)
    channel.consume(name)
    yield ask.channel(wire)("queue.delete", queue=name, if_unused=True)
    channel("basic.cancel", consumer_tag="c")
    yield channel("queue.delete", queue=name, if_unused=True)


def a_queue_with_messages_is_not_deleted_if_empty(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    channel = ask.channel(wire)
    channel.declare(name, exclusive=True)
    ask.fill(name, "ab")
    channel.get(name, no_ack=False)
    yield ask.channel(wire)("queue.delete", queue=name, if_empty=True)
    yield channel.get(name)[0]
    yield channel("queue.delete", queue=name, if_empty=True)


def unacknowledged_messages_are_not_purged(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    ask.fill(name, "abc")
    held = channel.get(name, no_ack=False)
    yield channel("queue.purge", queue=name)
    channel.nack(held[1]["delivery_tag"])
    yield channel.get(name)


def messages_of_a_queue_that_is_declared_anew_are_gone(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel.bind(name, "amq.direct", name)
    ask.fill(name, "a")
    yield channel("queue.delete", queue=name)
    yield channel.declare(name, exclusive=True)
    channel.publish("amq.direct", name, "bound no more", mandatory=True)
    yield channel.next()


QUEUES = (
    a_queue_is_declared_purged_and_deleted, a_name_is_made_up, no_queue_was_declared_last, a_queue_that_is_not_there,
    a_queue_that_lasts_otherwise_is_not_agreed_to, a_queue_that_goes_by_itself_is_not_agreed_to, a_shared_queue_is_not_made_exclusive,
    each_argument_is_agreed_to_or_not, a_routing_key_of_dead_letters_is_agreed_to_or_not, numbers_of_other_sizes_are_the_same_number,
    arguments_that_nobody_knows_are_taken, arguments_that_make_no_sense_are_refused, an_exclusive_queue_is_locked_to_others,
    an_exclusive_queue_goes_with_its_connection, a_queue_goes_with_its_last_consumer, a_queue_that_nobody_consumed_stays,
    a_queue_expires_that_is_not_used, a_consumer_keeps_a_queue_from_expiring, a_queue_in_use_is_not_deleted_if_unused,
    a_queue_with_messages_is_not_deleted_if_empty, unacknowledged_messages_are_not_purged, messages_of_a_queue_that_is_declared_anew_are_gone,
)  # fmt: skip
