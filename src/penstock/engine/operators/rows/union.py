"""Union: the rows of all inputs, their columns by position, in order of arrival."""

import polars as pl

from penstock.engine.functions.casts import cast
from penstock.engine.functions.table import Value
from penstock.engine.operators.operator import KIND, Moment, Operator, carried
from penstock.engine.plan import Union


class Unite(Operator):
    """UNION ALL."""

    name = "union"

    def __init__(self, plan: Union) -> None:
        self.changes = plan.changes
        self.exprs = [
            [
                cast(Value(mine.kind, pl.col(mine.name)), target.kind).expr.alias(target.name)
                for mine, target in zip(source.schema, plan.schema, strict=True)
            ]
            for source in plan.sources
        ]

    def asks_before(self, port: int) -> bool:
        return self.befores

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        made = rows.select(*self.exprs[port], *carried(rows))
        if self.changes and KIND not in made.columns:
            return made.with_columns(pl.lit(0, dtype=pl.Int8).alias(KIND))
        return made
