"""Partitions on the simulated disk: append, read, find by time, forget; refusals of a full and of a failing disk."""

import contextlib

import pytest

from penstock.clock import Now
from penstock.compression import ZSTD
from penstock.later import finish
from penstock.log import DiskFailed, DiskFull, Log, LogOptions, NewTopic
from penstock.record import Record, check, encode, scan, stamp_append_time
from penstock.testing.disk import Crashed, SimulatedDisk

NOW = Now(0.0, 1_700_000_000_000)


def opened(disk=None, **options):
    return Log.open(disk or SimulatedDisk(), LogOptions(**options), NOW)


def append(partition, *times_ms, value=b"v" * 50, now=NOW):
    batch = bytearray(encode([Record(None, value, ms) for ms in times_ms or (now.wall_ms,)]))
    return partition.append(batch, check(batch, bytes_max=1 << 20), now)


def sync(log, now=NOW):
    round_ = log.begin_sync(now)
    if round_ is None:
        return []
    round_.run()
    return log.end_sync(round_, now)


def offsets(data):
    return [(i.base_offset, i.last_offset) for i in scan(data)]


def test_offsets_are_given_in_order_and_are_durable_only_after_the_sync():
    log = opened()
    one, two = log.create_topic("t", 2, {}, NOW).partitions
    assert [append(one, 1, 2, 3), append(one, 4), append(two, 5)] == [0, 3, 0]
    assert (one.end_offset, one.durable_offset, two.durable_offset) == (4, 0, 0)
    assert one.read(0, 1000, end=one.durable_offset) == b""
    assert set(sync(log)) == {one, two}
    assert (one.durable_offset, two.durable_offset) == (4, 1)
    assert offsets(one.read(0, 1000, end=4)) == [(0, 2), (3, 3)]
    assert log.begin_sync(NOW) is None


def test_what_is_appended_during_a_sync_waits_for_the_next_one():
    log = opened()
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one)
    running = log.begin_sync(NOW)
    append(one)
    assert log.begin_sync(NOW) is None and log.next_sync_s(NOW) == 0.0
    running.run()
    assert log.end_sync(running, NOW) == [one]
    assert (one.durable_offset, one.end_offset) == (1, 2)
    sync(log)
    assert one.durable_offset == 2


def test_a_read_begins_in_the_middle_ends_at_the_end_and_gives_at_least_one_batch():
    log = opened(segment_bytes=1000, index_interval_bytes=100)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    for _ in range(40):
        append(one, 1, 2, 3)
    size = len(one.read(0, 1, end=120))
    for offset in range(120):
        first = offset // 3 * 3
        assert offsets(one.read(offset, 1, end=120)) == [(first, first + 2)]
        for end in range(offset, 121, 7):
            got = offsets(one.read(offset, 2 * size + 5, end=end))
            assert got == [(b, b + 2) for b in (first, first + 3) if b + 2 < end][: len(got)]
            assert bool(got) == (first + 2 < end)
    assert one.read(120, 1000, end=120) == b""
    for outside in (-1, 121):
        with pytest.raises(LookupError):
            one.read(outside, 1000, end=120)


def test_the_first_record_of_a_time_is_found_inside_its_batch():
    log = opened(segment_bytes=600, index_interval_bytes=80)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    assert finish(one.find(0)) is None and finish(one.find_youngest()) is None
    times = [10, 20, 15, 40, 30, 60, 50, 50, 90, 70, 80, 85, 5, 95, 95, 1] * 3
    for at in range(0, len(times), 4):
        append(one, *times[at : at + 4])
    assert finish(one.find(0)) is None  # nothing is durable yet
    sync(log)
    for time_ms in range(100):
        expected = next(((i, ms) for i, ms in enumerate(times) if ms >= time_ms), None)
        assert finish(one.find(time_ms)) == expected
    assert finish(one.find_youngest()) == (13, 95)
    one.truncate_before(15)
    assert finish(one.find_youngest()) == (29, 95) and finish(one.find(91)) == (29, 95)


def test_a_segment_ends_by_its_size_and_by_its_age():
    log = opened()
    configs = {"segment.bytes": "300", "segment.ms": "1000"}
    (one,) = log.create_topic("t", 1, configs, NOW).partitions
    append(one)
    append(one)
    append(one)
    assert [s.base for s in one.segments] == [0, 2]
    append(one, now=NOW.after(2))
    assert [s.base for s in one.segments] == [0, 2, 3]
    append(one, value=b"x" * 1000)  # larger than a segment may be: a segment of its own
    assert offsets(one.read(4, 1, end=5)) == [(4, 4)]


def test_batches_that_claim_billions_of_offsets_do_no_harm():
    log = opened(index_interval_bytes=10)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    batch = bytearray(encode([Record(None, b"v", 5)], codec=ZSTD))
    batch[23:27] = (2**31 - 2).to_bytes(4, "big")
    batch[57:61] = (2**31 - 1).to_bytes(4, "big")
    stamp_append_time(batch, next(scan(batch)), 5)
    five = batch * 5
    one.append(five, check(five, bytes_max=1000), NOW)
    assert one.append(five, check(five, bytes_max=1000), NOW) == 5 * (2**31 - 1)
    assert append(one, 9) == 10 * (2**31 - 1)
    sync(log)
    assert len(one.segments) == 3
    assert finish(one.find(9)) == (10 * (2**31 - 1), 9)
    assert offsets(one.read(2**33, 1, end=2**40))[0][0] <= 2**33


def test_records_before_an_offset_are_forgotten_for_good():
    disk = SimulatedDisk()
    log = opened(disk, segment_bytes=300)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    for _ in range(9):
        append(one)
    assert one.truncate_before(5) == 0  # not beyond what is durable
    sync(log)
    assert one.truncate_before(5) == 5
    assert [s.base for s in one.segments] == [4, 6, 8]
    disk.crash()
    log = opened(disk, segment_bytes=300)
    one = log.topics["t"].partitions[0]
    assert (one.start_offset, one.end_offset) == (5, 9)
    assert one.truncate_before(99) == 9 and not one.segments
    disk.crash()
    one = opened(disk).topics["t"].partitions[0]
    assert (one.start_offset, one.end_offset, append(one)) == (9, 9, 9)


@pytest.mark.parametrize(
    ("configs", "left"),
    [
        ({"retention.ms": "5000"}, [6, 8]),
        ({"retention.bytes": "400"}, [4, 6, 8]),
        ({"retention.ms": "-1"}, [0, 2, 4, 6, 8]),
        ({"retention.ms": "5000", "cleanup.policy": "compact"}, [0, 2, 4, 6, 8]),
        ({"retention.ms": "10"}, []),
    ],
)
def test_old_or_too_many_segments_go(configs, left):
    log = opened(segment_bytes=300)
    (one,) = log.create_topic("t", 1, configs, NOW).partitions
    for second in range(9):
        append(one, NOW.wall_ms + second * 1000, now=NOW.after(second))
    later = NOW.after(12)
    assert log.retain(later) == 0  # nothing is durable yet
    sync(log, later)
    assert log.retain(later) == 5 - len(left)
    assert [s.base for s in one.segments] == left
    assert one.start_offset == (left[0] if left else 9)
    assert one.size_bytes == sum(s.size for s in one.segments)
    assert append(one) == 9
    sync(log, later)
    names = log._disk.listing("t-0")
    assert sum(name.endswith(".log") for name in names) == len(left) + (not left)
    assert not any(name.endswith(".deleted") for name in names)


def test_a_full_disk_refuses_the_append_and_leaves_no_part_of_it():
    disk = SimulatedDisk()
    log = opened(disk)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one)
    disk.room = 50
    with pytest.raises(DiskFull):
        append(one)
    assert (one.end_offset, disk.listing("t-0")["0" * 20 + ".log"]) == (1, one.size_bytes)
    with pytest.raises(DiskFull):
        log.create_topic("u", 1, {}, NOW)
    assert list(log.topics) == ["t"]
    disk.room = None
    assert append(one) == 1
    sync(log)
    assert offsets(one.read(0, 1000, end=2)) == [(0, 0), (1, 1)]


def test_a_journal_without_room_falls_back_to_the_files():
    disk = SimulatedDisk()
    log = opened(disk)
    parts = log.create_topic("t", 5, {}, NOW).partitions
    for partition in parts:
        append(partition)
    disk.room = 10
    assert len(sync(log)) == 5
    disk.crash()
    disk.room = None
    assert [p.end_offset for p in opened(disk).topics["t"].partitions] == [1] * 5


def test_a_journal_that_could_not_begin_for_want_of_room_begins_with_the_next_round():
    for seed in range(8):
        disk = SimulatedDisk(seed)
        log = opened(disk)
        parts = log.create_topic("t", 5, {}, NOW).partitions
        for room in (10, None):
            disk.room = None
            for partition in parts:
                append(partition)
            disk.room = room
            assert len(sync(log)) == 5
        assert [p.durable_offset for p in parts] == [2] * 5
        disk.crash()
        assert [p.end_offset for p in opened(disk).topics["t"].partitions] == [2] * 5


def test_an_fsync_error_is_final():
    disk = SimulatedDisk()
    log = opened(disk)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one)
    disk.sync_error = OSError(5, "input/output error")
    round_ = log.begin_sync(NOW)
    round_.run()
    assert isinstance(round_.error, OSError)
    assert log.end_sync(round_, NOW) == []
    disk.sync_error = None
    with pytest.raises(DiskFailed):
        append(one)
    with pytest.raises(DiskFailed):
        log.create_topic("u", 1, {}, NOW)
    assert log.begin_sync(NOW) is None and one.durable_offset == 0
    log.close(NOW)


def test_under_interval_and_never_what_is_written_counts_as_durable():
    disk = SimulatedDisk()
    log = opened(disk, sync="interval", sync_interval_ms=1000)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one)
    assert one.durable_offset == 1
    assert sync(log) == [one]
    append(one)
    assert log.begin_sync(NOW) is None and log.next_sync_s(NOW) == 1.0
    assert sync(log, NOW.after(1)) == [one]
    log = opened(SimulatedDisk(), sync="never", segment_bytes=300)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one)
    assert one.durable_offset == 1 and log.begin_sync(NOW) is None
    for _ in range(4):
        append(one)
    assert [r.segment.base for r in log.begin_sync(NOW).ranges] == [
        0,
        2,
    ]  # sealed ones are made safe at leisure


def test_a_deleted_topic_does_not_come_back_under_its_name():
    disk = SimulatedDisk()
    log = opened(disk)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one)
    sync(log)
    log.delete_topic("t")
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    assert append(one, 7) == 0
    sync(log)
    assert [name for name in disk.listing("") if name.endswith(".deleted")] == []
    disk.crash()
    one = opened(disk).topics["t"].partitions[0]
    assert one.end_offset == 1 and finish(one.find_youngest()) == (0, 7)
    with pytest.raises(KeyError):
        log.delete_topic("nothing")


def test_topics_keep_their_configuration_and_grow():
    disk = SimulatedDisk()
    log = opened(disk)
    topic = log.create_topic("t", 1, {"retention.ms": "5"}, NOW, internal=True)
    log.set_configs("t", {"segment.bytes": "100"})
    log.add_partitions("t", 3, NOW)
    for bad in (lambda: log.create_topic("t", 1, {}, NOW), lambda: log.create_topic("a/b", 1, {}, NOW),
                lambda: log.set_configs("t", {"segment.ms": "soon"}), lambda: log.add_partitions("t", 3, NOW)):  # fmt: skip
        with pytest.raises(ValueError):
            bad()
    disk.crash()
    again = opened(disk)
    kept = again.topics["t"]
    assert (kept.topic_id, kept.configs, kept.internal) == (topic.topic_id, {"segment.bytes": "100"}, True)
    assert (len(kept.partitions), kept.settings.segment_bytes) == (3, 100)
    assert again.cluster_id == log.cluster_id and len(log.cluster_id) == 22


@pytest.mark.parametrize("journal_bytes", [0, 1 << 20])
def test_few_descriptors_are_open_however_many_segments_are_read(journal_bytes):
    disk = SimulatedDisk()
    log = opened(disk, segment_bytes=300, open_files_max=4, journal_bytes=journal_bytes)
    parts = log.create_topic("t", 8, {}, NOW).partitions
    for _ in range(10):
        for partition in parts:
            append(partition)
        while sync(log):  # a round takes no more segments than may be open
            pass
    for offset in (0, 9, 4, 2, 7):
        for partition in parts:
            assert offsets(partition.read(offset, 1, end=10))[0][0] == offset
            assert sum(s.fd >= 0 for p in parts for s in p.segments) <= 4


def test_what_is_deleted_gives_its_descriptors_and_its_room_back_with_the_next_sync():
    disk = SimulatedDisk()
    log = opened(disk, segment_bytes=300)
    kept = log.create_topic("kept", 1, {}, NOW).partitions[0]
    before = None
    for number in range(5):
        parts = log.create_topic(f"t{number}", 2, {}, NOW).partitions
        for _ in range(3):
            for partition in (kept, *parts):
                append(partition, 1)
            sync(log)  # several at once: they are safe in the journal
        log.delete_topic(f"t{number}")
        log.truncate_before({kept: kept.end_offset - 1})
        sync(log)
        assert before in (None, len(disk._open)), "nothing is held of what is deleted"
        before = len(disk._open)


def test_many_topics_are_made_and_deleted_with_one_write_each():
    disk = SimulatedDisk()
    log = opened(disk)
    before = disk.steps
    log.create_topics([NewTopic("one", 1, {})], NOW)
    single = disk.steps - before
    before = disk.steps
    names = [f"t{number}" for number in range(50)]
    log.create_topics([NewTopic(name, 2, {}) for name in names], NOW)
    assert disk.steps - before == single
    before = disk.steps
    log.delete_topics(names)
    assert disk.steps - before == single
    assert set(log.topics) == {"one"} == {topic.name for topic in log.by_id.values()}
    with pytest.raises(ValueError, match="cannot be created"):
        log.create_topics([NewTopic("new", 1, {}), NewTopic("one", 1, {})], NOW)
    with pytest.raises(KeyError):
        log.delete_topics(["one", "nothing"])
    assert set(log.topics) == {"one"}


@pytest.mark.parametrize("seed", range(12))
def test_a_crash_leaves_all_topics_of_one_call_or_none(seed):
    for step in range(6):
        disk = SimulatedDisk(seed)
        log = opened(disk)
        log.create_topic("kept", 1, {}, NOW)
        disk.crash_at = step
        with contextlib.suppress(Crashed):
            log.create_topics([NewTopic(f"t{number}", 1, {}) for number in range(5)], NOW)
        disk.crash()
        assert len(opened(disk).topics) in (1, 6)
