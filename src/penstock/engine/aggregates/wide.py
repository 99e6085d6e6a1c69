"""SUM, AVG, MIN and MAX of DECIMALs: exact, in 128 bits as two 64-bit halves.

Knows Arrow's layout of decimals (little-endian, low half first).
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import ClassVar

import nanoarrow
import numpy as np
import polars as pl
from arro3.core import ChunkedArray
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Layout, Slots
from penstock.engine.functions import kinds
from penstock.engine.kernels import scatter
from penstock.engine.run.columns import nulled

Halves = tuple[NDArray[np.int64], NDArray[np.uint64]]
_CONTEXT = Context(prec=80, rounding=ROUND_HALF_UP)


def halves(values: pl.Series, scale: int) -> Halves:
    """(high, low) of each decimal's 128-bit number; null is 0."""
    wide = values.cast(pl.Decimal(38, scale)).fill_null(0).cast(pl.Decimal(38, scale)).rechunk()
    if not len(wide):
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    c_array = nanoarrow.c_array(ChunkedArray(wide).chunk(0))
    words = np.frombuffer(c_array.view().buffer(1), np.uint64)[2 * c_array.offset :][: 2 * len(wide)]
    return np.ascontiguousarray(words[1::2]).view(np.int64), np.ascontiguousarray(words[0::2])


def decimals(high: NDArray[np.int64], low: NDArray[np.uint64], scale: int) -> pl.Series:
    """The opposite of `halves`."""
    words = np.empty(2 * len(high), np.uint64)
    words[1::2], words[0::2] = high.view(np.uint64), low
    array = nanoarrow.c_array_from_buffers(nanoarrow.decimal128(38, scale), len(high), [None, words])
    return pl.Series(nanoarrow.Array(array))


class TotalWide(Accumulator):
    """The sum of decimals of one kind."""

    layout: ClassVar[Layout] = {"count": (np.int64, 0), "high": (np.int64, 0), "low": (np.uint64, 0)}

    def __init__(self, kind: str) -> None:
        self.scale = kinds.digits(kind)[1]
        super().__init__()

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        scatter.count(slots, valid, signs, self.cells["count"])
        scatter.sum_wide(
            slots, valid, signs, *halves(values, self.scale), self.cells["high"], self.cells["low"]
        )

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        all_, ones = np.ones(len(targets), np.bool_), np.ones(len(targets), np.int64)
        scatter.sum_int(targets, all_, ones, other.cells["count"][sources], self.cells["count"])
        scatter.sum_wide(
            targets, all_, ones, other.cells["high"][sources], other.cells["low"][sources],
            self.cells["high"], self.cells["low"],
        )  # fmt: skip

    def result(self, slots: Slots) -> pl.Series:
        made = decimals(self.cells["high"][slots], self.cells["low"][slots], self.scale)
        return nulled(made, self.cells["count"][slots] > 0)


class MeanWide(TotalWide):
    """The average, rounded half up to at least six digits after the point."""

    def result(self, slots: Slots) -> pl.Series:
        step = Decimal(1).scaleb(-max(6, self.scale))
        sums, counts = super().result(slots).to_list(), self.cells["count"][slots].tolist()
        means = [
            None if total is None else _CONTEXT.divide(total, Decimal(n)).quantize(step, context=_CONTEXT)
            for total, n in zip(sums, counts, strict=True)
        ]
        return pl.Series(means, dtype=pl.Decimal(38, max(6, self.scale)))


class ExtremeWide(Accumulator):
    """The smallest (`sign` -1) or largest (1) decimal; all of one scale, which the first batch tells."""

    layout: ClassVar[Layout] = {
        "count": (np.int64, 0),
        "high": (np.int64, 0),
        "low": (np.uint64, 0),
        "scale": (np.int64, 0),
    }

    def __init__(self, sign: int) -> None:
        self.sign, self.scale = sign, 0
        super().__init__()

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        assert isinstance(values.dtype, pl.Decimal)
        self.scale = values.dtype.scale or 0
        self.cells["scale"][slots] = self.scale
        self._take(slots, valid, *halves(values, self.scale))

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        there = other.cells["count"][sources] > 0
        self.cells["scale"][targets] = other.cells["scale"][sources]
        self._take(targets, there, other.cells["high"][sources], other.cells["low"][sources])

    def _take(
        self, slots: Slots, valid: NDArray[np.bool_], high: NDArray[np.int64], low: NDArray[np.uint64]
    ) -> None:
        cells = self.cells
        scatter.extreme_wide(slots, valid, high, low, self.sign, cells["count"], cells["high"], cells["low"])

    def result(self, slots: Slots) -> pl.Series:
        scale = int(self.cells["scale"][slots].max(initial=0))
        made = decimals(self.cells["high"][slots], self.cells["low"][slots], scale)
        return nulled(made, self.cells["count"][slots] > 0)
