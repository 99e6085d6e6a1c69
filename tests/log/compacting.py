"""A compacted partition on a simulated disk, and all that was ever written to it beside: what must stay is computed."""

import contextlib
import random

from penstock.clock import Now
from penstock.log import Log, LogOptions, Partition
from penstock.log.compaction.cleaning import Cleaning
from penstock.record import Record, decode, encode, scan
from penstock.testing.disk import Crashed, SimulatedDisk

START = Now(0.0, 1_700_000_000_000)
OPTIONS = LogOptions(segment_bytes=600, index_interval_bytes=120, checkpoint_bytes=1500, journal_bytes=4000)
CONFIGS = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "delete.retention.ms": "5000"}


def run_clean(log: Log, now: Now, work: int = 1 << 20) -> Cleaning | None:
    """One cleaning from begin to end."""
    cleaning = log.begin_clean(now)
    if cleaning is None:
        return None
    while not log.end_clean(cleaning, now):
        cleaning.run(work)
    assert cleaning.error is None
    return cleaning


def run_sync(log: Log, now: Now) -> None:
    """All that is dirty becomes safe."""
    while (sync := log.begin_sync(now)) is not None:
        sync.run()
        assert sync.error is None
        log.end_sync(sync, now)


def read_all(partition: Partition, offset: int | None = None, bytes_max: int = 5000) -> list[Record]:
    """Every record from `offset` on, as a reader that goes from batch to batch finds them."""
    at = partition.start_offset if offset is None else offset
    found: list[Record] = []
    while at < partition.durable_offset:
        data = partition.read(at, bytes_max, end=partition.durable_offset)
        batches = list(scan(data))
        if not batches:
            break
        assert batches[0].last_offset >= at, "a reader must get on"
        found += [one for one in decode(data) if one.offset >= at]
        at = batches[-1].last_offset + 1
    assert [one.offset for one in found] == sorted({one.offset for one in found})
    return found


def newest(records: list[Record]) -> dict[bytes | None, Record]:
    """The last record of each key."""
    return {one.key: one for one in records}


class World:
    """`written` has every record by its offset; `safe` is the end of what was acknowledged."""

    def __init__(self, seed: int, options: LogOptions = OPTIONS, **configs: str) -> None:
        self.chance = random.Random(seed)
        self.disk = SimulatedDisk(seed)
        self.options = options
        self.now = START
        self.written: dict[int, Record] = {}
        self.safe = self.number = 0
        self.cleaning: Cleaning | None = None
        self.log = Log.open(self.disk, options, self.now)
        named = {name.replace("_", "."): value for name, value in configs.items()}
        self.log.create_topic("t", 1, CONFIGS | named, self.now)

    @property
    def partition(self) -> Partition:
        """The one."""
        return self.log.topics["t"].partitions[0]

    # --- moves ---------------------------------------------------------------------------------------------------

    def append(self) -> None:
        records = [self._record() for _ in range(self.chance.randint(1, 4))]
        how = {"producer_id": self.chance.randrange(3), "producer_epoch": 0, "base_sequence": self.number}
        batch = bytearray(
            encode(records, codec=self.chance.choice((0, 0, 4)), **how if self.chance.random() < 0.5 else {})
        )
        base = self.partition.end_offset
        for delta, one in enumerate(records):
            self.written[base + delta] = Record(
                one.key, one.value, one.timestamp_ms, one.headers, base + delta
            )
        self.partition.append(batch, list(scan(batch)), self.now)

    def _record(self) -> Record:
        self.number += 1
        key = b"key%d" % int(self.chance.expovariate(0.15)) * self.chance.choice((1, 1, 1, 9))
        value = None if self.chance.random() < 0.2 else b"%d" % self.number * self.chance.randint(1, 9)
        headers = (("h", b"x"),) if self.chance.random() < 0.2 else ()
        return Record(key, value, self.now.wall_ms + self.chance.randint(-100, 100), headers)

    def sync(self) -> None:
        sync = self.log.begin_sync(self.now)
        if sync is not None:
            if self.chance.random() < 0.3:
                self.append()
            sync.run()
            self.log.end_sync(sync, self.now)
            self.safe = max(self.safe, self.partition.durable_offset)

    def clean(self) -> None:
        """Begin, go on a little, or take over what is ready."""
        self.cleaning = self.cleaning or self.log.begin_clean(self.now)
        if self.cleaning is not None:
            self.cleaning.run(self.chance.choice((1, 300, 3000)))
            assert self.cleaning.error is None
            assert not self.cleaning.notice
            if self.log.end_clean(self.cleaning, self.now):
                self.cleaning = None

    def wait(self) -> None:
        self.now = self.now.after(self.chance.choice((0.01, 2, 40)))

    def reopen(self) -> None:
        self.cleaning = None
        self.log.close(self.now)
        self.safe = self.partition.end_offset
        self.start()

    def start_again(self) -> None:
        """Open what an earlier life left, and look at nothing."""
        self.cleaning = None
        self.log = Log.open(self.disk, self.options, self.now)

    def start(self) -> None:
        self.start_again()
        self.verify()

    def crash(self) -> None:
        """The machine or the process goes down, perhaps again while it starts."""
        self._down()
        while self.chance.random() < 0.3:
            self.disk.crash_at = self.chance.randrange(15)
            with contextlib.suppress(Crashed):
                Log.open(self.disk, self.options, self.now)
            self._down()
        self.start()

    def _down(self) -> None:
        if self.cleaning is not None:
            self.disk.crash_at = None
            self.cleaning.stop()
            self.cleaning = None
        if self.chance.random() < 0.3:
            self.disk.kill()
        else:
            self.disk.crash()

    # --- what must hold ------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Nothing acknowledged is lost but what a younger record of its key stands for; nothing is made up."""
        partition = self.partition
        end = partition.end_offset
        assert end >= self.safe and partition.durable_offset == end
        self.written = {offset: one for offset, one in self.written.items() if offset < end}
        self.safe = end
        found = read_all(partition, bytes_max=self.chance.choice((1, 400, 5000)))
        assert all(self.written[one.offset] == one for one in found)
        must = {key: one for key, one in newest(list(self.written.values())).items() if one.value is not None}
        are = newest(found)
        assert {key: one for key, one in are.items() if one.value is not None} == must
        offset = self.chance.randint(partition.start_offset, end)
        assert read_all(partition, offset) == [one for one in found if one.offset >= offset]


MOVES = ("append", "append", "append", "append", "sync", "sync", "clean", "clean", "clean", "wait", "reopen")
