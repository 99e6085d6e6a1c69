"""A topic keeps its records for the queues that it feeds, up to a limit; what they did not take by then is a dead letter."""

from contextlib import suppress
from typing import Any

import pytest

from penstock import record
from penstock.broker.queues.topics import feeds
from penstock.broker.queues.topics.feeds import GIVEN_UP
from penstock.calls import Append, AppendPart, DeleteTopics, queues
from penstock.errors import Refusal
from penstock.log import DiskFull
from penstock.record import Record
from penstock.testing.disk import Crashed
from tests.queues.counter import ME, Counter

KEPT = {"retention.ms": "10000", "segment.bytes": "200"}
LETTERS = {"x_dead_letter_exchange": "", "x_dead_letter_routing_key": "dlq"}


@pytest.fixture(autouse=True)
def nearly_nothing_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "AHEAD_MAX", 3)
    monkeypatch.setattr(feeds, "PIECE", 2)


@pytest.fixture
def counter() -> Counter:
    return fed()


def fed(seed: int = 0, configs: dict[str, str] = KEPT, **arguments: Any) -> Counter:
    """A topic that feeds a queue whose dead letters go to another."""
    counter = Counter(seed)
    counter.log.create_topic("jobs", 1, configs, counter.now)
    guest = counter.guest()
    guest.queue("dlq")
    guest.queue("work", x_penstock_topic="jobs", **{**LETTERS, **arguments})
    guest.on(queues.AwaitSafe)
    return counter


def produce(counter: Counter, *numbers: int) -> None:
    """One batch each, so that every segment holds a few."""
    for number in numbers:
        batch = record.encode([Record(None, b"%d" % number, counter.now.wall_ms)])
        counter.ask(Append(ME, (AppendPart("jobs", 0, batch),), 1))
    counter.later(0.1)


def begins(counter: Counter) -> int:
    return counter.log.topics["jobs"].partitions[0].start_offset


def look(counter: Counter) -> None:
    """What the driver does every five minutes, and the turns that follow."""
    with suppress(DiskFull):
        counter.log.retain(counter.now)
    counter.end_turn()
    counter.later(0.1)


def numbers(*found: int) -> list[bytes]:
    return [b"%d" % number for number in found]


def deaths(counter: Counter, queue: str = "dlq") -> list[tuple[bytes, str, str]]:
    guest, found = counter.guest(), []
    while (got := guest.get(queue, no_ack=True)) is not None:
        content = got.delivery.content
        [death] = content.properties.headers["x-death"]
        found.append((content.body, death["reason"], death["queue"]))
    return found


def test_what_a_queue_has_not_taken_outlives_the_topics_retention(counter: Counter) -> None:
    produce(counter, *range(20))
    counter.later(60)
    look(counter)
    assert 1 < begins(counter) <= 3  # but not what it took
    guest = counter.guest()
    assert guest.drain("work") == numbers(*range(20))
    counter.later(0.1)
    look(counter)
    assert begins(counter) == 20
    assert deaths(counter) == []


def test_beyond_the_limit_of_time_it_is_a_dead_letter(counter: Counter) -> None:
    counter = fed(x_penstock_pin_max_age="30s")
    produce(counter, *range(20))
    counter.later(39)
    look(counter)
    look(counter)
    assert begins(counter) <= 3
    counter.later(2)
    look(counter)  # the queue hears that it must give up
    look(counter)
    assert begins(counter) == 20
    taken, left = numbers(*range(3)), numbers(*range(3, 20))
    assert deaths(counter) == [(body, "expired", "work") for body in left]
    assert counter.guest().drain("work") == taken
    assert counter.broker.measures()[GIVEN_UP] == 17
    [notice] = counter.broker.take_notices()
    assert notice.startswith("queue 'work' in vhost '/' did not take records of topic jobs in time")
    produce(counter, 20)
    assert counter.guest().drain("work") == numbers(20)


def test_beyond_the_limit_of_bytes_only_the_oldest_are_given_up() -> None:
    configs = {"retention.ms": "-1", "retention.bytes": "200", "segment.bytes": "200"}
    counter = fed(configs=configs, x_penstock_pin_max_bytes=800)
    produce(counter, *range(40))
    look(counter)
    look(counter)
    partition = counter.log.topics["jobs"].partitions[0]
    assert 1000 <= partition.size_bytes <= 1200
    dead = deaths(counter)
    assert [body for body, _, _ in dead] == numbers(*range(3, begins(counter)))
    assert counter.guest().drain("work") == numbers(*range(3), *range(begins(counter), 40))


def test_without_a_dead_letter_exchange_it_is_gone_and_that_is_said() -> None:
    counter = fed(x_dead_letter_exchange="nowhere", x_penstock_pin_max_age="0s")
    counter.guest().queue("other", x_penstock_topic="jobs", x_penstock_pin_max_age="0s")
    produce(counter, *range(20))
    counter.later(11)
    look(counter)
    look(counter)
    assert begins(counter) == 20
    assert counter.guest().drain("other") == numbers(*range(3))
    assert counter.broker.measures()[GIVEN_UP] == 34


def test_of_several_queues_each_has_its_own_time() -> None:
    counter = fed(x_penstock_pin_max_age="0s")
    counter.guest().queue("patient", x_penstock_topic="jobs", x_penstock_pin_max_age="1h")
    produce(counter, *range(20))
    counter.later(60)
    look(counter)
    look(counter)
    assert [body for body, _, _ in deaths(counter)] == numbers(*range(3, 20))
    assert begins(counter) <= 3
    assert counter.guest().drain("patient") == numbers(*range(20))


def test_a_queue_that_goes_holds_nothing_back(counter: Counter) -> None:
    produce(counter, *range(20))
    counter.later(60)
    counter.guest().on(queues.DeleteQueue, "work")
    look(counter)
    assert begins(counter) == 20


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(counter: Counter) -> None:
    produce(counter, *range(3))
    assert counter.guest().drain("work") == numbers(*range(3))
    counter.ask(DeleteTopics(ME, ("jobs",)))
    counter.log.create_topic("jobs", 1, KEPT, counter.now)
    produce(counter, 10, 11)
    assert counter.guest().drain("work") == numbers(10, 11)
    counter.restart()
    produce(counter, 12)
    assert counter.guest().drain("work") == numbers(12)


def test_where_a_queue_stood_in_a_directory_of_an_earlier_version_is_known(counter: Counter) -> None:
    produce(counter, *range(3))
    counter.guest().drain("work")
    counter.queues.ledger.define('["feed", "/", "work"]', {"0": 2})
    counter.end_turn()
    counter.restart()
    counter.later(0.1)
    assert counter.guest().drain("work") == numbers(2)


@pytest.mark.parametrize("argument", [{"x_penstock_pin_max_age": "soon"}, {"x_penstock_pin_max_bytes": -1}])
def test_limits_that_are_none_are_refused(counter: Counter, argument: Any) -> None:
    answer = counter.guest().queue("bad", x_penstock_topic="jobs", **argument)
    assert answer.reason is Refusal.PRECONDITION


def test_while_the_disk_is_full_nothing_is_given_up_that_is_not_kept_elsewhere() -> None:
    counter = fed(x_penstock_pin_max_age="0s")
    produce(counter, *range(20))
    counter.later(11)
    counter.disk.room = 50
    for _ in range(3):
        look(counter)
    assert begins(counter) <= 3
    counter.disk.room = None
    counter.later(3)
    look(counter)
    assert begins(counter) == 20
    assert [body for body, _, _ in deaths(counter)] == numbers(*range(3, 20))
    assert counter.broker.measures()[GIVEN_UP] == 17  # not what was tried while there was no room


def test_over_crashes_each_record_is_in_one_place_and_retention_takes_none_that_is_in_no_other() -> None:
    went = 0
    for seed in range(60):
        counter = fed(seed, x_penstock_pin_max_age="0s")
        produce(counter, *range(20))
        with suppress(Crashed):
            counter.disk.crash_at = seed
            counter.skip_sync = seed % 3 == 0  # what is given up is not safe: retention must not count on it
            counter.later(11)
            for _ in range(4):
                look(counter)
        counter.skip_sync = False
        counter.restart()
        counter.later(0.2)
        went += begins(counter) > 3
        dead = [body for body, _, _ in deaths(counter)]
        assert sorted(map(int, [*dead, *counter.guest().drain("work")])) == list(range(20)), seed
    assert 10 < went < 50
