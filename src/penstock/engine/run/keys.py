"""Keys of any columns → dense numbers in the order of first sight, exact, in time proportional to the batch.

One integer-like column is its own table key. Any others are hashed, and every hit is verified against the stored
key; two keys of one hash tell themselves apart by the attempt that found them. Knows nothing of what is kept per key.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.kernels.hashing import PairTable
from penstock.engine.run.columns import integers, stack

Numbers = NDArray[np.int64]


class KeyTable:
    """`number` gives each row of key columns its key's number; `rows` gives keys back."""

    def __init__(self, schema: dict[str, pl.DataType]) -> None:
        self.schema = schema
        self._exact = len(schema) == 1 and _is_exact(next(iter(schema.values())))
        self.clear()

    def clear(self, room: int = 0) -> None:
        """Forget all keys; there will be room for so many."""
        self._pairs = PairTable(room)
        self._keys = pl.DataFrame(schema=self.schema)

    def __len__(self) -> int:
        return self._keys.height

    def number(self, keys: pl.DataFrame) -> Numbers:
        """Each row's key number; new keys get the next ones."""
        if not self.schema:
            return self._number_nothing(keys)
        if self._exact:
            return self._number_exact(keys)
        return self._number_hashed(keys)

    def rows(self, numbers: Numbers) -> pl.DataFrame:
        """The keys behind numbers."""
        return self._keys[numbers] if self.schema else pl.DataFrame()

    def keep(self, numbers: Numbers) -> None:
        """Only these keys, renumbered 0, 1, … in the order given (each once)."""
        kept = self.rows(numbers)
        self.clear(len(numbers))
        self.number(kept)

    def frame(self) -> pl.DataFrame:
        """All keys in the order of their numbers."""
        return self._keys

    def _store(self, keys: pl.DataFrame) -> None:
        self._keys = stack(self._keys, keys)

    def _number_nothing(self, keys: pl.DataFrame) -> Numbers:
        return np.zeros(keys.height, np.int64)

    def _number_exact(self, keys: pl.DataFrame) -> Numbers:
        column = keys.to_series()
        nulls = np.zeros(len(column), np.int64)
        if column.null_count():
            nulls = column.is_null().to_numpy().astype(np.int64)
        numbers, fresh = self._pairs.number(integers(column), nulls)
        if len(fresh):
            self._store(keys[fresh])
        return numbers

    def _number_hashed(self, keys: pl.DataFrame) -> Numbers:
        hashes = _hashes(keys)
        numbers, fresh = self._pairs.number(hashes, np.zeros(keys.height, np.int64))
        if len(fresh):
            self._store(keys[fresh])
        wrong = np.flatnonzero(~self._same(keys, numbers))
        attempt = 0
        while len(wrong):  # another key has this hash: its next place is (hash, 1), (hash, 2), …
            attempt += 1
            part = keys[wrong]
            found, fresh = self._pairs.number(hashes[wrong], np.full(len(wrong), attempt, np.int64))
            if len(fresh):
                self._store(part[fresh])
            numbers[wrong] = found
            wrong = wrong[~self._same(part, found)]
        return numbers

    def _same(self, keys: pl.DataFrame, numbers: Numbers) -> NDArray[np.bool_]:
        stored = self._keys[numbers]
        same = np.ones(keys.height, np.bool_)
        for name in self.schema:
            equal = stored[name].eq_missing(keys[name])
            if not equal.all():
                same &= equal.to_numpy()
        return same


def _is_exact(kind: pl.DataType) -> bool:
    return (
        (kind.is_integer() and kind != pl.Int128)
        or kind in (pl.Boolean, pl.Date, pl.Time)
        or kind.is_temporal()
    )


def _hashes(keys: pl.DataFrame) -> Numbers:
    """One 64-bit hash a row; null has one of its own. Tests swap this for a poor one."""
    made: NDArray[np.uint64] | None = None
    for place, name in enumerate(keys.columns):
        part = keys[name].hash(seed=place + 1).to_numpy()
        made = part if made is None else (made * np.uint64(0x9E3779B97F4A7C15)) ^ part
    assert made is not None
    return np.ascontiguousarray(made).view(np.int64)
