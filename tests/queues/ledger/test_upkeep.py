"""The ledger's upkeep: quick starts and a short log, whatever stays in the queues; and what a start makes of damage."""

import struct
import time
from array import array
from pathlib import Path

import pytest
from google_crc32c import value as crc32c

from penstock.broker.ledger import columns
from penstock.broker.ledger.options import LedgerOptions
from penstock.broker.ledger.standing.pages import Pages, Rows
from penstock.errors import PenstockError
from penstock.log import LogOptions, RealDisk
from penstock.record import info_at

from .bench import SMALL, START, Bench, message

QUEUES = "_penstock.queues"


def keep_up(bench: Bench, slices: int = 100) -> None:
    """So many slices, or until there is nothing to do."""
    for _ in range(slices):
        if bench.ledger.upkeep(bench.now) is None:
            return
        bench.sync()
        bench.now = bench.now.after(0.1)


# --- the plain case ---------------------------------------------------------------------------------------------------------


def test_a_start_reads_only_what_stands_behind_the_last_snapshot() -> None:
    bench = Bench(options=LedgerOptions(replay_ms=0))
    numbers = []
    for i in range(20_000):
        numbers.append(bench.ledger.add(message(b"%d" % i), (1 + i % 2,), expires_ms=i, priority=i % 5))
        if i % 20 == 0:
            bench.ledger.flush(bench.now)
    bench.ledger.define("q", {"id": 1})
    bench.turn()
    bench.ledger.returned(1, numbers[0], 3)
    bench.ledger.delivered(1, numbers[10])
    bench.turn()
    keep_up(bench)
    assert bench.ledger.measures()["penstock_queue_snapshots_total"] == 1
    late = bench.add(b"late")
    bench.ledger.settle(2, numbers[1])
    bench.turn()
    found = bench.restart()
    one, two = found.queues[1], found.queues[2]
    assert list(one.numbers) == [*numbers[::2], late]
    assert list(two.numbers) == numbers[3::2]
    assert list(one.expires_ms) == [*range(0, 20_000, 2), 0]
    assert list(two.priorities) == [i % 5 for i in range(3, 20_000, 2)]
    assert (one.counts, one.delivered, found.definitions) == ({numbers[0]: 3}, numbers[10], {"q": {"id": 1}})
    assert bench.bodies([numbers[7], late]) == [b"7", b"late"]
    assert bench.ledger.measures()["penstock_queue_messages"] == 20_000


def test_there_is_nothing_to_do_in_silence() -> None:
    bench = Bench()
    assert bench.ledger.upkeep(bench.now) is None
    assert not bench.ledger.flush(bench.now)
    bench.add()
    assert bench.ledger.flush(bench.now)
    bench.sync()
    keep_up(bench)
    assert bench.ledger.upkeep(bench.now) is None
    before = bench.disk.steps
    assert bench.ledger.upkeep(bench.now.after(100)) is None
    assert bench.disk.steps == before


def test_the_log_stays_short_while_a_few_old_messages_stay() -> None:
    bench = Bench()
    old = []
    for turn in range(300):
        numbers = [bench.add(b"%d" % turn * 30) for _ in range(5)]
        bench.turn()
        old += numbers[:1] if turn < 20 else []
        bench.ledger.settle_many(1, numbers[1:] if turn < 20 else numbers)
        bench.turn()
        bench.ledger.upkeep(bench.now)
        bench.now = bench.now.after(0.1)
    keep_up(bench)
    assert bench.ledger.measures()["penstock_queue_moved_total"] >= 20
    assert bench.log_bytes < 40_000
    assert bench.log.topics[QUEUES].partitions[0].start_offset > 40
    bench.restart()
    assert bench.waiting() == old
    assert bench.bodies(old) == [b"%d" % turn * 30 for turn in range(20)]


def test_a_log_of_which_most_lives_is_left_alone() -> None:
    bench = Bench()
    for _ in range(200):
        bench.add(b"x" * 200)
        bench.turn()
        keep_up(bench)
    assert bench.ledger.measures()["penstock_queue_moved_total"] == 0


# --- the edges --------------------------------------------------------------------------------------------------------------


def test_what_has_to_be_fetched_before_it_is_moved_is_fetched_first() -> None:
    bench = Bench(options=LedgerOptions(4096, 0, 8192, replay_ms=0))
    old = []
    for turn in range(200):
        numbers = [bench.add(b"%d" % turn * 30) for _ in range(5)]
        bench.turn()
        old += numbers[:1] if turn < 20 else []
        bench.ledger.settle_many(1, numbers[1:] if turn < 20 else numbers)
    bench.disk.cold = 0.3
    keep_up(bench, 1000)
    assert bench.ledger.measures()["penstock_queue_moved_total"] >= 20
    bench.restart()
    assert bench.waiting() == old


def test_a_message_costs_at_most_40_bytes_of_memory_beside_what_is_kept_of_its_body() -> None:
    bench = Bench(options=LedgerOptions())
    content = message(b"x" * 12)
    for _ in range(100):
        for _ in range(1000):
            bench.ledger.add(content, (1,))
        bench.ledger.flush(bench.now)
    pages = bench.ledger._standing.pages
    size = sum(column.__sizeof__() for page in pages for column in page.columns())
    assert size / 100_000 <= 40 - 8  # the queue's own list of numbers has 8


def test_pages_of_which_little_is_left_are_put_together() -> None:
    bench = Bench(options=LedgerOptions())
    numbers = [bench.add(b"x") for _ in range(50_000)]
    bench.turn()
    stay = numbers[::1000]
    for number in numbers:
        if number % 1000:
            bench.ledger.settle(1, number)
    bench.turn()
    assert sum(len(page.numbers) for page in bench.ledger._standing.pages) < 5000
    assert len(bench.ledger._standing.pages.pages) < 5
    bench.restart()
    assert bench.waiting() == stay


def test_what_stood_before_the_rest_of_a_page_is_not_found() -> None:
    pages, count = Pages(), 5000
    columns = (
        array("Q", bytes(8 * count)), array("I", range(count)), array("I", bytes(4 * count)), array("I", [1] * count),
    )  # fmt: skip
    pages.extend(Rows(range(count), columns))
    (page,) = pages
    page.holders[:4900] = array("I", bytes(4 * 4900))
    pages.lost(page, 4900)
    assert list(page.numbers) == [*range(4900, count)], "what nobody holds was let go"
    found = [pages.find(number) for number in range(count + 10)]
    assert [one is not None for one in found] == [4900 <= number < count for number in range(count + 10)]


def test_a_message_costs_twenty_bytes_where_none_before_it_is_missing() -> None:
    bench = Bench(options=LedgerOptions())
    for turn in range(300):
        for _ in range(100):
            bench.add(b"x", 1)
        bench.turn()
        if turn == 99:
            bench.kill()
    pages = list(bench.ledger._standing.pages)
    assert all(type(page.numbers) is range for page in pages)
    assert sum(len(one) * one.itemsize for page in pages for one in page.columns()) == 20 * 30_000
    bench.ledger.settle_many(1, range(0, 30_000, 2))
    bench.turn()
    bench.restart()
    assert bench.waiting() == list(range(1, 30_000, 2))


def test_sets_of_queues_that_no_message_has_are_forgotten() -> None:
    bench = Bench(options=LedgerOptions())
    for queue in range(10_000):
        number = bench.add(b"x", queue, queue + 1)
        bench.ledger.settle(queue, number)
        bench.ledger.settle(queue + 1, number)
    left = bench.add(b"left", 1, 2)
    bench.turn()
    bench.ledger.upkeep(bench.now)
    assert len(bench.ledger._standing.holders) < 10
    bench.ledger.settle(1, left)
    bench.turn()
    bench.restart()
    assert (bench.waiting(1), bench.waiting(2)) == ([], [left])


@pytest.mark.slow
def test_a_million_messages_are_there_in_under_three_seconds(tmp_path: Path) -> None:
    def opened() -> Bench:
        bench = Bench.__new__(Bench)
        bench.disk, bench.options = RealDisk(tmp_path), LedgerOptions()  # type: ignore[assignment]
        bench.log_options, bench.now, bench.notices = LogOptions(), START, []
        bench.open()
        return bench

    bench = opened()
    content = message(b"x" * 256)
    for _ in range(10_000):
        for _ in range(100):
            bench.ledger.add(content, (1,))
        bench.turn()
        bench.ledger.upkeep(bench.now)
        bench.now = bench.now.after(0.002)
    bench.disk.unlock()  # as killed
    begun_s = time.perf_counter()
    bench = opened()
    taken_s = time.perf_counter() - begun_s
    assert len(bench.waiting()) == 1_000_000
    assert taken_s < 3


# --- the crash --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sync", ["never", "interval"])
def test_where_nothing_is_synced_a_crash_loses_messages_and_nothing_else(sync: str) -> None:
    for seed in range(40):
        bench = Bench(seed, SMALL, LogOptions(sync=sync, sync_interval_ms=5000))
        every: dict[int, bytes] = {}
        for life in range(4):
            for turn in range(10):
                for body in (b"%d.%d.%d" % (life, turn, i) for i in range(3)):
                    every[bench.add(body)] = body
                bench.turn()
                keep_up(bench, 5)
            bench.restart()
            assert bench.notices == []
            numbers = bench.waiting()
            assert bench.bodies(numbers) == [every[number] for number in numbers]


def test_a_log_of_another_version_is_not_read() -> None:
    bench = Bench()
    bench.add(b"precious")
    bench.turn()
    partition = bench.log.topics[QUEUES].partitions[0]
    newer = columns.batch(columns.BLOCK, {0: b"?"}, 0)
    at = newer.index(b"?") - 10  # format and kind, which columns, one length
    newer[at] = 2
    struct.pack_into(">I", newer, 17, crc32c(bytes(newer[21:])))
    partition.append(newer, [info_at(newer, 0)], bench.now)
    bench.sync()
    with pytest.raises(PenstockError, match="format 2"):
        bench.restart()


def test_a_topic_of_somebody_elses_is_not_taken_for_the_queues() -> None:
    bench = Bench()
    bench.log.create_topic(QUEUES, 1, {}, bench.now)
    with pytest.raises(PenstockError, match="somebody else"):
        bench.kill()


def test_a_start_without_the_snapshot_that_it_needs_says_so() -> None:
    bench = Bench()
    for _ in range(100):
        bench.ledger.settle(1, bench.add(b"x" * 200))
        numbers = [bench.add(b"x" * 200)]
        bench.turn()
        bench.ledger.settle_many(1, numbers)
        bench.turn()
        keep_up(bench)
    assert bench.log.topics[QUEUES].partitions[0].start_offset > 0
    bench.log.close(bench.now)
    path = max(
        path for path in bench.disk.paths() if path.startswith(f"{QUEUES}-1/") and path.endswith(".log")
    )
    fd = bench.disk.open(path)
    size = len(bench.disk.read(fd, 1 << 20, 0))
    for position in range(100, size, 150):
        bench.disk.write(fd, b"damage", position)
    bench.disk.sync(fd)
    bench.open()
    assert "no whole snapshot was found" in bench.notices[0]
    bench.add()
    bench.turn()
