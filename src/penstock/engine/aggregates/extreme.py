"""MIN and MAX of numbers and moments (as int64 or float64) and of texts."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Layout, Slots, numbers
from penstock.engine.kernels import scatter
from penstock.engine.kernels.texts import extreme_text
from penstock.engine.run.columns import nulled
from penstock.engine.run.kept.texts import TextTable


class Extreme(Accumulator):
    """The smallest (`sign` -1) or largest (1) int64; what a moment or date is underneath."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "value": (np.int64, 0)}
    piecewise = True

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
    """The smallest or largest text, by its bytes; `value` is its number among those that are kept."""

    piecewise = False

    def __init__(self, sign: int) -> None:
        self.texts = TextTable()
        super().__init__(sign)

    def prepare(self, argument: Column) -> Column:
        return argument

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        numbers = self.texts.number(values)
        self._best(slots, valid & (numbers >= 0), numbers)
        if self.texts.count > 4096 and self.texts.count > 4 * len(self.cells["value"]):
            self._forget()

    def _best(self, slots: Slots, valid: NDArray[np.bool_], numbers: Slots) -> None:
        held = self.texts.texts
        extreme_text(
            slots, valid, numbers, held.data, held.at, self.sign, self.cells["count"], self.cells["value"]
        )

    def _forget(self) -> None:
        """Keep the texts of cells alone."""
        there = np.flatnonzero(self.cells["count"] > 0)
        kept = self.result(there)
        self.texts = TextTable()
        self.cells["value"][there] = self.texts.number(kept)

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        counts = other.cells["count"][sources]
        there = np.flatnonzero(counts > 0)
        targets, counts = np.ascontiguousarray(targets[there]), counts[there]
        numbers = self.texts.number(other.result(sources[there]))
        self._best(targets, np.ones(len(targets), np.bool_), numbers)
        np.add.at(self.cells["count"], targets, counts - 1)

    def result(self, slots: Slots) -> pl.Series:
        there = self.cells["count"][slots] > 0
        numbers = np.where(there, self.cells["value"][slots], -1)
        return self.texts.texts.take(numbers, there, "", pl.String())

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        held = self.result(np.arange(count)).alias("value")
        return {"cells": pl.DataFrame({"count": self.cells["count"][:count], "value": held})}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        held = blocks["cells"]
        self.texts = TextTable()
        self.cells = {name: np.zeros(max(16, held.height), np.int64) for name in self.layout}
        self.cells["count"][: held.height] = held["count"].to_numpy()
        self.cells["value"][: held.height] = np.maximum(self.texts.number(held["value"]), 0)
