"""Avro values, a record of the table's own schema each, without a header: Flink's format ``avro``.

The schema is derived from the columns as Flink derives it: a column that may be NULL is a union of null and its type, DATE,
TIME, TIMESTAMP and DECIMAL are logical types (milliseconds up to a precision of 3, else microseconds), MAP and MULTISET are maps
whose keys are texts. Example:

    CREATE TABLE bids (auction BIGINT, price DECIMAL(10, 2)) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'avro')

Source: Flink's AvroSchemaConverter and AvroRowDataDeserializationSchema. Knows nothing of Kafka's batches.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.cells import Cells
from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json.reader import Decoded, Seen
from penstock.engine.formats.layout import Layout
from penstock.engine.formats.maps import with_last
from penstock.engine.functions import kinds
from penstock.engine.kernels.decode import avro
from penstock.engine.kernels.encode.avro import write_avro
from penstock.engine.kernels.frames import Block, Blocks
from penstock.engine.plan.tests import Clock, Test
from penstock.engine.types import (
    FIRST_US,
    LAST_US,
    Column,
    Schema,
    element,
    is_array,
    is_map,
    is_nested,
    is_row,
    map_fields,
    row_fields,
    row_kind,
)
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
    """Reads the columns `fields` out of records of `schema`, and only rows for which all `tests` hold; see `FastJsonReader`."""

    def __init__(
        self, fields: Schema, schema: Schema, tests: tuple[Test, ...] = (), clock: Clock | None = None
    ) -> None:
        layout = Layout.of(fields, tests, False, binary=True, clock=clock if tests else None)
        if layout is None:
            raise PenstockError(
                "these columns cannot be read from Avro", remedy="DECIMAL has a scale up to 18 there"
            )
        self.fields, self.layout, self.tests = fields, layout, tests
        self.steps, _ = steps_of(schema, fields)
        # As Python it would be slower than what it waits for: a second, once.
        avro.read_avro.compile()
        self._blocks = Blocks(layout.columns)
        self._marks, self._nulls = np.zeros((2, len(layout.table)), np.int64)
        self._lens, self._counts = np.zeros((3, len(layout.table)), np.int64), np.zeros(4, np.int64)
        self._stack = stack_of(self.steps)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        count = len(chunk)
        records, times = (
            np.empty((3, count), np.int64),
            np.empty(count if len(self.layout.clocks) else 0, np.int64),
        )
        block = self._blocks.take(count)
        while self._run(chunk, block, records, times):
            block = self._blocks.more(count)
        made, failed, gone = self._counts[:3].tolist()
        rows, bad, reasons = records
        frame = with_last(block.frame(made, self._nulls, chunk.data, self._lens[0]), self.fields)
        letters = [
            (
                row,
                "AvroRuntimeException",
                f"the value is no Avro record of the table's schema: {_REASONS[why]}",
            )
            for row, why in zip(bad[:failed].tolist(), reasons[:failed].tolist(), strict=True)
        ]
        tombstones = bad[count - gone :][::-1]
        seen = Seen.but(bad[:failed], tombstones, count, times) if self.tests else None
        return Decoded(frame, rows[:made], tombstones, letters, seen)

    def _run(self, chunk: Chunk, block: Block, records: NDArray[np.int64], times: NDArray[np.int64]) -> int:
        full: int = avro.read_avro(
            chunk.data, chunk.places[VALUE_AT], chunk.places[VALUE_SIZE], self.steps, self.layout.placed(block), self._marks,
            self._stack, self.layout.tests, self.layout.asked, self.layout.clocks, self.layout.literals, block.bytes,
            block.words(np.int16), block.words(np.int32), block.words(np.int64), records[0], records[1], records[2], self._nulls,
            self._lens, self._counts, times,
        )  # fmt: skip
        return full


class AvroWriter:
    """Writes the columns `fields` as records."""

    def __init__(self, fields: Schema) -> None:
        self.fields = fields
        self.steps, self._names = steps_of(fields, fields)
        self._stack = stack_of(self.steps)
        write_avro.compile()

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row; raises `PenstockError` for a NULL in what is NOT NULL, and where a map's key should be."""
        cells = Cells.of(frame, self.fields)
        offsets = np.empty(frame.height + 1, np.int64)
        out = np.empty(len(cells.texts) + len(cells.valid) * 18 + 1, np.uint8)
        nothing = write_avro(
            self.steps, cells.starts, cells.valid, cells.first, cells.second, cells.texts, self._stack, out, offsets
        )  # fmt: skip
        if nothing:
            raise PenstockError(
                f"{self._names[nothing - 1]} is NOT NULL, and a row has none", remedy="COALESCE it"
            )
        return Payload(out, offsets[:-1], np.diff(offsets))


def stack_of(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Room to remember what is around each list."""
    return np.zeros((6, int((steps[:, avro.TYPE] == avro.LIST).sum()) + 1), np.int64)


def steps_of(schema: Schema, wanted: Schema) -> tuple[NDArray[np.int64], list[str]]:
    """The steps of a schema, and what they are called; those of `wanted` (some columns of it, perhaps with some of a ROW's
    fields) have a column."""
    steps: list[list[int]] = []
    names: list[str] = []
    _walk(schema, wanted, 0, "", steps, names)
    return np.array(steps, np.int64).reshape(-1, 7), names


def _walk(schema: Schema, wanted: Schema, first: int, prefix: str, steps: list[list[int]], names: list[str]) -> None:  # fmt: skip
    places, at = {}, first
    for column in wanted:
        places[column.name] = (at, column)
        at += _size(column)
    for column in schema:
        place, asked = places.get(column.name, (-1, None))
        step = _step(column, place)
        steps.append(step)
        names.append(prefix + column.name)
        _walk(_parts(column), _parts(asked) if asked else (), place + 1, f"{names[-1]}.", steps, names)
        step[avro.NEXT] = len(steps)


def _parts(column: Column) -> Schema:
    """What a column is made of, as columns. A map's key is never NULL, and how often a value is in a MULTISET always may be."""
    if is_row(column.kind):
        return row_fields(column.kind)
    if is_map(column.kind):
        key, held = map_fields(column.kind)
        if not kinds.is_text(key.kind):
            raise PenstockError(
                f"{column.name}: {column.kind} has no form in Avro: a map's keys are texts there",
                remedy="declare the key STRING",
            )
        held = replace(held, nullable=held.nullable or column.kind.startswith("MULTISET<"))
        return (Column("element", row_kind((replace(key, nullable=False), held)), False),)
    return (element(column.kind),) if is_array(column.kind) else ()


def _size(column: Column) -> int:
    return 1 + sum(map(_size, _parts(column)))


def _step(column: Column, place: int) -> list[int]:
    name, unit, low, high = kinds.name_of(column.kind), 1, *_LONG
    if is_nested(column.kind):
        kind = avro.RECORD if is_row(column.kind) else avro.LIST
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
