"""What every operator is: rows in, rows out, at moments of event time.

Rows are polars frames. Two columns may ride along: `$kind` (int8: 0 +I, 1 -U, 2 +U, 3 -D) wherever rows may change
earlier ones, and `$mark` (int64) where a batch holds rows behind the bound: the watermark, in ms, that their own
partition had reached before each row. Up to the first operator that asks for it, `$row` (int64) may say which row of
its source's batch each row was. Knows nothing of the graph.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.run.kept.growth import Growth

KIND, MARK, ROW = "$kind", "$mark", "$row"
CARRIED = (KIND, MARK)
RIDERS = (KIND, MARK, ROW)
INSERT, BEFORE, AFTER, DELETE = 0, 1, 2, 3

NEVER_MS = 2**62

Block = pl.DataFrame | Growth
Blocks = dict[str, Block]
"""State by name; what only grows need not be written again with every snapshot."""
Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a batch arrives: the clocks, and the operator's watermark before it and after it."""

    now: Now
    before_ms: int
    after_ms: int


@dataclass(frozen=True)
class Failure:
    """A user's function failed on the row at place `row` of a source's batch: the error's kind and text."""

    row: int
    function: str
    kind: str
    text: str


@dataclass(frozen=True)
class Late:
    """Rows that an operator dropped, and the watermark they came behind."""

    rows: pl.DataFrame
    watermark_ms: int


@dataclass(frozen=True)
class Sifted:
    """What a decoder tells of rows of which it hands on some: which of all they are, and, where the table has event time,
    that of all rows (µs, the smallest number for a null)."""

    kept: NDArray[np.bool_]
    times: NDArray[np.int64] | None


class Operator(ABC):
    """One node at work. Stateless ones only answer `on_rows`."""

    name = "operator"
    late_rows = 0
    keeps_late = False
    """Whether rows that come too late are kept in `late`, for who takes them from there."""
    late: "list[Late]" = []  # noqa: RUF012  replaced, never changed
    delay_ms = 0
    """How far behind its watermark rows may come out, so that its readers' is held back."""
    befores = True
    """Whether some reader asks for what a changed row was before; to who knows rows by a key it says nothing."""
    asks_rows = False
    """Whether it wants to know which rows of the source's batch it gets, so that it can name those it fails on."""

    def drop_late(self, rows: pl.DataFrame, moment: Moment) -> None:
        """These rows came too late."""
        self.late_rows += rows.height
        if self.keeps_late and rows.height:
            self.late = [*self.late, Late(rows.drop(RIDERS, strict=False), moment.before_ms)]

    def asks_before(self, port: int) -> bool:
        """Whether it must be told what the rows that change were before."""
        return True

    def failed(self) -> list[Failure]:
        """The rows that users' functions failed on since it was asked last: they were left out."""
        return []

    @property
    def wakes_ms(self) -> int:
        """When, by the wall's clock, `on_clock` has something to do."""
        return NEVER_MS

    def on_clock(self, now: Now) -> pl.DataFrame | None:
        """The wall's clock has reached `wakes_ms`: what is finished now."""
        return None

    @abstractmethod
    def on_rows(self, rows: pl.DataFrame, port: int, moment: Moment) -> pl.DataFrame | None:
        """What the rows, which came in through input `port`, turn into; None for nothing."""

    def on_watermark(self, watermark_ms: int, now: Now) -> pl.DataFrame | None:
        """No row with an earlier or equal time will come any more: what is finished now."""
        return None

    @property
    def due_ms(self) -> int:
        """The first watermark for which `on_watermark` has something to do; asked where watermarks follow the clock."""
        return NEVER_MS

    @property
    def state_rows(self) -> int:
        """How many rows or cells are kept."""
        return 0

    def snapshot(self) -> Blocks:
        """All that must survive; what is not copied must be used up before the next call."""
        return {}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:  # noqa: B027  nothing, where nothing is kept
        """The opposite of `snapshot`, on a fresh operator of the same plan."""


def due_at(first_us: int) -> int:
    """The watermark that a moment in microseconds is due at, far ones never."""
    return NEVER_MS if first_us >= NEVER_MS else -(-first_us // 1000)


def signs(rows: pl.DataFrame) -> NDArray[np.int64]:
    """1 for each row that comes, -1 for each that is taken back."""
    if KIND not in rows.columns:
        return np.ones(rows.height, np.int64)
    kind = rows[KIND].to_numpy()
    return np.where((kind == BEFORE) | (kind == DELETE), -1, 1).astype(np.int64)


def carried(rows: pl.DataFrame) -> list[str]:
    """The columns that ride along."""
    return [name for name in CARRIED if name in rows.columns]


def nested(blocks: Mapping[str, pl.DataFrame], prefix: str) -> Frames:
    """The blocks whose names start with `prefix` and a dot, without it."""
    return {name[len(prefix) + 1 :]: block for name, block in blocks.items() if name.startswith(prefix + ".")}


def prefixed(blocks: Mapping[str, Block], prefix: str) -> Blocks:
    """The opposite of `nested`."""
    return {f"{prefix}.{name}": block for name, block in blocks.items()}
