"""A record's bytes as the one column of a row: Flink's format ``raw``.

    CREATE TABLE lines (line STRING) WITH ('connector' = 'kafka', 'topic' = 'logs', 'format' = 'raw')

``raw.charset`` says how texts are written (UTF-8), ``raw.endianness`` in which order the bytes of numbers stand (big-endian).
Source: Flink, RawFormatDeserializationSchema. Knows nothing of plans.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.chunks import Chunk
from penstock.engine.formats.json.reader import Decoded
from penstock.engine.functions import kinds
from penstock.engine.types import Schema, polars_type
from penstock.errors import PenstockError

_NUMBERS = {
    "TINYINT": "b",
    "SMALLINT": "h",
    "INT": "i",
    "BIGINT": "q",
    "FLOAT": "f",
    "DOUBLE": "d",
    "BOOLEAN": "?",
}


class _Raw:
    """What reader and writer share: the column, and how its values and bytes turn into each other."""

    def __init__(self, fields: Schema, options: Mapping[str, str], whole: Schema) -> None:
        if len(whole) != 1:
            raise PenstockError(
                "the format raw is of one column", remedy="declare one column, or another format"
            )
        self.fields, self.column = fields, whole[0]

        def read(key: str, default: str) -> str:
            return options.get(
                f"value.raw.{key}", options.get(f"key.raw.{key}", options.get(f"raw.{key}", default))
            )

        self.charset, order = read("charset", "UTF-8"), read("endianness", "big-endian")
        if order not in ("big-endian", "little-endian"):
            raise PenstockError(f"raw.endianness is big-endian or little-endian, not {order}")
        try:
            "".encode(self.charset)
        except LookupError:
            raise PenstockError(
                f"there is no charset {self.charset}", remedy="'raw.charset' = 'UTF-8'"
            ) from None
        self.form = (">" if order == "big-endian" else "<") + _NUMBERS.get(
            kinds.name_of(self.column.kind), ""
        )
        self.turn = self._turns()

    def _turns(self) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
        kind = self.column.kind
        if kinds.is_text(kind):
            return lambda data: data.decode(self.charset), lambda text: text.encode(self.charset)
        if kinds.name_of(kind) in kinds.BINARIES:
            return bytes, bytes
        if kinds.name_of(kind) in _NUMBERS:
            form = struct.Struct(self.form)
            return lambda data: form.unpack(data)[0], form.pack
        raise PenstockError(
            f"the format raw does not know {kind}",
            remedy="STRING, BYTES, BOOLEAN, a whole number, FLOAT or DOUBLE",
        )


class RawReader(_Raw):
    """Reads the column."""

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk; a record without a value is a row of NULL."""
        decode, values, rows, bad = self.turn[0], list[Any](), list[int](), list[tuple[int, str, str]]()
        for row in range(len(chunk)):
            data = chunk.value(row)
            try:
                values.append(None if data is None else decode(data))
                rows.append(row)
            except (ValueError, struct.error) as error:
                bad.append((row, "IOException", f"{self.column.name} is {self.column.kind}: {error}"))
        made = pl.Series(self.column.name, values, dtype=polars_type(self.column.kind))
        kept = [made] if self.fields else []
        return Decoded(pl.DataFrame(kept), np.array(rows, np.int64), np.empty(0, np.int64), bad)


class RawWriter(_Raw):
    """Writes the column; NULL is a record without a value."""

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        encode = self.turn[1]
        try:
            values = [None if one is None else encode(one) for one in frame[self.column.name].to_list()]
        except UnicodeEncodeError as error:
            raise PenstockError(
                f"{self.column.name} cannot be written as {self.charset}: {error.reason}",
                remedy="'raw.charset' = 'UTF-8'",
            ) from None
        sizes = np.array([-1 if one is None else len(one) for one in values], np.int64)
        lengths = np.maximum(sizes, 0)
        data = np.frombuffer(b"".join(one or b"" for one in values) + b"\0", np.uint8)
        return Payload(data, np.cumsum(lengths) - lengths, sizes)
