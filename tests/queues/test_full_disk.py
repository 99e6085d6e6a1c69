"""The disk has no room: publishers hear of it, and nothing in memory claims otherwise."""

from typing import Any

import pytest

from penstock.broker.queues.topics.appends import OVERSIZED
from penstock.calls import queues
from penstock.errors import Refusal, Refused
from penstock.log import DiskFull, Partition
from tests.queues.counter import Counter

LARGE = b"x" * 100_000


@pytest.fixture
def counter() -> Counter:
    return Counter()


def refused(answer: object) -> bool:
    return isinstance(answer, Refused) and answer.reason is Refusal.DISK_FULL


def test_what_could_not_be_written_is_in_no_queue(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1")
    counter.disk.room = 1000
    guest.publish(LARGE)
    assert guest.queue("q", passive=True).messages == 1
    counter.disk.room = None
    guest.publish(b"2")
    assert refused(guest.on(queues.AwaitSafe))
    assert guest.on(queues.AwaitSafe) is None
    assert counter.guest().drain() == [b"1", b"2"]


def test_a_confirm_is_refused(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.on(queues.AwaitSafe)
    counter.disk.room = 1000
    broker, now = counter.broker, counter.now
    some = [queues.Publishing(guest_content(LARGE), False)]
    broker.answer(queues.Publish(guest.who, guest.channel, some), now)
    assert refused(guest.on(queues.AwaitSafe))
    counter.restart()
    assert counter.guest().drain() == []


def guest_content(body: bytes) -> object:
    from penstock.content import Content, Properties

    return Content("", "q", Properties.made(delivery_mode=2), body)


def test_what_a_consumer_has_of_it_may_be_settled(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.consume()
    counter.disk.room = 1000
    guest.publish(LARGE)
    assert guest.bodies == [LARGE]
    assert guest.ack(1) is None
    assert counter.queues.by_id[1].held == 0


def test_a_dead_letter_stays_in_its_queue_until_there_is_room(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("dlq")
    guest.queue(x_dead_letter_exchange="", x_dead_letter_routing_key="dlq")
    guest.publish(LARGE)
    guest.get()
    counter.disk.room = 1000
    guest.reject(1)
    assert guest.get("dlq") is None
    counter.disk.room = None
    counter.later(2)
    assert guest.drain("dlq") == [LARGE]


def test_a_delayed_message_is_sent_when_there_is_room(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(LARGE, headers={"x-delay": 100})
    counter.disk.room = 1000
    counter.later(0.5)
    assert guest.get() is None
    counter.disk.room = None
    counter.later(2)
    assert guest.drain() == [LARGE]


def test_who_asks_only_in_the_next_turn_hears_of_it_all_the_same(counter: Counter) -> None:
    guest, other = counter.guest(), counter.guest()
    guest.queue()
    other.publish(b"1")
    other.on(queues.AwaitSafe)
    counter.disk.room = 1000
    guest.publish(LARGE)
    counter.disk.room = None
    assert refused(guest.on(queues.AwaitSafe))
    assert guest.on(queues.AwaitSafe) is None
    assert other.on(queues.AwaitSafe) is None


def test_a_dead_letter_for_a_topic_stays_in_its_queue_until_there_is_room_there(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Partition.append

    def full(self: Partition, *given: Any) -> int:
        if self.topic == "results":
            raise DiskFull("no space left")
        return append(self, *given)

    guest = counter.guest()
    guest.exchange("out", "x-penstock-topic", arguments={"x-penstock-topic": "results"})
    guest.queue(x_dead_letter_exchange="out", x_dead_letter_routing_key="k")
    guest.publish(LARGE)
    guest.get()
    with monkeypatch.context() as only_there:
        only_there.setattr(Partition, "append", full)
        guest.reject(1)
        counter.later(2)
    counter.restart()
    guest = counter.guest()
    assert counter.log.topics["results"].partitions[0].end_offset == 0
    guest.get()
    guest.reject(1)
    assert counter.log.topics["results"].partitions[0].end_offset == 1
    assert guest.get() is None


def test_a_record_that_never_fits_is_dropped_with_a_word_and_holds_up_no_other(counter: Counter) -> None:
    counter.log.create_topic("results", 1, {"segment.bytes": "10000"}, counter.now)
    guest = counter.guest()
    guest.exchange("out", "x-penstock-topic", arguments={"x-penstock-topic": "results"})
    guest.queue(x_dead_letter_exchange="out", x_dead_letter_routing_key="k")
    guest.publish(LARGE, *([b"y" * 1000] * 30))
    guest.consume()
    guest.reject(31, multiple=True)
    assert counter.log.topics["results"].partitions[0].end_offset == 30
    [notice] = counter.broker.take_notices()
    assert "does not fit a segment of topic results" in notice


def test_records_that_never_fit_are_counted_and_told_of_now_and_then(counter: Counter) -> None:
    counter.log.create_topic("results", 1, {"segment.bytes": "10000"}, counter.now)
    guest = counter.guest()
    guest.exchange("out", "x-penstock-topic", arguments={"x-penstock-topic": "results"})
    guest.queue(x_dead_letter_exchange="out", x_dead_letter_routing_key="k", x_message_ttl=0)
    for _ in range(20):
        guest.publish(LARGE)
        counter.later(1)
    told = counter.broker.take_notices()
    assert len(told) == 2 and "10 times since" in told[1]
    assert counter.broker.measures()[OVERSIZED] == 20


def test_records_that_fit_by_themselves_are_not_dropped_for_being_large_together(counter: Counter) -> None:
    counter.log.create_topic("results", 1, {"segment.bytes": "10000"}, counter.now)
    guest = counter.guest()
    guest.exchange("out", "x-penstock-topic", arguments={"x-penstock-topic": "results"})
    guest.publish(
        *[b"%d" % number for number in range(30)], exchange="out", to="k", headers={"h": "x" * 3000}
    )
    assert counter.log.topics["results"].partitions[0].end_offset == 30
    assert counter.broker.take_notices() == []
