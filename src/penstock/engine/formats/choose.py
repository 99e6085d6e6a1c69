"""Which reader and writer a table's format has.

Knows the formats' names; knows nothing of how they work.
"""

from collections.abc import Mapping
from typing import Protocol

import polars as pl

from penstock.engine.formats.avro import AvroReader, AvroWriter
from penstock.engine.formats.batches import Payload
from penstock.engine.formats.chunks import Chunk
from penstock.engine.formats.json.debezium import DebeziumReader, DebeziumWriter
from penstock.engine.formats.json.fast import FastJsonReader
from penstock.engine.formats.json.reader import Decoded, JsonOptions
from penstock.engine.formats.json.writer import JsonWriter
from penstock.engine.formats.plain.csv import CsvReader, CsvWriter
from penstock.engine.formats.plain.raw import RawReader, RawWriter
from penstock.engine.formats.protobuf.values import ProtobufReader, ProtobufWriter
from penstock.engine.plan.tests import Clock, Test
from penstock.engine.types import Schema


class Reader(Protocol):
    """Values to columns."""

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk."""


class Writer(Protocol):
    """Columns to values."""

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""


def reader_of(
    form: str, fields: Schema, schema: Schema, options: Mapping[str, str], tests: tuple[Test, ...] = (), clock: Clock | None = None
) -> Reader:  # fmt: skip
    """Reads the columns `fields` of values that hold all of `schema`; only those of `plan.tables.TESTED` know `tests`."""
    if form == "avro":
        return AvroReader(fields, schema, tests, clock)
    if form == "protobuf":
        return ProtobufReader(fields, options, tests)
    if form == "debezium-json":
        return DebeziumReader(fields, options)
    if form == "csv":
        return CsvReader(fields, schema, options)
    if form == "raw":
        return RawReader(fields, options, schema)
    return FastJsonReader(fields, JsonOptions.of(options), tests, clock)


def writer_of(form: str, fields: Schema, options: Mapping[str, str]) -> Writer:
    """Writes the columns `fields`."""
    if form == "avro":
        return AvroWriter(fields)
    if form == "protobuf":
        return ProtobufWriter(fields, options)
    if form == "debezium-json":
        return DebeziumWriter(fields, options)
    if form == "csv":
        return CsvWriter(fields, options)
    if form == "raw":
        return RawWriter(fields, options, fields)
    return JsonWriter(fields, JsonOptions.of(options).style)
