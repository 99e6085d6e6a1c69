"""Exchanges: what can be declared, agreed to, bound and deleted."""

from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking


def an_exchange_is_declared_deleted_and_gone(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name)
    yield channel.exchange(name)
    yield channel("exchange.delete", exchange=name)
    yield channel.exchange(name, passive=True)


def each_type_and_no_other(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for kind in ("fanout", "topic", "headers"):
        yield channel.exchange(f"{name}-{kind}", kind, auto_delete=True)
    yield channel.exchange(name, "carousel")


def an_exchange_of_another_type_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name, "topic")
    yield channel.exchange(name, "fanout")


def an_exchange_that_lasts_otherwise_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name, durable=True)
    yield channel.exchange(name)
    channel("channel.open")
    yield channel("exchange.delete", exchange=name)


def an_exchange_that_goes_by_itself_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name)
    yield channel.exchange(name, auto_delete=True)


def an_internal_exchange_is_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name)
    yield channel.exchange(name, internal=True)


def other_arguments_are_not_agreed_to(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name, arguments={"alternate-exchange": "one"})
    yield channel.exchange(name, arguments={"alternate-exchange": "other"})


def nobody_publishes_to_an_internal_exchange(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name, internal=True)
    channel.publish(name, "k")
    yield channel.next()


def the_default_exchange_is_left_alone(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire).exchange("")
    yield ask.channel(wire)("exchange.delete", exchange="")
    channel = ask.channel(wire)
    channel.declare(name, exclusive=True)
    yield channel.bind(name, "", "key")


def the_default_exchange_is_not_unbound_from(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel("queue.unbind", queue=name, exchange="", routing_key=name)


def names_that_begin_with_amq_are_the_server_s(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire).exchange("amq.mine")
    yield ask.channel(wire).declare("amq.mine")
    yield ask.channel(wire).exchange("amq.direct", durable=True)
    yield ask.channel(wire)("exchange.delete", exchange="amq.fanout")


def the_server_s_own_exchanges_are_there(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for one, kind in (
        ("direct", "direct"),
        ("fanout", "fanout"),
        ("topic", "topic"),
        ("headers", "headers"),
        ("match", "headers"),
    ):
        yield channel.exchange(f"amq.{one}", kind, durable=True)
    yield channel.exchange("amq.rabbitmq.trace", "topic", durable=True, internal=True)


def an_exchange_in_use_is_not_deleted_if_unused(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name)
    channel.declare(name, exclusive=True)
    yield channel.bind(name, name)
    yield channel("exchange.delete", exchange=name, if_unused=True)


def an_exchange_nobody_made_is_deleted_all_the_same(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.channel()("exchange.delete", exchange=f"no-{name}")


def an_exchange_goes_with_its_last_binding(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name, auto_delete=True)
    channel.declare(name, exclusive=True)
    channel.bind(name, name, "a")
    channel.bind(name, name, "b")
    yield channel("queue.unbind", queue=name, exchange=name, routing_key="a")
    yield channel.exchange(name, passive=True)
    yield channel("queue.unbind", queue=name, exchange=name, routing_key="b")
    yield channel.exchange(name, passive=True)


def a_binding_to_what_is_not_there(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    channel = ask.channel(wire)
    channel.declare(name, exclusive=True)
    yield channel.bind(name, f"no-{name}")
    yield ask.channel(wire).bind(f"no-{name}", "amq.direct")


def a_binding_that_is_not_there_is_undone_all_the_same(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    yield channel("queue.unbind", queue=name, exchange="amq.direct", routing_key="never")
    yield channel("queue.unbind", queue=f"no-{name}", exchange="amq.direct", routing_key="never")


def exchanges_are_bound_to_exchanges(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(f"{name}-in", "topic")
    channel.exchange(f"{name}-out", "fanout")
    channel.declare(name, exclusive=True)
    channel.bind(name, f"{name}-out")
    yield channel("exchange.bind", destination=f"{name}-out", source=f"{name}-in", routing_key="a.#")
    channel.publish(f"{name}-in", "a.b", "through both")
    channel.publish(f"{name}-in", "b.a", "not at all")
    yield channel.get(name)
    yield channel("exchange.unbind", destination=f"{name}-out", source=f"{name}-in", routing_key="a.#")
    channel.publish(f"{name}-in", "a.b", "no longer")
    yield channel.get(name)


def exchanges_bound_in_a_ring_give_a_message_once(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for end in "ab":
        channel.exchange(f"{name}-{end}", "fanout")
    channel.declare(name, exclusive=True)
    for one, other in ("ab", "ba"):
        yield channel("exchange.bind", destination=f"{name}-{one}", source=f"{name}-{other}")
        channel.bind(name, f"{name}-{one}")
    channel.publish(f"{name}-a", "", "once")
    yield channel.drain(name)


def an_exchange_that_is_not_there_is_not_bound(ask: Asking, name: str) -> Iterator[Any]:
    wire = ask.connect()
    yield ask.channel(wire)("exchange.bind", destination=f"no-{name}", source="amq.fanout")
    yield ask.channel(wire)("exchange.bind", destination="amq.fanout", source=f"no-{name}")
    yield ask.channel(wire)("exchange.bind", destination="amq.fanout", source="")


def what_no_queue_wants_goes_to_the_alternate_exchange(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(f"{name}-rest", "fanout")
    yield channel.exchange(name, arguments={"alternate-exchange": f"{name}-rest"})
    channel.declare(name, exclusive=True)
    channel.declare(f"{name}-rest", exclusive=True)
    channel.bind(name, name, "known")
    channel.bind(f"{name}-rest", f"{name}-rest")
    channel.publish(name, "known", "wanted")
    channel.publish(name, "unknown", "unwanted", mandatory=True)
    yield channel.get(f"{name}-rest")
    yield [channel.drain(name), channel.rest()]


def an_alternate_exchange_that_is_not_there(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.exchange(name, arguments={"alternate-exchange": f"no-{name}"})
    channel.publish(name, "unknown", "unwanted", mandatory=True)
    yield channel.next()


def a_publish_to_no_exchange_ends_the_channel(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.publish(f"no-{name}", "k")
    yield channel.next()


def a_declaration_that_waits_for_no_answer(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.tell("exchange.declare", exchange=name, exchange_type="fanout", nowait=True)
    channel.tell("queue.declare", queue=name, exclusive=True, nowait=True)
    channel.tell("queue.bind", queue=name, exchange=name, nowait=True)
    yield channel("basic.qos", prefetch_count=1)
    channel.publish(name, "", "got")
    yield channel.drain(name)
    channel.tell("queue.delete", queue=name, nowait=True)
    channel.tell("exchange.delete", exchange=name, nowait=True)
    yield channel("queue.declare", queue=name, passive=True)


EXCHANGES = (
    an_exchange_is_declared_deleted_and_gone, each_type_and_no_other, an_exchange_of_another_type_is_not_agreed_to,
    an_exchange_that_lasts_otherwise_is_not_agreed_to, an_exchange_that_goes_by_itself_is_not_agreed_to,
    an_internal_exchange_is_not_agreed_to, other_arguments_are_not_agreed_to, nobody_publishes_to_an_internal_exchange,
    the_default_exchange_is_left_alone, the_default_exchange_is_not_unbound_from, names_that_begin_with_amq_are_the_server_s,
    the_server_s_own_exchanges_are_there, an_exchange_in_use_is_not_deleted_if_unused, an_exchange_nobody_made_is_deleted_all_the_same,
    an_exchange_goes_with_its_last_binding, a_binding_to_what_is_not_there, a_binding_that_is_not_there_is_undone_all_the_same,
    exchanges_are_bound_to_exchanges, exchanges_bound_in_a_ring_give_a_message_once, an_exchange_that_is_not_there_is_not_bound,
    what_no_queue_wants_goes_to_the_alternate_exchange, an_alternate_exchange_that_is_not_there, a_publish_to_no_exchange_ends_the_channel,
    a_declaration_that_waits_for_no_answer,
)  # fmt: skip
