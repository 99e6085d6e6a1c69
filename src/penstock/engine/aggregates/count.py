"""COUNT: of rows, or of values that are not null."""

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Layout, Slots
from penstock.engine.kernels import scatter


class Count(Accumulator):
    """How many."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0)}
    piecewise = True

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        scatter.count(slots, valid, signs, self.cells["count"])

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        scatter.add_cells(targets, sources, other.cells["count"], self.cells["count"])

    def result(self, slots: Slots) -> pl.Series:
        return pl.Series(self.cells["count"][slots])
