"""Rows that carry a window and wait for its end.

Knows nothing of what is done with them then.
"""

import numpy as np
import polars as pl

from penstock.engine.run.columns import integers, pick, stack, there

FOREVER_MS = 2**62


class Waiting:
    """Rows of one input; `end` is the column that tells when each one's window closes."""

    def __init__(self, types: dict[str, pl.DataType], end: str) -> None:
        self.types, self.end = types, end
        self.rows, self.first_ms = pl.DataFrame(schema=types), FOREVER_MS

    @property
    def height(self) -> int:
        """How many rows wait."""
        return self.rows.height

    def add(self, rows: pl.DataFrame, watermark_ms: int) -> pl.DataFrame:
        """Take rows in; returns those that were late: their window had closed already, or they have none."""
        ends_ms = integers(rows[self.end]) // 1000
        late = ends_ms - 1 <= watermark_ms
        if rows[self.end].null_count():
            late |= ~there(rows[self.end])
        dropped = rows.clear()
        if late.any():
            dropped = rows.filter(pl.Series(late))
            rows, ends_ms = rows.filter(pl.Series(~late)), ends_ms[~late]
        if len(ends_ms):
            self.rows = stack(self.rows, pick(rows, self.types))
            self.first_ms = min(self.first_ms, int(ends_ms.min()))
        return dropped

    def due(self, watermark_ms: int) -> bool:
        """Whether some row's window closes by then."""
        return self.first_ms - 1 <= watermark_ms

    def take(self, watermark_ms: int) -> pl.DataFrame:
        """The rows whose windows close, in the order of their ends, then of arrival."""
        if not self.due(watermark_ms):
            return self.rows.clear()
        ends_ms = integers(self.rows[self.end]) // 1000
        due = ends_ms - 1 <= watermark_ms
        taken = np.flatnonzero(due)
        made = self.rows[taken[np.argsort(ends_ms[taken], kind="stable")]]
        self.restore(self.rows.filter(pl.Series(~due)).rechunk())
        return made

    def restore(self, rows: pl.DataFrame) -> None:
        """Exactly these rows wait."""
        self.rows = rows
        self.first_ms = int(integers(rows[self.end]).min() // 1000) if rows.height else FOREVER_MS
