"""The simulated disk promises no more than a disk does, and no less; and crashes that once lost something."""

import pytest
from tests.log.test_partitions import NOW, append, opened, sync

from penstock.log import DiskFull
from penstock.testing.disk import Crashed, SimulatedDisk


def after_crash(seed, synced_name=True):
    disk = SimulatedDisk(seed)
    fd = disk.open("a", create=True)
    disk.write(fd, b"first", 0)
    disk.sync(fd)
    if synced_name:
        disk.sync_folder("")
    disk.write(fd, b"second", 5)
    disk.write(fd, b"third", 11)
    disk.crash()
    return bytes(disk.read(disk.open("a"), 100, 0)) if "a" in disk.listing("") else None


def test_what_was_synced_stays_and_what_was_not_comes_out_every_way():
    found = {after_crash(seed) for seed in range(400)}
    assert all(content.startswith(b"first") for content in found)
    assert {b"first", b"firstsecondthird", b"firstsecond"} <= found
    assert any(content[5:] == bytes(6) + b"third" for content in found)  # the later write alone
    assert len(found) > 10  # torn ones
    assert None in {after_crash(seed, synced_name=False) for seed in range(40)}
    assert after_crash(7) == after_crash(7)


def test_a_rename_is_undone_or_done_and_a_kill_loses_nothing():
    outcomes = set()
    for seed in range(60):
        disk = SimulatedDisk(seed)
        for name in ("a", "b"):
            fd = disk.open(name, create=True)
            disk.write(fd, name.encode(), 0)
            disk.sync(fd)
        disk.sync_folder("")
        disk.rename("a", "b")
        disk.kill()
        assert disk.read(disk.open("b"), 9, 0) == b"a" and list(disk.listing("")) == ["b"]
        disk.crash()
        outcomes.add((bytes(disk.read(disk.open("b"), 9, 0)), tuple(sorted(disk.listing("")))))
    assert outcomes == {(b"b", ("a", "b")), (b"a", ("b",))}


def test_a_crash_comes_at_the_operation_asked_for_and_descriptors_are_gone():
    disk = SimulatedDisk()
    fd = disk.open("a", create=True)
    disk.crash_at = 1
    disk.write(fd, b"1", 0)
    with pytest.raises(Crashed):
        disk.write(fd, b"2", 1)
    disk.crash()
    with pytest.raises(KeyError):
        disk.read(fd, 1, 0)
    fd = disk.open("b", create=True)
    disk.room = 3
    with pytest.raises(DiskFull):
        disk.write(fd, b"12345", 0)
    assert disk.read(fd, 9, 0) == b"123"


def test_a_segment_left_empty_by_a_kill_gets_a_safe_name_before_its_records_are_acknowledged():
    for seed in range(20):
        disk = SimulatedDisk(seed)
        log = opened(disk, segment_bytes=300)
        (one,) = log.create_topic("t", 1, {}, NOW).partitions
        append(one)
        append(one)
        log.close(NOW)
        log = opened(disk, segment_bytes=300)
        one = log.topics["t"].partitions[0]
        disk.crash_at = 6  # two indexes of three operations each, then the new segment's file
        with pytest.raises(Crashed):
            append(one)
        disk.kill()
        log = opened(disk, segment_bytes=300)
        one = log.topics["t"].partitions[0]
        assert append(one) == 2
        sync(log)
        disk.crash()
        assert opened(disk, segment_bytes=300).topics["t"].partitions[0].end_offset == 3


def test_a_half_of_the_journal_is_not_overwritten_before_its_segments_are_safe():
    for seed in range(20):
        disk = SimulatedDisk(seed)
        log = opened(disk, journal_bytes=6000)
        parts = log.create_topic("t", 6, {}, NOW).partitions
        for number, size in enumerate((1200, 60, 1200)):  # the last one wants the first one's half
            for partition in parts[2 * number : 2 * number + 2]:
                append(partition, value=b"x" * size)
            sync(log)
        ends = [p.durable_offset for p in parts]
        disk.crash()
        log = opened(disk, journal_bytes=6000)
        assert [p.end_offset for p in log.topics["t"].partitions] == ends
        assert ends == [1] * 6
