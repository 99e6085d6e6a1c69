"""JSON values to typed columns, as Flink's ``json`` format reads them; one bad record never touches another.

A whole chunk goes through one fast reader. Where that refuses, the chunk is halved until the records at fault stand
alone; those are read by Flink's more lenient rules (`json_lenient`), and what fails there too is handed back as bad. So
what becomes of a record never depends on its neighbours. Knows nothing of Kafka's batches.

Source: Flink, JsonParserToRowDataConverters and the JSON format's options.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from arro3.core import DataType, Field, RecordBatch, Schema
from arro3.io import read_json
from numpy.typing import NDArray

from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json_lenient import MisfitError, read_object
from penstock.engine.formats.texts import from_texts, is_textual, raw_type
from penstock.engine.functions import kinds
from penstock.engine.functions.casts import half_up
from penstock.engine.kernels.arrow import Texts, array_buffers, join_texts, text_buffers
from penstock.engine.kernels.lines import SUSPECT, TOMBSTONE, WHOLE, join
from penstock.engine.types import Schema as Columns
from penstock.errors import PenstockError

_BATCH = 1024  # rows the reader builds at once: small enough to stay in the cache
_HALVES = 4
_ALONE = 8


@dataclass(frozen=True)
class JsonOptions:
    """Flink's ``json.*`` options."""

    ignore_errors: bool = False
    fail_on_missing: bool = False
    iso: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str], prefix: str = "") -> "JsonOptions":
        """From a table's WITH options; the keys may stand with ``value.`` in front."""

        def read(key: str, default: str) -> str:
            return options.get(f"value.json.{key}", options.get(f"json.{key}", default))

        form = read("timestamp-format.standard", "SQL").upper()
        if form not in ("SQL", "ISO-8601"):
            raise PenstockError(f"json.timestamp-format.standard is SQL or ISO-8601, not {form}")
        made = cls(
            read("ignore-parse-errors", "false") == "true",
            read("fail-on-missing-field", "false") == "true",
            form != "SQL",
        )
        if made.ignore_errors and made.fail_on_missing:
            raise PenstockError(
                "json.ignore-parse-errors and json.fail-on-missing-field contradict each other"
            )
        return made


@dataclass
class Decoded:
    """What became of a chunk: `frame` row i is record `rows[i]`; `bad` are (record, error class, message)."""

    frame: pl.DataFrame
    rows: NDArray[np.int64]
    tombstones: NDArray[np.int64]
    bad: list[tuple[int, str, str]]


class JsonReader:
    """Reads the columns `fields` out of JSON objects."""

    def __init__(self, fields: Columns, options: JsonOptions) -> None:
        self.fields, self.options = fields, options
        self._schema = Schema([Field(c.name, _arrow_type(c.kind), nullable=True) for c in fields])
        self._plain = [c.name for c in fields if not is_textual(c.kind)]
        self._texts = [(i, c) for i, c in enumerate(fields) if is_textual(c.kind)]
        self._raw = {c.name: raw_type(c.kind) for c in fields}
        self._order = [c.name for c in fields]
        self._rounded = [half_up(pl.col(c.name), c.kind) for c in fields if kinds.is_decimal(c.kind)]
        self._lines = np.empty(0, np.uint8)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        states = np.empty(len(chunk), np.uint8)
        lines = self._lay(chunk, states)
        whole = np.flatnonzero(states == WHOLE)
        tombstones = np.flatnonzero(states == TOMBSTONE)
        batches = self._fast(lines, len(whole)) if len(whole) else []
        if (
            batches is not None
            and len(whole) + len(tombstones) == len(chunk)
            and not self.options.fail_on_missing
        ):
            return self._finish(
                [(self._plain_frame(batches), self._text_columns(batches), whole)], tombstones, []
            )
        return self._sorted(chunk, np.flatnonzero(states != TOMBSTONE), states, tombstones)

    def _lay(self, chunk: Chunk, states: NDArray[np.uint8]) -> memoryview:
        starts, sizes = chunk.places[VALUE_AT], chunk.places[VALUE_SIZE]
        room = int(np.maximum(sizes, 0).sum()) + len(chunk)
        if len(self._lines) < room:  # kept from chunk to chunk: fresh pages cost more than the copy
            self._lines = np.empty(room, np.uint8)
        size = join(chunk.data, starts, sizes, 0, len(chunk), self._lines, states)
        return memoryview(self._lines.data)[:size]

    def _fast(self, lines: memoryview, rows: int) -> list[RecordBatch] | None:
        """The rows, or None where a record is refused or holds more than one object."""
        try:
            batches = list(read_json(io.BytesIO(lines), self._schema, batch_size=_BATCH))
        except (
            Exception
        ):  # arro3 raises several kinds, its own and bare ones, all meaning: some record is bad
            return None
        return batches if sum(batch.num_rows for batch in batches) == rows else None

    # --- the careful way -------------------------------------------------------------------------------------

    def _sorted(
        self, chunk: Chunk, rows: NDArray[np.int64], states: NDArray[np.uint8], tombstones: NDArray[np.int64]
    ) -> Decoded:
        bad: list[tuple[int, str, str]] = []
        return self._finish(self._parts(chunk, rows, states, bad), tombstones, bad)

    def _parts(
        self,
        chunk: Chunk,
        rows: NDArray[np.int64],
        states: NDArray[np.uint8],
        bad: list[tuple[int, str, str]],
    ) -> list["_Part"]:
        """Halve until what the fast reader refuses stands alone."""
        if len(rows) == 0:
            return []
        if not (states[rows] == SUSPECT).any() and not self.options.fail_on_missing:
            part = chunk.take(rows)
            batches = self._fast(self._lay(part, np.empty(len(part), np.uint8)), len(rows))
            if batches is not None:
                return [(self._plain_frame(batches), self._text_columns(batches), rows)]
        if len(rows) == 1:
            return self._lenient(chunk, int(rows[0]), bad)
        pieces = len(rows) if len(rows) <= _ALONE else _HALVES
        return [
            part for piece in np.array_split(rows, pieces) for part in self._parts(chunk, piece, states, bad)
        ]

    def _lenient(self, chunk: Chunk, row: int, bad: list[tuple[int, str, str]]) -> list["_Part"]:
        try:
            values = read_object(
                chunk.value(row) or b"", self.fields, self.options.ignore_errors, self.options.fail_on_missing
            )
        except MisfitError as misfit:
            if not self.options.ignore_errors:
                bad.append((row, misfit.kind, str(misfit)))
            return []
        frame = pl.DataFrame(
            {name: [value] for name, value in values.items()}, schema=self._raw, strict=False
        )
        texts = [text_buffers(frame[column.name]) for _, column in self._texts]
        return [(frame.select(self._plain), texts, np.array([row]))]

    # --- putting columns together ----------------------------------------------------------------------------

    def _plain_frame(self, batches: list[RecordBatch]) -> pl.DataFrame:
        if not batches:
            return pl.DataFrame(schema={name: self._raw[name] for name in self._plain})
        frames = (
            [pl.DataFrame(batch.select(self._plain)) for batch in batches]
            if self._plain
            else [pl.DataFrame()]
        )
        frame = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True)
        return frame.with_columns(self._rounded) if self._rounded else frame

    def _text_columns(self, batches: list[RecordBatch]) -> list[Texts]:
        columns = []
        for index, _ in self._texts:
            parts = [array_buffers(batch.column(index)) for batch in batches]
            columns.append(join_texts(parts))
        return columns

    def _finish(
        self, parts: list["_Part"], tombstones: NDArray[np.int64], bad: list[tuple[int, str, str]]
    ) -> Decoded:
        """Typed columns of all parts; rows whose texts do not fit their kind join the bad ones."""
        if not parts:
            parts = [
                (
                    self._plain_frame([]),
                    [text_buffers(pl.Series([], dtype=pl.String)) for _ in self._texts],
                    np.empty(0, np.int64),
                )
            ]
        rows = np.concatenate([part[2] for part in parts])
        frame = (
            parts[0][0] if len(parts) == 1 else pl.concat([part[0] for part in parts], how="vertical_relaxed")
        )
        made: dict[str, pl.Series] = {}
        wrong = np.zeros(len(rows), np.bool_)
        for place, (_, column) in enumerate(self._texts):
            series, misfits = from_texts(
                column, join_texts([part[1][place] for part in parts]), self.options.iso
            )
            if misfits.any() and not self.options.ignore_errors:
                fresh = np.flatnonzero(misfits & ~wrong)
                bad += [
                    (int(rows[i]), "DateTimeParseException", f"{column.name} is no {column.kind}")
                    for i in fresh
                ]
                wrong |= misfits
            made[column.name] = series
        frame = pl.DataFrame([made[name] if name in made else frame[name] for name in self._order])
        if wrong.any():
            frame, rows = frame.filter(pl.Series(~wrong)), rows[~wrong]
        return Decoded(frame, rows, tombstones, sorted(bad))


_Part = tuple[pl.DataFrame, list[Texts], NDArray[np.int64]]


def _arrow_type(kind: str) -> DataType:
    """What the fast reader reads a kind as; texts for what it would read by rules of its own."""
    if kinds.is_decimal(kind):
        # the reader cuts digits off: one more than wanted is enough to round half up by
        return DataType.decimal128(kinds.DECIMAL_MAX, min(kinds.digits(kind)[1] + 1, kinds.DECIMAL_MAX - 1))
    return _ARROW.get(kinds.name_of(kind), DataType.string())


_ARROW = {
    "BOOLEAN": DataType.bool(), "TINYINT": DataType.int8(), "SMALLINT": DataType.int16(), "INT": DataType.int32(),
    "BIGINT": DataType.int64(), "FLOAT": DataType.float32(), "DOUBLE": DataType.float64(),
}  # fmt: skip
