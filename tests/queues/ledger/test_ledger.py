"""The ledger on a disk: what was safe is there after a restart, in its queues, with its bodies."""

import pytest

from penstock.broker.ledger.options import LedgerOptions
from penstock.content import Content
from penstock.errors import Refusal, Refused
from penstock.log import Cold
from penstock.record import decode

from .bench import SMALL, Bench, message

# --- the plain case ---------------------------------------------------------------------------------------------------------


def test_a_message_is_safe_after_the_sync_of_its_turn_and_there_after_a_restart() -> None:
    bench = Bench()
    number = bench.add(b"work")
    told = bench.safe()
    bench.ledger.flush(bench.now)
    assert told == []
    bench.sync()
    assert told == [None]
    bench.restart()
    assert bench.waiting() == [number]
    assert bench.bodies([number]) == [b"work"]


def test_a_content_comes_back_whole() -> None:
    bench = Bench()
    sent = [
        Content("", "a", message(delivery_mode=2, message_id="1").properties, b""),
        Content("é", "k.ü", message(content_type="x", expiration="5").properties, bytes(range(256)) * 40),
        Content("", "a", message(delivery_mode=2, message_id="1").properties, b"same envelope"),
    ]
    numbers = [bench.ledger.add(one, (1,)) for one in sent]
    assert bench.ledger.contents(numbers) == sent, "before the turn's end"
    bench.turn()
    assert bench.ledger.contents(numbers) == sent, "from memory"
    bench.restart()
    assert bench.ledger.contents(list(reversed(numbers))) == sent[::-1], "from the disk"


def test_what_was_settled_and_safe_never_comes_back() -> None:
    bench = Bench()
    one, two, three = (bench.add() for _ in range(3))
    bench.turn()
    bench.ledger.settle(1, two)
    bench.turn()
    assert bench.restart() and bench.waiting() == [one, three]


def test_a_message_stays_until_its_last_queue_lets_go() -> None:
    bench = Bench()
    number = bench.add(b"all", 1, 2, 3)
    bench.turn()
    bench.ledger.settle(2, number)
    bench.ledger.settle(2, number)
    bench.ledger.settle(9, number)
    bench.turn()
    bench.restart()
    assert (bench.waiting(1), bench.waiting(2), bench.waiting(3)) == ([number], [], [number])
    bench.ledger.settle(1, number)
    bench.ledger.settle(3, number)
    bench.turn()
    assert bench.restart().queues == {}


def test_numbers_grow_over_restarts() -> None:
    bench = Bench()
    first = bench.add()
    bench.turn()
    bench.restart()
    second = bench.add()
    assert second > first
    bench.turn()
    bench.restart()
    assert bench.waiting() == [first, second]
    assert bench.bodies([first, second]) == [b"hello"] * 2


def test_definitions_and_what_was_said_of_deliveries_come_back() -> None:
    bench = Bench()
    ledger = bench.ledger
    ledger.define("queue//a", {"id": 1, "arguments": {"x-max-priority": 3}})
    ledger.define("queue//b", {"id": 2})
    ledger.define("queue//b", None)
    number = ledger.add(message(), (1, 2), expires_ms=77, priority=3)
    other = bench.add()
    bench.turn()
    ledger.delivered(1, other)
    ledger.delivered(1, number)
    ledger.returned(1, number, 4)
    bench.turn()
    found = bench.restart()
    assert found.definitions == {"queue//a": {"id": 1, "arguments": {"x-max-priority": 3}}}
    one, two = found.queues[1], found.queues[2]
    assert (list(one.numbers), list(one.expires_ms), list(one.priorities)) == (
        [number, other],
        [77, 0],
        [3, 0],
    )
    assert (one.delivered, one.counts, list(one.sizes)) == (other, {number: 4}, [5, 5])
    assert (two.delivered, two.counts, list(two.numbers)) == (-1, {}, [number])


def test_a_block_is_a_record_batch_as_any_other() -> None:
    bench = Bench()
    bench.add(b"b" * 1000)
    bench.turn()
    partition = bench.log.topics["_penstock.queues"].partitions[0]
    (record,) = decode(partition.read(0, 1 << 20, end=1))
    assert record.value is not None
    assert record.value.endswith(b"b" * 1000)


# --- the edges --------------------------------------------------------------------------------------------------------------


def test_what_need_not_last_is_gone_after_a_restart_and_asks_for_no_sync() -> None:
    bench = Bench()
    number = bench.add(b"light", keep=False)
    assert bench.safe() == [None]
    bench.ledger.flush(bench.now)
    assert not bench.durability.dirty
    assert bench.bodies([number]) == [b"light"]
    kept = bench.add(b"heavy")
    light = bench.add(b"light")
    bench.ledger.settle(1, number)
    bench.turn()
    bench.kill()
    assert bench.waiting() == [kept, light]
    assert bench.bodies([kept, light]) == [b"heavy", b"light"]


def test_what_came_and_went_in_one_turn_is_never_written() -> None:
    bench = Bench()
    number = bench.add(b"quick")
    told = bench.safe()
    bench.ledger.settle(1, number)
    bench.turn()
    assert told == [None]
    assert "_penstock.queues" not in bench.log.topics
    gone, left = bench.add(b"gone" * 100), bench.add(b"left")
    bench.ledger.settle(1, gone)
    bench.turn()
    assert bench.log_bytes < 400
    bench.restart()
    assert bench.waiting() == [left]
    assert bench.bodies([left]) == [b"left"]


def test_a_queue_lets_go_of_all_at_once() -> None:
    bench = Bench()
    numbers = [bench.add(b"x", 1, *((2,) if i % 3 else ())) for i in range(1000)]
    bench.turn()
    bench.ledger.drop(1, numbers)
    bench.turn()
    bench.restart()
    assert bench.waiting(1) == []
    assert bench.waiting(2) == [number for i, number in enumerate(numbers) if i % 3]


def test_many_are_settled_in_one_go() -> None:
    bench = Bench()
    numbers = [bench.add(b"x", 1, 2) for _ in range(20_000)]
    bench.turn()
    bench.ledger.settle_many(1, numbers[5:])
    late = bench.add()
    bench.ledger.settle_many(1, [*numbers[:3], late])
    bench.turn()
    bench.restart()
    assert bench.waiting(1) == numbers[3:5]
    assert bench.waiting(2) == numbers


def test_many_are_settled_wherever_they_stand_and_once_however_often_they_are_named() -> None:
    bench = Bench()
    numbers = [bench.add(b"x", *((1,) if i % 5 else (1, 2)), keep=i % 7 > 0) for i in range(20_000)]
    bench.turn()
    bench.ledger.returned(1, numbers[1], 3)
    for third in (2, 1, 2):
        bench.ledger.settle_many(1, numbers[third::3])
    assert bench.ledger.measures()["penstock_queue_messages"] == 20_000  # not before the turn ends
    bench.turn()
    assert bench.ledger.measures()["penstock_queue_messages"] == len({*numbers[::3], *numbers[::5]})
    bench.ledger.settle_many(1, numbers[1::3])
    bench.turn()
    bench.restart()
    assert bench.waiting(1) == [n for i, n in enumerate(numbers) if i % 3 == 0 and i % 7]
    assert bench.waiting(2) == [n for i, n in enumerate(numbers) if i % 5 == 0 and i % 7]
    assert bench.found.queues[1].counts == {}


def test_what_is_said_to_be_safe_includes_what_was_settled_just_now() -> None:
    bench = Bench()
    numbers = [bench.add() for _ in range(3)]
    bench.turn()
    bench.ledger.settle_many(1, numbers)
    told = bench.safe()
    assert told == []
    bench.turn()
    assert told == [None]


def test_cold_bodies_are_told_and_found_when_fetched() -> None:
    bench = Bench()
    numbers = [bench.add(b"%d" % i * 500) for i in range(10)]
    bench.turn()
    bench.restart()
    bench.disk.cold = 1.0
    with pytest.raises(Cold):
        bench.ledger.contents(numbers)
    bench.disk.cold = 0.5
    assert bench.bodies(numbers) == [b"%d" % i * 500 for i in range(10)]


def test_memory_is_bounded_and_all_is_still_found() -> None:
    bench = Bench(options=LedgerOptions(memory_bytes=20_000))
    numbers = []
    for turn in range(100):
        numbers += [bench.add(b"%d" % turn * 100) for _ in range(5)]
        bench.turn()
    assert bench.ledger.measures()["penstock_queue_memory_bytes"] <= 20_000
    assert bench.bodies(numbers) == [b"%d" % (i // 5) * 100 for i in range(500)]


# --- the refusals -----------------------------------------------------------------------------------------------------------


def test_where_there_is_no_room_the_turns_messages_are_taken_back_and_the_rest_is_told_later() -> None:
    bench = Bench()
    taken: list[tuple[range, list[tuple[int, int]], Refused]] = []
    bench.ledger.taken_back = lambda numbers, pairs, why: taken.append((numbers, list(pairs), why))
    first, second, third = (bench.add() for _ in range(3))
    bench.turn()
    bench.disk.room = 10
    bench.ledger.settle(1, first)
    lost = bench.add(b"lost")
    with bench.ledger.as_one():
        bench.ledger.settle(1, second)
    told = bench.safe()
    bench.turn()
    ((numbers, pairs, why),) = taken
    assert (list(numbers), pairs, why.reason) == ([lost], [(1, second)], Refusal.DISK_FULL)
    assert [one.reason for one in told if one] == [Refusal.DISK_FULL]
    bench.disk.room = None
    bench.turn()
    assert bench.log.topics["_penstock.queues"].partitions[0].end_offset == 1, "not tried again at once"
    told = bench.safe()
    bench.turn()
    assert told == [None]
    bench.restart()
    assert bench.waiting() == [second, third]
    assert bench.bodies([second, third]) == [b"hello"] * 2


def test_what_is_settled_as_one_with_a_message_is_settled_when_that_is_written() -> None:
    bench = Bench()
    first = bench.add()
    bench.turn()
    with bench.ledger.as_one():
        bench.ledger.settle(1, first)
        second = bench.add(b"result")
    bench.turn()
    bench.restart()
    assert bench.waiting() == [second]


def test_a_damaged_block_is_left_out_and_told() -> None:
    bench = Bench(options=LedgerOptions())
    numbers = []
    for _ in range(3):
        numbers.append(bench.add(b"precious"))
        bench.turn()
    bench.log.close(bench.now)
    path = next(
        path
        for path in bench.disk.paths()
        if path.startswith("_penstock.queues-0/") and path.endswith(".log")
    )
    data = bench.disk.read(bench.disk.open(path), 1 << 20, 0)
    at = data.index(b"precious", data.index(b"precious") + 1)
    fd = bench.disk.open(path)
    bench.disk.write(fd, b"broken!!", at)
    bench.disk.sync(fd)
    bench.open()
    assert bench.waiting() == [numbers[0], numbers[2]]
    assert "offset 1 is damaged" in bench.notices[0]


def test_asking_for_a_message_that_nobody_holds_is_a_mistake() -> None:
    bench = Bench(options=SMALL)
    with pytest.raises(LookupError):
        bench.ledger.contents([-5])
