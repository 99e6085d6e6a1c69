"""Sink: a node's rows become what its table's connector takes.

kafka appends; upsert-kafka writes each key's last row of a batch, a null for one that is gone; print and
blackhole take all. Knows nothing of sockets.
"""

import numpy as np
import polars as pl
from sqlglot import exp

from penstock.clock import Now
from penstock.engine.formats.batches import Payload, encode_partitioned
from penstock.engine.formats.choose import writer_of
from penstock.engine.formats.options import key_format, value_format
from penstock.engine.operators.operator import BEFORE, DELETE, KIND
from penstock.engine.plan import Aggregate, Node, Project, Sink, Top
from penstock.engine.types import polars_type
from penstock.errors import PenstockError


def asks_before(plan: Sink) -> bool:
    """Whether a sink must be told what the rows that change were before: not one that takes a row for its key's last,
    where a row that changes keeps that key (Flink: ChangelogMode.upsert)."""
    if plan.table.connector == "blackhole":
        return False
    names = {mine.name: said.name for mine, said in zip(plan.table.written, plan.source.schema, strict=True)}
    upsert = plan.table.connector == "upsert-kafka"
    return not upsert or not {names[key] for key in plan.table.key if key in names} <= _lasting(plan.source)


def _lasting(node: Node) -> set[str]:
    """The columns that are the same in a row that changes and in what it changes to."""
    if isinstance(node, Project):
        below = _lasting(node.source)
        return {c.name for c, expr in node.columns if isinstance(expr, exp.Column) and expr.name in below}
    if isinstance(node, Aggregate):
        return set(node.keys)
    if isinstance(node, Top):
        return {*node.keys, *([node.rank] if node.rank else [])}
    return set()


class WriteTable:
    """Turns rows into record batches for `partitions` partitions (the worker says how many there are)."""

    def __init__(self, plan: Sink) -> None:
        self.plan, self.table = plan, plan.table
        self.partitions = 1
        self.rows = 0
        self.busy_s = 0.0
        connector = self.table.connector
        self.upsert, self.encodes = connector == "upsert-kafka", connector in ("kafka", "upsert-kafka")
        if connector == "kafka" and plan.source.changes and not self.table.changelog:
            raise PenstockError(
                f"the query changes rows it gave before, and {self.table.name} only appends",
                remedy="use 'connector' = 'upsert-kafka' with a PRIMARY KEY, or aggregate over a window",
            )
        if self.upsert and not self.table.key:
            raise PenstockError(
                f"{self.table.name} is an upsert table without a key",
                remedy="declare PRIMARY KEY (…) NOT ENFORCED",
            )
        self._names = [c.name for c in plan.source.schema]
        self.columns = self.table.written
        self._stamp = next(
            (
                name
                for name, key in self.table.metadata
                if key == "timestamp" and name not in self.table.virtual
            ),
            None,
        )
        if self.encodes:
            self._prepare()

    def _prepare(self) -> None:
        form, options = value_format(self.table), self.table.options
        held = tuple(c for c in self.columns if c.name not in dict(self.table.metadata))
        self._values = writer_of(form, held, options)
        named = {column.name: column for column in self.columns}
        fields = (
            self.table.key
            if self.upsert
            else tuple(filter(None, self.table.options.get("key.fields", "").split(";")))
        )
        missing = [key for key in fields if key not in named]
        if missing:
            raise PenstockError(f"{self.table.name} has no column {missing[0]} for its key")
        self._keys = (
            writer_of(key_format(self.table), tuple(named[key] for key in fields), options)
            if fields
            else None
        )

    def shape(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the table's column names and types, and `$kind`."""
        columns = []
        for mine, column in zip(self._names, self.columns, strict=True):
            held, target = rows[mine], polars_type(column.kind)
            columns.append(
                (held if held.dtype == target else held.cast(target, strict=False)).alias(column.name)
            )
        kind = rows[KIND] if KIND in rows.columns else pl.Series(KIND, np.zeros(rows.height, np.int8))
        made = pl.DataFrame([*columns, kind])
        self.rows += made.height
        return made

    def batches(self, rows: pl.DataFrame, now: Now) -> list[tuple[int | None, bytes]]:
        """Shaped rows as record batches."""
        if not self.encodes or not rows.height:
            return []
        if self.upsert:
            rows = rows.unique(subset=list(self.table.key), keep="last", maintain_order=True)
        keys = self._keys.payload(rows) if self._keys is not None else Payload.nothing(rows.height)
        values = self._values.payload(rows)
        if self.upsert:
            gone = rows[KIND].is_in([BEFORE, DELETE]).to_numpy()
            values = Payload(values.data, values.at, np.where(gone, -1, values.size))
        return encode_partitioned(keys, values, self._moments(rows, now), self.partitions)

    def _moments(self, rows: pl.DataFrame, now: Now) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        if self._stamp is None:
            return np.full(rows.height, now.wall_ms, np.int64)
        micros = rows[self._stamp].to_physical().fill_null(now.wall_ms * 1000)
        return np.ascontiguousarray(micros.to_numpy() // 1000)
