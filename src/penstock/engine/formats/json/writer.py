"""Columns to JSON values as Flink's ``json`` format writes them, by a compiled loop; until that is there, by arro3.

Knows nothing of Kafka's batches. Source: Flink, RowDataToJsonConverters.
"""

import io
from dataclasses import dataclass, field
from json import dumps

import numpy as np
import polars as pl
from arro3.io import write_ndjson
from numpy.typing import NDArray

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.cells import whole_words
from penstock.engine.formats.json.style import JsonStyle
from penstock.engine.formats.plain.texts import to_text
from penstock.engine.functions import kinds
from penstock.engine.kernels.arrow import text_buffers, unnest, wide_words
from penstock.engine.kernels.compiled import may_compile
from penstock.engine.kernels.decode.lines import split
from penstock.engine.kernels.encode import json
from penstock.engine.kernels.moments import ISO, SQL
from penstock.engine.types import (
    Schema,
    element,
    is_array,
    is_map,
    is_nested,
    is_row,
    map_fields,
    row_fields,
)
from penstock.errors import PenstockError

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
_SPARE = np.zeros(json.SPARE, np.uint8)
_KEPT = 64 * 1024 * 1024
"""The largest buffer that is kept from one batch to the next: fresh pages cost more than writing to them."""


class JsonWriter:
    """Writes the columns `fields` as JSON objects; NULLs are written out, as Flink does unless told otherwise."""

    def __init__(self, fields: Schema, style: JsonStyle) -> None:
        self.fields, self.style = fields, style
        self._simple = not style.sparse and not any(map(_holds_lists, (column.kind for column in fields)))
        self._plan = _Steps(style)
        self._plan.rows(fields)
        self._out = np.empty(0, np.uint8)

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        if self._simple and not (json.write_json.ready or may_compile()):
            return Payload.of_lines(*self._by_arrow(frame))
        data, offsets = self.write(frame)
        return Payload(data, offsets[:-1], np.diff(offsets))

    def write(self, frame: pl.DataFrame) -> tuple[Bytes, Numbers]:
        """(bytes, offsets): row i is bytes[offsets[i] : offsets[i + 1]]; they stay as they are until the next call."""
        cells = _Cells(frame.height, self.style)
        for column in self.fields:
            cells.put(column.kind, frame[column.name])
        out, offsets = self._plan.written(cells, self._out)
        self._out = out if len(out) <= _KEPT else self._out
        return out[: offsets[-1]], offsets

    def _by_arrow(self, frame: pl.DataFrame) -> tuple[Bytes, Numbers]:
        """(bytes, offsets) with a newline behind each row."""
        texts = pl.DataFrame([to_text(frame[c.name], c.kind, self.style.iso) for c in self.fields])
        out = io.BytesIO()
        write_ndjson(texts, out, explicit_nulls=True)
        data = np.frombuffer(out.getbuffer(), np.uint8)
        offsets = np.empty(frame.height + 1, np.int64)
        lines = split(data, offsets)
        assert lines == frame.height, "a JSON text holds no bare newline"
        return data, offsets


def _holds_lists(kind: str) -> bool:
    if is_row(kind):
        return any(_holds_lists(part.kind) for part in row_fields(kind))
    return is_nested(kind)


@dataclass
class _Steps:
    """What the kernel does for each row, and the texts in between."""

    style: JsonStyle
    table: list[list[int]] = field(default_factory=list)
    literals: bytearray = field(default_factory=bytearray)
    columns: int = 0

    def rows(self, fields: Schema) -> None:
        """A row's own object, which is always there."""
        self._step(json.OPEN, -1, b"", False)
        self._fields(fields)

    def value(self, kind: str, before: bytes = b"", comma: bool = False) -> None:
        """One value and the text before it."""
        column, self.columns = self.columns, self.columns + 1
        step = self._step(_KINDS.get(kinds.name_of(kind), json.RAW), column, before, comma)
        if is_row(kind):
            step[json.KIND] = json.OPEN
            self._fields(row_fields(kind))
        elif kinds.is_time(kind):
            step[json.ARGUMENT] = ISO if self.style.iso else SQL
            step[json.SECOND] = int(kinds.name_of(kind) == "TIMESTAMP_LTZ")
        elif kinds.is_decimal(kind):
            step[json.ARGUMENT] = kinds.digits(kind)[1]
        step[json.NEXT] = len(self.table)

    def _fields(self, fields: Schema) -> None:
        for one in fields:
            self.value(one.kind, dumps(one.name, ensure_ascii=False).encode() + b":", comma=True)
        self._step(json.CLOSE, -1, b"", False)

    def _step(self, kind: int, column: int, before: bytes, comma: bool) -> list[int]:
        step = [kind, column, len(self.literals), len(before), len(self.table) + 1, int(comma), 0, 0]
        self.literals += before
        self.table.append(step)
        return step

    def written(self, cells: "_Cells", kept: Bytes) -> tuple[Bytes, Numbers]:
        """The rows' bytes and where each ends; in `kept` where that is large enough."""
        room = (
            cells.room + cells.height * (len(self.literals) + len(self.table) * json.WIDEST) + 2 * json.SPARE
        )
        out = kept if len(kept) >= room else np.empty(room, np.uint8)
        offsets = np.empty(cells.height + 1, np.int64)
        literals = np.frombuffer(bytes(self.literals) + bytes(json.SPARE), np.uint8)
        table = np.array(self.table, np.int64)
        json.write_json(table, literals, *cells.arrays(), self.style.sparse, out, offsets)
        return out, offsets


class _Cells:
    """A frame's values as the kernel takes them: two words each, and all texts in one place."""

    def __init__(self, height: int, style: JsonStyle) -> None:
        self.height, self.style = height, style
        self._valid: list[NDArray[np.bool_]] = []
        self._words: list[tuple[Numbers, Numbers]] = []
        self._texts: list[Bytes] = []
        self._size = self._raw = 0
        self._nothing = np.zeros(height, np.int64)

    @property
    def room(self) -> int:
        """How many bytes the texts take at most: six for one that is escaped."""
        return 6 * self._size + self._raw

    def arrays(self) -> tuple[NDArray[np.bool_], Numbers, Numbers, Bytes]:
        """As the kernel wants them."""
        count = max(len(self._valid), 1)
        valid, words = np.ones((count, self.height), np.bool_), np.zeros((2, count, self.height), np.int64)
        for place, (there, (first, second)) in enumerate(zip(self._valid, self._words, strict=True)):
            valid[place], words[0, place], words[1, place] = there, first, second
        return valid, words[0], words[1], np.concatenate([*self._texts, _SPARE])

    def put(self, kind: str, series: pl.Series) -> None:
        """A column, each ROW before its fields."""
        name = kinds.name_of(kind)
        if is_array(kind) or is_map(kind):
            return self._put_lists(kind, series)
        self._valid.append(_there(series))
        if is_row(kind):
            self._words.append((self._nothing, self._nothing))
            for one in row_fields(kind):
                self.put(one.kind, series.struct.field(one.name))
        elif kinds.is_text(kind):
            self._put_texts(series)
        elif name in kinds.BINARIES:
            self._put_texts(series.bin.encode("base64"))
        elif kinds.is_float(kind):
            self._put_floats(series)
        elif kinds.is_decimal(kind):
            low, high = wide_words(series)
            self._words.append((low, high))
        else:
            self._words.append((whole_words(series), self._nothing))
        return None

    def _put_texts(self, series: pl.Series) -> None:
        data, offsets, _ = text_buffers(series)
        self._put_bytes(data, offsets)

    def _put_bytes(self, data: Bytes, offsets: Numbers, raw: bool = False) -> None:
        start, end = int(offsets[0]), int(offsets[-1])
        held = sum(map(len, self._texts))
        self._words.append((offsets[:-1] - start + held, np.diff(offsets)))
        self._texts.append(data[start:end])
        self._size += 0 if raw else end - start
        self._raw += end - start if raw else 0

    def _put_floats(self, series: pl.Series) -> None:
        """Short ones as they are; where there are others, all as texts: polars knows the shortest that reads back."""
        there = self._valid[-1]
        if series.dtype == pl.Float64:
            numbers = np.ascontiguousarray(series.fill_null(0.0).to_numpy())
            whole, scales = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.int64)
            if json.shorten(numbers, there, whole, scales) == 0:
                self._words.append((whole, scales))
                return
        texts = series.cast(pl.String).replace(["NaN", "inf", "-inf"], ['"NaN"', '"Infinity"', '"-Infinity"'])
        data, offsets, _ = text_buffers(texts)
        self._put_bytes(data, offsets, raw=True)
        first, second = self._words[-1]
        self._words[-1] = first, -1 - second  # less than nothing is no scale, but the size of a text

    def _put_lists(self, kind: str, series: pl.Series) -> None:
        elements, lists, there = unnest(series)
        if is_map(kind) and self.style.null_key is None:
            named = elements.struct.field("key").is_not_null()
            lists = np.concatenate([[0], np.cumsum(named.to_numpy())])[lists]
            elements = elements.filter(named)
        self._valid.append(there)
        inner = _Cells(len(elements), self.style)
        steps = _Steps(self.style)
        if is_array(kind):
            steps.value(element(kind).kind)
            inner.put(element(kind).kind, elements)
        else:
            self._put_pairs(kind, elements, steps, inner)
        data, ends = steps.written(inner, np.empty(0, np.uint8))
        out = np.empty(len(data) + len(elements) + 2 * len(series) + json.SPARE, np.uint8)
        offsets = np.empty(len(series) + 1, np.int64)
        opening, closing = (91, 93) if is_array(kind) else (123, 125)
        size = json.join_lists(data, ends, lists, there, opening, closing, out, offsets)
        self._put_bytes(out[:size], offsets, raw=True)

    def _put_pairs(self, kind: str, pairs: pl.Series, steps: _Steps, inner: "_Cells") -> None:
        key, value = map_fields(kind)
        if not kinds.is_text(key.kind):
            raise PenstockError(
                f"{kind} cannot be written as JSON: keys are texts there", remedy="CAST the keys to STRING"
            )
        keys = pairs.struct.field("key")
        if keys.null_count():
            if not self.style.null_key:
                raise PenstockError(
                    "a map has a NULL for a key, which JSON cannot say",
                    remedy="'json.map-null-key.mode' = 'DROP', or 'LITERAL'",
                )
            keys = keys.fill_null(self.style.null_key)
        steps.value("STRING")
        steps.value(value.kind, b":")
        inner.put("STRING", keys)
        inner.put(value.kind, pairs.struct.field("value"))


def _there(series: pl.Series) -> NDArray[np.bool_]:
    if not series.null_count():
        return np.ones(len(series), np.bool_)
    return np.asarray(series.is_not_null().to_numpy())


_KINDS = {
    "BOOLEAN": json.BOOLEAN, **dict.fromkeys(kinds.INTEGERS, json.INTEGER), **dict.fromkeys(kinds.TEXTS, json.TEXT),
    **dict.fromkeys(kinds.BINARIES, json.TEXT), **dict.fromkeys(kinds.FLOATS, json.SHORT), **dict.fromkeys(kinds.TIMES, json.MOMENT),
    "DATE": json.DATE, "TIME": json.TIME, "DECIMAL": json.DECIMAL,
}  # fmt: skip
