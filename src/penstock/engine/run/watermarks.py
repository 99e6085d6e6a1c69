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
    follows: bool = False
    """Whether event time goes on as the wall's clock does while all partitions are idle (ours alone)."""
    rested_ms: int | None = None
    """Since when, by the wall's clock, all of them are."""

    def expect(self, partition: int) -> None:
        """A partition exists: until it speaks or is called idle, it holds the watermark back."""
        self.seen_ms.setdefault(partition, START_MS)

    def saw(self, partition: int, seen_ms: int) -> None:
        """A partition spoke."""
        self.seen_ms[partition] = max(seen_ms, self.seen_ms.get(partition, START_MS))
        self.idle.discard(partition)
        self.rested_ms = None

    def rest(self, partition: int, now_ms: int) -> None:
        """A partition is idle: it no longer counts, until it speaks again."""
        self.expect(partition)
        self.idle.add(partition)
        if self._silent and self.rested_ms is None:
            self.rested_ms = now_ms

    @property
    def _silent(self) -> bool:
        return bool(self.seen_ms) and not self.ended and self.seen_ms.keys() <= self.idle

    @property
    def resting(self) -> bool:
        """Whether all partitions are idle: who reads other sources as well does not wait for this one."""
        return self._silent and self._stood_ms is None

    @property
    def _stood_ms(self) -> int | None:
        """Where event time stood when it began to go on by the wall's clock; None where it does not."""
        seen = max(self.seen_ms.values(), default=START_MS)
        if not self.follows or self.rested_ms is None or not self._silent or seen == START_MS:
            return None
        return seen - self.late_ms - 1

    def due_ms(self, watermark_ms: int) -> int:
        """When, by the wall's clock alone, the watermark will have come so far."""
        if self.watermark_ms >= watermark_ms:
            return 0
        stood_ms = self._stood_ms
        if stood_ms is None or self.rested_ms is None:
            return END_MS
        return self.rested_ms + watermark_ms - stood_ms

    def advance(self, now_ms: int) -> int:
        """The watermark now; where all partitions are idle it stays, unless it follows the wall's clock."""
        if self.ended:
            self.watermark_ms = END_MS
        stood_ms = self._stood_ms
        if stood_ms is not None and self.rested_ms is not None:
            self.watermark_ms = max(self.watermark_ms, stood_ms + max(0, now_ms - self.rested_ms))
        active = [seen for partition, seen in self.seen_ms.items() if partition not in self.idle]
        if active and min(active) > START_MS:
            self.watermark_ms = max(self.watermark_ms, min(active) - self.late_ms - 1)
        return self.watermark_ms

    def kept(self) -> list[Any]:
        """All of it, as JSON has it."""
        seen, bounds = sorted(self.seen_ms.items()), sorted(self.bounds.items())
        return [self.watermark_ms, self.ended, sorted(self.idle), seen, bounds, self.rested_ms]

    def restore(self, kept: Sequence[Any]) -> None:
        """The opposite of `kept`."""
        self.watermark_ms, self.ended, idle, seen, *more = kept
        self.idle = set(idle)
        self.seen_ms = {int(partition): seen_ms for partition, seen_ms in seen}
        self.bounds = {int(partition): end for partition, end in (more[0] if more else ())}
        self.rested_ms = more[1] if len(more) > 1 else None
