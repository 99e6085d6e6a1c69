"""What every aggregate function is: numpy cells a slot, fed in batches, merged, and read.

Knows nothing of keys, windows or SQL.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.room import widened

Slots = NDArray[np.int64]
Cells = NDArray[Any]
Column = TypeVar("Column", pl.Expr, pl.Series)
Layout = Mapping[str, tuple[Any, Any]]


class Part(ABC):
    """One aggregate of all slots: what it tells of each, and what is kept for it."""

    nulls: ClassVar[bool] = False
    """Whether nulls take part as well."""
    layout: ClassVar[Layout] = {}
    """Each cell's numpy type and what it holds at first."""

    def __init__(self) -> None:
        self.cells: dict[str, Cells] = {
            name: np.full(16, first, kind) for name, (kind, first) in self.layout.items()
        }

    @abstractmethod
    def result(self, slots: Slots) -> pl.Series:
        """The aggregate of each slot, in its own column type."""

    def reserve(self, slots: int) -> None:
        """Room for so many slots."""
        for name, (_, first) in self.layout.items():
            self.cells[name] = widened(self.cells[name], slots, first)

    def keep(self, slots: Slots) -> None:
        """Only these slots, renumbered in the order given."""
        for name, (kind, first) in self.layout.items():
            kept = np.full(max(16, len(slots)), first, kind)
            kept[: len(slots)] = self.cells[name][slots]
            self.cells[name] = kept

    def reset(self, slots: Slots) -> None:
        """These slots as if nothing had been in them."""
        for name, (_, first) in self.layout.items():
            self.cells[name][slots] = first

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        """The first `count` slots' cells as blocks of columns."""
        made = {}
        for name, (kind, _) in self.layout.items():
            cells = self.cells[name][:count]
            made[name] = (
                pl.Series(name, cells.tolist(), dtype=pl.String) if kind is object else pl.Series(name, cells)
            )
        return {"cells": pl.DataFrame(made)}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        """The opposite of `snapshot`."""
        frame = blocks["cells"]
        for name, (kind, first) in self.layout.items():
            cells = np.full(max(16, frame.height), first, kind)
            cells[: frame.height] = (
                np.array(frame[name].to_list(), object) if kind is object else frame[name].to_numpy()
            )
            self.cells[name] = cells


class Accumulator(Part):
    """An aggregate that is fed by itself. Subclasses name their cells and say how rows change them."""

    piecewise: ClassVar[bool] = False
    """Whether `merge` of one piece after the other comes to the same as of all at once, and costs no more."""

    def prepare(self, argument: Column) -> Column:
        """The argument as the values that `update` takes, nulls still in it: an expression, or a column as it is."""
        return argument

    @abstractmethod
    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        """Take rows in (sign 1) or back (-1). Rows that are not `valid` take no part."""

    @abstractmethod
    def merge(self, other: "Accumulator", targets: Slots, sources: Slots) -> None:
        """Add `other`'s slots `sources` to our `targets`, in order."""


def numbers(values: pl.Series, kind: Any) -> Cells:
    """A column without nulls as a contiguous array of int64 or float64."""
    full = values.fill_null(0) if values.null_count() else values
    return np.ascontiguousarray(full.to_numpy().astype(kind, copy=False))
