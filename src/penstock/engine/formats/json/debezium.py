"""Changes as Debezium writes them: ``{"before": row, "after": row, "op": "c" | "r" | "u" | "d"}``, Flink's ``debezium-json``.

    CREATE TABLE orders (id BIGINT, total DECIMAL(10, 2)) WITH ('connector' = 'kafka', 'topic' = 'shop.orders', 'format' = 'debezium-json')

An update gives its row before and its row after, so the table before has to be whole (REPLICA IDENTITY FULL). With
``debezium-json.schema-include`` the change stands in ``payload``. Written are ``c`` for rows that come and ``d`` for rows that go.
Source: Flink, DebeziumJsonDeserializationSchema, DebeziumJsonSerializationSchema. Knows nothing of plans.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.chunks import VALUE_SIZE, Chunk
from penstock.engine.formats.json.fast import FastJsonReader
from penstock.engine.formats.json.reader import Decoded, JsonOptions
from penstock.engine.formats.json.writer import JsonWriter
from penstock.engine.operators.operator import AFTER, BEFORE, DELETE, INSERT, KIND
from penstock.engine.types import Column, Schema, row_kind
from penstock.errors import PenstockError

NAME = "debezium-json"
_KINDS = {"c": (INSERT,), "r": (INSERT,), "u": (BEFORE, AFTER), "d": (DELETE,)}


def _included(options: Mapping[str, str]) -> bool:
    return options.get(f"value.{NAME}.schema-include", options.get(f"{NAME}.schema-include")) == "true"


class DebeziumReader:
    """Reads the columns `fields` out of changes: one row of a frame with `$kind`, or two, a record."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        self.fields, self.options = fields, JsonOptions.of(options, NAME)
        row = row_kind(fields)
        change = (Column("before", row), Column("after", row), Column("op", "STRING"))
        self.wrapped = _included(options)
        inner = (Column("payload", row_kind(change)),) if self.wrapped else change
        self.json = FastJsonReader(inner, self.options)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk; those of no bytes are passed over, as tombstones are."""
        if not chunk.places[VALUE_SIZE].all():
            places = chunk.places.copy()
            places[VALUE_SIZE][places[VALUE_SIZE] == 0] = -1
            chunk = Chunk(chunk.data, places)
        read = self.json.read(chunk)
        changes = read.frame
        if self.wrapped:
            parts = changes["payload"].struct
            changes = pl.DataFrame([parts.field(name).alias(name) for name in ("before", "after", "op")])
        places, kinds, wrong = _told(changes)
        held = [changes[name].struct for name in ("before", "after")]
        gone = (kinds == BEFORE) | (kinds == DELETE)
        columns = [_chosen(column.name, held, places, gone) for column in self.fields]
        frame = pl.DataFrame([*columns, pl.Series(KIND, kinds)])
        bad = list(read.bad)
        if not self.options.ignore_errors:
            bad += [(int(read.rows[row]), "IOException", why) for row, why in wrong]
        return replace(read, frame=frame, rows=read.rows[places], bad=sorted(bad))


def _told(changes: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int8], list[tuple[int, str]]]:
    """For each row to give the change it is from and its kind; and the changes that give none, with why."""
    there = {name: changes[name].is_not_null().to_numpy() for name in ("before", "after")}
    ops = changes["op"].fill_null("").to_numpy()
    counts, first = np.zeros(len(ops), np.int64), np.zeros(len(ops), np.int8)
    wrong: list[tuple[int, str]] = []
    for op in dict.fromkeys(ops.tolist()):
        rows = ops == op
        if op not in _KINDS:
            wrong += [
                (int(row), f"there is no op {op!r}: it is c, r, u or d") for row in np.flatnonzero(rows)
            ]
            continue
        needed = {"u": ("before", "after"), "d": ("before",)}.get(op, ("after",))
        for name in needed:
            missing = rows & ~there[name]
            more = ": REPLICA IDENTITY FULL makes the database tell it" if name == "before" else ""
            wrong += [
                (int(row), f"a change with op {op} has no row {name}{more}")
                for row in np.flatnonzero(missing)
            ]
            rows = rows & there[name]
        counts[rows], first[rows] = len(_KINDS[op]), _KINDS[op][0]
    places = np.repeat(np.arange(len(ops)), counts)
    kinds = first[places]
    again = np.zeros(len(places), np.bool_)
    again[1:] = places[1:] == places[:-1]
    kinds[again] = AFTER
    return places, kinds, sorted(dict(wrong).items())


def _chosen(name: str, held: Sequence[Any], places: NDArray[np.int64], gone: NDArray[np.bool_]) -> pl.Series:
    """A column's value before, for rows that go, and after, for rows that come."""
    before, after = (one.field(name)[places] for one in held)
    made: pl.Series = before.zip_with(pl.Series(gone), after).alias(name)
    return made


class DebeziumWriter:
    """Writes the columns `fields` of rows with `$kind` as changes."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        if _included(options):
            raise PenstockError(
                f"{NAME}.schema-include is for reading: what is written has no schema", remedy="leave it out"
            )
        self.names, row = [column.name for column in fields], row_kind(fields)
        change = (Column("before", row), Column("after", row), Column("op", "STRING"))
        self.json = JsonWriter(change, JsonOptions.of(options, NAME).style)

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        gone = pl.col(KIND).is_in([BEFORE, DELETE])
        row = pl.struct(self.names)
        return self.json.payload(
            frame.select(
                pl.when(gone).then(row).alias("before"), pl.when(~gone).then(row).alias("after"),
                pl.when(gone).then(pl.lit("d")).otherwise(pl.lit("c")).alias("op"),
            )
        )  # fmt: skip
