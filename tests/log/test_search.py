"""Finding records by time, and reading what is not in memory: piece by piece, with the same answers."""

import random

import pytest

from penstock.clock import Now
from penstock.compression import GZIP, NONE
from penstock.later import finish
from penstock.log import Cold, Log, LogOptions, Partition
from penstock.log.search import times
from penstock.record import Record, decode, encode, scan
from penstock.testing.disk import SimulatedDisk

NOW = Now(0.0, 1_700_000_000_000)


def filled(disk: SimulatedDisk, batches: list[list[int]], codec: int = NONE) -> Partition:
    """A partition with these timestamps, all safe."""
    log = Log.open(disk, LogOptions(segment_bytes=2000, index_interval_bytes=200), NOW)
    partition = log.create_topic("t", 1, {}, NOW).partitions[0]
    for stamps in batches:
        batch = bytearray(encode([Record(None, b"x" * 20, ms) for ms in stamps], codec=codec))
        partition.append(batch, list(scan(batch)), NOW)
    sync = log.begin_sync(NOW)
    assert sync is not None
    sync.run()
    log.end_sync(sync, NOW)
    return partition


@pytest.mark.parametrize("codec", [NONE, GZIP])
def test_every_answer_is_that_of_a_list_of_all_records_however_cold_the_disk_is(codec):
    chance = random.Random(7)
    disk = SimulatedDisk(7)
    batches = [[1000 + chance.randrange(500) for _ in range(chance.randint(1, 9))] for _ in range(120)]
    partition = filled(disk, batches, codec)
    stamps = [ms for batch in batches for ms in batch]
    disk.cold = 0.6
    for start in (0, 1, 5, 77, 300):
        left = list(enumerate(stamps))[partition.truncate_before(start) :]
        for at_ms in (900, 1100, 1250, 1499, 1600):
            first = next((one for one in left if one[1] >= at_ms), None)
            assert finish(partition.find(at_ms)) == first
        assert finish(partition.find_youngest()) == max(left, key=lambda one: (one[1], -one[0]))


def test_a_read_of_what_is_not_in_memory_names_what_is_missing_and_changes_nothing():
    disk = SimulatedDisk(1)
    partition = filled(disk, [[1000]] * 50)
    disk.cold = 1.0
    with pytest.raises(Cold) as found:
        partition.read_near(20, 1000, end=50)
    assert found.value.path.startswith("t-0/")
    found.value.fetch()
    assert partition.read(20, 1000, end=50)
    disk.cold = 0.0
    assert partition.read_near(20, 1000, end=50) == partition.read(20, 1000, end=50)


def test_a_large_batch_is_looked_through_in_many_pieces():
    partition = filled(SimulatedDisk(1), [[1000] * 20_000 + [2000]])
    steps = partition.find(1500)
    pieces, given = 0, None
    with pytest.raises(StopIteration) as end:
        while True:
            given = steps.send(given)()
            pieces += 1
    assert end.value.value == (20_000, 2000)
    assert pieces >= 20


def test_a_batch_whose_records_are_damaged_answers_as_its_header_says():
    disk = SimulatedDisk(1)
    partition = filled(disk, [[1000, 1001], [2000, 2001], [3000]])
    path = partition.segments[0].path + ".log"
    position = [info.position for info in scan(partition.read(0, 10_000, end=5))][1]
    fd = disk.open(path)
    disk.write(fd, b"\xff", position + 70)
    assert finish(partition.find(1500)) == (3, 2001)
    assert finish(partition.find(2500)) == (4, 3000)


def test_times_are_those_of_the_records():
    for codec in (NONE, GZIP):
        records = [Record(b"k" * (n % 200), b"v" * n, 1000 + n * n, (("h", b"x" * 300),)) for n in range(150)]
        batch = encode(records, codec=codec, base_offset=70)
        assert list(times(batch)) == [(one.offset, one.timestamp_ms) for one in decode(batch)]
    with pytest.raises(ValueError, match="damaged"):
        list(times(batch[:-1] + b"\xff"))
