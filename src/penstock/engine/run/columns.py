"""Small steps on columns, by the way that costs least for one row: a polars expression costs 20 to 40 µs each time.

Knows nothing of operators.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.kernels.arrow import own
from penstock.engine.room import Room

_MICROS = pl.Datetime("us")


class Growing:
    """An int64 array that grows at its end, in time that does not depend on its length; `values` is a view."""

    def __init__(self, values: NDArray[np.int64] | None = None) -> None:
        self._room, self._size = Room(np.int64), 0
        if values is not None:
            self.extend(values)

    @property
    def values(self) -> NDArray[np.int64]:
        """What is in it; writable."""
        return self._room.array[: self._size]

    def __len__(self) -> int:
        return self._size

    def extend(self, values: NDArray[np.int64]) -> None:
        """Add at the end."""
        size = self._size + len(values)
        self._room.reach(size, self._size)[self._size : size] = values
        self._size = size


def pick(rows: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Some columns, in this order."""
    wanted = list(names)
    return rows if rows.columns == wanted else pl.DataFrame([rows[name] for name in wanted])


def there(column: pl.Series) -> NDArray[np.bool_]:
    """Which rows are not null."""
    if not column.null_count():
        return np.ones(len(column), np.bool_)
    return np.asarray(column.is_not_null().to_numpy())


def integers(column: pl.Series) -> NDArray[np.int64]:
    """What an integer-like column is underneath, as int64; null is 0. Moments are microseconds."""
    if isinstance(column.dtype, pl.Datetime) and column.dtype != _MICROS:
        column = column.cast(_MICROS)
    whole = column if column.dtype == pl.Int64 else column.cast(pl.Int64)
    return np.asarray((whole.fill_null(0) if whole.null_count() else whole).to_numpy())


def stack(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Rows that stay, after rows that stay, of the same columns; what was there is copied only once in many pieces.

    The new ones are copied out of what was fetched with them, which would otherwise stay as long as they do.
    """
    second = own(second)
    made = first.vstack(second) if first.height else second
    return made.rechunk() if made.n_chunks() > 48 else made


def nulled(values: pl.Series, there: NDArray[np.bool_]) -> pl.Series:
    """The column with NULL where `there` is false."""
    if there.all():
        return values
    return values.to_frame("v").select(pl.when(pl.Series(there)).then(pl.col("v"))).to_series()
