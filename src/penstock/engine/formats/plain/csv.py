"""Comma-separated values, a line a record: Flink's format ``csv``. Plain lines are read all at once, others, and whatever may be
wrong, row by row in Python, as they are written.

    CREATE TABLE trades (sym STRING, price DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'trades', 'format' = 'csv')

Options: ``csv.field-delimiter``, ``csv.quote-character``, ``csv.disable-quote-character``, ``csv.escape-character``,
``csv.null-literal``, ``csv.array-element-delimiter``, ``csv.allow-comments``, ``csv.ignore-parse-errors``.
Source: Flink, CsvToRowDataConverters, RowDataToCsvConverters, and the rules of quoting of Jackson's CsvGenerator.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.chunks import VALUE_SIZE, Chunk
from penstock.engine.formats.json.lenient import MisfitError, convert_text
from penstock.engine.formats.json.reader import Decoded, JsonOptions, JsonReader, Sorting
from penstock.engine.formats.plain.columns import can_be_plain, plain_columns
from penstock.engine.formats.plain.texts import to_text
from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast
from penstock.engine.functions.table import Value
from penstock.engine.kernels.arrow import unnest
from penstock.engine.types import Schema, element, is_array, is_row, row_fields
from penstock.errors import PenstockError

_SHORT = 24
"""Texts that are longer are always quoted: Jackson does not look through them."""


@dataclass(frozen=True)
class CsvOptions:
    """Flink's ``csv.*`` options; an empty text is none."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    null: str | None = None
    between: str = ";"
    comments: bool = False
    ignore_errors: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str]) -> "CsvOptions":
        """From a table's WITH options."""

        def read(key: str, default: str) -> str:
            return options.get(
                f"value.csv.{key}", options.get(f"key.csv.{key}", options.get(f"csv.{key}", default))
            )

        delimiter = read("field-delimiter", ",").encode().decode("unicode_escape")
        quote = "" if read("disable-quote-character", "false") == "true" else read("quote-character", '"')
        for key, sign, least in (
            ("field-delimiter", delimiter, 1), ("quote-character", quote, 0), ("escape-character", read("escape-character", ""), 0),
        ):  # fmt: skip
            if not least <= len(sign) <= 1:
                raise PenstockError(f"csv.{key} is one character, not {sign!r}")
        null = read("null-literal", "\0")
        return cls(
            delimiter, quote, read("escape-character", ""), None if null == "\0" else null,
            read("array-element-delimiter", ";"), read("allow-comments", "false") == "true",
            read("ignore-parse-errors", "false") == "true",
        )  # fmt: skip

    def dialect(self) -> dict[str, Any]:
        """For Python's reader."""
        return {
            "delimiter": self.delimiter, "quotechar": self.quote or None, "escapechar": self.escape or None, "strict": True,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
        }  # fmt: skip


class CsvReader:
    """Reads the columns `fields` of lines that hold all of `schema`."""

    def __init__(self, fields: Schema, schema: Schema, options: Mapping[str, str]) -> None:
        self.fields, self.schema, self.options = fields, schema, CsvOptions.of(options)
        _check(schema)
        places = {column.name: place for place, column in enumerate(schema)}
        self._wanted = [(places[column.name], column) for column in fields]
        self._json = JsonReader(fields, JsonOptions(self.options.ignore_errors))
        self._plain = can_be_plain(self._wanted)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""
        sorting = Sorting()
        sorting.tombstones = np.flatnonzero(chunk.places[VALUE_SIZE] < 0)
        left = np.ones(len(chunk), np.bool_)
        if self._plain:
            options = self.options
            special = options.quote + options.escape + ("#" if options.comments else "")
            frame, rows = plain_columns(
                chunk, self._wanted, len(self.schema), options.delimiter, special, options.null
            )
            self._json.add(frame, rows, sorting)
            left[rows] = False
        for row in np.flatnonzero(left).tolist():
            data = chunk.value(row)
            if data is None or (self.options.comments and data.startswith(b"#")):
                continue
            try:
                sorting.loose.append((row, self._values(data)))
            except (MisfitError, ValueError, csv.Error) as error:
                if not self.options.ignore_errors:
                    sorting.bad.append((row, "IOException", f"the value is no row: {error}"))
        return self._json.finish(sorting)

    def _values(self, data: bytes) -> dict[str, Any]:
        parts = next(csv.reader([data.decode().rstrip("\r\n")], **self.options.dialect()), [])
        if len(parts) > len(self.schema) or (
            len(parts) < len(self.schema) and not self.options.ignore_errors
        ):
            raise ValueError(f"it has {len(parts)} fields, and the table {len(self.schema)}")
        return {
            column.name: self._part(parts[place], column.kind) if place < len(parts) else None
            for place, column in self._wanted
        }

    def _part(self, text: str, kind: str) -> Any:
        if text == self.options.null:
            return None
        if is_array(kind):
            parts = text.split(self.options.between) if text else []
            return [self._part(one, element(kind).kind) for one in parts]
        if is_row(kind):
            fields, parts = row_fields(kind), text.split(self.options.between)
            if len(fields) != len(parts) and self.options.ignore_errors:
                return None
            if len(fields) != len(parts):
                raise ValueError(f"{text!r} has {len(parts)} parts, not {len(fields)}")
            return {one.name: self._part(part, one.kind) for one, part in zip(fields, parts, strict=True)}
        try:
            return convert_text(text, kind)
        except (ValueError, ArithmeticError):
            if self.options.ignore_errors:
                return None
            raise ValueError(f"{text[:40]!r} is no {kind}") from None


class CsvWriter:
    """Writes the columns `fields` as lines, without a line's end."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        self.fields, self.options = fields, CsvOptions.of(options)
        _check(fields)
        signs = [self.options.delimiter, self.options.quote, "\r", "\n"]
        self._safe = chr(max(ord(sign) for sign in signs if sign))

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        columns = [self._texts(column.kind, frame[column.name]) for column in self.fields]
        join = self.options.delimiter.join
        lines = [join(row).encode() for row in zip(*columns, strict=True)]
        sizes = np.array([len(line) for line in lines], np.int64)
        return Payload(np.frombuffer(b"".join(lines) + b"\0", np.uint8), np.cumsum(sizes) - sizes, sizes)

    def _texts(self, kind: str, series: pl.Series) -> list[str]:
        quoted = kind != "BOOLEAN" and not kinds.is_number(kind)
        texts = _shown(kind, series, self.options.between)
        null = self.options.null or ""
        return [null if one is None else self._quoted(one) if quoted else one for one in texts]

    def _quoted(self, text: str) -> str:
        """As Jackson does it: what is long is quoted unseen, else what has a sign up to the largest special one."""
        quote, escape = self.options.quote, self.options.escape
        if not quote or not (len(text) > _SHORT or any(sign <= self._safe for sign in text)):
            return text
        if escape:
            text = text.replace(escape, escape * 2).replace(quote, escape + quote)
        else:
            text = text.replace(quote, quote * 2)
        return f"{quote}{text}{quote}"


def _shown(kind: str, series: pl.Series, between: str) -> list[str | None]:
    if is_array(kind):
        elements, offsets, there = unnest(series)
        parts = [part or "" for part in _shown(element(kind).kind, elements, between)]
        edges = zip(there.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        return [between.join(parts[start:end]) if is_there else None for is_there, start, end in edges]
    if is_row(kind):
        fields = [_shown(field.kind, series.struct.field(field.name), between) for field in row_fields(kind)]
        present = series.is_not_null().to_list()
        rows = zip(present, *fields, strict=True)
        return [between.join(part or "" for part in row) if is_there else None for is_there, *row in rows]
    if kinds.is_time(kind) or kinds.name_of(kind) in ("DATE", "TIME", *kinds.BINARIES):
        return to_text(series, kind, False).to_list()
    if kind == "BOOLEAN":
        return [None if one is None else str(one).lower() for one in series.to_list()]
    if kinds.is_decimal(kind):  # as BigDecimal without zeros at its end is written
        return [None if one is None else str(one.normalize()) for one in series.to_list()]
    made = series.alias("v").to_frame().select(cast(Value(kind, pl.col("v")), "STRING").expr)
    return made.to_series().to_list()


def _check(schema: Schema) -> None:
    for column in schema:
        if kinds.name_of(column.kind) in ("MAP", "MULTISET"):
            raise PenstockError(
                f"{column.name}: {column.kind} has no form in CSV",
                remedy="another format, or columns of its own",
            )
