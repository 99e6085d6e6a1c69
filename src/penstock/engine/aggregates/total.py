"""SUM and AVG of integers and floats. Integers wrap on overflow and their average is cut off, as Flink's."""

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Layout, Slots, numbers
from penstock.engine.kernels import scatter
from penstock.engine.run.columns import nulled


class Total(Accumulator):
    """The sum, NULL where no value took part."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "sum": (np.int64, 0)}
    piecewise = True
    physical: pl.DataType = pl.Int64()

    def prepare(self, argument: Column) -> Column:
        return argument.cast(self.physical)

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        scatter.count(slots, valid, signs, self.cells["count"])
        self._add(slots, valid, signs, numbers(values, self.layout["sum"][0]))

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        all_, ones = np.ones(len(targets), np.bool_), np.ones(len(targets), np.int64)
        scatter.add_cells(targets, sources, other.cells["count"], self.cells["count"])
        self._add(targets, all_, ones, other.cells["sum"][sources])

    def _add(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: NDArray[np.generic]) -> None:
        scatter.sum_int(slots, valid, signs, values, self.cells["sum"])

    def result(self, slots: Slots) -> pl.Series:
        return nulled(pl.Series(self.cells["sum"][slots]), self.cells["count"][slots] > 0)


class TotalFloat(Total):
    """The sum of floating point numbers, in the rows' order."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "sum": (np.float64, 0.0)}
    physical = pl.Float64()

    def _add(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: NDArray[np.generic]) -> None:
        scatter.sum_float(slots, valid, signs, values, self.cells["sum"])


class Mean(Total):
    """The average of integers: an integer, cut off towards zero."""

    def result(self, slots: Slots) -> pl.Series:
        count, total = self.cells["count"][slots], self.cells["sum"][slots]
        there = count > 0
        size = np.abs(total) // np.where(there, count, 1)
        return nulled(pl.Series(np.where(total < 0, -size, size)), there)


class MeanFloat(TotalFloat):
    """The average of floating point numbers."""

    def result(self, slots: Slots) -> pl.Series:
        count = self.cells["count"][slots]
        there = count > 0
        return nulled(pl.Series(self.cells["sum"][slots] / np.where(there, count, 1)), there)
