"""MIN and MAX of numbers and moments (as int64 or float64) and of texts."""

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Layout, Slots, numbers
from penstock.engine.kernels import scatter
from penstock.engine.run.columns import nulled


class Extreme(Accumulator):
    """The smallest (`sign` -1) or largest (1) int64; what a moment or date is underneath."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "value": (np.int64, 0)}

    def __init__(self, sign: int) -> None:
        self.sign = sign
        super().__init__()

    def prepare(self, argument: Column) -> Column:
        return argument.cast(pl.Int64)

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        self._take(slots, valid, signs, numbers(values, self.layout["value"][0]))

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        there = other.cells["count"][sources] > 0
        self._take(targets, there, np.ones(len(targets), np.int64), other.cells["value"][sources])

    def _take(
        self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: NDArray[np.generic]
    ) -> None:
        fresh = valid & (self.cells["count"][slots] == 0)
        if fresh.any():  # a first value stands whatever the cell held: any of the batch's will do
            self.cells["value"][slots[fresh]] = values[fresh]
        scatter.count(slots, valid, signs, self.cells["count"])
        self._compare(slots, valid, values)

    def _compare(self, slots: Slots, valid: NDArray[np.bool_], values: NDArray[np.generic]) -> None:
        scatter.extreme_int(slots, valid, values, self.sign, self.cells["value"])

    def result(self, slots: Slots) -> pl.Series:
        return nulled(pl.Series(self.cells["value"][slots]), self.cells["count"][slots] > 0)


class ExtremeFloat(Extreme):
    """The smallest or largest float64; NaN counts as the largest."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "value": (np.float64, 0.0)}

    def prepare(self, argument: Column) -> Column:
        return argument.cast(pl.Float64)

    def _compare(self, slots: Slots, valid: NDArray[np.bool_], values: NDArray[np.generic]) -> None:
        scatter.extreme_float(slots, valid, values, self.sign, self.cells["value"])


class ExtremeText(Extreme):
    """The smallest or largest text, by its bytes."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "value": (object, None)}

    def prepare(self, argument: Column) -> Column:
        return argument

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        part = pl.DataFrame({"slot": slots, "value": values}).filter(pl.Series(valid))
        best = pl.col("value").max() if self.sign > 0 else pl.col("value").min()
        found = part.group_by("slot", maintain_order=True).agg(best, n=pl.len())
        self._fold(found["slot"].to_list(), found["value"].to_list(), found["n"].to_list())

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        counts, values = other.cells["count"][sources], other.cells["value"][sources]
        there = counts > 0
        self._fold(targets[there].tolist(), values[there].tolist(), counts[there].tolist())

    def _fold(self, slots: list[int], values: list[str], counts: list[int]) -> None:
        held, count = self.cells["value"], self.cells["count"]
        for slot, value, n in zip(slots, values, counts, strict=True):
            if count[slot] == 0 or (value > held[slot] if self.sign > 0 else value < held[slot]):
                held[slot] = value
            count[slot] += n

    def result(self, slots: Slots) -> pl.Series:
        return pl.Series(self.cells["value"][slots].tolist(), dtype=pl.String)
