"""What a log must hold after any crash: a plain model beside the log, and the moves that a random test makes."""

import contextlib
import itertools
import random
from dataclasses import dataclass, field

from penstock.clock import Now
from penstock.later import finish
from penstock.log import Log, LogOptions, Partition
from penstock.record import Record, check, decode, encode, place, scan
from penstock.testing.disk import Crashed, SimulatedDisk

START_MS = 1_700_000_000_000
SMALL = {"segment_bytes": 700, "index_interval_bytes": 150, "checkpoint_bytes": 1500, "open_files_max": 8}


@dataclass
class Part:
    """One partition as it must be: batches by base offset, and which offsets were acknowledged."""

    batches: dict[int, bytes] = field(default_factory=dict)
    acknowledged: int = 0
    starts: set[int] = field(default_factory=lambda: {0})  # more than one while an operation was cut


class World:
    """A log on a simulated disk and the model beside it, through as many lives as a test wants."""

    def __init__(self, seed: int, options: LogOptions) -> None:
        self.chance = random.Random(seed)
        self.disk = SimulatedDisk(seed)
        self.options = options
        self.now = Now(0.0, START_MS)
        self.parts: dict[tuple[bytes, int], Part] = {}
        self.names: dict[str, bytes | None] = {}  # topics; None: whether it is there is not known
        self.unsure: set[str] = set()
        self.number = 0
        self.log = Log.open(self.disk, options, self.now)

    # --- moves -------------------------------------------------------------------------------------------------

    def create(self) -> None:
        name = f"t{self.chance.randrange(3)}"
        if name in self.log.topics:
            return
        self.unsure.add(name)
        configs = {"retention.bytes": "2000"} if self.chance.random() < 0.5 else {}
        topic = self.log.create_topic(name, self.chance.randint(1, 3), configs, self.now)
        self.unsure.discard(name)
        self.names[name] = topic.topic_id

    def delete(self) -> None:
        name = self.chance.choice(["t0", "t1", "t2"])
        if name not in self.log.topics or self.chance.random() < 0.7:
            return
        self.unsure.add(name)
        self.log.delete_topic(name)
        self.unsure.discard(name)
        self.names.pop(name, None)

    def append(self) -> None:
        found = [p for t in self.log.topics.values() for p in t.partitions]
        for partition in self.chance.sample(found, min(len(found), self.chance.randint(1, 6))):
            self.append_to(partition)

    def append_to(self, partition: Partition) -> None:
        part = self.part(partition)
        records = [self.record() for _ in range(self.chance.randint(1, 3))]
        batch = bytearray(encode(records))
        infos = check(batch, bytes_max=1 << 20)
        assert isinstance(infos, list)
        expected = partition.end_offset
        part.batches[expected] = b""  # if it is cut in the middle, it may be there or not
        written = bytearray(batch)
        part.batches[expected] = _placed(written, expected)
        assert partition.append(batch, infos, self.now) == expected
        assert part.batches[expected] == batch

    def record(self) -> Record:
        self.number += 1
        time_ms = self.now.wall_ms + self.chance.randint(-50, 50)
        return Record(None, b"%d %s" % (self.number, b"." * self.chance.randrange(80)), time_ms)

    def sync(self) -> None:
        sync = self.log.begin_sync(self.now)
        if sync is None:
            return
        if self.chance.random() < 0.3:
            self.append()  # joins the next round
        if self.chance.random() < 0.1:
            self.delete()
        sync.run()
        assert sync.error is None
        for partition in self.log.end_sync(sync, self.now):
            if partition.topic in self.log.topics:
                part = self.part(partition)
                part.acknowledged = max(part.acknowledged, partition.durable_offset)

    def truncate(self) -> None:
        found = [p for t in self.log.topics.values() for p in t.partitions]
        if found:
            partition = self.chance.choice(found)
            target = self.chance.randint(partition.start_offset, partition.durable_offset)
            part = self.part(partition)
            part.starts.add(target)
            partition.truncate_before(target)
            part.starts = {partition.start_offset}

    def retain(self) -> None:
        before = [(p, self.part(p)) for t in self.log.topics.values() for p in t.partitions]
        for partition, part in before:
            part.starts |= {*part.batches, partition.end_offset}
        self.log.retain(self.now)
        for partition, part in before:
            part.starts = {partition.start_offset}

    def wait(self) -> None:
        self.now = self.now.after(self.chance.choice([0.01, 1, 40]))

    def reopen(self) -> None:
        self.log.close(self.now)
        for topic in self.log.topics.values():
            for partition in topic.partitions:
                self.part(partition).acknowledged = partition.end_offset
        self.log = Log.open(self.disk, self.options, self.now)
        self.verify()

    # --- after a crash -----------------------------------------------------------------------------------------

    def part(self, partition: Partition) -> Part:
        topic_id = self.log.topics[partition.topic].topic_id
        return self.parts.setdefault((topic_id, partition.index), Part())

    def recover(self) -> None:
        """Crash, open again, hold the log to the model, and take over what chance decided."""
        self.go_down()
        while self.chance.random() < 0.3:  # recovery itself is cut, too
            self.disk.crash_at = self.chance.randrange(12)
            with contextlib.suppress(Crashed):
                Log.open(self.disk, self.options, self.now)
            self.go_down()
        self.log = Log.open(self.disk, self.options, self.now)
        for name in self.unsure:
            topic = self.log.topics.get(name)
            self.names.pop(name, None)
            if topic is not None:
                self.names[name] = topic.topic_id
        self.unsure.clear()
        self.verify()

    def go_down(self) -> None:
        """The machine crashes, or only the process does."""
        if self.chance.random() < 0.3:
            self.disk.kill()
        else:
            self.disk.crash()

    def verify(self) -> None:
        assert {name: topic.topic_id for name, topic in self.log.topics.items()} == self.names
        for topic in self.log.topics.values():
            for partition in topic.partitions:
                self.verify_partition(partition, self.part(partition))

    def verify_partition(self, partition: Partition, part: Part) -> None:
        start, end = partition.start_offset, partition.end_offset
        assert start in part.starts, (start, part.starts)
        assert end >= part.acknowledged, f"{partition.topic}-{partition.index} lost acknowledged records"
        assert partition.durable_offset == end
        found, offset = [], start
        while offset < end:
            data = partition.read(offset, self.chance.choice([1, 300, 5000]), end=end)
            for info in scan(data):
                assert info.base_offset <= offset or not found
                found.append(info)
                assert (
                    bytes(data[info.position : info.position + info.size]) == part.batches[info.base_offset]
                )
                offset = info.last_offset + 1
            assert sum(i.size for i in scan(data)) == len(data) > 0
        assert offset == end
        for before, after in itertools.pairwise(found):
            assert before.last_offset + 1 == after.base_offset
        assert not found or found[0].base_offset <= start
        part.batches = {base: batch for base, batch in part.batches.items() if base < end}
        part.starts, part.acknowledged = {start}, end
        self.verify_times(partition, part)

    def verify_times(self, partition: Partition, part: Part) -> None:
        start, end = partition.start_offset, partition.end_offset
        every = [
            (r.offset, r.timestamp_ms)
            for batch in part.batches.values()
            for r in decode(batch)
            if start <= r.offset < end
        ]
        every.sort()
        youngest = max(every, key=lambda one: (one[1], -one[0]), default=None)
        assert finish(partition.find_youngest()) == youngest
        for _ in range(2):
            time_ms = self.now.wall_ms - self.chance.randrange(200)
            first = next((one for one in every if one[1] >= time_ms), None)
            assert finish(partition.find(time_ms)) == first


def _placed(batch: bytearray, offset: int) -> bytes:
    place(batch, 0, offset)
    return bytes(batch)


MOVES = (
    "create",
    "delete",
    "append",
    "append",
    "append",
    "append",
    "sync",
    "sync",
    "truncate",
    "retain",
    "wait",
    "reopen",
)
