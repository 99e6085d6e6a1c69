"""STDDEV and VAR, of a population or a sample, by Welford's running mean: no digits lost to large squares."""

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Layout, Slots, numbers
from penstock.engine.kernels import scatter
from penstock.engine.run.columns import nulled


class Spread(Accumulator):
    """`sample` divides by n - 1 (NULL for one value), `root` takes the square root."""

    layout: ClassVar[Layout] = {
        "count": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "squares": (np.float64, 0.0),
    }

    def __init__(self, sample: bool, root: bool) -> None:
        self.sample, self.root = sample, root
        super().__init__()

    def prepare(self, argument: Column) -> Column:
        return argument.cast(pl.Float64)

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        cells = self.cells
        scatter.spread(
            slots, valid, signs, numbers(values, np.float64), cells["count"], cells["mean"], cells["squares"]
        )

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        theirs, ours = other.cells, self.cells
        scatter.merge_spread(
            targets, sources, theirs["count"], theirs["mean"], theirs["squares"],
            ours["count"], ours["mean"], ours["squares"],
        )  # fmt: skip

    def result(self, slots: Slots) -> pl.Series:
        free = self.cells["count"][slots] - (1.0 if self.sample else 0.0)
        there = free > 0
        variance = np.maximum(self.cells["squares"][slots], 0.0) / np.where(there, free, 1.0)
        return nulled(pl.Series(np.sqrt(variance) if self.root else variance), there)
