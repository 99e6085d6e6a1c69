"""Scan: decoded columns become a table's rows: metadata, computed columns, and the largest times seen.

Knows nothing of formats or Kafka.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from sqlglot import exp

from penstock.engine.expressions import asks_time, compile_to
from penstock.engine.functions import kinds
from penstock.engine.kernels import scatter
from penstock.engine.kernels.decode.columns import NONE
from penstock.engine.operators.operator import KIND, MARK, ROW, Moment, Operator, Sifted
from penstock.engine.operators.stages import with_now
from penstock.engine.plan import Scan
from penstock.engine.plan.tests import Test
from penstock.engine.run.columns import integers, pick, there
from penstock.engine.run.rules.rewriting import narrower
from penstock.engine.run.watermarks import START_MS, SourceTime
from penstock.engine.types import Column, Expr, Schema, polars_type
from penstock.errors import PenstockError


class ReadTable(Operator):
    """Rows of a table; only `needed` columns are computed and handed on."""

    name = "scan"

    def __init__(
        self,
        plan: Scan,
        needed: Sequence[str],
        fields: Mapping[str, set[str] | None] | None = None,
        tests: tuple[Test, ...] = (),
    ) -> None:
        """`fields` says which fields of nested rows are read, where that is not all (None); `tests`, which rows need not be
        made, by who makes them."""
        table = plan.table
        self.table, self.tests = table, tests
        computed = dict(table.computed)
        self.schema: Schema = tuple(c for c in table.schema if c.name in needed)
        wanted = {c.name for c in self.schema} | set(table.key if table.connector == "upsert-kafka" else ())
        if table.watermark is not None:
            wanted.add(table.watermark.column)
        tested = {test.column for test in tests}
        physical = _physical(table.schema, wanted | tested, computed, dict(table.metadata))
        read = dict(fields or {})
        for test in tests:
            known = read.get(test.column, None if test.column in needed else set())
            if test.fields and known is not None:
                read[test.column] = known | {test.fields[0]}
        self.fields = tuple(narrower(c, read.get(c.name)) for c in physical)
        self.metadata = [(name, key) for name, key in table.metadata]
        base = tuple(c for c in table.schema if c.name not in computed)
        self.computed = [
            compile_to(expr, base, column.kind).alias(column.name)
            for column in table.schema
            if column.name in wanted and (expr := computed.get(column.name)) is not None
        ]
        self.timed = any(asks_time(expr) for expr in self.computed)
        # A frame without columns has no rows.
        self.names = [c.name for c in table.schema if c.name in wanted] or [self.fields[0].name]
        self.numbered = False
        """Whether rows say, as `ROW`, which of the batch they are."""
        self.marked = False
        """Whether rows always say, as `MARK`, how far time had come before them."""
        self._check_time()

    def _check_time(self) -> None:
        mark = self.table.watermark
        if mark is None:
            return
        kind = next((c.kind for c in self.table.schema if c.name == mark.column), "")
        if not kinds.is_time(kind):
            raise PenstockError(
                f"the watermark column {mark.column} of {self.table.name} is {kind or 'not declared'}",
                remedy="declare it TIMESTAMP(3) or TIMESTAMP_LTZ(3)",
            )

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        if self.computed:
            rows = (with_now(rows, moment.now) if self.timed else rows).with_columns(self.computed)
        riders = [KIND] if KIND in rows.columns else []
        made = pick(rows, [*self.names, *riders])
        return made.with_columns(pl.Series(ROW, np.arange(made.height))) if self.numbered else made

    def sift(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, Sifted]:
        """The rows that pass the tests, of rows that no decoder has tested."""
        kept = rows.select(pl.all_horizontal(test.expression for test in self.tests).fill_null(False))
        times, mark = None, self.table.watermark
        if mark is not None:
            moments = self._moments(rows)
            times = np.where(there(moments), integers(moments), NONE)
        return rows.filter(kept.to_series()), Sifted(kept.to_series().to_numpy(), times)

    def _moments(self, rows: pl.DataFrame) -> pl.Series:
        """The event time of rows as they come, their computed columns not computed yet."""
        clock = self.table.clock
        assert clock is not None
        return rows.select(clock.expression.alias("time")).to_series()

    def see(
        self, rows: pl.DataFrame, time: SourceTime, partition: int, sifted: Sifted | None = None
    ) -> pl.DataFrame:
        """Note the times of all that was read; rows get `$mark` where one of them lies behind the bound."""
        mark = self.table.watermark
        if mark is None:
            return rows
        if sifted is not None:
            assert sifted.times is not None
            valid = sifted.times != NONE
            moments_ms = np.where(valid, sifted.times, 0) // 1000
        else:
            times = rows[mark.column]
            valid, moments_ms = there(times), integers(times) // 1000
        marks = np.empty(len(moments_ms), np.int64)
        # int: before the kernel is compiled it runs as Python, and gives numpy's numbers
        seen_ms = int(scatter.watermarks(moments_ms, valid, time.seen_ms.get(partition, START_MS), marks))
        if seen_ms > START_MS:
            time.saw(partition, seen_ms)
        if sifted is not None:
            marks, moments_ms, valid = (held[sifted.kept] for held in (marks, moments_ms, valid))
        reached = np.where(marks > START_MS, marks - mark.late_ms - 1, START_MS)
        if self.marked or bool((valid & (moments_ms <= reached)).any()):
            return rows.with_columns(pl.Series(MARK, reached))
        return rows


def _physical(
    schema: Schema,
    wanted: set[str],
    computed: Mapping[str, Expr],
    metadata: dict[str, str],
) -> tuple[Column, ...]:
    """The columns to decode from values: those wanted and those that wanted computed columns read."""
    reads = set(wanted)
    for name, expr in computed.items():
        if name in wanted:
            reads |= {column.name for column in expr.find_all(exp.Column)}
    fields = tuple(c for c in schema if c.name in reads and c.name not in computed and c.name not in metadata)
    return fields or tuple(c for c in schema if c.name not in computed and c.name not in metadata)[:1]


def typed(rows: pl.DataFrame, fields: Sequence[Column]) -> pl.DataFrame:
    """Rows that came as a frame, in a table's column types; columns that are missing are NULL."""
    made = []
    for column in fields:
        target = polars_type(column.kind)
        if column.name not in rows.columns:
            made.append(pl.Series(column.name, [None], dtype=target).new_from_index(0, rows.height))
            continue
        held = rows[column.name]
        if isinstance(held.dtype, pl.Datetime) and held.dtype.time_zone is not None:
            held = held.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        made.append(held if held.dtype == target else held.cast(target))
    riders = [rows[KIND].cast(pl.Int8)] if KIND in rows.columns else []
    return pl.DataFrame([*made, *riders])
