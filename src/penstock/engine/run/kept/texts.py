"""Texts that are kept: laid after each other in memory that grows at its end, and, where asked for, each once.

Knows nothing of rows.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.kernels import texts
from penstock.engine.kernels.arrow import text_buffers, text_series
from penstock.engine.room import Room

Numbers = NDArray[np.int64]
_FIRST = 1024


class Texts:
    """Texts (or bytes) by number, in the order they came."""

    def __init__(self) -> None:
        self.count = 0
        self._bytes, self._places = Room(np.uint8), Room(np.int64)
        self.at[0] = 0

    @property
    def data(self) -> NDArray[np.uint8]:
        """All bytes."""
        return self._bytes.array

    @property
    def at(self) -> Numbers:
        """Where each text begins; `at[count]` is where the last one ends, more means nothing."""
        return self._places.array

    def room(self, count: int, size: int) -> None:
        """Make room for so many more texts of so many bytes."""
        end = int(self.at[self.count])
        self._bytes.reach(end + size + 8, end)  # eight more, so that any text can be read by the word
        self._places.reach(self.count + count + 1, self.count + 1)

    def append(self, column: pl.Series) -> NDArray[np.bool_]:
        """Add a column's texts, empty ones for nulls; returns which are there."""
        data, at, there = text_buffers(column)
        first, end = int(at[0]), int(at[-1])
        self.room(len(there), end - first)
        begin = int(self.at[self.count])
        self.data[begin : begin + end - first] = data[first:end]
        self.at[self.count + 1 : self.count + 1 + len(there)] = at[1:] - first + begin
        self.count += len(there)
        return there

    def take(
        self, numbers: Numbers, there: NDArray[np.bool_] | None, name: str, kind: pl.DataType
    ) -> pl.Series:
        """The texts of some numbers, copied out; null where not `there`."""
        places = np.empty(len(numbers) + 1, np.int64)
        total = texts.measure(self.at, numbers, places)
        out = np.empty(int(total) + 1, np.uint8)
        texts.gather(self.data, self.at, numbers, places, out)
        return text_series(name, out, places, there, binary=kind == pl.Binary)

    def tail(self, first: int, there: NDArray[np.bool_] | None, name: str, kind: pl.DataType) -> pl.Series:
        """The texts from a number on, null where not `there`; in the memory they stand in, of which nobody changes a byte."""
        places = self.at[first : self.count + 1]
        out = self.data[places[0] : places[-1] + 1]  # one more: an empty column has bytes, too
        return text_series(name, out, places - places[0], there, binary=kind == pl.Binary)


class TextTable:
    """Texts numbered 0, 1, 2, … as they first appear."""

    def __init__(self) -> None:
        self.texts = Texts()
        self._table = np.full(_FIRST, -1, np.int64)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.texts.count

    def number(self, column: pl.Series) -> Numbers:
        """Each text's number; -1 for a null."""
        data, at, there = text_buffers(column)
        held = self.texts
        held.room(len(there), int(at[-1] - at[0]))
        out, done = np.empty(len(there), np.int64), 0
        while True:
            done, held.count = texts.number_texts(
                data, at, there, done, self._table, held.count, held.data, held.at, out
            )
            if done == len(out):
                return out
            self._table = np.full(2 * len(self._table), -1, np.int64)
            texts.rehash_texts(held.data, held.at, held.count, self._table)
