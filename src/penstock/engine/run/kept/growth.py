"""Rows that come at the end and stay as they are: of these a snapshot needs only what came since the one before it.

Knows nothing of what rows stand for, nor where snapshots are.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

next_edition = itertools.count(1).__next__
"""A number that nothing else in this process has."""


@dataclass(frozen=True)
class Growth:
    """Rows numbered from 0. Once they are numbered anew they are another edition, of which no snapshot holds any."""

    edition: int
    count: int
    tail: Callable[[int], pl.DataFrame]
    """The rows from a number on, in memory that stays as it is."""


Known = Mapping[str, tuple[int, int]]
"""What snapshots hold already: of each block that grows, by its name, the edition and how many rows."""
