"""Expand: each row beside the rows that a user's table function gives for it.

Knows one batch and keeps nothing.
"""

from typing import Any

import numpy as np
import polars as pl

from penstock.engine.operators.operator import Failure, Moment, Operator, carried
from penstock.engine.operators.stages import with_now
from penstock.engine.operators.user.apply import Arguments
from penstock.engine.operators.user.failures import Failures
from penstock.engine.operators.user.values import Emitted
from penstock.engine.plan.user import Expand
from penstock.engine.run.columns import pick
from penstock.engine.types import polars_type


class ExpandRows(Operator):
    """Calls the function row by row; what it gives may come from a generator, a list, or be None."""

    name = "expand"
    asks_rows = True

    def __init__(self, plan: Expand) -> None:
        self.function, self.outer, self.columns = plan.value.function, plan.outer, plan.columns
        self.names = [column.name for column in plan.source.schema]
        self.arguments, self.failures = Arguments(plan.value, plan.source.schema), Failures()

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        given, places = self.arguments.of(with_now(rows, moment.now) if self.arguments.timed else rows)
        emitted, owners = Emitted(self.function.emits), list[int]()
        spoilt: set[int] = set()
        tuples = given.rows() if given.width else [()] * len(places)
        for place, row in zip(places.tolist(), tuples, strict=True):
            before = len(emitted)
            try:
                emitted.take(self.function.body(*row))
                owners += [place] * (len(emitted) - before)
            except Exception as error:
                emitted.cut(before)
                spoilt.add(place)
                self.failures.note(rows, place, self.function.name, row, error)
        return self._beside(rows, emitted, np.array(owners, np.int64), spoilt)

    def _beside(
        self,
        rows: pl.DataFrame,
        emitted: Emitted,
        owners: "np.ndarray[Any, np.dtype[np.int64]]",
        spoilt: set[int],
    ) -> pl.DataFrame | None:
        made = emitted.columns()
        if self.outer:
            alone = np.setdiff1d(np.arange(rows.height), [*owners, *spoilt])
            order = np.argsort(np.concatenate([owners, alone]), kind="stable")
            owners = np.concatenate([owners, alone])[order]
            nothing = [pl.Series([None], dtype=column.dtype).new_from_index(0, len(alone)) for column in made]
            made = [column.append(more)[order] for column, more in zip(made, nothing, strict=True)]
        if not len(owners):
            return None
        own = pick(rows, [*self.names, *carried(rows)])[owners].get_columns()
        named = [series.alias(column.name) for series, column in zip(made, self.columns, strict=True)]
        assert all(s.dtype == polars_type(c.kind) for s, c in zip(named, self.columns, strict=True))
        return pl.DataFrame([*own[: len(self.names)], *named, *own[len(self.names) :]])

    def failed(self) -> list[Failure]:
        return self.failures.take()
