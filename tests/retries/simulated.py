"""A log in memory with transactions, and one partition's consumer over it that may be killed between any two steps."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from penstock import record
from penstock.client import Chunk
from penstock.consumer.delivery import Delivery, Part
from penstock.consumer.names import names_of
from penstock.consumer.partition.holding import GONE
from penstock.consumer.partition.order import Held
from penstock.consumer.partition.share import Rules, Share
from penstock.record import Packed, Record
from penstock.retries import Retry

BYTES_MAX = 1_000_000


@dataclass
class Log:
    """Topics of one partition: records with offsets, and what the group has committed."""

    records: dict[Part, list[Record]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[Part, int] = field(default_factory=lambda: defaultdict(int))
    committed: dict[Part, int] = field(default_factory=lambda: defaultdict(int))

    def append(self, part: Part, written: Record | Packed) -> int:
        offset = self.ends[part]
        (found,) = record.decode(record.encode([written]))
        self.records[part].append(replace(found, offset=offset))
        self.ends[part] = offset + 1
        return offset

    def read(self, part: Part, start: int, most: int = 1000) -> list[Record]:
        return [each for each in self.records[part] if each.offset >= start][:most]


class Simulated:
    """One group on one partition; what `failing` says of (value, attempt) fails."""

    def __init__(
        self, retry: Retry, keep_order: bool = True, memory_bytes: int = 1 << 20, blocked_bytes: int = 1 << 20
    ) -> None:
        self.log, self.now_ms = Log(), 1_000_000
        names = names_of("t", retry, keep_order)
        self.rules = Rules(
            names,
            retry,
            "g",
            keep_order,
            1,
            dict.fromkeys((*names.all, names.dead), BYTES_MAX),
            lambda: 0.5,
            blocked_bytes,
        )
        self.parts = [(name, 0) for name in names.all]
        self.memory_bytes = memory_bytes
        self.finished: list[bytes] = []
        self.tried: dict[bytes, list[int]] = defaultdict(list)
        self.start()

    def start(self) -> None:
        """A consumer begins at what is committed, as `Opening` does."""
        self.ready: list[Delivery] = []
        self.loads: list[Held] = []
        positions = {part: self.log.committed[part] for part in self.parts}
        self.share = Share(
            0, self.rules, positions, self.ready.append, lambda share, held: self.loads.append(held)
        )
        if self.share.holding is not None:
            self.share.holding.memory_bytes = self.memory_bytes
        if self.rules.keep_order:
            for part in self.parts[1:]:
                for found in self.log.read(part, positions[part]):
                    self.share.recall(part, found)
        self.share.begin()

    def read(self, most: int) -> None:
        for part, source in self.share.sources.items():
            found = self.log.read(part, source.fetch_from, most)
            if found:
                batches = b"".join(record.encode([each], base_offset=each.offset) for each in found)
                source.feed(Chunk(*part, source.fetch_from, batches, 0, found[-1].offset + 1))
            source.sweep()
            while self.share.takes(source) and (one := source.next()) is not None:
                self.share.offer(source, one, self.now_ms)

    def load(self) -> None:
        for held in self.loads[:]:
            if held.offset >= 0 and held.written.name == "YES" and self.share.holding:
                self.loads.remove(held)
                (found,) = self.log.read(self.share.holding.part, held.offset, 1)
                self.share.loaded(held, found)

    def handle(self, which: int, failing: bool) -> None:
        """Handle one of those that are ready."""
        if self.ready:
            delivery = self.ready.pop(which % len(self.ready))
            value = delivery.value or b""
            self.tried[value].append(delivery.attempt)
            outcome = self.share.settle(delivery, ValueError("no") if failing else None, "f", self.now_ms)
            if outcome != "retried":
                self.finished.append(value)

    def commit(self) -> None:
        found = self.share.gather()
        for part, moves in found.moves.items():
            base = self.log.ends[part]
            for move in moves:
                self.log.append(part, self.share.record_of(move))
            self.share.expect(part, base, len(moves))
            self.share.written(moves, base)
            if part[0] != self.rules.names.dead:
                self.log.ends[part] += 1  # a marker
        self.log.committed |= found.positions

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        self.share.due(self.now_ms)

    def finish(self) -> None:
        """Go on until nothing waits, everything going well."""
        for _ in range(10_000):
            self.read(1000)
            self.load()
            self.pass_time(1000)
            if not self.ready and not self.loads:
                self.commit()
                waiting = [
                    each for part in self.parts for each in self.log.read(part, self.log.committed[part])
                    if each.headers[:1] != ((GONE, b"g"),)
                ]  # fmt: skip
                if not waiting and not self.share.order:
                    assert self.share.order.bytes == 0
                    return
            while self.ready:
                self.handle(0, failing=False)
        raise AssertionError("it never ends")
