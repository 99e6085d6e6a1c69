"""Where queues meet topics: streams, exchanges that append to a topic, queues that a topic feeds; and browsing."""

from typing import Any

import pytest

from penstock import record
from penstock.calls import Append, AppendPart, Fetch, FetchPart, queues
from penstock.content import Field, Timestamp
from penstock.errors import Refusal
from penstock.record import Record
from tests.queues.counter import ME, Counter, Guest


@pytest.fixture
def counter() -> Counter:
    return Counter()


def produce(counter: Counter, topic: str, *values: bytes, key: bytes | None = None, **headers: bytes) -> None:
    some = [Record(key, value, counter.now.wall_ms, tuple(headers.items())) for value in values]
    counter.ask(Append(ME, (AppendPart(topic, 0, record.encode(some)),), 1))
    counter.end_turn()


def records(counter: Counter, topic: str) -> list[Record]:
    [fetched] = counter.ask(Fetch(ME, (FetchPart(topic, 0, 0, 1 << 20),)))
    return [one for info in record.scan(fetched.batches) for one in _decode(fetched.batches, info)]


def _decode(batches: Any, info: Any) -> list[Record]:
    return list(record.decode(memoryview(batches)[info.position : info.position + info.size]))


def stream(counter: Counter, *bodies: bytes) -> Guest:
    guest = counter.guest()
    guest.queue("s", x_queue_type="stream")
    guest.publish(*bodies, to="s")
    guest.on(queues.AwaitSafe)
    guest.on(queues.SetPrefetch, 100)
    return guest


def read(guest: Guest, **arguments: Any) -> list[tuple[bytes, int]]:
    guest.got.clear()
    guest.consume("s", arguments={"x-stream-offset": next(iter(arguments.values()))} if arguments else {})
    return [(one.content.body, one.content.properties.headers["x-stream-offset"]) for one in guest.got]


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_stream_is_read_from_where_one_says_as_often_as_one_likes(counter: Counter) -> None:
    guest = stream(counter, b"a", b"b", b"c", b"d")
    assert read(guest, at="first") == [(b"a", 0), (b"b", 1), (b"c", 2), (b"d", 3)]
    guest.ack(4, multiple=True)
    assert read(counter_guest(counter), at=2) == [(b"c", 2), (b"d", 3)]
    assert read(counter_guest(counter), at="last") == [(b"d", 3)]
    other = counter_guest(counter)
    assert read(other) == []
    guest.publish(b"e", to="s")
    assert other.bodies == [b"e"]
    assert counter.guest().queue("s", passive=True).messages == 5


def counter_guest(counter: Counter) -> Guest:
    guest = counter.guest()
    guest.on(queues.SetPrefetch, 100)
    return guest


def test_a_stream_is_read_from_a_time(counter: Counter) -> None:
    guest = stream(counter, b"a")
    counter.later(10)
    guest.publish(b"b", to="s")
    guest.on(queues.AwaitSafe)
    assert read(counter_guest(counter), at=Timestamp(counter.now.wall_ms // 1000 - 5)) == [(b"b", 1)]
    assert read(counter_guest(counter), at="5s") == [(b"b", 1)]
    assert read(counter_guest(counter), at="1h") == [(b"a", 0), (b"b", 1)]


def test_the_same_record_is_had_by_both_protocols(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("s", x_queue_type="stream")
    guest.on(queues.SetPrefetch, 10)
    guest.consume("s", arguments={"x-stream-offset": "first"})
    guest.publish(b"by amqp", to="s", headers={"mine": "x"}, content_type="text/plain")
    produce(counter, "s", b"by kafka", key=b"k", note=b"y")
    [one, other] = guest.got
    assert one.content.properties.content_type == "text/plain"
    assert one.content.properties.headers == {"mine": "x", "x-stream-offset": 0}
    assert other.content.body == b"by kafka"
    assert other.content.properties.headers == {"note": "y", "x-penstock-key": "k", "x-stream-offset": 1}
    first, second = records(counter, "s")
    assert (first.value, dict(first.headers)["mine"]) == (b"by amqp", b"x")
    assert second.value == b"by kafka"


def test_the_prefetch_bounds_a_reader(counter: Counter) -> None:
    guest = stream(counter, *(b"%d" % number for number in range(10)))
    guest.on(queues.SetPrefetch, 3)
    assert len(read(guest, at="first")) == 3
    guest.requeue(1)
    assert len(guest.got) == 4
    guest.ack(4, multiple=True)
    assert guest.bodies == [b"%d" % number for number in range(7)]


def test_a_stream_and_its_records_outlive_a_crash(counter: Counter) -> None:
    stream(counter, b"a", b"b")
    counter.restart()
    assert [body for body, _ in read(counter_guest(counter), at="first")] == [b"a", b"b"]


def test_a_stream_goes_with_its_topic_and_a_topic_that_was_there_stays(counter: Counter) -> None:
    guest = stream(counter, b"a")
    guest.on(queues.DeleteQueue, "s")
    assert "s" not in counter.log.topics
    counter.log.create_topic("old", 1, {}, counter.now)
    guest.queue("old", x_queue_type="stream")
    guest.on(queues.DeleteQueue, "old")
    assert "old" in counter.log.topics


def test_what_a_stream_does_not_offer_is_refused(counter: Counter) -> None:
    guest = stream(counter)
    words = "not supported by stream queues queue 's' in vhost '/'"
    assert guest.get("s").detail == f"basic.get {words}"
    assert guest.on(queues.PurgeQueue, "s").detail == f"queue.purge {words}"
    assert guest.consume("s", no_ack=True).detail == f"automatic acknowledgement {words}"
    answer = counter.guest().consume("s")
    assert answer.detail == "consumer prefetch count is not set for 'queue 's' in vhost '/''"
    assert guest.queue("no topic", x_queue_type="stream").reason is Refusal.PRECONDITION
    counter.log.create_topic("wide", 2, {}, counter.now)
    assert guest.queue("wide", x_queue_type="stream").reason is Refusal.PRECONDITION


# --- bridges ----------------------------------------------------------------------------------------------------------


def test_what_is_published_to_a_bridge_is_appended_to_its_topic(counter: Counter) -> None:
    guest = counter.guest()
    guest.exchange("out", "x-penstock-topic", arguments={"x-penstock-topic": "results"})
    assert guest.publish(b"1", b"2", exchange="out", to="k", mandatory=True).returned == []
    guest.on(queues.AwaitSafe)
    assert [(one.key, one.value) for one in records(counter, "results")] == [(b"k", b"1"), (b"k", b"2")]
    guest.exchange("all", "fanout")
    guest.on(queues.BindExchange, "out", "all")
    guest.publish(b"3", exchange="all", to="")
    assert [one.value for one in records(counter, "results")] == [b"1", b"2", b"3"]
    answer = guest.exchange("bad", "x-penstock-topic", arguments={"x-penstock-topic": "__consumer_offsets"})
    assert answer.reason is Refusal.PRECONDITION


def test_a_topic_feeds_a_queue_each_record_once(counter: Counter) -> None:
    counter.log.create_topic("jobs", 1, {}, counter.now)
    produce(counter, "jobs", b"before")
    guest = counter.guest()
    guest.queue("work", x_penstock_topic="jobs")
    guest.consume("work")
    produce(counter, "jobs", b"1", b"2", key=b"k")
    assert guest.bodies == [b"1", b"2"]
    assert guest.got[0].content.properties.headers == {"x-penstock-key": "k"}
    guest.ack(1)
    guest.on(queues.AwaitSafe)
    counter.restart()
    produce(counter, "jobs", b"3")
    assert counter.guest().drain("work") == [b"2", b"3"]


def test_a_fed_queue_neither_loses_nor_doubles_over_crashes() -> None:
    for seed in range(40):
        counter = Counter(seed)
        counter.log.create_topic("jobs", 1, {}, counter.now)
        guest = counter.guest()
        guest.queue("work", x_penstock_topic="jobs")
        guest.on(queues.AwaitSafe)
        produce(counter, "jobs", b"1", b"2")
        counter.disk.crash_at = seed % 7
        try:
            counter.ask(Append(ME, (AppendPart("jobs", 0, record.encode([Record(None, b"3", 0)])),), 1))
        except BaseException as error:
            if type(error).__name__ != "Crashed":
                raise
        counter.restart()
        counter.end_turn()
        counter.later(0.1)
        there = [one.value for one in records(counter, "jobs")]
        assert counter.guest().drain("work") == there, seed
        assert there[:2] == [b"1", b"2"]


def test_thousands_of_records_come_a_piece_at_a_time(counter: Counter) -> None:
    counter.log.create_topic("jobs", 1, {}, counter.now)
    guest = counter.guest()
    guest.queue("work", x_penstock_topic="jobs")
    produce(counter, "jobs", *(b"%d" % number for number in range(3000)))
    counter.later(1)
    assert guest.queue("work", passive=True).messages == 3000


# --- looking at what waits --------------------------------------------------------------------------------------------


def test_browsing_gives_copies_and_ends(counter: Counter) -> None:
    guest, other = counter.guest(), counter.guest()
    guest.queue()
    guest.publish(*(b"%d" % number for number in range(1200)))
    tag = other.consume(no_ack=True, arguments={"x-penstock-browse": True})
    assert other.bodies == [b"%d" % number for number in range(1200)]
    assert other.gone == [tag]
    assert guest.queue("q", passive=True).messages == 1200
    assert other.consume(arguments={"x-penstock-browse": True}).reason is Refusal.PRECONDITION


def test_browsing_may_be_for_some_of_it(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_max_priority=5)
    guest.publish(b"1", priority=5)  # the first out, and yet the oldest
    guest.publish(b"2", b"3", priority=1)

    def browse(**arguments: Field) -> Guest:
        named = {f"x-penstock-{name}": value for name, value in arguments.items()}
        looking = guest.beside()
        looking.consume(no_ack=True, arguments={"x-penstock-browse": True, **named})
        return looking

    every = browse()
    assert every.bodies == [b"1", b"2", b"3"]
    assert browse(newest=2).bodies == [b"2", b"3"]
    assert browse(oldest=2).bodies == [b"1", b"2"]
    assert browse(newest=9).bodies == [b"1", b"2", b"3"]
    assert browse(number=every.got[1].content.properties.headers["x-penstock-number"]).bodies == [b"2"]
    assert browse(number=99).bodies == []


@pytest.mark.parametrize("name", ["x-penstock-newest", "x-penstock-oldest", "x-penstock-number"])
@pytest.mark.parametrize("value", [-1, "2", True])
def test_what_is_no_number_is_refused(counter: Counter, name: str, value: Field) -> None:
    guest = counter.guest()
    guest.queue()
    refused = guest.consume(no_ack=True, arguments={"x-penstock-browse": True, name: value})
    assert (refused.reason, refused.detail) == (
        Refusal.PRECONDITION, f"invalid arg '{name}' for queue 'q' in vhost '/': {value!r}",
    )  # fmt: skip


def test_one_message_may_be_had_by_its_number(counter: Counter) -> None:
    guest, other = counter.guest(), counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    other.consume(no_ack=True, arguments={"x-penstock-browse": True})
    numbers = [one.content.properties.headers["x-penstock-number"] for one in other.got]
    tag = guest.consume(arguments={"x-penstock-number": numbers[1]})
    assert guest.bodies == [b"2"]
    assert guest.gone == [tag]
    guest.requeue(1)
    assert counter.guest().drain() == [b"1", b"2", b"3"]
    guest.consume(tag="gone", arguments={"x-penstock-number": 999})
    assert guest.gone == [tag, "gone"]
