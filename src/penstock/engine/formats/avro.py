"""Avro values, a record of the table's own schema each, without a header: Flink's format ``avro``.

The schema is derived from the columns as Flink derives it: a column that may be NULL is a union of null and its type, DATE,
TIME, TIMESTAMP and DECIMAL are logical types (milliseconds up to a precision of 3, else microseconds). Example:

    CREATE TABLE bids (auction BIGINT, price DECIMAL(10, 2)) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'avro')

Source: Flink's AvroSchemaConverter and AvroRowDataDeserializationSchema. Knows nothing of Kafka's batches.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.cells import Cells
from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json.reader import Decoded
from penstock.engine.formats.layout import Layout
from penstock.engine.functions import kinds
from penstock.engine.kernels.decode import avro
from penstock.engine.kernels.frames import Blocks
from penstock.engine.types import FIRST_US, LAST_US, Column, Schema, is_row, row_fields
from penstock.errors import PenstockError

_DAY_US = 86_400_000_000
_INT, _LONG = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)
_NUMBERS = {
    "TINYINT": (-128, 127),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INT": _INT,
    "BIGINT": _LONG,
    "DATE": (FIRST_US // _DAY_US, LAST_US // _DAY_US),
}
_OTHERS = {
    "BOOLEAN": avro.BOOLEAN, "FLOAT": avro.FLOAT, "DOUBLE": avro.DOUBLE, "DECIMAL": avro.DECIMAL,
    **dict.fromkeys(kinds.TEXTS, avro.TEXT), **dict.fromkeys(kinds.BINARIES, avro.BYTES),
}  # fmt: skip
_REASONS = {
    avro.SHORT: "it ends too early", avro.BRANCH: "a union is of two branches", avro.RANGE: "a number is out of range",
    avro.NOT_UTF8: "a text is not UTF-8",
}  # fmt: skip


class AvroReader:
    """Reads the columns `fields` out of records of `schema`."""

    def __init__(self, fields: Schema, schema: Schema) -> None:
        layout = Layout.of(fields, (), False, binary=True)
        if layout is None or layout.lists:
            raise PenstockError(
                "these columns cannot be read from Avro",
                remedy="ARRAY and MAP are not read from Avro yet, and DECIMAL has a scale up to 18",
            )
        self.fields, self.layout = fields, layout
        self.steps = steps_of(schema, fields)
        # As Python it would be slower than what it waits for: a second, once.
        avro.read_avro.compile()
        self._blocks = Blocks(layout.columns)
        self._marks, self._nulls = np.zeros((2, len(layout.table)), np.int64)
        self._counts = np.zeros(3, np.int64)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        block, count = self._blocks.take(len(chunk)), len(chunk)
        rows, bad, reasons = np.empty((3, count), np.int64)
        avro.read_avro(
            chunk.data, chunk.places[VALUE_AT], chunk.places[VALUE_SIZE], self.steps, self.layout.placed(block), self._marks,
            block.bytes, block.words(np.int16), block.words(np.int32), block.words(np.int64), rows, bad, reasons, self._nulls,
            self._counts,
        )  # fmt: skip
        made, failed, gone = self._counts.tolist()
        frame = block.frame(made, self._nulls, chunk.data)
        letters = [
            (
                row,
                "AvroRuntimeException",
                f"the value is no Avro record of the table's schema: {_REASONS[why]}",
            )
            for row, why in zip(bad[:failed].tolist(), reasons[:failed].tolist(), strict=True)
        ]
        return Decoded(frame, rows[:made], bad[count - gone :][::-1], letters)


class AvroWriter:
    """Writes the columns `fields` as records."""

    def __init__(self, fields: Schema) -> None:
        self.fields, self.steps = fields, steps_of(fields, fields)
        avro.write_avro.compile()

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row; raises `PenstockError` for a NULL in a column that is NOT NULL."""
        for column in self.fields:
            if not column.nullable and frame[column.name].null_count():
                raise PenstockError(f"{column.name} is NOT NULL, and a row has none", remedy="COALESCE it")
        cells = Cells.of(frame, self.fields)
        offsets = np.empty(frame.height + 1, np.int64)
        out = np.empty(len(cells.texts) + frame.height * len(self.steps) * 18 + 1, np.uint8)
        avro.write_avro(self.steps, cells.valid, cells.first, cells.second, cells.texts, out, offsets)
        return Payload(out, offsets[:-1], np.diff(offsets))


def steps_of(schema: Schema, wanted: Schema) -> NDArray[np.int64]:
    """The steps of a schema; those of `wanted` (some columns of it, perhaps with some of a ROW's fields) have a column."""
    steps: list[list[int]] = []
    _walk(schema, wanted, 0, steps)
    return np.array(steps, np.int64).reshape(-1, 7)


def _walk(schema: Schema, wanted: Schema | None, first: int, steps: list[list[int]]) -> None:
    places, at = {}, first
    for column in wanted or ():
        places[column.name] = (at, column)
        at += _size(column)
    for column in schema:
        place, asked = places.get(column.name, (-1, None))
        step = _step(column, place)
        steps.append(step)
        if is_row(column.kind):
            _walk(row_fields(column.kind), row_fields(asked.kind) if asked else None, place + 1, steps)
        step[avro.NEXT] = len(steps)


def _size(column: Column) -> int:
    return 1 + (sum(map(_size, row_fields(column.kind))) if is_row(column.kind) else 0)


def _step(column: Column, place: int) -> list[int]:
    name, unit, low, high = kinds.name_of(column.kind), 1, *_LONG
    if is_row(column.kind):
        kind = avro.RECORD
    elif name in _NUMBERS:
        kind, (low, high) = avro.NUMBER, _NUMBERS[name]
    elif name in kinds.TIMES:
        kind, unit = avro.NUMBER, 1000 if kinds.fraction(column.kind) <= 3 else 1
        low, high = -(-FIRST_US // unit), LAST_US // unit
    elif name == "TIME":
        kind, unit, low, high = avro.NUMBER, 1_000_000, 0, 86_399_999
    elif name in _OTHERS:
        kind = _OTHERS[name]
    else:
        raise PenstockError(f"{column.name}: {column.kind} cannot be written as Avro", remedy="leave it out")
    return [kind, int(column.nullable), place, 0, unit, low, high]
