"""Apply: users' functions of values, as columns; a row at a time, or by polars Series.

Knows one batch; who reads the columns is the next step's.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.expressions import asks_time, bind, compile_to
from penstock.engine.functions.user import TableCall, UserCall
from penstock.engine.operators.user.failures import Failures, WrongError
from penstock.engine.operators.user.values import series_of
from penstock.engine.plan.user import Apply, Call
from penstock.engine.types import Schema, polars_type

Mask = NDArray[np.bool_]


class Arguments:
    """The values that a call is given, row by row, cast to the kinds that its function takes."""

    def __init__(self, call: UserCall | TableCall, schema: Schema, when: pl.Expr | None = None) -> None:
        function = call.function
        self.exprs = []
        for place, argument in enumerate(call.expressions):
            wanted = function.kind(place)
            made = compile_to(argument, schema, wanted) if wanted else bind(argument, schema).expr
            self.exprs.append(made.alias(f"$a{place}"))
        self.names = [f"$a{place}" for place in range(len(self.exprs))]
        self.nulls, self.when = function.nulls, when
        self.timed = any(map(asks_time, [*self.exprs, *([] if when is None else [when])]))

    def of(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """The arguments of the rows that are asked about, and their places."""
        asked = np.ones(rows.height, np.bool_)
        if self.when is not None:
            asked &= rows.with_columns(self.when.alias("$when"))["$when"].fill_null(False).to_numpy()
        # Not select: literals alone would make one row.
        given = rows.with_columns(self.exprs).select(self.names)
        if not self.nulls:
            for column in given.get_columns():
                if column.null_count():
                    asked &= column.is_not_null().to_numpy()
        places = np.flatnonzero(asked)
        return (given if len(places) == rows.height else given[places]), places


class ApplyStep:
    """Columns for the calls of one node, one after the other."""

    def __init__(self, plan: Apply) -> None:
        self.failures = Failures()
        schema, self.calls = plan.source.schema, list[_Calling]()
        for call in plan.calls:
            self.calls.append(_Calling(call, schema, self.failures))
            schema = (*schema, call.column)
        self.timed = any(call.arguments.timed for call in self.calls)

    def run(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their new columns, without those that a function failed on."""
        for call in self.calls:
            rows = call.run(rows)
        return rows


class _Calling:
    def __init__(self, plan: Call, schema: Schema, failures: Failures) -> None:
        self.function, self.name, self.failures = plan.call.function, plan.column.name, failures
        when = None if plan.when is None else bind(plan.when, schema).expr.cast(pl.Boolean)
        self.arguments = Arguments(plan.call, schema, when)
        self.kind = polars_type(self.function.returns)

    def run(self, rows: pl.DataFrame) -> pl.DataFrame:
        given, places = self.arguments.of(rows)
        bad: dict[int, tuple[Any, Exception]] = {}
        values = (
            self._batch(given, len(places), bad)
            if self.function.batch
            else self._each(given, len(places), bad)
        )
        if len(places) < rows.height:
            wide = pl.Series(self.name, [None], dtype=self.kind).new_from_index(0, rows.height)
            values = wide.scatter(places, values) if len(places) else wide
        made = rows.with_columns(values.alias(self.name))
        if not bad:
            return made
        for place, (shown, error) in sorted(bad.items()):
            self.failures.note(rows, int(places[place]), self.function.name, shown, error)
        kept = np.ones(rows.height, np.bool_)
        kept[places[list(bad)]] = False
        return made.filter(pl.Series(kept))

    def _each(self, given: pl.DataFrame, count: int, bad: dict[int, tuple[Any, Exception]]) -> pl.Series:
        body, values = self.function.body, list[Any]()
        tuples: Sequence[tuple[Any, ...]] = given.rows() if given.width else [()] * count
        for place, row in enumerate(tuples):
            try:
                values.append(body(*row))
            except Exception as error:
                values.append(None)
                bad[place] = row, error
        made, wrong = series_of(self.name, values, self.function.returns)
        bad |= {place: (tuples[place], error) for place, error in wrong.items()}
        return made

    def _batch(self, given: pl.DataFrame, count: int, bad: dict[int, tuple[Any, Exception]]) -> pl.Series:
        if not count:
            return pl.Series(self.name, [], dtype=self.kind)
        try:
            return self._asked(given)
        except Exception as error:
            if count == 1:
                bad[0] = given.row(0), error
                return pl.Series(self.name, [None], dtype=self.kind)
        # Some row is at fault: asked one by one, the others still have their answers.
        parts = []
        for place in range(count):
            one: dict[int, tuple[Any, Exception]] = {}
            parts.append(self._batch(given[place : place + 1], 1, one))
            bad.update({place: one[0]} if one else {})
        return pl.concat(parts)

    def _asked(self, given: pl.DataFrame) -> pl.Series:
        answer = self.function.body(*given.get_columns())
        made = answer if isinstance(answer, pl.Series) else pl.Series(answer)
        if len(made) != given.height:
            raise WrongError(f"it returned {len(made)} values for {given.height} rows")
        return made.alias(self.name) if made.dtype == self.kind else made.cast(self.kind).alias(self.name)
