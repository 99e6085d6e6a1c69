"""Window joins: rows of both sides that carry the same window wait for its end and are joined then, once.

What comes out is never taken back (Flink's WindowJoinOperator). Rows whose window has closed are dropped and counted.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from penstock.clock import Now
from penstock.engine.expressions import bind
from penstock.engine.operators.joins.regular import KEPT
from penstock.engine.operators.joins.sides import types_of
from penstock.engine.operators.operator import Blocks, Moment, Operator
from penstock.engine.plan import Join
from penstock.engine.run.columns import pick
from penstock.engine.run.waiting import Waiting

LEFT, RIGHT = "$left", "$right"


class WindowJoin(Operator):
    """All kinds of join, over inputs that only append."""

    name = "window join"

    def __init__(self, plan: Join) -> None:
        assert plan.window is not None
        self.kind, self.kept = plan.kind, KEPT[plan.kind]
        self.types = types_of(plan.left.schema), types_of(plan.right.schema)
        self.keys = [left for left, _ in plan.keys], [right for _, right in plan.keys]
        ends = plan.window, dict(plan.keys)[plan.window]
        self.waiting = Waiting(self.types[0], ends[0]), Waiting(self.types[1], ends[1])
        self.columns = [column.name for column in plan.schema]
        self.condition = None
        if plan.condition is not None:
            self.condition = bind(plan.condition, plan.left.schema + plan.right.schema).expr.cast(pl.Boolean)

    @property
    def state_rows(self) -> int:
        return sum(side.height for side in self.waiting)

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        self.drop_late(self.waiting[port].add(rows, moment.before_ms), moment)
        return None

    @property
    def due_ms(self) -> int:
        return min(side.first_ms for side in self.waiting) - 1

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        if not any(side.due(watermark_ms) for side in self.waiting):
            return None
        left, right = (side.take(watermark_ms) for side in self.waiting)
        made = self._joined(left, right)
        return made if made.height else None

    def _joined(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        one, two = left.with_row_index(LEFT), right.with_row_index(RIGHT)
        pairs = one.select(LEFT, *self.keys[0]).join(
            two.select(RIGHT, *self.keys[1]), left_on=self.keys[0], right_on=self.keys[1]
        )
        pairs = pairs.sort(LEFT, RIGHT)
        lefts, rights = pairs[LEFT].to_numpy(), pairs[RIGHT].to_numpy()
        if self.condition is not None and len(lefts):
            both = left[lefts].hstack(right[rights])
            held = both.with_columns(self.condition.alias("$ok"))["$ok"].fill_null(False).to_numpy()
            lefts, rights = lefts[held], rights[held]
        found = np.zeros(left.height, np.bool_), np.zeros(right.height, np.bool_)
        found[0][lefts], found[1][rights] = True, True
        if self.kind in ("SEMI", "ANTI"):
            return pick(left.filter(pl.Series(found[0] == (self.kind == "SEMI"))), self.columns)
        made = [left[lefts].hstack(right[rights])]
        if 0 in self.kept:
            alone = left.filter(pl.Series(~found[0]))
            made.append(alone.hstack(_nothing(self.types[1], alone.height)))
        if 1 in self.kept:
            alone = right.filter(pl.Series(~found[1]))
            made.append(pl.DataFrame(_nothing(self.types[0], alone.height)).hstack(alone))
        return pl.concat(made, rechunk=True)

    def snapshot(self) -> Blocks:
        return {"left": self.waiting[0].rows, "right": self.waiting[1].rows}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        for side, name in zip(self.waiting, ("left", "right"), strict=True):
            side.restore(blocks[name])


def _nothing(types: Mapping[str, pl.DataType], rows: int) -> list[pl.Series]:
    return [pl.Series(name, [None], dtype=kind).new_from_index(0, rows) for name, kind in types.items()]
