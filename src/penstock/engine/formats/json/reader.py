"""JSON values to typed columns, as Flink's ``json`` format reads them; one bad record never touches another.

A whole chunk goes through one fast reader. Where that refuses, the chunk is cut until the records at fault stand
alone; those are read by Flink's more lenient rules (`json_lenient`), and what fails there too is handed back as bad. So
what becomes of a record never depends on its neighbours. Knows nothing of Kafka's batches.

Source: Flink, JsonParserToRowDataConverters and the JSON format's options.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from arro3.core import DataType, Field, RecordBatch, Schema
from arro3.io import read_json
from numpy.typing import NDArray

from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json.lenient import MisfitError, read_object
from penstock.engine.formats.json.style import JsonStyle
from penstock.engine.formats.plain.texts import from_raw, from_texts, is_textual, raw_type
from penstock.engine.functions import kinds
from penstock.engine.functions.casts import half_up
from penstock.engine.kernels.arrow import Texts, array_buffers, join_texts, text_buffers
from penstock.engine.kernels.decode.lines import SUSPECT, TOMBSTONE, WHOLE, join
from penstock.engine.types import Schema as Columns
from penstock.engine.types import element, is_array, is_map, is_nested, is_row, map_fields, row_fields
from penstock.errors import PenstockError

_BATCH = 1024  # rows the reader builds at once: small enough to stay in the cache
_PIECES = 4
_ALONE = 16


@dataclass(frozen=True)
class JsonOptions:
    """Flink's ``json.*`` options."""

    ignore_errors: bool = False
    fail_on_missing: bool = False
    iso: bool = False
    style: JsonStyle = field(default_factory=JsonStyle)
    """How values are written."""

    @classmethod
    def of(cls, options: Mapping[str, str], form: str = "json") -> "JsonOptions":
        """From a table's WITH options; the keys may stand with ``value.`` in front."""

        def read(key: str, default: str) -> str:
            return options.get(f"value.{form}.{key}", options.get(f"{form}.{key}", default))

        style = read("timestamp-format.standard", "SQL").upper()
        if style not in ("SQL", "ISO-8601"):
            raise PenstockError(f"json.timestamp-format.standard is SQL or ISO-8601, not {style}")
        keys = {"FAIL": "", "DROP": None, "LITERAL": read("map-null-key.literal", "null")}
        mode = read("map-null-key.mode", "FAIL").upper()
        if mode not in keys:
            raise PenstockError(f"json.map-null-key.mode is {', '.join(keys)}, not {mode}")
        made = cls(
            read("ignore-parse-errors", "false") == "true",
            read("fail-on-missing-field", "false") == "true",
            style != "SQL",
            JsonStyle(style != "SQL", read("encode.ignore-null-fields", "false") == "true", keys[mode]),
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
    seen: "Seen | None" = None


@dataclass
class Seen:
    """With tests: every record that was read, in order, whether its row passed or not.

    `times` are what the column to tell time by holds, if there is one: microseconds, the smallest number for a null.
    """

    rows: NDArray[np.int64]
    times: NDArray[np.int64] | None

    @classmethod
    def but(
        cls, bad: NDArray[np.int64], tombstones: NDArray[np.int64], count: int, times: NDArray[np.int64]
    ) -> "Seen":
        """All of `count` records but these; `times` is by record, or empty."""
        every = np.delete(np.arange(count), np.concatenate([bad, tombstones]))
        return cls(every, times[every] if len(times) else None)


def check_keys(fields: Columns) -> None:
    """Refuse maps whose keys are no texts: JSON has no others."""
    for column in fields:
        parts = row_fields(column.kind) if is_row(column.kind) else ()
        if is_map(column.kind):
            parts = map_fields(column.kind)
            if not kinds.is_text(parts[0].kind):
                raise PenstockError(
                    f"{column.name} is {column.kind}: the keys of JSON are texts", remedy="MAP<STRING, …>"
                )
        check_keys((element(column.kind),) if is_array(column.kind) else parts)


class JsonReader:
    """Reads the columns `fields` out of JSON objects."""

    def __init__(self, fields: Columns, options: JsonOptions) -> None:
        self.fields, self.options = fields, options
        check_keys(fields)
        # arrow-rs has rules of its own for nested rows: records that have them are read one by one
        self._nested = any(is_nested(c.kind) for c in fields)
        self._schema = Schema([Field(c.name, _arrow_type(c.kind), nullable=True) for c in fields])
        self._plain = [c.name for c in fields if not is_textual(c.kind)]
        self._texts = [(i, c) for i, c in enumerate(fields) if is_textual(c.kind)]
        self._raw = {c.name: raw_type(c.kind) for c in fields}
        self._order = [c.name for c in fields]
        # arrow-rs reads a DECIMAL of an absurd exponent as some other number: such records are read alone
        self._rounded = [half_up(pl.col(c.name), c.kind) for c in fields if kinds.is_decimal(c.kind)]
        self._lines = np.empty(0, np.uint8)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        states = np.empty(len(chunk), np.uint8)
        lines = self._lay(chunk, states)
        whole, sorting = np.flatnonzero(states == WHOLE), Sorting()
        sorting.tombstones = np.flatnonzero(states == TOMBSTONE)
        if self.options.fail_on_missing or self._nested:
            self._one_by_one(chunk, np.flatnonzero(states != TOMBSTONE), sorting)
            return self.finish(sorting)
        self._one_by_one(chunk, np.flatnonzero(states == SUSPECT), sorting)
        batches = self._fast(lines, len(whole))
        if batches is not None:
            self._take(batches, whole, sorting)
        else:
            self._halved(chunk, whole, sorting)
        return self.finish(sorting)

    def _lay(self, chunk: Chunk, states: NDArray[np.uint8]) -> memoryview:
        starts, sizes = chunk.places[VALUE_AT], chunk.places[VALUE_SIZE]
        room = int(np.maximum(sizes, 0).sum()) + len(chunk)
        if len(self._lines) < room:  # kept from chunk to chunk: fresh pages cost more than the copy
            self._lines = np.empty(room, np.uint8)
        size = join(chunk.data, starts, sizes, bool(self._rounded), self._lines, states)
        return memoryview(self._lines.data)[:size]

    def _fast(self, lines: memoryview, rows: int) -> list[RecordBatch] | None:
        """The rows, or None where a record is refused or holds more than one object."""
        try:
            batches = list(read_json(io.BytesIO(lines), self._schema, batch_size=_BATCH))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException:  # bare ones and pyo3's PanicException: all mean that some record is bad
            return None
        return batches if sum(batch.num_rows for batch in batches) == rows else None

    def _take(self, batches: list[RecordBatch], rows: NDArray[np.int64], sorting: "Sorting") -> None:
        if len(rows):
            sorting.parts.append((self._plain_frame(batches), self._text_columns(batches), rows))

    # --- the careful way -------------------------------------------------------------------------------------

    def _halved(self, chunk: Chunk, rows: NDArray[np.int64], sorting: "Sorting") -> None:
        """Cut what the fast reader refuses into pieces, and small ones into records."""
        if len(rows) <= _ALONE:
            return self._one_by_one(chunk, rows, sorting)
        for piece in np.array_split(rows, _PIECES):
            batches = self._alone(chunk, piece)
            if batches is not None:
                self._take(batches, piece, sorting)
            else:
                self._halved(chunk, piece, sorting)
        return None

    def _alone(self, chunk: Chunk, rows: NDArray[np.int64]) -> list[RecordBatch] | None:
        part, states = chunk.take(rows), np.empty(len(rows), np.uint8)
        lines = self._lay(part, states)
        return self._fast(lines, len(rows)) if (states == WHOLE).all() else None

    def _one_by_one(self, chunk: Chunk, rows: NDArray[np.int64], sorting: "Sorting") -> None:
        """By the lenient rules, which agree with the fast reader on all they take.

        Only JSON that is not quite JSON (``01``, a comma too many) can please the fast reader alone.
        """
        options = self.options
        for row in rows.tolist():
            try:
                values = read_object(
                    chunk.value(row) or b"", self.fields, options.ignore_errors, options.fail_on_missing
                )
            except MisfitError as misfit:
                odd = misfit.syntax and not self._nested
                batches = self._alone(chunk, np.array([row])) if odd else None
                if batches is not None:
                    self._take(batches, np.array([row]), sorting)
                elif not options.ignore_errors:
                    sorting.bad.append((row, misfit.kind, str(misfit)))
            else:
                sorting.loose.append((row, values))

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

    def _gather(self, sorting: "Sorting") -> tuple[pl.DataFrame, list[Texts], NDArray[np.int64]]:
        """All parts as one, in the records' order."""
        if sorting.loose or not sorting.parts:
            columns = {name: [values[name] for _, values in sorting.loose] for name in self._order}
            frame = pl.DataFrame(columns, schema=self._raw, strict=False)
            self.add(frame, np.array([row for row, _ in sorting.loose], np.int64), sorting)
        if len(sorting.parts) == 1:
            return sorting.parts[0]
        frame = pl.concat([part[0] for part in sorting.parts], how="vertical_relaxed")
        texts = [join_texts([part[1][place] for part in sorting.parts]) for place in range(len(self._texts))]
        return frame, texts, np.concatenate([part[2] for part in sorting.parts])

    def add(self, frame: pl.DataFrame, rows: NDArray[np.int64], sorting: "Sorting") -> None:
        """Rows whose texts of moments and the like are still to be read."""
        texts = [text_buffers(frame[column.name]) for _, column in self._texts]
        sorting.parts.append((frame.select(self._plain), texts, rows))

    def finish(self, sorting: "Sorting") -> Decoded:
        """Typed columns; rows whose texts do not fit their kind join the bad ones."""
        plain, texts, rows = self._gather(sorting)
        made: dict[str, pl.Series] = {}
        wrong = np.zeros(len(rows), np.bool_)
        read = [
            (column, *from_texts(column, held, self.options.iso))
            for held, (_, column) in zip(texts, self._texts, strict=True)
        ]
        read += [(c, *from_raw(c, plain[c.name], self.options.iso)) for c in self.fields if is_nested(c.kind)]
        for column, series, misfits in read:
            made[column.name] = series
            if misfits.any() and not self.options.ignore_errors:
                text = f"{column.name} is no {column.kind}"
                fresh = np.flatnonzero(misfits & ~wrong)
                sorting.bad += [(row, "DateTimeParseException", text) for row in rows[fresh].tolist()]
                wrong |= misfits
        frame = pl.DataFrame([made[name] if name in made else plain[name] for name in self._order])
        kept = np.flatnonzero(~wrong)
        order = kept[np.argsort(rows[kept], kind="stable")]
        if len(order) < len(rows) or bool((np.diff(rows) < 0).any()):
            frame, rows = frame[order], rows[order]
        return Decoded(frame, rows, sorting.tombstones, sorted(sorting.bad))


@dataclass
class Sorting:
    """Where a chunk's records go: parts that were read at once, records read alone, and bad ones."""

    parts: list[tuple[pl.DataFrame, list[Texts], NDArray[np.int64]]] = field(default_factory=list)
    loose: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    tombstones: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


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
