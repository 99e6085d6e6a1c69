"""SQL column types as the plan knows them, and what polars type carries each.

A type is a sqlglot `DataType` in the Flink dialect's words; this file is the only place that maps it to polars.
"""

from collections.abc import Iterable
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

FIRST_US, LAST_US = -62_135_596_800 * 1_000_000, 253_402_300_800 * 1_000_000 - 1
"""The first and the last moment that there are, of the years 1 and 9999, in microseconds: what lies beyond is NULL."""

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


def is_row(kind: str) -> bool:
    """Whether a kind is a nested row: ``ROW<id BIGINT, `at` TIMESTAMP(3)>``."""
    return kind.startswith("ROW<")


def is_array(kind: str) -> bool:
    """Whether a kind is ``ARRAY<…>``."""
    return kind.startswith("ARRAY<")


def is_map(kind: str) -> bool:
    """Whether a kind is ``MAP<…, …>``, or ``MULTISET<…>``, which is a map of how often each value is there."""
    return kind.startswith(("MAP<", "MULTISET<"))


def is_nested(kind: str) -> bool:
    """Whether a kind is made of others."""
    return is_row(kind) or is_array(kind) or is_map(kind)


def parts_of(kind: str) -> tuple[str, ...]:
    """What stands between a nested kind's angle brackets, at its commas."""
    parts, depth, quoted = list[str](), 0, False
    start = kind.index("<") + 1
    for place in range(start, len(kind)):
        letter = kind[place]
        quoted ^= letter == "`"
        if not quoted:
            if depth == 0 and letter in ",>":
                parts.append(kind[start:place].strip())
                start = place + 1
            depth += (letter in "<(") - (letter in ">)")
    return tuple(part for part in parts if part)


def row_fields(kind: str) -> Schema:
    """The fields of a nested row, in order."""
    return tuple(map(_field, parts_of(kind)))


def row_kind(fields: Iterable[Column]) -> str:
    """The kind of a nested row of these fields, in one spelling."""
    return f"ROW<{', '.join(f'{_spelled(field.name)} {_suffixed(field)}' for field in fields)}>"


def element(kind: str) -> Column:
    """What stands in an array, as a column; of a map, its pairs as rows of key and value."""
    if is_array(kind):
        return _typed("element", parts_of(kind)[0])
    return Column("element", row_kind(map_fields(kind)), False)


def array_kind(inner: str) -> str:
    """The kind of an array of values of a kind."""
    return f"ARRAY<{inner}>"


def map_kind(key: str, value: str) -> str:
    """The kind of a map."""
    return f"MAP<{key}, {value}>"


def map_fields(kind: str) -> Schema:
    """A map's key and value, as columns."""
    key, *value = parts_of(kind)
    return _typed("key", key), _typed("value", value[0] if value else "INT NOT NULL")


def bare(kind: str) -> str:
    """A kind without what its parts say of NULL: conversions do not look at that."""
    return kind.replace(" NOT NULL", "") if "<" in kind else kind


def _spelled(name: str) -> str:
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"


def _suffixed(field: Column) -> str:
    return field.kind if field.nullable else f"{field.kind} NOT NULL"


def _typed(name: str, kind: str) -> Column:
    return Column(name, kind.removesuffix(" NOT NULL").strip(), not kind.endswith(" NOT NULL"))


def _field(text: str) -> Column:
    if text.startswith("`"):
        name, _, rest = text[1:].replace("``", "\0").partition("`")
        name = name.replace("\0", "`")
    else:
        name, _, rest = text.partition(" ")
    return _typed(name, rest.strip())


def polars_type(kind: str) -> pl.DataType:
    """The polars type that carries a column of `kind`; raises KeyError for kinds the engine does not offer.

    Timestamps, with and without local time zone, are microseconds since the epoch in UTC. A map is a list of pairs.
    """
    if is_row(kind):
        return pl.Struct({field.name: polars_type(field.kind) for field in row_fields(kind)})
    if is_array(kind) or is_map(kind):
        return pl.List(polars_type(element(kind).kind))
    name, _, rest = kind.partition("(")
    if name.strip() == "DECIMAL" and rest:
        precision, _, scale = rest.rstrip(")").partition(",")
        return pl.Decimal(int(precision), int(scale or 0))
    return POLARS[name.strip()]


Expr = exp.Expression
