"""Protobuf values, one message each: Flink's format ``protobuf``, with a ``.proto`` file where Flink has a Java class.

    CREATE TABLE bids (auction BIGINT, channel STRING, place ROW<city STRING>) WITH ('connector' = 'kafka', 'topic' = 'bids',
      'format' = 'protobuf', 'protobuf.schema-file' = 'schemas/bid.proto', 'protobuf.message' = 'nexmark.Bid')

Columns are the message's fields by name. ``protobuf.schema`` may hold the file's text instead. As with Flink a field of proto3
that is not there is its default (0, false, an empty text), unless it is ``optional``, in a ``oneof``, or a message: then it is NULL; in
proto2 it is NULL. Source: Flink's PbRowDataDeserializationSchema and PbToRowTypeUtil.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.cells import Cells
from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json.reader import Decoded
from penstock.engine.formats.layout import Layout
from penstock.engine.formats.protobuf.schema import MessageField, parse
from penstock.engine.formats.protobuf.schema import Schema as Messages
from penstock.engine.functions import kinds
from penstock.engine.kernels.decode import protobuf
from penstock.engine.kernels.frames import Blocks
from penstock.engine.types import Column, Schema, is_row, row_fields
from penstock.errors import PenstockError

_SCHEMA_BYTES_MAX = 1024 * 1024
_INTS = {
    "int32": protobuf.VARINT32, "uint32": protobuf.VARINT32, "enum": protobuf.VARINT32, "sint32": protobuf.ZIGZAG32,
    "fixed32": protobuf.FIXED32, "sfixed32": protobuf.FIXED32,
}  # fmt: skip
_LONGS = {
    "int64": protobuf.VARINT64, "uint64": protobuf.VARINT64, "sint64": protobuf.ZIGZAG64, "fixed64": protobuf.FIXED64,
    "sfixed64": protobuf.FIXED64,
}  # fmt: skip
_TYPES: dict[str, dict[str, int]] = {
    "INT": _INTS, "BIGINT": _LONGS, "BOOLEAN": {"bool": protobuf.BOOLEAN}, "FLOAT": {"float": protobuf.FIXED32},
    "DOUBLE": {"double": protobuf.FIXED64}, **{name: {"string": protobuf.TEXT} for name in kinds.TEXTS},
    **{name: {"bytes": protobuf.BYTES} for name in kinds.BINARIES},
}  # fmt: skip
_REASONS = {
    protobuf.SHORT: "it ends too early", protobuf.WIRE: "it has a wire type or field number that there is not",
    protobuf.NOT_UTF8: "a text is not UTF-8", protobuf.DEPTH: "it is nested too deeply",
}  # fmt: skip


class _Fields:
    """The fields behind columns, each message before its own."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        self.schema, name = _messages(options)
        self.steps: list[list[int]] = []
        self._walk(fields, self.schema.message(name), -1)

    def _walk(self, columns: Schema, message: Mapping[str, MessageField], parent: int) -> None:
        for column in columns:
            found = message.get(column.name)
            if found is None:
                raise PenstockError(
                    f"the message has no field {column.name}",
                    remedy=f"it has: {', '.join(message) or 'none'}",
                )
            place = len(self.steps)
            step = [found.number, self._type(column, found), place, 0, parent, int(found.implicit)]
            self.steps.append(step)
            if is_row(column.kind):
                self._walk(row_fields(column.kind), self.schema.message(found.type), place)
            step[protobuf.NEXT] = len(self.steps)

    def _type(self, column: Column, found: MessageField) -> int:
        if not found.repeated:
            if is_row(column.kind) and found.type in self.schema.messages:
                return protobuf.RECORD
            known = _TYPES.get(kinds.name_of(column.kind), {})
            if found.type in known:
                return known[found.type]
        fits = [kind for kind, types in _TYPES.items() if found.type in types and not found.repeated][:1]
        said = f"repeated {found.type}" if found.repeated else found.type
        raise PenstockError(
            f"the column {column.name} is {column.kind}, and the message's field {said}",
            remedy=f"declare it {fits[0]}"
            if fits
            else "leave it out"
            if found.repeated
            else "declare it ROW<…>",
        )


def _messages(options: Mapping[str, str]) -> tuple[Messages, str]:
    """The schema and the message that a table's options name."""

    def read(key: str) -> str | None:
        return options.get(f"value.protobuf.{key}", options.get(f"protobuf.{key}"))

    name, text, file = read("message"), read("schema"), read("schema-file")
    if read("message-class-name") is not None or name is None or (text is None) == (file is None):
        raise PenstockError(
            "the format protobuf needs a message and its schema, not a Java class",
            remedy="'protobuf.schema-file' = 'bid.proto', 'protobuf.message' = 'package.Bid'",
        )
    if read("read-default-values") == "true":
        raise PenstockError("protobuf.read-default-values is not offered", remedy="COALESCE the columns")
    if file is not None:
        try:
            text = Path(file).read_bytes()[: _SCHEMA_BYTES_MAX + 1].decode()
        except (OSError, ValueError) as error:
            raise PenstockError(
                f"{file} cannot be read: {error}", remedy="check protobuf.schema-file"
            ) from None
    assert text is not None
    if len(text) > _SCHEMA_BYTES_MAX:
        raise PenstockError(
            "the Protobuf schema is larger than 1 MB", remedy="put the message in a file of its own"
        )
    return parse(text), name


class ProtobufReader:
    """Reads the columns `fields` out of messages."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        steps = np.array(_Fields(fields, options).steps, np.int64).reshape(-1, 6)
        layout = Layout.of(fields, (), False, binary=True)
        assert layout is not None, "all kinds that Protobuf has are known"
        self.fields, self.layout, self._implicit = fields, layout, steps[:, protobuf.IMPLICIT].copy()
        self._ignore = "true" in (
            options.get("protobuf.ignore-parse-errors"),
            options.get("value.protobuf.ignore-parse-errors"),
        )
        # The fields of each message together: group 0 are the table's, one more than a ROW's place its own.
        groups = [np.flatnonzero(steps[:, protobuf.PARENT] == place - 1) for place in range(len(steps) + 1)]
        sizes = np.array([len(group) for group in groups], np.int64)
        self._groups = np.stack([np.cumsum(sizes) - sizes, sizes], 1)
        self._steps = np.ascontiguousarray(steps[np.concatenate(groups), :3])
        self._blocks = Blocks(layout.columns)
        self._marks, self._nulls = np.zeros((2, len(steps)), np.int64)
        self._stack, self._counts = np.zeros((2, 64), np.int64), np.zeros(3, np.int64)
        protobuf.read_protobuf.compile()  # as Python it would be slower than what it waits for: a second, once

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        block, count = self._blocks.take(len(chunk)), len(chunk)
        rows, bad, reasons = np.empty((3, count), np.int64)
        protobuf.read_protobuf(
            chunk.data, chunk.places[VALUE_AT], chunk.places[VALUE_SIZE], self._steps, self._groups, self._implicit,
            self.layout.placed(block), self._marks, self._stack, block.bytes, block.words(np.int16), block.words(np.int32),
            block.words(np.int64), rows, bad, reasons, self._nulls, self._counts,
        )  # fmt: skip
        made, failed, gone = self._counts.tolist()
        frame = block.frame(made, self._nulls, chunk.data)
        letters = [
            (row, "InvalidProtocolBufferException", f"the value is no Protobuf message: {_REASONS[why]}")
            for row, why in zip(bad[:failed].tolist(), reasons[:failed].tolist(), strict=True)
            if not self._ignore
        ]
        return Decoded(frame, rows[:made], bad[count - gone :][::-1], letters)


class ProtobufWriter:
    """Writes the columns `fields` as messages; what is NULL is not written."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        self.fields = fields
        self._steps = np.array(_Fields(fields, options).steps, np.int64).reshape(-1, 6)
        protobuf.write_protobuf.compile()

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        cells = Cells.of(frame, self.fields)
        offsets, inner = np.empty(frame.height + 1, np.int64), np.empty(len(self._steps), np.int64)
        out = np.empty(len(cells.texts) + frame.height * len(self._steps) * 20 + 1, np.uint8)
        protobuf.write_protobuf(
            self._steps, cells.valid, cells.first, cells.second, cells.texts, inner, out, offsets
        )
        return Payload(out, offsets[:-1], np.diff(offsets))
