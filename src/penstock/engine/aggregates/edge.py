"""FIRST_VALUE and LAST_VALUE in the order of arrival; nulls are passed over, as Flink does."""

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Column, Layout, Slots, numbers
from penstock.engine.run.columns import nulled


class Edge(Accumulator):
    """The first (`sign` -1) or last (1) value as int64; `sequence` says which of two slots' came first."""

    layout: ClassVar[Layout] = {"sequence": (np.int64, -1), "value": (np.int64, 0)}

    def __init__(self, sign: int) -> None:
        self.sign, self.next = sign, 0
        super().__init__()

    def prepare(self, argument: Column) -> Column:
        return argument.cast(pl.Int64)

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        rows = np.flatnonzero(valid)
        self._take(slots[rows], self.next + rows, self._array(values)[rows])
        self.next += len(slots)

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        there = other.cells["sequence"][sources] >= 0
        targets, sources = targets[there], sources[there]
        sequence = other.cells["sequence"][sources]
        order = np.argsort(sequence, kind="stable")
        self._take(targets[order], sequence[order], other.cells["value"][sources[order]])

    def _take(self, slots: Slots, sequence: Slots, values: NDArray[np.generic]) -> None:
        # numpy assigns repeated indexes in order, so the last row wins; backwards, the first does
        if self.sign < 0:
            free = self.cells["sequence"][slots] < 0
            slots, sequence, values = slots[free][::-1], sequence[free][::-1], values[free][::-1]
        self.cells["sequence"][slots] = sequence
        self.cells["value"][slots] = values

    def _array(self, values: pl.Series) -> NDArray[np.generic]:
        return numbers(values, self.layout["value"][0])

    def result(self, slots: Slots) -> pl.Series:
        return nulled(pl.Series(self.cells["value"][slots]), self.cells["sequence"][slots] >= 0)

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        return {**super().snapshot(count), "next": pl.DataFrame({"next": [self.next]})}

    def restore(self, blocks: "dict[str, pl.DataFrame]") -> None:  # type: ignore[override]  # the same mapping
        super().restore(blocks)
        self.next = int(blocks["next"].item())


class EdgeFloat(Edge):
    """The same for float64."""

    layout: ClassVar[Layout] = {"sequence": (np.int64, -1), "value": (np.float64, 0.0)}

    def prepare(self, argument: Column) -> Column:
        return argument.cast(pl.Float64)


class EdgeText(Edge):
    """The same for texts."""

    layout: ClassVar[Layout] = {"sequence": (np.int64, -1), "value": (object, None)}

    def prepare(self, argument: Column) -> Column:
        return argument

    def _array(self, values: pl.Series) -> NDArray[np.generic]:
        return np.array([*values.to_list(), None], object)[:-1]

    def result(self, slots: Slots) -> pl.Series:
        return pl.Series(self.cells["value"][slots].tolist(), dtype=pl.String)
