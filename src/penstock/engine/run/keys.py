"""Keys of any columns → dense numbers in the order of first sight, exact, in time proportional to the batch.

Whole numbers, moments and texts are told apart by their values: a text is numbered first, and a key is a tuple of
numbers. Other kinds are hashed, and every hit is verified against the stored key; two keys of one hash tell themselves
apart by the attempt that found them. Knows nothing of what is kept per key.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.kernels.hashing import PairTable, TupleTable
from penstock.engine.run.columns import integers, nulled
from penstock.engine.run.kept.growth import Growth, next_edition
from penstock.engine.run.kept.store import Store
from penstock.engine.run.kept.texts import TextTable

Numbers = NDArray[np.int64]
_WIDTH_MAX = 63


class KeyTable:
    """`number` gives each row of key columns its key's number; `rows` gives keys back."""

    def __init__(self, schema: dict[str, pl.DataType]) -> None:
        self.schema = schema
        exact = all(_is_exact(kind) or kind in (pl.String, pl.Binary) for kind in schema.values())
        self._exact = exact and len(schema) <= _WIDTH_MAX
        self.clear()

    def clear(self, room: int = 0) -> None:
        """Forget all keys; there will be room for so many."""
        self._keys: _Tuples | _Hashed = (_Tuples if self._exact else _Hashed)(self.schema, room)
        self._edition = next_edition()

    def __len__(self) -> int:
        return len(self._keys) if self.schema else 0

    def number(self, keys: pl.DataFrame) -> Numbers:
        """Each row's key number; new keys get the next ones."""
        return self._keys.number(keys) if self.schema else np.zeros(keys.height, np.int64)

    def rows(self, numbers: Numbers, names: Iterable[str] | None = None) -> pl.DataFrame:
        """The keys behind numbers, or some of their columns."""
        chosen = list(self.schema if names is None else names)
        return self._keys.rows(numbers, chosen) if chosen else pl.DataFrame()

    def keep(self, numbers: Numbers) -> None:
        """Only these keys, renumbered 0, 1, … in the order given (each once)."""
        kept = self.rows(numbers)
        self.clear(len(numbers))
        self.number(kept)

    def tail(self, first: int) -> pl.DataFrame:
        """The keys from a number on, in the order of their numbers."""
        return self.rows(np.arange(first, len(self)))

    def growth(self) -> Growth:
        """All keys, for snapshots."""
        return Growth(self._edition, len(self), self.tail)


class _Tuples:
    """A column of numbers for each of the key's, and one that says by bits which are null."""

    def __init__(self, schema: dict[str, pl.DataType], room: int) -> None:
        self.schema = schema
        self._texts = {name: TextTable() for name, kind in schema.items() if kind in (pl.String, pl.Binary)}
        self._tuples = TupleTable(len(schema) + 1, room)

    def __len__(self) -> int:
        return self._tuples.count

    def number(self, keys: pl.DataFrame) -> Numbers:
        made = np.empty((keys.height, len(self.schema) + 1), np.int64)
        nulls = np.zeros(keys.height, np.int64)
        for place, name in enumerate(self.schema):
            column = keys[name]
            made[:, place] = self._texts[name].number(column) if name in self._texts else integers(column)
            if column.null_count():
                nulls |= np.where(column.is_null().to_numpy(), np.int64(1) << place, 0)
        made[:, -1] = nulls
        return self._tuples.number(made)[0]

    def rows(self, numbers: Numbers, names: Sequence[str]) -> pl.DataFrame:
        held, places = self._tuples.rows[numbers], list(self.schema)
        columns = []
        for name in names:
            place, kind = places.index(name), self.schema[name]
            there = (held[:, -1] >> place) & 1 == 0
            values = np.ascontiguousarray(held[:, place])
            if name in self._texts:
                columns.append(self._texts[name].texts.take(values, there, name, kind))
            else:
                columns.append(nulled(_typed(pl.Series(name, values), kind), there).alias(name))
        return pl.DataFrame(columns)


class _Hashed:
    """Keys as polars has them, found by a hash of its."""

    def __init__(self, schema: dict[str, pl.DataType], room: int) -> None:
        self.schema = schema
        self._pairs, self._store = PairTable(room), Store(schema)

    def __len__(self) -> int:
        return len(self._store)

    def number(self, keys: pl.DataFrame) -> Numbers:
        hashes = _hashes(keys)
        numbers, fresh = self._pairs.number(hashes, np.zeros(keys.height, np.int64))
        if len(fresh):
            self._store.append(keys[fresh])
        wrong = np.flatnonzero(~self._same(keys, numbers))
        attempt = 0
        while len(wrong):  # another key has this hash: its next place is (hash, 1), (hash, 2), …
            attempt += 1
            part = keys[wrong]
            found, fresh = self._pairs.number(hashes[wrong], np.full(len(wrong), attempt, np.int64))
            if len(fresh):
                self._store.append(part[fresh])
            numbers[wrong] = found
            wrong = wrong[~self._same(part, found)]
        return numbers

    def rows(self, numbers: Numbers, names: Sequence[str]) -> pl.DataFrame:
        return self._store.take(numbers, names)

    def _same(self, keys: pl.DataFrame, numbers: Numbers) -> NDArray[np.bool_]:
        stored = self._store.take(numbers)
        same = np.ones(keys.height, np.bool_)
        for name in self.schema:
            equal = stored[name].eq_missing(keys[name])
            if not equal.all():
                same &= equal.to_numpy()
        return same


def _typed(values: pl.Series, kind: pl.DataType) -> pl.Series:
    """Whole numbers as what `integers` made them of."""
    if kind == pl.Date:
        return values.cast(pl.Int32).cast(kind)
    return values if kind == pl.Int64 else values.cast(kind)


def _is_exact(kind: pl.DataType) -> bool:
    return (
        (kind.is_integer() and kind not in (pl.Int128, pl.UInt64))
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
