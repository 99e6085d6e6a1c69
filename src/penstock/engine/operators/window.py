"""Window: each row with the windows it is in, TUMBLE or HOP, as columns.

Where an aggregate stands on top, it slices time itself (`window_aggregate`) and this operator is not needed.
"""

import polars as pl

from penstock.engine.operators.operator import Moment, Operator
from penstock.engine.plan import Window


class Assign(Operator):
    """Adds window_start, window_end and window_time; a row without a time is dropped and counted as late."""

    name = "window"

    def __init__(self, plan: Window) -> None:
        self.time, self.size_us = plan.time, plan.size_ms * 1000
        self.slide_us, self.offset_us = plan.slide_ms * 1000, plan.offset_ms * 1000

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        there = rows.filter(pl.col(self.time).is_not_null())
        self.late_rows += rows.height - there.height
        micros = pl.col(self.time).cast(pl.Int64)
        last = (micros - self.offset_us) // self.slide_us * self.slide_us + self.offset_us
        copies = self.size_us // self.slide_us
        starts = [last - back * self.slide_us for back in range(copies - 1, -1, -1)]
        if copies == 1:
            made = there.with_columns(starts[0].alias("window_start"))
        else:
            made = there.with_columns(pl.concat_list(starts).alias("window_start")).explode("window_start")
        end = pl.col("window_start") + self.size_us
        made = made.with_columns(end.alias("window_end"), (end - 1000).alias("window_time"))
        return made.with_columns(pl.col("window_start", "window_end", "window_time").cast(pl.Datetime("us")))
