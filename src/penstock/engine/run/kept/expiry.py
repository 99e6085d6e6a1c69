"""State that is forgotten: slots (rows or groups, numbered by their owner) that nobody wrote for as long as `ttl_ms`.

A slot counts until `ttl_ms` after it was last written, to the millisecond (Flink's StateTtlConfig: OnCreateAndWrite,
NeverReturnExpired); who looks at one asks `fresh`. Room is made in slices: a slot waits in one bucket of times, and once a
bucket's time is over its slots are `lapsed`, or wait in the bucket they were written in since. Knows no clock: `now_ms` is set
by its owner. Knows nothing of what a slot holds.
"""

from abc import abstractmethod

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.operators.operator import NEVER_MS, Operator
from penstock.engine.run.columns import Growing

Numbers = NDArray[np.int64]
SLICES, SLICE_MS = 64, 1000
"""A lifetime is cut into so many buckets, none shorter than that."""


class Expiry:
    """`stamps` are when each slot was last written; those of slots that were never are meaningless."""

    def __init__(self, ttl_ms: int) -> None:
        self.ttl_ms, self.now_ms = ttl_ms, 0
        self._width_ms = max(SLICE_MS, ttl_ms // SLICES)
        self.reset(np.empty(0, np.int64))

    @staticmethod
    def of(ttl_ms: int | None) -> "Expiry | None":
        """None where nothing is forgotten."""
        return Expiry(ttl_ms) if ttl_ms else None

    @property
    def stamps(self) -> Numbers:
        """When each slot was last written, in ms since the epoch."""
        return self._stamps.values

    def touch(self, numbers: Numbers) -> None:
        """These slots are written now; one that is new makes room for all up to it."""
        if not len(numbers):
            return
        more = int(numbers.max()) + 1 - len(self._stamps)
        if more > 0:
            self._stamps.extend(np.zeros(more, np.int64))
            self._queued.extend(np.zeros(more, np.int64))
        self.stamps[numbers] = self.now_ms
        self._queue(np.unique(numbers[self._queued.values[numbers] == 0]))

    def fresh(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Which of these slots count; one that was never written does."""
        known = np.minimum(numbers, len(self._stamps) - 1)
        if not len(self._stamps):
            return np.ones(len(numbers), np.bool_)
        lapsed = (self.stamps[known] + self.ttl_ms <= self.now_ms) & (self._queued.values[known] > 0)
        fresh: NDArray[np.bool_] = ~(lapsed & (known == numbers))
        return fresh

    @property
    def wakes_ms(self) -> int:
        """When the next bucket's time is over."""
        if not self._buckets:
            return NEVER_MS
        return (min(self._buckets) + 1) * self._width_ms + self.ttl_ms

    def lapsed(self, now: Now) -> Numbers:
        """It is now; the slots whose time is over, each once, whether their owner still has them or not."""
        self.now_ms = now.wall_ms
        gone = []
        while self.now_ms >= self.wakes_ms:
            held = np.concatenate(self._buckets.pop(min(self._buckets)))
            self._queued.values[held] = 0
            over = self.stamps[held] + self.ttl_ms <= self.now_ms
            gone.append(held[over])
            self._queue(held[~over])
        return np.concatenate(gone) if gone else np.empty(0, np.int64)

    def reset(self, stamps: Numbers) -> None:
        """Slots are numbered anew; these are their stamps."""
        self._stamps, self._queued = Growing(stamps), Growing(np.zeros(len(stamps), np.int64))
        self._buckets: dict[int, list[Numbers]] = {}
        self._queue(np.arange(len(stamps)))

    def _queue(self, numbers: Numbers) -> None:
        if not len(numbers):
            return
        self._queued.values[numbers] = 1
        buckets = self.stamps[numbers] // self._width_ms
        for bucket in np.unique(buckets).tolist():
            self._buckets.setdefault(bucket, []).append(numbers[buckets == bucket])


class Forgetting(Operator):
    """An operator whose state is forgotten by `expiry`, where it has one: by the clock, and before rows are looked at."""

    expiry: Expiry | None

    @abstractmethod
    def lapse(self, expiry: Expiry, now: Now) -> None:
        """It is now: what has lapsed goes, a slice at a time."""

    @property
    def wakes_ms(self) -> int:
        """When the next slice's time is over."""
        return NEVER_MS if self.expiry is None else self.expiry.wakes_ms

    def on_clock(self, now: Now) -> pl.DataFrame | None:
        """Nothing comes out: who reads the rows forgets them by a clock of its own."""
        if self.expiry is not None:
            self.lapse(self.expiry, now)
        return None
