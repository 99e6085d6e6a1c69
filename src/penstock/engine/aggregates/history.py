"""MIN and MAX where rows may be taken back: every value is remembered with its number of copies.

Slower than the others (a Python step a row), and only chosen over rows that change.
"""

import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.aggregates.accumulator import Accumulator, Slots


class History(Accumulator):
    """The smallest (`sign` -1) or largest (1) value that is still there."""

    def __init__(self, sign: int, physical: pl.DataType) -> None:
        self.sign, self.physical = sign, physical
        self.copies: dict[int, dict[Any, int]] = {}
        self.heaps: dict[int, list[Any]] = {}
        super().__init__()

    def update(self, slots: Slots, valid: NDArray[np.bool_], signs: Slots, values: pl.Series) -> None:
        rows = np.flatnonzero(valid)
        for slot, sign, value in zip(
            slots[rows].tolist(), signs[rows].tolist(), values[rows].to_list(), strict=True
        ):
            self._put(slot, value, sign)

    def _put(self, slot: int, value: Any, copies: int) -> None:
        held = self.copies.setdefault(slot, {})
        before = held.get(value, 0)
        held[value] = before + copies
        if held[value] == 0:
            del held[value]
        elif before == 0:
            heapq.heappush(self.heaps.setdefault(slot, []), _Down(value) if self.sign > 0 else value)

    def _best(self, slot: int) -> Any:
        held, heap = self.copies.get(slot, {}), self.heaps.get(slot, [])
        while heap:
            value = heap[0].value if self.sign > 0 else heap[0]
            if held.get(value, 0) > 0:
                return value
            heapq.heappop(heap)
        return None

    def merge(self, other: Accumulator, targets: Slots, sources: Slots) -> None:
        assert isinstance(other, History)
        for target, source in zip(targets.tolist(), sources.tolist(), strict=True):
            for value, copies in other.copies.get(source, {}).items():
                self._put(target, value, copies)

    def result(self, slots: Slots) -> pl.Series:
        return pl.Series([self._best(slot) for slot in slots.tolist()], dtype=self.physical)

    def reset(self, slots: Slots) -> None:
        for slot in slots.tolist():
            self.copies.pop(slot, None)
            self.heaps.pop(slot, None)

    def keep(self, slots: Slots) -> None:
        self.copies = {new: self.copies[old] for new, old in enumerate(slots.tolist()) if old in self.copies}
        self.heaps = {new: self.heaps[old] for new, old in enumerate(slots.tolist()) if old in self.heaps}

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        rows = [(slot, value, n) for slot, held in self.copies.items() for value, n in held.items()]
        schema = {"slot": pl.Int64(), "value": self.physical, "copies": pl.Int64()}
        return {"history": pl.DataFrame(rows, schema=schema, orient="row")}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.copies, self.heaps = {}, {}
        for slot, value, copies in blocks["history"].iter_rows():
            self._put(slot, value, copies)


class _Down:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Down") -> bool:
        return bool(self.value > other.value)
