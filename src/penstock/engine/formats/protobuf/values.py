"""Protobuf values, one message each: Flink's format ``protobuf``, with a ``.proto`` file where Flink has a Java class.

    CREATE TABLE bids (auction BIGINT, channel STRING, place ROW<city STRING>) WITH ('connector' = 'kafka', 'topic' = 'bids',
      'format' = 'protobuf', 'protobuf.schema-file' = 'schemas/bid.proto', 'protobuf.message' = 'nexmark.Bid')

Columns are the message's fields by name. ``protobuf.schema`` may hold the file's text instead. As with Flink a field of proto3
that is not there is its default (0, false, an empty text), unless it is ``optional``, in a ``oneof``, or a message: then it is NULL; in
proto2 it is NULL. ``repeated`` is ARRAY and ``map`` MAP, NULL where there is no element. Source: Flink's PbRowDataDeserializationSchema
and PbToRowTypeUtil.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.cells import Cells
from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json.reader import Decoded, Seen
from penstock.engine.formats.layout import Layout
from penstock.engine.formats.maps import with_last
from penstock.engine.formats.protobuf.fields import Fields, option
from penstock.engine.kernels.decode import protobuf
from penstock.engine.kernels.encode.protobuf import write_protobuf
from penstock.engine.kernels.frames import Block, Blocks
from penstock.engine.plan.tests import Test
from penstock.engine.types import Schema
from penstock.errors import PenstockError

_REASONS = {
    protobuf.SHORT: "it ends too early", protobuf.WIRE: "it has a wire type or field number that there is not",
    protobuf.NOT_UTF8: "a text is not UTF-8", protobuf.DEPTH: "it is nested too deeply",
}  # fmt: skip


class ProtobufReader:
    """Reads the columns `fields` out of messages, and only rows for which all `tests` hold; see `FastJsonReader`. There is no column
    to tell time by: messages have no moments."""

    def __init__(self, fields: Schema, options: Mapping[str, str], tests: tuple[Test, ...] = ()) -> None:
        self._steps, self._groups, self._implicit = Fields(fields, options).to_read()
        layout = Layout.of(fields, tests, False, binary=True)
        if layout is None:
            raise PenstockError("these columns are too many for Protobuf", remedy="leave some out")
        self.fields, self.layout, self.tests = fields, layout, tests
        self._ignore = option(options, "ignore-parse-errors") == "true"
        self._blocks = Blocks(layout.columns)
        self._marks, self._nulls = np.zeros((2, len(layout.table)), np.int64)
        self._lens, self._counts = np.zeros((3, len(layout.table)), np.int64), np.zeros(4, np.int64)
        self._stack = np.zeros((5, 64), np.int64)
        protobuf.read_protobuf.compile()  # as Python it would be slower than what it waits for: a second, once

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        count = len(chunk)
        records = np.empty((3, count), np.int64)
        block = self._blocks.take(count)
        while self._run(chunk, block, records):
            block = self._blocks.more(count)
        made, failed, gone = self._counts[:3].tolist()
        rows, bad, reasons = records
        frame = with_last(block.frame(made, self._nulls, chunk.data, self._lens[0]), self.fields)
        letters = [
            (row, "InvalidProtocolBufferException", f"the value is no Protobuf message: {_REASONS[why]}")
            for row, why in zip(bad[:failed].tolist(), reasons[:failed].tolist(), strict=True)
            if not self._ignore
        ]
        tombstones = bad[count - gone :][::-1]
        seen = Seen.but(bad[:failed], tombstones, count, np.empty(0, np.int64)) if self.tests else None
        return Decoded(frame, rows[:made], tombstones, letters, seen)

    def _run(self, chunk: Chunk, block: Block, records: NDArray[np.int64]) -> int:
        full: int = protobuf.read_protobuf(
            chunk.data, chunk.places[VALUE_AT], chunk.places[VALUE_SIZE], self._steps, self._groups, self._implicit,
            self.layout.placed(block), self._marks, self._stack, self.layout.tests, self.layout.literals, block.bytes, block.words(np.int16), block.words(np.int32),
            block.words(np.int64), records[0], records[1], records[2], self._nulls, self._lens, self._counts,
        )  # fmt: skip
        return full


class ProtobufWriter:
    """Writes the columns `fields` as messages. What is NULL is not written; within arrays and maps it is the type's default, and
    what ``protobuf.write-null-string-literal`` says for a text."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        self.fields = fields
        made = Fields(fields, options)
        self._steps = made.to_write()
        self._always = [
            (place, step.type == protobuf.TEXT) for place, step in enumerate(made.steps) if step.always
        ]
        self._null = np.frombuffer((option(options, "write-null-string-literal") or "").encode(), np.uint8)
        self._stack = np.zeros((5, len(self._steps) + 1), np.int64)
        write_protobuf.compile()

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        cells = Cells.of(frame, self.fields)
        offsets = np.empty(frame.height + 1, np.int64)
        room = len(cells.texts) + len(cells.valid) * 20 + self._fill(cells)
        out = np.empty(room, np.uint8)
        write_protobuf(
            self._steps, cells.starts, cells.valid, cells.first, cells.second, np.concatenate([cells.texts, self._null]),
            self._stack, out, offsets,
        )  # fmt: skip
        return Payload(out, offsets[:-1], np.diff(offsets))

    def _fill(self, cells: Cells) -> int:
        """Put defaults where NULLs are in arrays and maps; how many bytes of texts that is."""
        size, ends = 0, [*cells.starts[1:].tolist(), len(cells.valid)]
        for place, is_text in self._always:
            rows = slice(int(cells.starts[place]), ends[place])
            if is_text:
                missing = ~cells.valid[rows]
                cells.first[rows][missing], cells.second[rows][missing] = len(cells.texts), len(self._null)
                size += int(missing.sum()) * len(self._null)
            cells.valid[rows] = True
        return size
