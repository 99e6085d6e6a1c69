"""Filter, Project, Repeat, GroupingSets and Apply: a chain of them is one operator, each step one polars call.

Knows nothing of where rows come from.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from penstock.clock import Now
from penstock.engine.expressions import NOW, asks_time, bind, compile_to
from penstock.engine.functions import kinds
from penstock.engine.operators.operator import ROW, Failure, Moment, Operator, carried
from penstock.engine.operators.user.apply import ApplyStep
from penstock.engine.plan import SET, Filter, GroupingSets, Project, Repeat
from penstock.engine.plan.user import Apply
from penstock.engine.run.columns import integers
from penstock.engine.types import polars_type
from penstock.errors import PenstockError


class _Keep:
    def __init__(self, plan: Filter) -> None:
        value = bind(plan.condition, plan.source.schema)
        if value.kind not in ("BOOLEAN", kinds.NULL):
            raise PenstockError(f"a condition is BOOLEAN, not {value.kind}")
        self.expr = value.expr.cast(pl.Boolean)
        self.timed = asks_time(self.expr)

    def run(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(self.expr)


class _Make:
    def __init__(self, plan: Project) -> None:
        schema = plan.source.schema
        self.exprs = [
            compile_to(expr, schema, column.kind).alias(column.name) for column, expr in plan.columns
        ]
        self.names = [column.name for column, _ in plan.columns]
        self.timed = any(asks_time(expr) for expr in self.exprs)
        self.constant = not any(expr.meta.root_names() for expr in self.exprs)

    def run(self, rows: pl.DataFrame) -> pl.DataFrame:
        riders = [*carried(rows), *([ROW] if ROW in rows.columns else [])]
        if self.constant and not riders:  # literals alone would make one row, whatever the input has
            return rows.with_columns(self.exprs).select(self.names)
        return rows.select(*self.exprs, *riders)


class _Copy:
    timed = False

    def __init__(self, plan: Repeat) -> None:
        self.times = plan.times

    def run(self, rows: pl.DataFrame) -> pl.DataFrame:
        copies = np.maximum(integers(rows[self.times]), 0)
        return rows.drop(self.times)[np.repeat(np.arange(rows.height), copies)]


class _Regroup:
    timed = False

    def __init__(self, plan: GroupingSets) -> None:
        types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        self.sets = [
            [
                *(pl.lit(None, dtype=types[key]).alias(key) for key in plan.keys if key not in one),
                pl.lit(number, dtype=polars_type(SET.kind)).alias(SET.name),
            ]
            for number, one in enumerate(plan.sets)
        ]

    def run(self, rows: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([rows.with_columns(one) for one in self.sets], rechunk=True)


class Stages(Operator):
    """Filters, projections and calls, one after the other, the first to run first."""

    def __init__(self, plans: "Sequence[Stage]") -> None:
        self.steps = [_step(plan) for plan in plans]
        self.name = " → ".join(NAMES[type(plan)] for plan in plans)
        self.asks_rows = any(isinstance(step, ApplyStep) for step in self.steps)

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        for step in self.steps:
            rows = step.run(with_now(rows, moment.now) if step.timed else rows)
            if not rows.height:
                return None
        return rows

    def asks_before(self, port: int) -> bool:
        """A row that a filter lets no longer through has to go: only projections hand the question on."""
        return self.befores or not all(isinstance(step, _Make) for step in self.steps)

    def failed(self) -> list[Failure]:
        return [one for step in self.steps if isinstance(step, ApplyStep) for one in step.failures.take()]


Stage = Filter | Project | Repeat | GroupingSets | Apply
NAMES = {
    Filter: "filter", Project: "project", Repeat: "repeat", GroupingSets: "grouping sets", Apply: "apply"
}  # fmt: skip


def _step(plan: "Stage") -> _Keep | _Make | _Copy | _Regroup | ApplyStep:
    match plan:
        case Filter():
            return _Keep(plan)
        case Apply():
            return ApplyStep(plan)
        case Repeat():
            return _Copy(plan)
        case GroupingSets():
            return _Regroup(plan)
    return _Make(plan)


def with_now(rows: pl.DataFrame, now: Now) -> pl.DataFrame:
    """The rows with the time as a column."""
    return rows.with_columns(pl.lit(now.wall_ms * 1000, dtype=pl.Int64).cast(pl.Datetime("us")).alias(NOW))
