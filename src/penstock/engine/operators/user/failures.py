"""What becomes of a row that a user's function fails on.

Where the row is still known to be a topic's record (it carries `ROW`), it is left out and noted, and the record
becomes a dead letter. Elsewhere the job fails, and says which function failed on what. Knows no function.
"""

import traceback
from typing import Any

import polars as pl

from penstock.engine.operators.operator import ROW, Failure
from penstock.errors import PenstockError

SHOWN_MAX = 200
REMEDY = "mend the function, or keep such rows from it; rows straight from a topic would go to its dead-letter topic instead"


class Failures:
    """The failures of one operator, since they were last taken."""

    def __init__(self) -> None:
        self.noted: list[Failure] = []

    def note(self, rows: pl.DataFrame, place: int, function: str, given: Any, error: Exception) -> None:
        """A function failed on the row at `place` of `rows`; raises `PenstockError` where nobody knows its record."""
        if ROW not in rows.columns:
            raise failed(function, given, error) from error
        kind, text = type(error).__name__, str(error)
        self.noted.append(Failure(int(rows[ROW][place]), function, kind, f"{function}: {text}"))

    def take(self) -> list[Failure]:
        """All of them, once."""
        made, self.noted = self.noted, []
        return made


class WrongError(Exception):
    """A function returned what it did not promise."""


def failed(function: str, given: Any, error: Exception) -> PenstockError:
    """The error for a function that failed where no dead letter can tell of it; points into the user's file."""
    if isinstance(error, PenstockError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = frames[-1] if len(frames) > 1 else None
    shown = repr(given)
    shown = shown if len(shown) <= SHOWN_MAX else shown[: SHOWN_MAX - 1] + "…"
    said = str(error) if isinstance(error, WrongError) else f"{type(error).__name__}: {error}"
    return PenstockError(
        f"the function {function} failed on {shown}: {said}",
        remedy=REMEDY,
        place=place.filename if place else "",
        line=(place.lineno or 0) if place else 0,
    )
