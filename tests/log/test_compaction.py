"""Compaction keeps the newest record of each key, and nothing else changes; on a disk that crashes at any step too."""

import contextlib

import pytest
from tests.log.compacting import CONFIGS, MOVES, OPTIONS, START, World, newest, read_all, run_clean, run_sync

from penstock.later import finish
from penstock.log import LogOptions
from penstock.record import Record, decode, encode, info_at, scan
from penstock.testing.disk import Crashed


def put(world: World, *pairs: tuple[str, str | None], **how: int) -> None:
    """One batch, safe on disk."""
    records = [Record(k.encode(), None if v is None else v.encode(), world.now.wall_ms) for k, v in pairs]
    batch = bytearray(encode(records, **how))
    world.partition.append(batch, list(scan(batch)), world.now)
    run_sync(world.log, world.now)


def fill(world: World, times: int = 1) -> None:
    """Enough to seal what was written before."""
    for number in range(times):
        put(world, (f"filler{number}", "." * 600))


def seen(world: World) -> list[tuple[int, str, str | None]]:
    return [
        (one.offset, (one.key or b"").decode(), None if one.value is None else one.value.decode())
        for one in read_all(world.partition)
        if not (one.key or b"").startswith(b"filler")
    ]


def test_of_each_key_the_newest_record_stays_at_its_offset():
    world = World(1)
    put(world, ("a", "1"), ("b", "1"), ("a", "2"))
    put(world, ("b", "2"), ("c", "1"))
    fill(world, 2)
    before = world.partition.size_bytes
    assert run_clean(world.log, world.now) is not None
    assert seen(world) == [(2, "a", "2"), (3, "b", "2"), (4, "c", "1")]
    assert world.partition.size_bytes < before
    assert (world.partition.start_offset, world.partition.end_offset) == (0, 7)
    assert run_clean(world.log, world.now) is None, "what is clean is not cleaned again"


def test_the_last_segment_is_never_compacted():
    world = World(1)
    for number in range(5):
        put(world, ("a", str(number)))
    assert run_clean(world.log, world.now) is None
    assert len(seen(world)) == 5


def test_a_reader_goes_on_from_an_offset_that_is_gone():
    world = World(1)
    for number in range(30):
        put(world, ("a", str(number) * 20))
    fill(world, 2)
    run_clean(world.log, world.now)
    for offset in range(31):
        assert read_all(world.partition, offset)[0].offset == max(offset, 29)


def test_a_tombstone_stays_until_its_time_is_over_and_then_goes():
    world = World(1)
    put(world, ("a", "1"), ("b", "1"))
    put(world, ("a", None))
    fill(world, 2)
    run_clean(world.log, world.now)
    assert seen(world) == [(1, "b", "1"), (2, "a", None)]
    stored = next(i for i in scan(world.partition.read(2, 1, end=3)))
    assert stored.delete_horizon_ms == world.now.wall_ms + 5000
    world.now = world.now.after(4)
    fill(world, 3)
    run_clean(world.log, world.now)
    assert seen(world) == [(1, "b", "1"), (2, "a", None)]
    world.now = world.now.after(2)
    fill(world, 3)
    run_clean(world.log, world.now)
    assert seen(world) == [(1, "b", "1")]


def test_records_keep_their_times_and_headers_when_their_batch_is_written_again():
    world = World(1)
    records = [
        Record(b"a", b"old", START.wall_ms - 7),
        Record(b"b", None, START.wall_ms + 40, (("h", None), ("i", b"x" * 200))),
        Record(b"c", b"stays", START.wall_ms - 90_000_000, (("h", b""),)),
        Record(b"a", b"new", START.wall_ms + 5),
    ]
    for codec in range(5):
        batch = bytearray(encode(records, codec=codec))
        world.partition.append(batch, list(scan(batch)), world.now)
    run_sync(world.log, world.now)
    fill(world, 2)
    run_clean(world.log, world.now)
    found = read_all(world.partition)[:3]
    expected = [Record(r.key, r.value, r.timestamp_ms, r.headers, 16 + n) for n, r in enumerate(records)][1:]
    assert found == expected
    assert finish(world.partition.find(START.wall_ms + 40)) == (17, START.wall_ms + 40)


def test_a_producers_last_batch_stays_without_records():
    world = World(1)
    put(world, ("a", "1"), producer_id=7, producer_epoch=2, base_sequence=10)
    put(world, ("a", "2"), ("a", "3"), producer_id=7, producer_epoch=2, base_sequence=11)
    put(world, ("a", "4"))
    fill(world, 2)
    run_clean(world.log, world.now)
    first, second = list(scan(world.partition.read(0, 1 << 20, end=4)))[:2]
    assert (first.base_offset, first.last_offset, first.count) == (1, 2, 0)
    assert (first.producer_id, first.producer_epoch, first.base_sequence) == (7, 2, 11)
    assert (second.base_offset, second.count) == (3, 1)
    assert seen(world) == [(3, "a", "4")]


def test_young_records_are_left_alone_and_old_ones_are_compacted_in_time():
    world = World(
        1, min_compaction_lag_ms="60000", max_compaction_lag_ms="100000", min_cleanable_dirty_ratio="1"
    )
    put(world, ("a", "1"), ("a", "2"))
    fill(world, 2)
    assert run_clean(world.log, world.now) is None
    world.now = world.now.after(90)
    assert run_clean(world.log, world.now) is None
    world.now = world.now.after(11)
    assert run_clean(world.log, world.now) is not None
    assert seen(world) == [(1, "a", "2")]


def test_max_compaction_lag_seals_the_segment_of_a_quiet_topic():
    world = World(1, max_compaction_lag_ms="1000", min_cleanable_dirty_ratio="1")
    put(world, ("a", "1"), ("a", "2"))
    world.now = world.now.after(2)
    put(world, ("b", "1"))
    run_clean(world.log, world.now)
    assert seen(world) == [(1, "a", "2"), (2, "b", "1")]


def test_more_keys_than_fit_take_several_rounds():
    world = World(1, LogOptions(segment_bytes=600, compaction_bytes=5 * 200))
    for number in range(60):
        put(world, (f"k{number % 12}", f"{number}"))
    fill(world, 2)
    for _ in range(40):
        world.now = world.now.after(1)
        if run_clean(world.log, world.now) is None:
            break
    else:
        pytest.fail("it never ends")
    assert [offset for offset, *_ in seen(world)] == list(range(48, 60))


def test_small_segments_become_one_and_survive_a_start():
    world = World(1)
    for number in range(40):
        put(world, (f"k{number % 3}", "." * 60))
    count = len(world.partition.segments)
    for _ in range(2):  # neighbours are joined that were small before, as in Kafka
        fill(world, 2)
        run_clean(world.log, world.now)
    assert len(world.partition.segments) <= count / 2
    before = read_all(world.partition)
    world.disk.crash()
    world.start_again()
    assert read_all(world.partition) == before
    assert world.log.cuts == []
    assert world.partition.clean_offset == 43


def test_compact_and_delete_both_hold():
    world = World(1, cleanup_policy="compact,delete", retention_ms="50000")
    put(world, ("a", "1"), ("a", "2"))
    fill(world, 2)
    run_clean(world.log, world.now)
    assert seen(world) == [(1, "a", "2")]
    world.now = world.now.after(100)
    assert world.log.retain(world.now) > 0
    assert seen(world) == []


def test_a_topic_deleted_meanwhile_ends_the_work():
    world = World(1)
    put(world, ("a", "1"), ("a", "2"))
    fill(world, 2)
    cleaning = world.log.begin_clean(world.now)
    assert cleaning is not None
    cleaning.run(1)
    world.log.delete_topic("t")
    world.log.create_topic("t", 1, CONFIGS, world.now)
    put(world, ("a", "3"))
    while not world.log.end_clean(cleaning, world.now):
        cleaning.run(1 << 20)
    assert cleaning.error is None
    assert seen(world) == [(0, "a", "3")]
    world.log.close(world.now)
    world.start_again()
    assert seen(world) == [(0, "a", "3")]


def test_retention_that_is_faster_wins():
    world = World(1, cleanup_policy="compact,delete")
    for number in range(20):
        put(world, ("a", str(number) * 30))
    fill(world, 2)
    cleaning = world.log.begin_clean(world.now)
    assert cleaning is not None
    while cleaning.ready is None:
        cleaning.run(1)
    world.log.truncate_before({world.partition: 21})
    while not world.log.end_clean(cleaning, world.now):
        cleaning.run(1 << 20)
    assert not cleaning.complete and cleaning.error is None
    assert seen(world) == []
    assert not any("cleaned" in path or "swap" in path for path in world.disk.paths())


def test_a_full_disk_puts_compaction_off_and_harms_nothing():
    world = World(1)
    for number in range(20):
        put(world, (f"k{number % 2}", str(number) * 30))
    fill(world, 2)
    before = read_all(world.partition)
    refused = 0
    for room in range(0, 3000, 100):
        world.disk.room = room
        cleaning = run_clean(world.log, world.now)
        assert newest(read_all(world.partition)) == newest(before)
        if cleaning is not None and cleaning.complete:
            break
        assert cleaning is not None and cleaning.full and "no space" in cleaning.notice
        assert run_clean(world.log, world.now) is None, "it waits before it tries again"
        world.now = world.now.after(61)
        refused += 1
    assert refused > 3
    assert [key for _, key, _ in seen(world)] == ["k0", "k1"]


def test_a_damaged_batch_ends_the_work_and_is_told_once():
    world = World(1)
    put(world, ("a", "1"), ("a", "2"))
    fill(world, 2)
    file = world.disk._file("t-0/00000000000000000000.log")
    file.data[-1] ^= 1
    cleaning = run_clean(world.log, world.now)
    assert cleaning is not None and "damaged" in cleaning.notice
    assert run_clean(world.log, world.now) is None


def test_a_failing_disk_stops_the_log():
    world = World(1)
    put(world, ("a", "1"), ("a", "2"))
    fill(world, 2)
    world.disk.sync_error = OSError("gone")
    cleaning = world.log.begin_clean(world.now)
    assert cleaning is not None
    while not world.log.end_clean(cleaning, world.now):
        cleaning.run(1 << 20)
    with pytest.raises(Exception, match="gone"):
        put(world, ("a", "3"))


@pytest.mark.parametrize("block", range(5))
def test_nothing_is_lost_at_any_cut(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        world = World(seed)
        for _ in range(6):
            world.disk.crash_at = int(world.chance.expovariate(1 / 120))
            with contextlib.suppress(Crashed):
                for _ in range(120):
                    getattr(world, world.chance.choice(MOVES))()
            world.crash()


def test_every_step_of_one_cleaning_may_be_the_last():
    """The same cleaning, cut at each of its operations in turn."""
    cut = 0
    while True:
        world = World(cut)
        for _ in range(40):
            world.append()
        run_sync(world.log, world.now)
        world.safe = world.partition.durable_offset
        world.disk.crash_at = cut
        world.cleaning = world.log.begin_clean(world.now)
        assert world.cleaning is not None
        try:
            while not world.log.end_clean(world.cleaning, world.now):
                world.cleaning.run(1 << 20)
            break
        except Crashed:
            world.crash()
            world.disk.crash_at = None
            world.now = world.now.after(1)
            run_clean(world.log, world.now)
            world.verify()
        cut += 1
    assert cut > 25


def test_after_a_cleaning_each_key_is_there_once():
    for seed in range(30):
        world = World(seed)
        for _ in range(60):
            world.append()
        run_sync(world.log, world.now)
        run_clean(world.log, world.now)
        clean = world.partition.clean_offset
        found = [one for one in read_all(world.partition) if one.offset < clean]
        must = newest([one for offset, one in sorted(world.written.items()) if offset < clean])
        assert {one.key: one for one in found} == must
        assert len(found) == len(must)
        assert OPTIONS.segment_bytes >= max(s.size for s in world.partition.segments)
        data = world.partition.read(0, 1 << 20, end=clean)
        assert all(info_at(data, info.position).size == info.size for info in scan(data))
        list(decode(data))
