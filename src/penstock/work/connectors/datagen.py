"""``datagen``: made-up rows, the same for the same table each time: row n is a function of the table's name and n.

    CREATE TABLE orders (id BIGINT, price DOUBLE, `at` TIMESTAMP(3)) WITH (
      'connector' = 'datagen', 'rows-per-second' = '5', 'fields.id.kind' = 'sequence',
      'fields.id.start' = '1', 'fields.id.end' = '1000', 'fields.price.min' = '1', 'fields.price.max' = '9')

Options: ``rows-per-second`` (10000), ``number-of-rows`` (no end), and for each field ``fields.X.kind`` (``random`` or
``sequence``), ``.min .max .max-past .length .null-rate .start .end``. It ends with the shortest sequence. Dates and
timestamps are now, minus up to ``max-past``. Source: Flink documentation, "DataGen SQL Connector".
"""

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from penstock.clock import Now
from penstock.engine.plan import Table
from penstock.engine.types import Column, polars_type
from penstock.errors import PenstockError
from penstock.work.connectors.shape import Again, Arrival, Sink, Site, Source, Spans, number, only
from penstock.work.connectors.tables import duration_s

BATCH_ROWS_MAX = 16_384
_KNOWN = ("kind", "min", "max", "max-past", "length", "null-rate", "start", "end")
_RANGES = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INT": (-(2**31), 2**31 - 1),
    "INTEGER": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
}
Numbers = npt.NDArray[np.uint64]
Make = Callable[[Numbers, int], pl.Series]


class Datagen:
    """The connector."""

    name = "datagen"

    def source(self, table: Table, site: Site) -> Source:
        """Make rows up."""
        return DatagenSource(table, site)

    def sink(self, table: Table, site: Site) -> Sink:
        """Refused: there is nowhere to write."""
        raise only(table, "read", "write to a kafka, upsert-kafka, print or blackhole table")


class DatagenSource:
    """One partition, 0, whose position is the number of the next row."""

    def __init__(self, table: Table, site: Site) -> None:
        computed = {name for name, _ in table.computed}
        self._fields = [_field(table, c) for c in table.schema if c.name not in computed]
        _check_names(table, {f.column.name for f in self._fields})
        self._rate = number(table, "rows-per-second", "10000")
        if self._rate <= 0:
            raise PenstockError(f"table {table.name}: 'rows-per-second' is above 0")
        counts = [f.count for f in self._fields if f.count is not None]
        if "number-of-rows" in table.options:
            counts.append(int(number(table, "number-of-rows", "0")))
        self._count = min(counts, default=None)
        self.positions: dict[int, int] = {0: 0}
        self.bounds: dict[int, int] = {}
        self._begun_s, self._first = 0.0, 0

    async def open(self, positions: Mapping[int, int] | None, now: Now) -> None:
        """Go on with the next row, at the rate from now on."""
        self.positions = {0: (positions or {}).get(0, 0)}
        self._begun_s, self._first = now.mono_s, self.positions[0]

    def read(self, now: Now) -> list[Arrival]:
        """The rows that are due by the rate; what was missed while the job was busy comes at once."""
        position = self.positions[0]
        due = self._first + math.floor((now.mono_s - self._begun_s) * self._rate + 1e-6) + 1
        end = min(due, position + BATCH_ROWS_MAX, due if self._count is None else self._count)
        if end <= position:
            return []
        self.positions[0] = end
        return [self.made(position, end, now.wall_ms)]

    def made(self, first: int, end: int, wall_ms: int) -> Arrival:
        """The rows from number `first` to before `end`, at a time that some columns show."""
        rows = np.arange(first, end, dtype=np.uint64)
        made = [f.make(rows, wall_ms).alias(f.column.name) for f in self._fields]
        return Arrival(0, rows=pl.DataFrame(made), first=first, end=end)

    def next_s(self, now: Now) -> float | None:
        """When the next row is due."""
        if self.ended:
            return None
        due_s = self._begun_s + (self.positions[0] - self._first) / self._rate
        return max(0.0, due_s - now.mono_s)

    @property
    def ended(self) -> bool:
        """Whether all rows were given."""
        return self._count is not None and self.positions[0] >= self._count

    @property
    def lag(self) -> int:
        """Made-up rows do not wait."""
        return 0

    @property
    def idle_after_s(self) -> float | None:
        """It is never idle before its end."""
        return None

    def caught_up(self, partition: int) -> bool:
        """Only at its end."""
        return self.ended

    def again(self, spans: Spans) -> Again:
        """Any row can be made again."""
        return MadeAgain(self)

    @property
    def offsets(self) -> None:
        """No group reads made-up rows."""
        return None

    async def committed(self, positions: Mapping[int, int]) -> None:
        """Nobody shows its lag."""

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class MadeAgain:
    """Rows that were given before."""

    source: DatagenSource

    async def open(self) -> None:
        """Nothing to open."""

    async def take(self, partition: int, first: int, end: int, wall_ms: int) -> Arrival:
        """The same rows."""
        return self.source.made(first, end, wall_ms)

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class _Field:
    column: Column
    make: Make
    count: int | None = None


def _check_names(table: Table, names: set[str]) -> None:
    for key in table.options:
        if not key.startswith("fields."):
            continue
        field, _, what = key.removeprefix("fields.").rpartition(".")
        if field not in names:
            raise PenstockError(
                f"table {table.name}: '{key}' names no column", remedy=f"columns: {', '.join(sorted(names))}"
            )
        if what not in _KNOWN:
            raise PenstockError(
                f"table {table.name}: no option '{key}'", remedy=f"known: {', '.join(_KNOWN)}"
            )


def _field(table: Table, column: Column) -> _Field:
    kind = table.options.get(f"fields.{column.name}.kind", "random")
    if kind == "sequence":
        return _sequence(table, column)
    if kind != "random":
        raise PenstockError(f"table {table.name}: a field is random or a sequence, not '{kind}'")
    seed = zlib.crc32(f"{table.name}.{column.name}".encode())
    plain = _random(table, column, seed)
    null_rate = number(table, f"fields.{column.name}.null-rate", "0")
    if not null_rate:
        return _Field(column, plain)

    def make(rows: Numbers, wall_ms: int) -> pl.Series:
        kept = pl.Series(_unit(rows, seed + 1) >= null_rate)
        series = plain(rows, wall_ms)
        return pl.select(pl.when(kept).then(series)).to_series()

    return _Field(column, make)


def _sequence(table: Table, column: Column) -> _Field:
    name = f"fields.{column.name}"
    if f"{name}.start" not in table.options or f"{name}.end" not in table.options:
        raise PenstockError(
            f"table {table.name}: the sequence {column.name} needs its ends",
            remedy=f"add '{name}.start' = '1' and '{name}.end' = '1000'",
        )
    start, end = int(number(table, f"{name}.start", "")), int(number(table, f"{name}.end", ""))
    kind = polars_type(column.kind)

    def make(rows: Numbers, wall_ms: int) -> pl.Series:
        return pl.Series(rows.astype(np.int64) + start).cast(kind)

    return _Field(column, make, max(0, end - start + 1))


def _random(table: Table, column: Column, seed: int) -> Make:
    """How a random column is made, by its type."""
    name, word = f"fields.{column.name}", column.kind.split("(")[0].strip()
    kind = polars_type(column.kind)
    if word in _RANGES:
        lowest, highest = _RANGES[word]
        low, high = (int(table.options.get(f"{name}.{k}", v)) for k, v in (("min", lowest), ("max", highest)))
        span = high - low + 1
        if span <= 0:
            raise PenstockError(f"table {table.name}: {column.name}'s min is above its max")
        return lambda rows, wall_ms: pl.Series(_between(_mixed(rows, seed), low, span)).cast(kind)
    if word in ("FLOAT", "DOUBLE", "DECIMAL"):
        top = {"FLOAT": 3.4028234e38, "DOUBLE": 1.7976931348623157e308}.get(word, _decimal_top(column.kind))
        bottom = {"FLOAT": 1.4e-45, "DOUBLE": 5e-324}.get(word, -top)
        low_f, high_f = number(table, f"{name}.min", repr(bottom)), number(table, f"{name}.max", repr(top))
        return lambda rows, wall_ms: pl.Series(_unit(rows, seed) * (high_f - low_f) + low_f).cast(kind)
    if word == "BOOLEAN":
        return lambda rows, wall_ms: pl.Series(_unit(rows, seed) < 0.5)
    if word in ("STRING", "VARCHAR", "CHAR", "BYTES", "VARBINARY"):
        length = int(number(table, f"{name}.length", _declared_length(column.kind)))
        return lambda rows, wall_ms: _texts(rows, seed, length).cast(kind)
    if word in ("TIMESTAMP", "TIMESTAMP_LTZ", "DATE"):
        past_ms = round(duration_s(table.options.get(f"{name}.max-past", "0 ms")) * 1000)
        return lambda rows, wall_ms: _times(rows, seed, past_ms, wall_ms).cast(kind)
    raise PenstockError(
        f"table {table.name}: datagen makes no {column.kind} for {column.name}", remedy="use another type"
    )


def _mixed(rows: Numbers, seed: int) -> Numbers:
    """splitmix64 of the row's number: well mixed, and any row can be made without those before it."""
    with np.errstate(over="ignore"):
        z = (rows + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed) * np.uint64(
            0xD1342543DE82EF95
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _unit(rows: Numbers, seed: int) -> npt.NDArray[np.float64]:
    """Uniform in [0, 1)."""
    return (_mixed(rows, seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _between(mixed: Numbers, low: int, span: int) -> npt.NDArray[np.int64]:
    picked = mixed if span >= 2**64 else mixed % np.uint64(span)
    with np.errstate(over="ignore"):
        return picked.astype(np.int64) + np.int64(low) if span < 2**64 else picked.view(np.int64)


def _texts(rows: Numbers, seed: int, length: int) -> pl.Series:
    """Hexadecimal digits, as Flink's random strings are."""
    digits = np.frombuffer(b"0123456789abcdef", dtype="S1")
    columns = [
        digits[(_mixed(rows, seed + 7919 * i) & np.uint64(15)).astype(np.int64)] for i in range(length)
    ]
    if not columns:
        return pl.Series([""] * len(rows))
    joined = np.stack(columns, axis=1).view(f"S{length}").ravel()
    return pl.Series(joined.astype(f"U{length}").tolist())


def _times(rows: Numbers, seed: int, past_ms: int, wall_ms: int) -> pl.Series:
    back = (_unit(rows, seed) * past_ms).astype(np.int64)
    return pl.Series((wall_ms - back) * 1000).cast(pl.Datetime("us"))


def _declared_length(kind: str) -> str:
    return kind.partition("(")[2].rstrip(")").strip() or "100"


def _decimal_top(kind: str) -> float:
    precision, _, scale = kind.partition("(")[2].rstrip(")").partition(",")
    return float(10 ** (int(precision or 10) - int(scale or 0)) - 1)
