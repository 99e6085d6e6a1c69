"""Dead letters: why, whence, how often, and where they go."""

import time
from collections.abc import Iterator
from typing import Any

from tests.amqp.differential.asking import Asking, Channel


def hospital(channel: Channel, name: str, **arguments: Any) -> None:
    """A queue, and one for its dead letters."""
    channel.declare(f"{name}-dead", exclusive=True)
    where = {"x_dead_letter_exchange": "", "x_dead_letter_routing_key": f"{name}-dead"}
    channel.declare(name, exclusive=True, **(where | arguments))


def what_is_rejected_is_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "a", content_type="text/plain", headers={"mine": "kept"}, delivery_mode=2, priority=3)
    channel.get(name, no_ack=False)
    channel.reject(1)
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")


def what_is_refused_is_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "abc")
    channel.consume(name)
    channel.take(3)
    channel.nack(2, multiple=True, requeue=False)
    time.sleep(0.1)
    yield channel.drain(f"{name}-dead")
    channel.nack(3, requeue=True)
    yield channel.next()


def what_expires_is_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name, x_message_ttl=100)
    ask.fill(name, "a")
    time.sleep(0.5)
    yield channel.get(f"{name}-dead")


def its_expiration_is_taken_off_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "a", expiration="100")
    time.sleep(0.5)
    yield channel.get(f"{name}-dead")


def what_has_no_room_is_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name, x_max_length=1)
    ask.fill(name, "abc")
    time.sleep(0.1)
    yield [channel.get(f"{name}-dead"), channel.get(f"{name}-dead")[-1]]


def a_dead_letter_keeps_its_key(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(f"{name}-in", "topic", auto_delete=True)
    channel.exchange(f"{name}-dead", "topic", auto_delete=True)
    channel.declare(name, exclusive=True, x_dead_letter_exchange=f"{name}-dead")
    channel.declare(f"{name}-dead", exclusive=True)
    channel.bind(name, f"{name}-in", "#")
    channel.bind(f"{name}-dead", f"{name}-dead", "orders.*")
    ask.fill("orders.new", "a", exchange=f"{name}-in")
    channel.get(name, no_ack=False)
    channel.reject(1)
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")


def further_keys_of_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    channel.declare(f"{name}-copy", exclusive=True)
    ask.fill(name, "a", headers={"CC": [f"{name}-copy"], "BCC": ["nobody"]})
    yield channel.get(f"{name}-copy")
    channel.get(name, no_ack=False)
    channel.reject(2)
    time.sleep(0.1)
    yield [channel.get(f"{name}-dead"), channel.get(f"{name}-copy")]


def a_dead_letter_of_a_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(f"{name}-last", exclusive=True)
    channel.declare(
        f"{name}-dead",
        exclusive=True,
        x_message_ttl=100,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key=f"{name}-last",
    )
    channel.declare(name, exclusive=True, x_dead_letter_exchange="", x_dead_letter_routing_key=f"{name}-dead")
    ask.fill(name, "a")
    channel.get(name, no_ack=False)
    channel.reject(1)
    time.sleep(0.5)
    yield channel.get(f"{name}-last")


def deaths_of_one_kind_are_counted(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True, x_dead_letter_exchange="", x_dead_letter_routing_key=f"{name}-wait")
    channel.declare(
        f"{name}-wait",
        exclusive=True,
        x_message_ttl=50,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key=name,
    )
    ask.fill(name, "a")
    for _ in range(3):
        got = channel.get(name, no_ack=False)
        channel.reject(got[1]["delivery_tag"])
        time.sleep(0.4)
    yield channel.get(name)


def the_first_death_stays_first(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(
        name,
        exclusive=True,
        x_max_length=1,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key=f"{name}-two",
    )
    channel.declare(
        f"{name}-two", exclusive=True, x_dead_letter_exchange="", x_dead_letter_routing_key=f"{name}-three"
    )
    channel.declare(f"{name}-three", exclusive=True)
    ask.fill(name, "ab")
    time.sleep(0.1)
    channel.get(f"{name}-two", no_ack=False)
    channel.reject(1)
    time.sleep(0.1)
    yield channel.get(f"{name}-three")


def a_ring_of_expiring_queues_ends(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(
        name, exclusive=True, x_message_ttl=50, x_dead_letter_exchange="", x_dead_letter_routing_key=name
    )
    ask.fill(name, "a")
    time.sleep(0.4)
    yield channel.declare(name, passive=True)


def a_dead_letter_exchange_that_is_not_there(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield channel.declare(name, exclusive=True, x_dead_letter_exchange=f"no-{name}")
    ask.fill(name, "a")
    channel.get(name, no_ack=False)
    channel.reject(1)
    yield channel.declare(name, passive=True)
    yield channel("basic.qos", prefetch_count=1)


def what_is_purged_or_deleted_is_no_dead_letter(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "a")
    yield channel("queue.purge", queue=name)
    ask.fill(name, "b")
    yield channel("queue.delete", queue=name)
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")


def somebody_s_own_x_death_is_counted_on(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(
        name,
        "a",
        headers={
            "x-death": [{"queue": "elsewhere", "reason": "rejected", "count": 7}],
            "x-first-death-queue": "elsewhere",
        },
    )
    channel.get(name, no_ack=False)
    channel.reject(1)
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")


def an_x_death_that_is_none(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "a", headers={"x-death": "long ago"})
    channel.get(name, no_ack=False)
    channel.reject(1)
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")


def dead_letters_keep_their_order(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "abcdef")
    channel.consume(name)
    channel.take(6)
    channel.nack(3, multiple=True, requeue=False)
    channel.reject(5)
    channel.reject(4)
    time.sleep(0.1)
    yield channel.drain(f"{name}-dead")


def dead_letters_of_a_transaction_wait_for_it(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    hospital(channel, name)
    ask.fill(name, "a")
    channel.get(name, no_ack=False)
    channel("tx.select")
    channel.reject(1)
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")
    yield channel("tx.commit")
    time.sleep(0.1)
    yield channel.get(f"{name}-dead")[-1]


DEAD_LETTERS = (
    what_is_rejected_is_a_dead_letter, what_is_refused_is_a_dead_letter, what_expires_is_a_dead_letter, its_expiration_is_taken_off_a_dead_letter,
    what_has_no_room_is_a_dead_letter, a_dead_letter_keeps_its_key, further_keys_of_a_dead_letter, a_dead_letter_of_a_dead_letter,
    deaths_of_one_kind_are_counted, the_first_death_stays_first, a_ring_of_expiring_queues_ends, a_dead_letter_exchange_that_is_not_there,
    what_is_purged_or_deleted_is_no_dead_letter, somebody_s_own_x_death_is_counted_on, an_x_death_that_is_none, dead_letters_keep_their_order,
    dead_letters_of_a_transaction_wait_for_it,
)  # fmt: skip
