"""Publishing: mandatory and immediate, confirms, properties kept as they are, transactions."""

from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking, content, cut, encode


def what_no_queue_wants_is_returned(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.publish("", f"no-{name}", "unwanted", mandatory=True, content_type="text/plain", headers={"a": 1})
    yield channel.next()
    channel.publish("", f"no-{name}", "unwanted, and nobody minds")
    yield channel.rest()


def what_a_full_exchange_does_not_route_is_returned(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for kind in ("fanout", "topic", "headers", "direct"):
        channel.exchange(f"{name}-{kind}", kind, auto_delete=True)
        channel.publish(f"{name}-{kind}", "k", kind, mandatory=True)
        yield channel.next()[1]


def immediate_is_not_offered(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    values = {"routing_key": name, "immediate": True}
    channel.wire.listener.sent(channel.wire, channel.number, "basic.publish", {"exchange": "", **values})
    channel.wire.send(encode(channel.number, "basic.publish", values) + content(channel.number, b"now!", {}))
    yield channel.next()


def every_property_is_kept(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel.publish(
        "", name, "m", content_type="text/plain", content_encoding="utf-8", delivery_mode=2, priority=3, correlation_id="c-1",
        reply_to="there", expiration="60000", message_id="m-1", timestamp=1_700_000_000,
        type="kind", user_id="guest", app_id="tests", cluster_id="cluster",
        headers={"text": "t", "number": 5, "big": 1 << 40, "yes": True, "none": None, "list": [1, "a", {"b": False}], "table": {"x": {}}, "real": 1.5},
    )  # fmt: skip
    yield channel.get(name)


def fields_of_every_type_are_kept(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    table = (
        b"\x01ab\xfe\x01bB\xfe\x01cs\xff\xfe\x01du\xff\xfe\x01eI\xff\xff\xff\xfe\x01fi\xff\xff\xff\xfe\x01gl" + b"\xff" * 8 + b"\x01hL" + b"\0" * 7 + b"\x09"
        b"\x01if\x3f\xc0\0\0\x01jd\x3f\xf8\0\0\0\0\0\0\x01kD\x02\0\0\x01\0\x01lS\0\0\0\x02hi\x01mx\0\0\0\x03\0\xff\0\x01nT" + b"\0" * 8
        + b"\x01oF\0\0\0\x04\x01at\x01\x01pA\0\0\0\x02t\0\x01qV"
    )  # fmt: skip
    flags_and_headers = b"\x20\x00" + len(table).to_bytes(4, "big") + table
    header = b"\0\x3c\0\0" + (1).to_bytes(8, "big") + flags_and_headers
    channel.wire.send(
        encode(channel.number, "basic.publish", {"routing_key": name})
        + cut(2, channel.number, header)
        + cut(3, channel.number, b"m")
    )
    yield channel.get(name)


def an_empty_body_is_a_message(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel.publish("", name, "")
    yield channel.get(name)


def the_user_is_who_it_says(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.publish("", name, "m", user_id="somebody else")
    yield channel.next()


def an_expiration_that_is_no_number(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    for expiration in ("soon", "-1", "1.5", ""):
        channel = ask.channel(wire)
        channel.publish("", name, "m", expiration=expiration)
        yield [expiration, channel.next(0.5)]


def messages_are_confirmed(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel("confirm.select")
    for number in range(20):
        channel.publish("", name, str(number), delivery_mode=2)
    yield channel.confirmed(20)
    yield channel("confirm.select")
    channel.publish("", name, "counted on")
    yield channel.verdict()


def durable_messages_are_confirmed(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, durable=True)
    channel("confirm.select")
    for number in range(20):
        channel.publish("", name, str(number), delivery_mode=2 - number % 2)
    yield channel.confirmed(20)
    yield channel("queue.delete", queue=name)


def what_no_queue_wants_is_confirmed(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel("confirm.select")
    channel.publish("", f"no-{name}", "a")
    yield channel.verdict()
    channel.publish("", f"no-{name}", "b", mandatory=True)
    yield [channel.next(), channel.verdict()]


def confirms_begin_where_they_were_asked_for(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel.publish("", name, "before")
    channel("confirm.select")
    channel.publish("", name, "first")
    yield channel.verdict()


def confirms_and_transactions_exclude_each_other(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    one, other = ask.channel(wire), ask.channel(wire)
    yield one("confirm.select")
    yield one("tx.select")
    yield other("tx.select")
    yield other("confirm.select")


def nothing_is_committed_without_a_transaction(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire)("tx.commit")
    yield ask.channel(wire)("tx.rollback")


def what_is_published_waits_for_its_commit(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel("tx.select")
    yield channel("tx.select")
    channel.publish("", name, "a")
    channel.publish("", f"no-{name}", "b", mandatory=True)
    yield channel.get(name)
    yield channel.rest(0.1)
    yield channel("tx.commit")
    yield channel.rest(0.1)
    yield channel.get(name)


def what_is_rolled_back_was_never_published(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel("tx.select")
    channel.publish("", name, "never")
    yield channel("tx.rollback")
    yield channel("tx.commit")
    yield channel.get(name)


def acknowledgements_wait_for_their_commit(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    channel, other = ask.channel(wire), ask.channel(wire)
    channel.declare(name, exclusive=True)
    for body in "abcd":
        channel.publish("", name, body)
    channel("tx.select")
    got = [channel.get(name, no_ack=False)[1]["delivery_tag"] for _ in range(3)]
    channel.ack(got[0])
    yield channel("tx.rollback")
    channel.ack(got[0])
    channel.nack(got[1])
    yield other.drain(name)
    yield channel("tx.commit")
    yield other.drain(name)
    yield channel("channel.close", reply_code=200, class_id=0, method_id=0)
    yield other.drain(name)


def a_tag_that_is_unknown_ends_a_transaction_s_channel(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel("tx.select")
    channel.ack(7)
    yield channel("tx.commit")


def an_exchange_that_is_not_there_in_a_transaction(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel("tx.select")
    channel.publish(f"no-{name}", "k")
    yield channel("tx.commit")


PUBLISHING = (
    what_no_queue_wants_is_returned, what_a_full_exchange_does_not_route_is_returned, immediate_is_not_offered, every_property_is_kept,
    fields_of_every_type_are_kept, an_empty_body_is_a_message, the_user_is_who_it_says, an_expiration_that_is_no_number, messages_are_confirmed,
    durable_messages_are_confirmed, what_no_queue_wants_is_confirmed, confirms_begin_where_they_were_asked_for,
    confirms_and_transactions_exclude_each_other, nothing_is_committed_without_a_transaction, what_is_published_waits_for_its_commit,
    what_is_rolled_back_was_never_published, acknowledgements_wait_for_their_commit, a_tag_that_is_unknown_ends_a_transaction_s_channel,
    an_exchange_that_is_not_there_in_a_transaction,
)  # fmt: skip
