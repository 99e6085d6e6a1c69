"""Aggregate functions over slots: one file a family, all of one shape (see `accumulator`)."""

from penstock.engine.aggregates.accumulator import Accumulator
from penstock.engine.aggregates.choose import accumulator

__all__ = ["Accumulator", "accumulator"]
