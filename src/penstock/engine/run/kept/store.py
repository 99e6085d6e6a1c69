"""Rows by number, column by column: added at the end, taken out in any order as a frame in one piece.

Frames of many pieces cost polars ten times as much to gather from. Knows nothing of what a row stands for.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.kernels.arrow import own
from penstock.engine.room import Room, widened
from penstock.engine.run.columns import nulled
from penstock.engine.run.kept.growth import Growth, next_edition
from penstock.engine.run.kept.texts import Texts

Numbers = NDArray[np.int64]
There = NDArray[np.bool_]
_PHYSICAL: Mapping[Any, Any] = {
    pl.Int8: np.int8, pl.Int16: np.int16, pl.Int32: np.int32, pl.Int64: np.int64, pl.UInt8: np.uint8,
    pl.UInt16: np.uint16, pl.UInt32: np.uint32, pl.UInt64: np.uint64, pl.Float32: np.float32,
    pl.Float64: np.float64, pl.Boolean: np.bool_, pl.Date: np.int32, pl.Time: np.int64, pl.Datetime: np.int64,
    pl.Duration: np.int64,
}  # fmt: skip


class Held(Protocol):
    """One column of what is kept."""

    def append(self, column: pl.Series) -> None:
        """Add values at the end."""

    def take(self, numbers: Numbers) -> pl.Series:
        """The values of some rows."""

    def tail(self, first: int) -> pl.Series:
        """The values of the rows from one on, not copied: rows are added behind them, or elsewhere."""


class Mask:
    """Which rows are not null; takes no room until one is."""

    def __init__(self) -> None:
        self._there: There | None = None

    def append(self, there: There | None, before: int) -> None:
        """Add rows behind the `before` that there are; None: all are there."""
        count = len(there) if there is not None else 0
        if self._there is None:
            if there is None or there.all():
                return
            self._there = np.ones(max(16, before + count), np.bool_)
        self._there = widened(self._there, before + count, True)
        if there is not None:
            self._there[before : before + count] = there

    def take(self, numbers: Numbers) -> There | None:
        """Which of some rows are; None: all."""
        if self._there is None:
            return None
        # Rows that came since without a null may lie behind its end.
        inside = numbers < len(self._there)
        made = np.ones(len(numbers), np.bool_)
        made[inside] = self._there[numbers[inside]]
        return None if made.all() else made

    def tail(self, first: int, count: int) -> There | None:
        """Which of the rows from one on, of `count`, are; None: all."""
        return None if self._there is None else self.take(np.arange(first, count))


class Fixed:
    """Values of one width."""

    def __init__(self, name: str, kind: pl.DataType) -> None:
        self.name, self.kind = name, kind
        self._room = Room(_PHYSICAL[kind.base_type()])
        self._mask, self._count = Mask(), 0

    def append(self, column: pl.Series) -> None:
        """Add values at the end; what lies under a null is 0."""
        there = None
        if column.null_count():
            there = np.asarray(column.is_not_null().to_numpy())
        plain = column.to_physical()
        if there is not None:
            plain = plain.fill_null(False if self.kind == pl.Boolean else 0)
        end = self._count + len(column)
        self._room.reach(end, self._count)[self._count : end] = plain.to_numpy()
        self._mask.append(there, self._count)
        self._count = end

    def take(self, numbers: Numbers) -> pl.Series:
        """The values of some rows."""
        return self._made(self._room.array[numbers], self._mask.take(numbers))

    def tail(self, first: int) -> pl.Series:
        """The values of the rows from one on."""
        return self._made(self._room.array[first : self._count], self._mask.tail(first, self._count))

    def _made(self, values: NDArray[Any], there: There | None) -> pl.Series:
        made = pl.Series(self.name, values)
        if there is not None:
            made = nulled(made, there).alias(self.name)
        return made if made.dtype == self.kind else made.cast(self.kind)


class Worded:
    """Texts or bytes."""

    def __init__(self, name: str, kind: pl.DataType) -> None:
        self.name, self.kind = name, kind
        self._texts, self._mask = Texts(), Mask()

    def append(self, column: pl.Series) -> None:
        """Add texts at the end."""
        before = self._texts.count
        self._mask.append(self._texts.append(column), before)

    def take(self, numbers: Numbers) -> pl.Series:
        """The texts of some rows."""
        return self._texts.take(numbers, self._mask.take(numbers), self.name, self.kind)

    def tail(self, first: int) -> pl.Series:
        """The texts of the rows from one on."""
        return self._texts.tail(first, self._mask.tail(first, self._texts.count), self.name, self.kind)


class Pieces:
    """Values of any other kind, as polars has them, in few pieces: each is longer than all behind it."""

    def __init__(self, name: str, kind: pl.DataType) -> None:
        self.name, self.kind = name, kind
        self._pieces: list[pl.Series] = []

    def append(self, column: pl.Series) -> None:
        """Add values at the end."""
        self._pieces.append(own(column.to_frame()).to_series())
        while len(self._pieces) > 1 and len(self._pieces[-2]) < 2 * len(self._pieces[-1]):
            last = self._pieces.pop()
            self._pieces[-1] = pl.concat([self._pieces[-1], last], rechunk=True)

    def take(self, numbers: Numbers) -> pl.Series:
        """The values of some rows."""
        return self._whole().gather(pl.Series(numbers)).alias(self.name)

    def tail(self, first: int) -> pl.Series:
        """The values of the rows from one on; polars changes none in place."""
        return self._whole().slice(first).alias(self.name)

    def _whole(self) -> pl.Series:
        return pl.concat(self._pieces, rechunk=False) if self._pieces else pl.Series(dtype=self.kind)


def _held(name: str, kind: pl.DataType) -> Held:
    if kind.base_type() in _PHYSICAL:
        return Fixed(name, kind)
    return Worded(name, kind) if kind in (pl.String, pl.Binary) else Pieces(name, kind)


class Store:
    """Rows of a schema."""

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.schema = dict(schema)
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self._columns = {name: _held(name, kind) for name, kind in self.schema.items()}
        self._count, self.edition = 0, next_edition()

    def __len__(self) -> int:
        return self._count

    def append(self, rows: pl.DataFrame) -> None:
        """Add rows at the end, copied; columns that are not of the schema are left out."""
        for name, column in self._columns.items():
            column.append(rows[name])
        self._count += rows.height

    def take(self, numbers: Numbers, names: Iterable[str] | None = None) -> pl.DataFrame:
        """Some rows, or some columns of them."""
        chosen = self._columns if names is None else names
        return pl.DataFrame([self._columns[name].take(numbers) for name in chosen])

    def tail(self, first: int) -> pl.DataFrame:
        """The rows from one on."""
        return pl.DataFrame([column.tail(first) for column in self._columns.values()])

    def growth(self) -> Growth:
        """All rows, for snapshots."""
        return Growth(self.edition, self._count, self.tail)

    def keep(self, numbers: Numbers) -> None:
        """Only these rows, numbered anew in the order given."""
        kept = self.take(numbers)
        self.clear()
        self.append(kept)
