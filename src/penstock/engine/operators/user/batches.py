"""MapBatches: a user's function of polars DataFrames, batch by batch.

A batch is what the engine has at hand, of any size; one on which the function fails is asked about again row by row,
so that only the rows at fault are left out. Knows one batch and keeps nothing.
"""

import polars as pl

from penstock.engine.operators.operator import Failure, Moment, Operator
from penstock.engine.operators.user.failures import Failures, WrongError
from penstock.engine.plan.user import MapBatches
from penstock.engine.run.columns import pick
from penstock.engine.types import polars_type


class MapFrames(Operator):
    """The function sees the source's columns, and gives the promised ones."""

    name = "map batches"
    asks_rows = True

    def __init__(self, plan: MapBatches) -> None:
        self.function, self.failures = plan.function, Failures()
        self.names = [column.name for column in plan.source.schema]
        self.types = {column.name: polars_type(column.kind) for column in plan.schema}

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        frame = pick(rows, self.names)
        try:
            return self._asked(frame)
        except Exception as error:
            if rows.height == 1:
                self._note(rows, frame, 0, error)
                return None
        parts = []
        for place in range(rows.height):
            try:
                parts.append(self._asked(frame[place : place + 1]))
            except Exception as error:
                self._note(rows, frame, place, error)
        return pl.concat(parts) if parts else None

    def _note(self, rows: pl.DataFrame, frame: pl.DataFrame, place: int, error: Exception) -> None:
        self.failures.note(rows, place, self.function.name, frame.row(place, named=True), error)

    def _asked(self, frame: pl.DataFrame) -> pl.DataFrame:
        answer = self.function.body(frame)
        if not isinstance(answer, pl.DataFrame):
            raise WrongError(f"it returned {type(answer).__name__}, and not a polars DataFrame")
        missing = [name for name in self.types if name not in answer.columns]
        if missing:
            raise WrongError(f"it returned no column {missing[0]}, but ({', '.join(answer.columns)})")
        columns = [answer[name] for name in self.types]
        return pl.DataFrame(
            [c if c.dtype == self.types[c.name] else c.cast(self.types[c.name]) for c in columns]
        )

    def failed(self) -> list[Failure]:
        return self.failures.take()
