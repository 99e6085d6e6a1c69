"""Events as Avro or Protobuf values, a topic each: the columns as `tables_three.sql` and `nexmark.proto` have them.

The writers are penstock's own, whose tests hold them to what Flink reads; Flink reads these topics, too.
"""

import polars as pl

from bench.nexmark.scripts import SCHEMA
from penstock.engine.formats.avro import AvroWriter
from penstock.engine.formats.batches import Payload
from penstock.engine.formats.protobuf.values import ProtobufWriter
from penstock.engine.types import Column, Schema

KINDS = {pl.Int64: "BIGINT", pl.String: "STRING", pl.Datetime: "TIMESTAMP(3)"}
MOMENTS = {"dateTime": "moment", "expires": "until"}
"""What moments are called in nexmark.proto, where they are milliseconds."""


def avro(kind: str, frame: pl.DataFrame) -> Payload:
    """Records of the table's schema; every column may be NULL."""
    fine = frame.with_columns(pl.col(pl.Datetime).cast(pl.Datetime("us")))
    return AvroWriter(_columns(fine)).payload(fine)


def protobuf(kind: str, frame: pl.DataFrame) -> Payload:
    """Messages of nexmark.proto."""
    plain = frame.with_columns(pl.col(pl.Datetime).to_physical()).rename(MOMENTS, strict=False)
    options = {"protobuf.schema-file": str(SCHEMA), "protobuf.message": f"nexmark.{kind.title()}"}
    return ProtobufWriter(_columns(plain), options).payload(plain)


def _columns(frame: pl.DataFrame) -> Schema:
    return tuple(Column(name, KINDS[kind.base_type()]) for name, kind in frame.schema.items())
