"""SQL column types as the plan knows them, and what polars type carries each.

A type is a sqlglot `DataType` in the Flink dialect's words; this file is the only place that maps it to polars.
"""

from dataclasses import dataclass

import polars as pl
from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a schema. `kind` is Flink's type in capitals: ``BIGINT``, ``TIMESTAMP(3)``, ``DECIMAL(10, 2)``."""

    name: str
    kind: str
    nullable: bool = True


Schema = tuple[Column, ...]

POLARS: dict[str, pl.DataType] = {
    "BOOLEAN": pl.Boolean(),
    "TINYINT": pl.Int8(),
    "SMALLINT": pl.Int16(),
    "INT": pl.Int32(),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "FLOAT": pl.Float32(),
    "DOUBLE": pl.Float64(),
    "STRING": pl.String(),
    "VARCHAR": pl.String(),
    "CHAR": pl.String(),
    "BYTES": pl.Binary(),
    "VARBINARY": pl.Binary(),
    "DATE": pl.Date(),
    "TIME": pl.Time(),
    "TIMESTAMP": pl.Datetime("us"),
    "TIMESTAMP_LTZ": pl.Datetime("us"),
    "DECIMAL": pl.Decimal(10, 0),
}


def polars_type(kind: str) -> pl.DataType:
    """The polars type that carries a column of `kind`; raises KeyError for kinds the engine does not offer.

    Timestamps, with and without local time zone, are microseconds since the epoch in UTC.
    """
    name, _, rest = kind.partition("(")
    if name.strip() == "DECIMAL" and rest:
        precision, _, scale = rest.rstrip(")").partition(",")
        return pl.Decimal(int(precision), int(scale or 0))
    return POLARS[name.strip()]


Expr = exp.Expression
