"""What stands before an aggregate and hands it some of the values: the parts that do not depend on which.

Knows nothing of the aggregate behind it, nor of how pairs of slot and value are kept.
"""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import polars as pl

from penstock.engine.aggregates.accumulator import Accumulator, Column, Slots

Blocks = dict[str, pl.DataFrame]


class Gate(Accumulator):
    """`inner` gets a value when it first comes into a slot."""

    def __init__(self, inner: Accumulator, physical: pl.DataType) -> None:
        self.inner, self.physical = inner, physical
        super().__init__()

    def prepare(self, argument: Column) -> Column:
        return self.inner.prepare(argument).cast(self.physical)

    def result(self, slots: Slots) -> pl.Series:
        return self.inner.result(slots)

    def reserve(self, slots: int) -> None:
        self.inner.reserve(slots)

    @abstractmethod
    def pairs_held(self) -> pl.DataFrame:
        """The pairs that are there, for a snapshot."""

    @abstractmethod
    def fill(self, pairs: pl.DataFrame) -> None:
        """Only these pairs, as `pairs_held` gave them."""

    def snapshot(self, count: int) -> Blocks:
        inner = {f"inner.{name}": block for name, block in self.inner.snapshot(count).items()}
        return {**inner, "distinct": self.pairs_held()}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.inner.restore(
            {name.removeprefix("inner."): b for name, b in blocks.items() if name.startswith("inner.")}
        )
        self.fill(blocks["distinct"])


def pairs_of(held: Slots, sources: Slots) -> tuple[Slots, Slots]:
    """Which of the pairs, whose slots these are, stand in each of `sources`: (place in `sources`, number of the pair)."""
    order = np.argsort(held, kind="stable")
    low, high = (np.searchsorted(held[order], sources, side) for side in ("left", "right"))
    counts = high - low
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(sources)), counts), order[np.repeat(low, counts) + within]


def moved(held: Slots, kept: Slots) -> Slots:
    """The slots' new numbers where only `kept` remain, in that order; -1 for those that go."""
    new = np.full(int(max(kept.max(initial=-1), held.max(initial=-1))) + 1, -1, np.int64)
    new[kept] = np.arange(len(kept))
    return new[held]
