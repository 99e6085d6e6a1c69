"""What aggregates are fed with: their arguments and FILTERs, each computed once a batch however many share it.

Knows nothing of accumulators' cells.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlglot import exp

from penstock.engine.aggregates.accumulator import Accumulator
from penstock.engine.expressions import asks_time, bind
from penstock.engine.operators.operator import Moment
from penstock.engine.operators.stages import with_now
from penstock.engine.plan import Aggregation
from penstock.engine.run.columns import there
from penstock.engine.run.repeatable import repeatable
from penstock.engine.types import Expr, Schema

Rows = NDArray[np.bool_]
NOTHING = pl.Series([], dtype=pl.Int64)


class Arguments:
    """For each aggregation the values it takes and the rows that take part."""

    def __init__(self, plans: Sequence[Aggregation], schema: Schema, parts: Sequence[Accumulator]) -> None:
        self.schema = schema
        self._exprs: dict[str, pl.Expr] = {}
        self._names: dict[str, str] = {}
        """By an expression's text, the column it is computed as."""
        self._plain: list[str | None] = []
        """The column that is taken as it is, by place."""
        self._values: list[str | None] = []
        self._tests: list[tuple[str, ...]] = []
        """The computed columns that are the values, and those that have to be true."""
        for plan, part in zip(plans, parts, strict=True):
            self._compile(plan, part)
        self.timed = any(asks_time(expr) for expr in self._exprs.values())

    def _compile(self, plan: Aggregation, part: Accumulator) -> None:
        bare = isinstance(plan.argument, exp.Column)
        self._plain.append(plan.argument.name if bare and plan.argument is not None else None)
        value, tests = None, []
        if plan.argument is not None and not bare:
            argument = bind(plan.argument, self.schema).expr
            value = self._column(plan.argument, f"value {len(self._values)}", part.prepare(argument))
            if not part.nulls:
                tests.append(self._column(plan.argument, "there", argument.is_not_null()))
        if plan.condition is not None:
            kept = bind(plan.condition, self.schema).expr.cast(pl.Boolean).fill_null(False)
            tests.append(self._column(plan.condition, "kept", kept))
        self._values.append(value)
        self._tests.append(tuple(tests))

    def _column(self, said: Expr, use: str, expr: pl.Expr) -> str:
        """The column that an expression is computed as: one for all that say the same, unless chance takes part."""
        text = f"{use} {said.sql()}" if repeatable(said) else f"#{len(self._exprs)}"
        if text not in self._names:
            self._names[text] = f"a{len(self._names)}"
            self._exprs[self._names[text]] = expr.alias(self._names[text])
        return self._names[text]

    def of(self, rows: pl.DataFrame, parts: Sequence[Accumulator], moment: Moment) -> "Batch":
        """What a batch's rows give."""
        if self.timed:
            rows = with_now(rows, moment.now)
        made = rows.select(list(self._exprs.values())) if self._exprs else rows
        return Batch(self, rows, made, parts)


class Batch:
    """The arguments of one batch; what several aggregates ask for is looked up once."""

    def __init__(
        self, arguments: Arguments, rows: pl.DataFrame, made: pl.DataFrame, parts: Sequence[Accumulator]
    ) -> None:
        self._arguments, self._rows, self._made, self._parts = arguments, rows, made, parts
        self._every = np.ones(rows.height, np.bool_)
        self._known: dict[tuple[str, ...], Rows] = {(): self._every}

    def valid(self, place: int) -> Rows:
        """Which rows take part."""
        plain, tests = self._arguments._plain[place], self._arguments._tests[place]
        key = tests
        if plain is not None and not self._parts[place].nulls and self._rows[plain].null_count():
            key = (f"={plain}", *tests)
        if key not in self._known:
            self._known[key] = np.logical_and.reduce([self._test(name) for name in key])
        return self._known[key]

    def _test(self, name: str) -> Rows:
        if (name,) not in self._known:
            if name.startswith("="):
                self._known[name,] = there(self._rows[name[1:]])
            else:
                held = _full(self._made[name], len(self._every))
                self._known[name,] = np.ascontiguousarray(held.to_numpy())
        return self._known[name,]

    def values(self, place: int, part: Accumulator) -> pl.Series:
        """The argument's values, as the accumulator takes them; nothing for COUNT(*)."""
        plain, value = self._arguments._plain[place], self._arguments._values[place]
        if plain is not None:
            return part.prepare(self._rows[plain])
        return NOTHING if value is None else _full(self._made[value], len(self._every))


def _full(column: pl.Series, rows: int) -> pl.Series:
    """A constant expression gives one row whatever there are."""
    return column if len(column) == rows else column.new_from_index(0, rows)
