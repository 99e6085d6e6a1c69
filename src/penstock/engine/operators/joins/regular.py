"""Regular joins: every row of either side may find a match at any time, so all are kept, and what comes out follows
every change of either side (Flink's StreamingJoinOperator and StreamingSemiAntiJoinOperator).

A row of a side that is padded with nulls while it has no match counts its matches: its first takes the padded row
back, its last brings it again. Knows nothing of time.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.kernels import lists
from penstock.engine.operators.joins.sides import Numbers, Sides
from penstock.engine.operators.operator import DELETE, INSERT, KIND, Blocks, Moment, Operator, signs
from penstock.engine.plan import Join
from penstock.engine.run.columns import pick

KEPT = {"INNER": (), "LEFT": (0,), "RIGHT": (1,), "FULL": (0, 1), "SEMI": (0,), "ANTI": (0,)}
"""By kind of join, the ports whose rows come out, or not, for want of a match."""

Kinds = NDArray[np.int8]


class RegularJoin(Operator):
    """INNER, LEFT, RIGHT, FULL, SEMI and ANTI over inputs that may change."""

    name = "join"

    def __init__(self, plan: Join) -> None:
        self.kind, self.changes = plan.kind, plan.changes
        self.half = plan.kind in ("SEMI", "ANTI")
        self.kept = KEPT[plan.kind]
        self.sides = Sides(plan)
        self.columns = [column.name for column in plan.schema]

    @property
    def state_rows(self) -> int:
        return self.sides.living

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        self.sides.lapse(moment.now)
        slots, direction = self.sides.slots(rows, port), signs(rows)
        kinds = (
            rows[KIND].to_numpy().astype(np.int8) if KIND in rows.columns else np.zeros(rows.height, np.int8)
        )
        places, numbers = self.sides.matches(rows, slots, port, moment)
        copies = self.sides.both[1 - port].shelves.copies[numbers]
        found = np.bincount(np.repeat(places, copies), minlength=rows.height)
        made = [self._own(rows, kinds, found, port)]
        if not self.half:
            made.append(self._pairs(rows, kinds, places, numbers, port))
        if 1 - port in self.kept:
            made.append(self._turned(direction[places], places, numbers, port))
        self._keep(rows, slots, direction, found, port)
        return self._in_order([part for part in made if part is not None])

    @property
    def wakes_ms(self) -> int:
        return self.sides.wakes_ms

    def on_clock(self, now: Now) -> pl.DataFrame | None:
        self.sides.lapse(now)
        return None

    # --- what comes out --------------------------------------------------------------------------------------

    def _own(self, rows: pl.DataFrame, kinds: Kinds, found: Numbers, port: int) -> "Part | None":
        """The batch's rows that come out by themselves: unmatched ones of an outer side, or by SEMI and ANTI."""
        if port not in self.kept:
            return None
        chosen = np.flatnonzero((found > 0) if self.kind == "SEMI" else (found == 0))
        if not len(chosen):
            return None
        held = rows[chosen]
        frame = pick(held, self.columns) if self.half else self.sides.alone(held, port)
        return Part(frame, kinds[chosen], chosen * 3 + 1)

    def _pairs(
        self, rows: pl.DataFrame, kinds: Kinds, places: Numbers, numbers: Numbers, port: int
    ) -> "Part | None":
        if not len(places):
            return None
        copies = self.sides.both[1 - port].shelves.copies[numbers]
        if (copies != 1).any():
            places, numbers = np.repeat(places, copies), np.repeat(numbers, copies)
        return Part(self.sides.pairs(rows, places, numbers, port), kinds[places], places * 3 + 1)

    def _turned(self, direction: Numbers, places: Numbers, numbers: Numbers, port: int) -> "Part | None":
        """The other side's rows that got their first match from this batch, or lost their last."""
        shelves = self.sides.both[1 - port].shelves
        turns = np.empty(len(numbers), np.int8)
        lists.tally(numbers, direction, shelves.matched, turns)
        if shelves.expiry is not None:  # the count is written with the row
            shelves.expiry.touch(numbers)
        chosen = np.flatnonzero(turns)
        if not len(chosen):
            return None
        chosen = np.repeat(chosen, shelves.copies[numbers[chosen]])
        first = turns[chosen] > 0
        held = shelves.take(numbers[chosen])
        frame = pick(held, self.columns) if self.half else self.sides.alone(held, 1 - port)
        comes = first if self.kind == "SEMI" else ~first
        # a padded row goes before the pair that takes its place comes, and comes back after the pair has gone
        order = places[chosen] * 3 + np.where(first, 0, 2)
        return Part(frame, np.where(comes, INSERT, DELETE).astype(np.int8), order)

    def _in_order(self, parts: "list[Part]") -> pl.DataFrame | None:
        if not parts:
            return None
        frame, kinds = parts[0].frame, parts[0].kinds
        if len(parts) > 1:
            order = np.argsort(np.concatenate([part.order for part in parts]), kind="stable")
            frame = pl.concat([part.frame for part in parts], rechunk=True)[order]
            kinds = np.concatenate([part.kinds for part in parts])[order]
        return frame.with_columns(pl.Series(KIND, kinds)) if self.changes else frame

    # --- what is kept ----------------------------------------------------------------------------------------

    def _keep(
        self, rows: pl.DataFrame, slots: Numbers, direction: Numbers, found: Numbers, port: int
    ) -> None:
        valid = np.flatnonzero(slots >= 0)
        if not len(valid):
            return
        if len(valid) < len(slots):
            rows, slots, direction, found = rows[valid], slots[valid], direction[valid], found[valid]
        shelves = self.sides.both[port].shelves
        numbers = shelves.add(rows, slots, direction)
        if port in self.kept:
            shelves.matched[numbers] = found
        if (direction < 0).any():
            self.sides.tidy()

    def snapshot(self) -> Blocks:
        return self.sides.snapshot()

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.sides.restore(blocks)


class Part:
    """Rows that come out, and where they stand among the others."""

    __slots__ = ("frame", "kinds", "order")

    def __init__(self, frame: pl.DataFrame, kinds: Kinds, order: Numbers) -> None:
        self.frame, self.kinds, self.order = frame, kinds, order
