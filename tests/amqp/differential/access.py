"""What a user may not do: `limited` may do everything with what begins with `mine`, publish to the default exchange, no more."""

from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking, Channel


def admin(ask: Asking) -> Channel:
    return ask.channel(ask.connect(user="admin", password="secret"))


def limited(ask: Asking) -> Channel:
    """A channel of its own connection: a refusal ends the channel."""
    return ask.channel(ask.connect(user="limited", password="secret"))


def somebody_s_own_queues_and_exchanges_are_free(ask: Asking, name: str) -> Iterator[Any]:
    channel, own = limited(ask), f"mine-{name}"
    yield channel.declare(own, exclusive=True)
    yield channel.exchange(own, "fanout")
    yield channel.bind(own, own)
    channel.publish(own, "", "by the exchange")
    channel.publish("", own, "by the default exchange")
    yield channel.drain(own)
    yield channel("queue.unbind", queue=own, exchange=own)
    yield channel("queue.purge", queue=own)
    yield channel("exchange.delete", exchange=own)
    yield channel("queue.delete", queue=own)


def a_stranger_enters_no_virtual_host(ask: Asking, name: str) -> Iterator[Any]:
    yield ask.handshake(ask.wire(), user="stranger", password="secret")[1:]


def somebody_else_s_queue_is_not_declared(ask: Asking, name: str) -> Iterator[Any]:
    admin(ask).declare(name)
    yield limited(ask).declare(name)
    yield limited(ask).declare(f"other-{name}")
    yield limited(ask).declare("")[1]


def somebody_else_s_queue_is_looked_at(ask: Asking, name: str) -> Iterator[Any]:
    admin(ask).declare(name)
    yield limited(ask).declare(name, passive=True)


def somebody_else_s_exchange_is_not_declared(ask: Asking, name: str) -> Iterator[Any]:
    admin(ask).exchange(name)
    yield limited(ask).exchange(name)
    yield limited(ask)("exchange.delete", exchange=name)


def somebody_else_s_exchange_is_looked_at(ask: Asking, name: str) -> Iterator[Any]:
    admin(ask).exchange(name)
    yield limited(ask).exchange(name, passive=True)


def somebody_else_s_queue_is_not_read(ask: Asking, name: str) -> Iterator[Any]:
    admin(ask).declare(name)
    yield limited(ask).consume(name)
    yield limited(ask).get(name)
    yield limited(ask)("queue.purge", queue=name)
    yield limited(ask)("queue.delete", queue=name)


def nothing_is_published_to_somebody_else_s_exchange(ask: Asking, name: str) -> Iterator[Any]:
    admin(ask).exchange(name)
    channel = limited(ask)
    channel.publish(name, "key")
    yield channel.next()


def a_binding_needs_both_ends(ask: Asking, name: str) -> Iterator[Any]:
    boss, own = admin(ask), f"mine-{name}"
    boss.exchange(name)
    boss.exchange(own)
    boss.declare(name)
    boss.declare(own)
    yield limited(ask).bind(own, name, "k")
    yield limited(ask).bind(name, own, "k")
    yield limited(ask)("queue.unbind", queue=own, exchange=name, routing_key="k")
    yield limited(ask)("exchange.bind", destination=own, source=name)
    yield limited(ask)("exchange.bind", destination=name, source=own)


def dead_letters_go_where_their_owner_may_write(ask: Asking, name: str) -> Iterator[Any]:
    own = f"mine-{name}"
    yield limited(ask).declare(own, exclusive=True, x_dead_letter_exchange=f"other-{name}")
    yield limited(ask).declare(own, exclusive=True, x_dead_letter_exchange=f"mine-dead-{name}")


def what_is_unrouted_goes_where_its_owner_may_write(ask: Asking, name: str) -> Iterator[Any]:
    own = f"mine-{name}"
    yield limited(ask).exchange(own, arguments={"alternate-exchange": f"other-{name}"})
    yield limited(ask).exchange(own, arguments={"alternate-exchange": f"mine-rest-{name}"})


def what_the_server_has_is_nobody_s(ask: Asking, name: str) -> Iterator[Any]:
    own = f"mine-{name}"
    channel = limited(ask)
    channel.declare(own, exclusive=True)
    yield channel.bind(own, "amq.topic", "#")
    other = limited(ask)
    other.publish("amq.topic", "key")
    yield other.next()


ACCESS = (
    somebody_s_own_queues_and_exchanges_are_free, a_stranger_enters_no_virtual_host, somebody_else_s_queue_is_not_declared,
    somebody_else_s_queue_is_looked_at, somebody_else_s_exchange_is_not_declared, somebody_else_s_exchange_is_looked_at,
    somebody_else_s_queue_is_not_read, nothing_is_published_to_somebody_else_s_exchange, a_binding_needs_both_ends,
    dead_letters_go_where_their_owner_may_write, what_is_unrouted_goes_where_its_owner_may_write, what_the_server_has_is_nobody_s,
)  # fmt: skip
