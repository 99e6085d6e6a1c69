"""Every file of a log cut at every byte: it opens on a prefix of what was there, or says why not, and appends go on.

A cut is what a failing disk or a careless user does; no crash does it to what was synced.
"""

import contextlib

import pytest
from tests.log.test_partitions import NOW, append, offsets, opened, sync

from penstock.errors import PenstockError
from penstock.record import scan
from penstock.testing.disk import SimulatedDisk

OPTIONS = {"segment_bytes": 700, "index_interval_bytes": 150, "checkpoint_bytes": 1500}
COUNT = 12


def filled(journal_bytes: int, closed: bool):
    """Two partitions of which each has several segments; synced, and closed or not."""
    disk = SimulatedDisk()
    log = opened(disk, **OPTIONS, journal_bytes=journal_bytes)
    parts = log.create_topic("t", 2, {}, NOW).partitions
    for number in range(COUNT):
        for one in parts:
            append(one, NOW.wall_ms + number, NOW.wall_ms + number + 5)
        if number in (3, 7):
            sync(log)
    sync(log)
    if closed:
        log.close(NOW)
    disk.crash()
    return disk


def found_in(partition):
    found, offset = [], partition.start_offset
    while offset < partition.end_offset:
        found += offsets(partition.read(offset, 10_000, end=partition.end_offset))
        offset = found[-1][1] + 1
    return found


ALL = [(n, n + 1) for n in range(0, 2 * COUNT, 2)]


def check(disk, journal_bytes, path):
    """What opening finds; True where it was refused."""
    try:
        log = opened(disk, **OPTIONS, journal_bytes=journal_bytes)
    except PenstockError as error:
        assert str(error) and path in ("penstock.json", "topics.json"), f"{path}: {error}"
        return True
    for one in log.topics["t"].partitions:
        found = found_in(one)
        harmed = path.startswith(f"t-{one.index}/") or "/" not in path
        sealed = harmed and path.endswith(".log") and found != ALL[: len(found)]
        if sealed:  # a cut in the middle leaves a gap: what stands behind it is whole
            assert set(found) < set(ALL) and found == sorted(found)
        else:
            assert found == ALL[: len(found)]
        assert harmed or found == ALL, f"{path} took {one.topic}-{one.index} with it"
        if path.endswith("index"):
            assert found == ALL
        end = one.end_offset
        assert append(one, 1, 2) == end
    sync(log)
    disk.crash()
    again = opened(disk, **OPTIONS, journal_bytes=journal_bytes)
    for one in again.topics["t"].partitions:
        assert found_in(one)[-1][1] == one.end_offset - 1, "what was appended after the cut is there"
    return False


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(
    ("journal_bytes", "step"), [(0, 1), (4000, 23), pytest.param(4000, 1, marks=pytest.mark.slow)]
)
def test_any_file_cut_at_any_byte(journal_bytes, step, closed):
    """With the journal, which is the largest, at every 23rd byte in the short form."""
    tried = 0
    whole = filled(journal_bytes, closed)
    sizes = {
        f"{folder}/{name}".removeprefix("/"): size
        for folder in ("", "t-0")
        for name, size in whole.listing(folder).items()
        if size >= 0
    }
    for path, size in sizes.items():
        for cut in range(0, size, step):
            disk = filled(journal_bytes, closed)
            with contextlib.suppress(FileNotFoundError):
                disk.damage(path, cut)
                check(disk, journal_bytes, path)
                tried += 1
    assert tried > 1500 / step


@pytest.mark.parametrize("journal_bytes", [0, 4000])
def test_what_a_start_cut_off_does_not_come_back_behind_what_is_appended_then(journal_bytes):
    """Batches of one size: where one was torn and the next was not, the next would fit behind a new one."""
    torn = 0
    for seed in range(400):
        disk = SimulatedDisk(seed)
        log = opened(disk, journal_bytes=journal_bytes)
        (one,) = log.create_topic("t", 1, {}, NOW).partitions
        append(one, 1)
        sync(log)
        for time_ms in range(2, 7):
            append(one, time_ms)
        disk.crash()
        (one,) = opened_again(disk, journal_bytes).topics["t"].partitions
        held = [*times_in(one), 100]
        torn += 2 < len(held) < 7
        log = opened_again(disk, journal_bytes)
        (one,) = log.topics["t"].partitions
        append(one, 100)
        sync(log)
        for _ in range(2):
            disk.crash()
            log = opened_again(disk, journal_bytes)
            assert times_in(log.topics["t"].partitions[0]) == held, seed
    assert torn > 30


def opened_again(disk, journal_bytes):
    """After a process was killed that may have had the log open."""
    disk.kill()
    return opened(disk, journal_bytes=journal_bytes)


def times_in(partition):
    data = partition.read(0, 10_000, end=partition.end_offset)
    return [info.base_timestamp_ms for info in scan(data)]
