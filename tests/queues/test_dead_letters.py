"""Messages that die: why, where they go, and what is written on them. The tables are what RabbitMQ 3.10 wrote."""

from typing import Any

import pytest

from penstock.calls import queues
from tests.queues.counter import Counter, Guest


@pytest.fixture
def counter() -> Counter:
    return Counter()


def with_letters(counter: Counter, **arguments: Any) -> Guest:
    """A queue `q` whose dead letters go to `dlq`."""
    guest = counter.guest()
    guest.queue("dlq")
    guest.queue("q", x_dead_letter_exchange="", x_dead_letter_routing_key="dlq", **arguments)
    return guest


def died(guest: Guest, queue: str = "dlq") -> list[tuple[bytes, Any]]:
    found = []
    while (got := guest.get(queue)) is not None:
        found.append((got.delivery.content.body, got.delivery.content))
    return found


def test_a_rejected_message_goes_to_the_dead_letter_queue(counter: Counter) -> None:
    guest = with_letters(counter)
    guest.publish(b"1", b"2", expiration="60000", headers={"mine": 1})
    guest.consume()
    guest.reject(1)
    guest.ack(2)
    [(body, content)] = died(guest)
    assert body == b"1"
    assert (content.exchange, content.routing_key) == ("", "dlq")
    assert content.properties.expiration is None
    assert content.properties.headers == {
        "mine": 1,
        "x-death": [
            {
                "count": 1, "reason": "rejected", "queue": "q", "time": counter.now.wall_ms // 1000, "exchange": "",
                "routing-keys": ["q"], "original-expiration": "60000",
            }
        ],
        "x-first-death-exchange": "", "x-first-death-queue": "q", "x-first-death-reason": "rejected",
    }  # fmt: skip


def test_without_a_dead_letter_exchange_it_is_gone(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1")
    guest.get()
    guest.reject(1)
    assert guest.drain() == []
    assert counter.queues.ledger.measures()["penstock_queue_messages"] == 0


def test_to_an_exchange_that_is_not_there_it_is_gone(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_dead_letter_exchange="nowhere")
    guest.publish(b"1")
    guest.get()
    guest.reject(1)
    assert counter.queues.ledger.measures()["penstock_queue_messages"] == 0


def test_its_own_routing_key_is_kept_where_the_queue_names_none(counter: Counter) -> None:
    guest = counter.guest()
    guest.exchange("dlx", "topic")
    guest.queue("dlq")
    guest.bind("dlq", "dlx", "#")
    guest.queue(x_dead_letter_exchange="dlx")
    guest.publish(b"1", headers={"CC": ["more"]})
    guest.get()
    guest.reject(1)
    [(_, content)] = died(guest)
    assert (content.exchange, content.routing_key) == ("dlx", "q")
    assert content.properties.headers["x-death"][0]["routing-keys"] == ["q", "more"]
    assert content.properties.headers["CC"] == ["more"]


def test_messages_expire_after_their_own_time_or_the_queues(counter: Counter) -> None:
    guest = with_letters(counter, x_message_ttl=1000)
    guest.publish(b"short", expiration="400")
    guest.publish(b"long", expiration="5000")
    guest.publish(b"plain")
    counter.later(0.39)
    assert guest.queue("q", passive=True).messages == 3
    counter.later(0.02)
    assert [body for body, _ in died(guest)] == [b"short"]
    counter.later(0.6)
    letters = died(guest)
    assert [body for body, _ in letters] == [b"long", b"plain"]
    assert letters[0][1].properties.headers["x-death"][0]["reason"] == "expired"


def test_what_expires_behind_what_does_not_waits_for_its_turn(counter: Counter) -> None:
    guest = with_letters(counter)
    guest.publish(b"1")
    guest.publish(b"2", expiration="100")
    counter.later(1)
    assert guest.queue("q", passive=True).messages == 2
    guest.get()
    assert [body for body, _ in died(guest)] == [b"2"]


def test_at_once_expiring_messages_still_reach_who_waits(counter: Counter) -> None:
    guest = with_letters(counter)
    guest.on(queues.SetPrefetch, 1)
    guest.consume()
    guest.publish(b"1", b"2", expiration="0")
    assert guest.bodies == [b"1"]
    assert [body for body, _ in died(guest)] == [b"2"]


def test_expiry_outlives_a_restart(counter: Counter) -> None:
    guest = with_letters(counter, x_message_ttl=1000)
    guest.publish(b"1")
    counter.restart(crash=False)
    counter.later(1.1)
    assert [body for body, _ in died(counter.guest())] == [b"1"]


def test_a_full_queue_drops_its_oldest(counter: Counter) -> None:
    guest = with_letters(counter, x_max_length=2)
    guest.publish(b"1", b"2", b"3", b"4")
    letters = died(guest)
    assert [body for body, _ in letters] == [b"1", b"2"]
    assert letters[0][1].properties.headers["x-death"][0]["reason"] == "maxlen"
    assert guest.drain() == [b"3", b"4"]


def test_a_limit_of_bytes_counts_bodies(counter: Counter) -> None:
    guest = with_letters(counter, x_max_length_bytes=5)
    guest.publish(b"123", b"45", b"6")
    assert [body for body, _ in died(guest)] == [b"123"]


def test_a_limit_takes_nothing_that_a_consumer_is_about_to_have(counter: Counter) -> None:
    guest = with_letters(counter, x_max_length=1)
    guest.consume()
    guest.publish(b"1", b"2", b"3")
    assert guest.bodies == [b"1", b"2", b"3"]


def test_a_full_queue_may_refuse_instead(counter: Counter) -> None:
    guest = with_letters(counter, x_max_length=2, x_overflow="reject-publish")
    assert guest.publish(b"1", b"2", b"3").nacked == [2]
    assert died(guest) == []
    guest.get()
    assert guest.publish(b"4").nacked == []
    assert guest.drain() == [b"2", b"4"]


def test_what_is_refused_may_go_to_the_dead_letters(counter: Counter) -> None:
    guest = with_letters(counter, x_max_length=1, x_overflow="reject-publish-dlx")
    assert guest.publish(b"1", b"2").nacked == [1]
    assert [body for body, _ in died(guest)] == [b"2"]


def test_a_quorum_queue_gives_up_at_its_delivery_limit(counter: Counter) -> None:
    guest = with_letters(counter, x_queue_type="quorum", x_delivery_limit=2)
    guest.publish(b"1", b"2")
    counts = []
    for _ in range(3):
        delivery = guest.get().delivery
        counts.append((delivery.content.body, delivery.redelivered, delivery.content.properties.headers))
        guest.requeue(delivery.tag)
    assert counts == [
        (b"1", False, {"x-delivery-count": 0}), (b"1", True, {"x-delivery-count": 1}), (b"1", True, {"x-delivery-count": 2}),
    ]  # fmt: skip
    [(body, content)] = died(guest)
    assert body == b"1"
    assert content.properties.headers["x-death"][0]["reason"] == "delivery_limit"


def test_without_a_limit_what_comes_back_to_a_quorum_queue_goes_to_its_end(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_queue_type="quorum")
    guest.publish(b"0", b"1", b"2")
    seen = []
    for _ in range(6):
        delivery = guest.get().delivery
        seen.append((delivery.content.body, delivery.content.properties.headers["x-delivery-count"]))
        guest.requeue(delivery.tag)
    assert seen == [(b"0", 0), (b"1", 0), (b"2", 0), (b"0", 1), (b"1", 1), (b"2", 1)]


def test_a_consumer_is_told_the_count_of_what_came_back(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_queue_type="quorum")
    guest.consume()
    guest.publish(b"0")
    guest.requeue(1)
    assert [one.content.properties.headers for one in guest.got] == [None, {"x-delivery-count": 1}]


def test_the_delivery_count_outlives_a_crash(counter: Counter) -> None:
    guest = with_letters(counter, x_queue_type="quorum", x_delivery_limit=1)
    guest.publish(b"1")
    guest.requeue(guest.get().delivery.tag)
    guest.on(queues.AwaitSafe)
    guest.publish(b"2")
    guest.on(queues.AwaitSafe)
    counter.restart()
    guest = counter.guest()
    assert guest.get().delivery.content.properties.headers == {"x-delivery-count": 1}


def test_deaths_of_one_kind_are_counted_in_one_entry(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("q", x_dead_letter_exchange="", x_dead_letter_routing_key="wait")
    guest.queue("wait", x_message_ttl=100, x_dead_letter_exchange="", x_dead_letter_routing_key="q")
    guest.publish(b"1")
    for _ in range(3):
        guest.reject(guest.get().delivery.tag)
        counter.later(0.2)
    deaths = guest.get().delivery.content.properties.headers["x-death"]
    assert [(one["queue"], one["reason"], one["count"]) for one in deaths] == [
        ("wait", "expired", 3), ("q", "rejected", 3),
    ]  # fmt: skip


def test_a_message_that_would_go_round_for_ever_is_dropped(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("a", x_message_ttl=100, x_dead_letter_exchange="", x_dead_letter_routing_key="b")
    guest.queue("b", x_message_ttl=100, x_dead_letter_exchange="", x_dead_letter_routing_key="a")
    guest.publish(b"1", to="a")
    counter.later(5)
    assert guest.drain("a") == guest.drain("b") == []
    assert counter.queues.ledger.measures()["penstock_queue_messages"] == 0


def test_a_dead_letter_is_in_one_place_after_a_crash(counter: Counter) -> None:
    for crash_at in range(1, 12):
        counter = Counter(crash_at)
        guest = with_letters(counter)
        guest.publish(b"1")
        guest.on(queues.AwaitSafe)
        guest.get()
        counter.disk.crash_at = crash_at
        try:
            guest.reject(1)
            guest.on(queues.AwaitSafe)
        except BaseException as error:
            if type(error).__name__ != "Crashed":
                raise
        counter.restart()
        guest = counter.guest()
        assert sorted(guest.drain("q") + guest.drain("dlq")) == [b"1"]


def test_unused_queues_go_when_they_say_so(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_expires=1000)
    counter.later(0.9)
    guest.queue(x_expires=1000)
    counter.later(0.9)
    guest.consume(tag="a")
    counter.later(3)
    guest.on(queues.Unsubscribe, "a")
    counter.later(0.9)
    assert "q" in counter.queues.vhosts["/"].queues
    counter.later(0.2)
    assert "q" not in counter.queues.vhosts["/"].queues
