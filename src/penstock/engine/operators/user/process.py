"""Process: a user's class sees the rows of each key one by one, keeps state, sets timers, and emits rows.

A call that fails leaves no trace: its rows, its state and its timers are as before it. Knows when to call; state and
timers are in the files beside it.
"""

from collections import namedtuple
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from penstock.clock import Now
from penstock.engine.operators.operator import MARK, NEVER_MS, Blocks, Failure, Moment, Operator, due_at
from penstock.engine.operators.user.context import Context
from penstock.engine.operators.user.failures import Failures, failed
from penstock.engine.operators.user.states import Key, States
from penstock.engine.operators.user.timers import FOREVER_US, Timers
from penstock.engine.operators.user.values import Emitted
from penstock.engine.plan.user import Process
from penstock.engine.run.columns import integers, pick, there
from penstock.engine.run.watermarks import END_MS, START_MS
from penstock.engine.types import polars_type


class ProcessRows(Operator):
    """Timers by event time fire as the watermark passes them, those by the clock when it is their time."""

    name = "process"
    asks_rows = True

    def __init__(self, plan: Process) -> None:
        names = [column.name for column in plan.source.schema]
        types = {column.name: polars_type(column.kind) for column in plan.source.schema}
        keys = {key: types[key] for key in plan.keys}
        self.function, self.time, self.names = plan.function, plan.clock, names
        make: Any = namedtuple  # its fields are known at run time
        self._row = make("Row", names, rename=True)
        self._key_at = [names.index(key) for key in plan.keys]
        self.states, self.failures = States(plan.function, keys), Failures()
        self.timers, self.alarms = Timers(keys), Timers(keys)
        timed = callable(getattr(plan.function.body, "on_timer", None))
        self._context = Context(plan.clock is not None, timed, self.states.reset)
        self._watermark_ms = START_MS

    @property
    def state_rows(self) -> int:
        return len(self.states) + len(self.timers) + len(self.alarms)

    # --- rows ------------------------------------------------------------------------------------------------

    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        emitted = Emitted(self.function.emits)
        now_ms = moment.now.wall_ms
        self.states.expire(now_ms)
        self._watermark_ms = moment.before_ms
        times, marks = self._times(rows), self._marks(rows, moment.after_ms)
        for place, values in enumerate(pick(rows, self.names).rows()):
            if marks[place] > self._watermark_ms:
                self._watermark_ms = marks[place]
                self._fire(self.timers.due(self._watermark_ms * 1000), moment.now, emitted)
            key = tuple([values[at] for at in self._key_at])
            row = self._row._make(values)
            before = len(emitted)
            try:
                self._call(key, times[place], now_ms, emitted, row)
            except Exception as error:
                emitted.cut(before)
                self.failures.note(rows, place, self.function.name, row, error)
        return emitted.frame()

    def _marks(self, rows: pl.DataFrame, after_ms: int) -> list[int]:
        """The watermark before each row, so that timers fire between the rows of a batch as they would between
        batches. Straight from a source it is known; elsewhere rows of one batch are of one moment."""
        if MARK not in rows.columns:
            return [START_MS] * rows.height
        return np.minimum(rows[MARK].to_numpy(), after_ms).tolist()  # type: ignore[no-any-return]

    def _times(self, rows: pl.DataFrame) -> list[int | None]:
        """Each row's event time."""
        if self.time is None:
            return [None] * rows.height
        column = rows[self.time]
        return [
            at if known else None for at, known in zip(integers(column).tolist(), there(column), strict=True)
        ]

    def _call(self, key: Key, at_us: int | None, now_ms: int, emitted: Emitted, what: Any) -> None:
        """One call of the user's: `what` is a row, or a timer's name."""
        context = self._context
        context.enter(key, at_us, now_ms, self._watermark_ms, isinstance(what, str))
        self.states.load(key)
        if isinstance(what, str):
            emitted.take(self.states.instance.on_timer(what, context))
        else:
            emitted.take(self.states.instance.on_row(what, context))
        self.states.save(key, now_ms)
        if context.cleared:
            self.timers.clear(key)
            self.alarms.clear(key)
        for name, by_clock, due_us in context.wishes:
            timers = self.alarms if by_clock else self.timers
            if due_us is None:
                timers.cancel(key, name)
                continue
            (self.timers if by_clock else self.alarms).cancel(key, name)
            timers.set(key, name, due_us)

    # --- timers ----------------------------------------------------------------------------------------------

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        self._watermark_ms = watermark_ms
        if self.timers.first_us > watermark_ms * 1000:
            return None
        # At the end of all input those that are set fire, and what they set again would never end.
        due, emitted = self.timers.due(watermark_ms * 1000), Emitted(self.function.emits)
        self._fire(list(due) if watermark_ms >= END_MS else due, now, emitted)
        return emitted.frame()

    @property
    def due_ms(self) -> int:
        return due_at(self.timers.first_us)

    @property
    def wakes_ms(self) -> int:
        first_us = self.alarms.first_us
        return NEVER_MS if first_us == FOREVER_US else -(-first_us // 1000)

    def on_clock(self, now: Now) -> pl.DataFrame | None:
        emitted = Emitted(self.function.emits)
        self._fire(self.alarms.due(now.wall_ms * 1000), now, emitted)
        return emitted.frame()

    def _fire(self, due: Iterable[tuple[int, Key, str]], now: Now, emitted: Emitted) -> None:
        self.states.expire(now.wall_ms)
        for at_us, key, name in due:
            try:
                self._call(key, at_us, now.wall_ms, emitted, name)
            except Exception as error:
                raise failed(f"{self.function.name}.on_timer", (name, *key), error) from error

    # --- state -----------------------------------------------------------------------------------------------

    def failed(self) -> list[Failure]:
        return self.failures.take()

    def snapshot(self) -> Blocks:
        return {"states": self.states.frame(), "timers": self.timers.frame(), "alarms": self.alarms.frame()}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.states.restore(blocks["states"])
        self.timers.restore(blocks["timers"])
        self.alarms.restore(blocks["alarms"])
