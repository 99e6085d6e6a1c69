"""Window: each row with the windows it is in, TUMBLE, HOP or CUMULATE, as columns.

Where an aggregate stands on top, it slices time itself (`slices`) and this operator is not needed.
"""

import polars as pl

from penstock.engine.operators.operator import Moment, Operator
from penstock.engine.plan import Window
from penstock.errors import PenstockError


class Assign(Operator):
    """Adds window_start, window_end and window_time; a row without a time is dropped and counted as late."""

    name = "window"

    def __init__(self, plan: Window) -> None:
        if plan.kind == "SESSION":
            raise PenstockError(
                "a SESSION window is known only once it has ended, so its rows have to be grouped",
                remedy="GROUP BY window_start, window_end and its PARTITION BY columns, right over TABLE(SESSION(…))",
            )
        self.cumulates = plan.kind == "CUMULATE"
        self.time, self.size_us = plan.time, plan.size_ms * 1000
        self.slide_us, self.offset_us = plan.slide_ms * 1000, plan.offset_ms * 1000

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        there = rows.filter(pl.col(self.time).is_not_null())
        if there.height < rows.height:
            self.drop_late(rows.filter(pl.col(self.time).is_null()), moment)
        micros = pl.col(self.time).cast(pl.Int64)
        made = (self._cumulated if self.cumulates else self._hopped)(there, micros - self.offset_us)
        made = made.with_columns((pl.col("window_end") - 1000).alias("window_time"))
        return made.with_columns(pl.col("window_start", "window_end", "window_time").cast(pl.Datetime("us")))

    def _hopped(self, rows: pl.DataFrame, micros: pl.Expr) -> pl.DataFrame:
        last = micros // self.slide_us * self.slide_us + self.offset_us
        copies = self.size_us // self.slide_us
        starts = [last - back * self.slide_us for back in range(copies - 1, -1, -1)]
        if copies == 1:
            made = rows.with_columns(starts[0].alias("window_start"))
        else:
            made = rows.with_columns(pl.concat_list(starts).alias("window_start")).explode("window_start")
        return made.with_columns((pl.col("window_start") + self.size_us).alias("window_end"))

    def _cumulated(self, rows: pl.DataFrame, micros: pl.Expr) -> pl.DataFrame:
        """Every window of the row's period that ends after it."""
        start = micros // self.size_us * self.size_us
        first = micros // self.slide_us * self.slide_us + self.slide_us
        ends = pl.int_ranges(first, start + self.size_us + 1, self.slide_us)
        made = rows.with_columns((start + self.offset_us).alias("window_start"), ends.alias("window_end"))
        return made.explode("window_end").with_columns(pl.col("window_end") + self.offset_us)
