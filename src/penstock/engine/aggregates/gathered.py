"""ARRAY_AGG, LISTAGG and COLLECT: every value is kept, in the order of arrival.

Where rows are taken back the first equal value goes. A Python step a row. Knows nothing of kinds beyond polars' types.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Slots


class Gathered(Accumulator):
    """ARRAY_AGG: the values of a slot, nulls among them; NULL for a slot without any."""

    nulls: ClassVar[bool] = True

    def __init__(self, physical: pl.DataType) -> None:
        self.physical = physical
        self.held: dict[int, list[Any]] = {}
        super().__init__()

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        rows = np.flatnonzero(valid)
        taken = zip(slots[rows].tolist(), signs[rows].tolist(), values[rows].to_list(), strict=True)
        for slot, sign, value in taken:
            if sign > 0:
                self.held.setdefault(slot, []).append(value)
                continue
            held = self.held.get(slot, [])
            if value in held:
                held.remove(value)
            if not held:
                self.held.pop(slot, None)

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        assert isinstance(other, Gathered)
        for target, source in zip(targets.tolist(), sources.tolist(), strict=True):
            more = other.held.get(source)
            if more:
                self.held.setdefault(target, []).extend(more)

    def result(self, slots: Slots) -> pl.Series:
        made = [self._told(self.held.get(slot, [])) for slot in slots.tolist()]
        return pl.Series("made", made, dtype=self._made, strict=False)

    @property
    def _made(self) -> pl.DataType:
        return pl.List(self.physical)

    def _told(self, values: list[Any]) -> Any:
        return values or None

    def reset(self, slots: Slots) -> None:
        for slot in slots.tolist():
            self.held.pop(slot, None)

    def keep(self, slots: Slots) -> None:
        self.held = {new: self.held[old] for new, old in enumerate(slots.tolist()) if old in self.held}

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        slots = [slot for slot, held in self.held.items() for _ in held]
        values = [value for held in self.held.values() for value in held]
        columns = [pl.Series("slot", slots, dtype=pl.Int64), pl.Series("value", values, dtype=self.physical)]
        return {"gathered": pl.DataFrame(columns)}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.held = {}
        for slot, value in blocks["gathered"].iter_rows():
            self.held.setdefault(slot, []).append(value)


class Listed(Gathered):
    """LISTAGG: texts, joined; nulls take no part."""

    nulls: ClassVar[bool] = False

    def __init__(self, separator: str) -> None:
        self.separator = separator
        super().__init__(pl.String())

    @property
    def _made(self) -> pl.DataType:
        return pl.String()

    def _told(self, values: list[Any]) -> Any:
        return self.separator.join(values) if values else None


class Collected(Gathered):
    """COLLECT: how often each value is there, by value; nulls take no part."""

    nulls: ClassVar[bool] = False

    @property
    def _made(self) -> pl.DataType:
        return pl.List(pl.Struct({"key": self.physical, "value": pl.Int32()}))

    def _told(self, values: list[Any]) -> Any:
        counts: dict[Any, list[Any]] = {}
        for value in values:
            counts.setdefault(repr(value) if isinstance(value, list | dict) else value, [value, 0])[1] += 1
        return [{"key": value, "value": count} for value, count in counts.values()]
