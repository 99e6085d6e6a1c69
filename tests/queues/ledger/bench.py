"""A ledger on the simulated disk, with the few lines that a broker and its driver have around it."""

from collections.abc import Sequence

from penstock.broker.ledger.ledger import Ledger
from penstock.broker.ledger.options import LedgerOptions
from penstock.broker.ledger.recovery import Recovered
from penstock.broker.records.durable import Durability
from penstock.broker.topics.internal import InternalTopics
from penstock.clock import Now
from penstock.content import Content, Properties
from penstock.errors import Refused
from penstock.log import Cold, Log, LogOptions
from penstock.testing.disk import SimulatedDisk

START = Now(1000.0, 1_800_000_000_000)
SMALL = LedgerOptions(segment_bytes=4096, memory_bytes=4096, clean_bytes_min=8192, replay_ms=0)


def message(body: bytes = b"hello", key: str = "k", **fields: str | int) -> Content:
    return Content("exchange", key, Properties.made(**fields), body)


class Bench:
    """`restart` loses what was not synced, as a power cut does; `kill` only what was in memory."""

    def __init__(
        self, seed: int = 0, options: LedgerOptions = SMALL, log_options: LogOptions | None = None
    ) -> None:
        self.disk, self.options = SimulatedDisk(seed), options
        self.log_options = log_options or LogOptions()
        self.now = START
        self.notices: list[str] = []
        self.open()

    def open(self) -> None:
        self.log = Log.open(self.disk, self.log_options, self.now)
        self.durability = Durability(lambda partition, now: None)
        internal = InternalTopics(self.log, self.durability, self.notices)
        self.ledger = Ledger(internal, self.durability, self.options, self.notices)
        self.found: Recovered = self.ledger.load(self.now)

    def restart(self) -> Recovered:
        self.disk.crash()
        self.open()
        return self.found

    def kill(self) -> Recovered:
        self.disk.kill()
        self.open()
        return self.found

    def sync(self) -> None:
        sync = self.log.begin_sync(self.now)
        if sync is not None:
            sync.run()
            assert sync.error is None
            for partition in self.log.end_sync(sync, self.now):
                self.durability.moved(partition, self.now)

    def turn(self) -> None:
        """The end of a turn, and the disk's answer."""
        self.ledger.flush(self.now)
        self.sync()

    def add(self, body: bytes = b"hello", *queues: int, keep: bool = True) -> int:
        return self.ledger.add(message(body), queues or (1,), keep=keep)

    def safe(self) -> list[Refused | None]:
        """What is said once all that was gathered so far is safe; nothing yet while it is not."""
        told: list[Refused | None] = []
        self.ledger.when_safe(lambda refused, now: told.append(refused), self.now)
        return told

    def bodies(self, numbers: Sequence[int]) -> list[bytes]:
        for _ in range(10):
            try:
                return [content.body for content in self.ledger.contents(numbers)]
            except Cold as cold:
                cold.fetch()
        return [content.body for content in self.ledger.contents(numbers, patient=True)]

    def waiting(self, queue: int = 1) -> list[int]:
        """What a start found in the queue."""
        return list(self.found.queues[queue].numbers) if queue in self.found.queues else []

    @property
    def log_bytes(self) -> int:
        return sum(partition.size_bytes for partition in self.log.topics["_penstock.queues"].partitions)
