"""Replies without a queue: amq.rabbitmq.reply-to."""

from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking

REPLY_TO = "amq.rabbitmq.reply-to"


def a_reply_comes_without_a_queue(ask: Asking, name: str) -> Iterator[Any]:
    client, server = ask.channel(), ask.channel()
    server.declare(name, exclusive=True)
    yield client.consume(REPLY_TO, no_ack=True)
    client.publish("", name, "ask", reply_to=REPLY_TO, correlation_id="1")
    server.consume(name, no_ack=True)
    asked = server.next()
    yield asked
    yield server.declare(to(server), passive=True)
    server.publish("", to(server), "answer", correlation_id="1", mandatory=True)
    yield client.next()
    yield server.rest(0.1)


def to(channel: Any) -> str:
    """Where the reply goes: the name as the server made it up, which the kept answers do not have."""
    return str(channel.wire.listener.reply_to)


def a_reply_to_one_who_has_gone(ask: Asking, name: str) -> Iterator[Any]:
    client, server = ask.channel(), ask.channel()
    server.declare(name, exclusive=True)
    client.consume(REPLY_TO, no_ack=True)
    client.publish("", name, "ask", reply_to=REPLY_TO)
    server.consume(name, no_ack=True)
    server.next()
    client("channel.close", reply_code=200, class_id=0, method_id=0)
    server.publish("", to(server), "answer", mandatory=True)
    yield server.next()[1]["reply_text"]
    yield server.declare(to(server), passive=True)


def replies_are_asked_for_before_they_are_consumed(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.publish("", name, "ask", reply_to=REPLY_TO)
    yield channel.next()


def replies_are_not_acknowledged(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.channel().consume(REPLY_TO, no_ack=False)


def replies_are_consumed_once(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.consume(REPLY_TO, "one", no_ack=True)
    yield channel.consume(REPLY_TO, "two", no_ack=True)


def replies_are_cancelled_and_consumed_again(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.consume(REPLY_TO, "one", no_ack=True)
    yield channel("basic.cancel", consumer_tag="one")
    yield channel.consume(REPLY_TO, "two", no_ack=True)


def there_is_always_a_queue_of_this_name(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(REPLY_TO)
    yield channel.declare(REPLY_TO, passive=True)


REPLYING = (
    a_reply_comes_without_a_queue, a_reply_to_one_who_has_gone, replies_are_asked_for_before_they_are_consumed, replies_are_not_acknowledged,
    replies_are_consumed_once, replies_are_cancelled_and_consumed_again, there_is_always_a_queue_of_this_name,
)  # fmt: skip
