"""Compaction of what transactions wrote: a reader of committed records sees the same newest values before and after."""

import random

from tests.log.compacting import CONFIGS, OPTIONS, START, run_clean, run_sync

from penstock.broker.transactions.marker import aborts
from penstock.broker.transactions.marker import encode as marker
from penstock.clock import Now
from penstock.log import Log, Partition
from penstock.record import Record, decode, encode, scan
from penstock.testing.disk import SimulatedDisk


class Producers:
    """A compacted partition and some producers, each with a transaction open or not."""

    def __init__(self, seed: int) -> None:
        self.chance, self.now, self.number = random.Random(seed), START, 0
        self.disk = SimulatedDisk(seed)
        self.log = Log.open(self.disk, OPTIONS, START)
        self.log.create_topic("t", 1, CONFIGS, START)
        self.open: dict[int, list[Record]] = {}
        self.first: dict[int, int] = {}
        self.committed: dict[bytes, tuple[int, bytes | None]] = {}

    @property
    def partition(self) -> Partition:
        return self.log.topics["t"].partitions[0]

    def write(self, batch: bytearray) -> int:
        return self.partition.append(batch, list(scan(batch)), self.now)

    def send(self, producer: int, *pairs: tuple[bytes, bytes | None]) -> None:
        records = [Record(key, value, self.now.wall_ms) for key, value in pairs]
        batch = bytearray(
            encode(
                records, producer_id=producer, producer_epoch=0, base_sequence=self.number, transactional=True
            )
        )
        base = self.write(batch)
        self.first.setdefault(producer, base)
        stored = [Record(r.key, r.value, r.timestamp_ms, (), base + n) for n, r in enumerate(records)]
        self.open.setdefault(producer, []).extend(stored)

    def end(self, producer: int, commit: bool) -> None:
        self.write(marker(producer, 0, commit, self.now.wall_ms))
        for one in self.open.pop(producer, []) if commit else ():
            assert one.key is not None
            if self.committed.get(one.key, (-1, b""))[0] < one.offset:
                self.committed[one.key] = one.offset, one.value
        self.open.pop(producer, None)
        self.first.pop(producer, None)

    def step(self) -> None:
        self.number += 1
        producer = self.chance.randrange(4)
        if producer in self.open and self.chance.random() < 0.4:
            self.end(producer, self.chance.random() < 0.6)
            return
        pairs = [
            (
                b"k%d" % self.chance.randrange(12),
                None if self.chance.random() < 0.2 else b"%d" % self.number * 5,
            )
            for _ in range(self.chance.randint(1, 3))
        ]
        self.send(producer, *pairs)

    def stable(self) -> int:
        return min([self.partition.durable_offset, *self.first.values()])

    def seen(self) -> dict[bytes, tuple[int, bytes]]:
        """The newest committed value of each key, as a reader of committed records finds it."""
        data, offset = b"", 0
        while offset < self.partition.durable_offset:
            chunk = bytes(self.partition.read(offset, 1 << 20, end=self.partition.durable_offset))
            data += chunk
            offset = list(scan(chunk))[-1].last_offset + 1
        fates: dict[int, list[tuple[int, bool]]] = {}
        for info in scan(data):
            if info.control and info.count:
                fates.setdefault(info.producer_id, []).append((info.base_offset, aborts(data, info)))
        found: dict[bytes, tuple[int, bytes]] = {}
        for info in scan(data):
            if info.control or not info.count or info.base_offset >= self.stable():
                continue
            aborted = next(fate for at, fate in fates[info.producer_id] if at > info.base_offset)
            for one in () if aborted else decode(data[info.position : info.position + info.size]):
                assert one.key is not None
                found.pop(one.key, None)
                if one.value is not None:
                    found[one.key] = one.offset, one.value
        return found

    def expected(self) -> dict[bytes, tuple[int, bytes]]:
        return {key: (offset, value) for key, (offset, value) in self.committed.items() if value is not None}


def settled(world: Producers) -> None:
    for producer in list(world.open):
        world.end(producer, commit=True)
    run_sync(world.log, world.now)


def test_the_newest_committed_values_stay_whatever_is_open_or_aborted() -> None:
    cleaned = 0
    for seed in range(120):
        world = Producers(seed)
        for _ in range(6):
            for _ in range(25):
                world.step()
            run_sync(world.log, world.now)
            cleaned += run_clean(world.log, world.now) is not None
            world.now = world.now.after(world.chance.choice((1, 70)))
        settled(world)
        assert world.seen() == world.expected(), seed
        world.disk.crash()
        world.log = Log.open(world.disk, OPTIONS, world.now)
        assert world.seen() == world.expected(), seed
    assert cleaned > 200


def test_what_was_aborted_goes_and_in_the_end_its_marker_too() -> None:
    world = Producers(1)
    world.send(1, (b"a", b"aborted"))
    world.end(1, commit=False)
    world.send(2, (b"b", b"committed"))
    world.end(2, commit=True)
    for _ in range(2):
        world.send(3, (b"filler", b"." * 700))
        world.end(3, commit=True)
    run_sync(world.log, world.now)
    run_clean(world.log, world.now)

    def there() -> list[tuple[int, int, bool, int]]:
        batches = scan(world.partition.read(0, 1 << 20, end=4))
        return [(i.producer_id, i.base_offset, i.control, i.count) for i in batches]

    # The producer's last batch stays as a header, and its marker for delete.retention.ms.
    assert there() == [(1, 0, False, 0), (1, 1, True, 1), (2, 2, False, 1), (2, 3, True, 1)]
    world.now = Now(100.0, START.wall_ms + 6000)
    for _ in range(3):
        world.send(3, (b"filler", b"." * 700))
        world.end(3, commit=True)
    run_sync(world.log, world.now)
    run_clean(world.log, world.now)
    assert there() == [(1, 0, False, 0), (1, 1, True, 0), (2, 2, False, 1), (2, 3, True, 1)]


def test_nothing_behind_an_open_transaction_is_touched() -> None:
    world = Producers(1)
    world.send(1, (b"a", b"1"))
    world.end(1, commit=True)
    world.send(1, (b"a", b"2"))
    for _ in range(4):
        world.send(2, (b"a", b"." * 700))
        world.end(2, commit=True)
    run_sync(world.log, world.now)
    cleaning = run_clean(world.log, world.now)
    assert cleaning is not None and world.partition.clean_offset == 2
    assert [i.base_offset for i in scan(world.partition.read(0, 1 << 20, end=3))] == [0, 1, 2]
    cleaning = run_clean(world.log, world.now)
    assert cleaning is not None and not cleaning.complete
    assert run_clean(world.log, world.now) is None, "it waits for the transaction"
