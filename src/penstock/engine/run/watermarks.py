"""Event time: one source's watermark over its partitions, bounded out-of-orderness, idle ones left out.

Flink's rules: a partition's watermark is its largest time less the delay less 1 ms; the source's is the smallest
over its active partitions and never steps back. Times are milliseconds since the epoch. Knows nothing of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

START_MS = -(2**62)
END_MS = 2**62


@dataclass
class SourceTime:
    """What a source has seen. `seen_ms` holds the largest time of each partition known."""

    late_ms: int = 0
    seen_ms: dict[int, int] = field(default_factory=dict)
    idle: set[int] = field(default_factory=set)
    watermark_ms: int = START_MS
    ended: bool = False
    bounds: dict[int, int] = field(default_factory=dict)
    """Before which offset each partition ends, where the source is bounded: kept here for who reads it."""

    def expect(self, partition: int) -> None:
        """A partition exists: until it speaks or is called idle, it holds the watermark back."""
        self.seen_ms.setdefault(partition, START_MS)

    def saw(self, partition: int, seen_ms: int) -> None:
        """A partition spoke."""
        self.seen_ms[partition] = max(seen_ms, self.seen_ms.get(partition, START_MS))
        self.idle.discard(partition)

    def rest(self, partition: int) -> None:
        """A partition is idle: it no longer counts, until it speaks again."""
        self.expect(partition)
        self.idle.add(partition)

    @property
    def resting(self) -> bool:
        """Whether all partitions are idle: who reads other sources as well does not wait for this one."""
        return bool(self.seen_ms) and not self.ended and self.seen_ms.keys() <= self.idle

    def advance(self) -> int:
        """The watermark now; where all partitions are idle it stays."""
        if self.ended:
            self.watermark_ms = END_MS
        active = [seen for partition, seen in self.seen_ms.items() if partition not in self.idle]
        if active and min(active) > START_MS:
            self.watermark_ms = max(self.watermark_ms, min(active) - self.late_ms - 1)
        return self.watermark_ms

    def kept(self) -> list[Any]:
        """All of it, as JSON has it."""
        seen, bounds = sorted(self.seen_ms.items()), sorted(self.bounds.items())
        return [self.watermark_ms, self.ended, sorted(self.idle), seen, bounds]

    def restore(self, kept: Sequence[Any]) -> None:
        """The opposite of `kept`."""
        self.watermark_ms, self.ended, idle, seen, *more = kept
        self.idle = set(idle)
        self.seen_ms = {int(partition): seen_ms for partition, seen_ms in seen}
        self.bounds = {int(partition): end for partition, end in (more[0] if more else ())}
