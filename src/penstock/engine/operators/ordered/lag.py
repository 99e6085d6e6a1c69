"""LAG: values of rows a number of places before each, gathered by position. Knows neither time nor what is kept."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.plan import Lag

Numbers = NDArray[np.int64]


class Lags:
    """The lags of one OVER; `types` are the columns that they are of, `deepest` how many rows back they look."""

    def __init__(self, plans: Sequence[Lag], types: Mapping[str, pl.DataType]) -> None:
        self.plans = tuple(plans)
        self.types = {name: types[name] for name in sorted({plan.of for plan in plans})}
        self.deepest = max((plan.offset for plan in plans), default=0)

    def values(
        self, rows: pl.DataFrame, begins: Numbers, places: Numbers, due: pl.DataFrame, last: Numbers
    ) -> list[pl.Series]:
        """What the lags are for rows that stand at `places`; the defaults are those of the rows `last` of `due`.

        `rows` are in order, each group's together, and `begins` says for each where its group does.
        """
        made = []
        for plan in self.plans:
            back = places - plan.offset
            there = back >= begins[places]
            column = rows[plan.of].gather(np.where(there, back, places))
            if not there.all():
                column = column.zip_with(pl.Series(there), _defaults(plan, due, last, column.dtype))
            made.append(column.alias(plan.column.name))
        return made


def _defaults(plan: Lag, due: pl.DataFrame, last: Numbers, kind: pl.DataType) -> pl.Series:
    if plan.default is None:
        return pl.Series([None], dtype=kind).new_from_index(0, len(last))
    return due[plan.default].gather(last).cast(kind)
