"""DISTINCT where state has a lifetime: a value that nothing wrote for so long is new to its slot, which counts it again.

So it is in Flink, where each value of a DISTINCT is an entry of state by itself, that all aggregates of one argument share
(DistinctAggCodeGen). Where rows only come, what writes an entry is that its value is new to one of them; where rows are also
taken back, each row does. Knows nothing of the aggregates behind it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.clock import Now
from penstock.engine.aggregates.accumulator import Accumulator, Part, Slots
from penstock.engine.aggregates.distinct.gate import Gate, moved
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.run.columns import Growing
from penstock.engine.run.kept.expiry import Expiry
from penstock.engine.run.keys import KeyTable

_CROWDED = 1024
"""How many pairs there are at least before those that are gone are taken out."""


class LastingPairs:
    """The (slot, value) pairs that are there; of each how often, for each member."""

    def __init__(self, gates: Sequence[Gate], ttl_ms: int, retracting: bool) -> None:
        self.kind, self.retracting = gates[0].physical, retracting
        self.members = [LastingDistinct(self, place, gate) for place, gate in enumerate(gates)]
        self.expiry = Expiry(ttl_ms)
        nothing = np.empty(0, np.int64)
        self._fill(nothing, pl.DataFrame(schema={"value": self.kind}), [nothing] * len(gates), nothing)

    def _fill(self, slots: Slots, values: pl.DataFrame, copies: Sequence[Slots], stamps: Slots) -> None:
        self._values, self._pairs = KeyTable({"value": self.kind}), PairTable()
        numbers = self._values.number(values)
        self._pairs.number(slots, numbers)
        self._slots, self._numbers = Growing(slots), Growing(numbers)
        self._copies = [Growing(held) for held in copies]
        self.expiry.reset(stamps)

    def update(
        self, slots: Slots, passed: Sequence[NDArray[np.bool_]], signs: Slots, values: pl.Series
    ) -> None:
        """Take rows in or back, each for the members whose FILTER it has passed."""
        rows = np.flatnonzero(np.logical_or.reduce(passed))
        if not len(rows):
            return
        numbers = self._values.number(pl.DataFrame({"value": values})[rows])
        pairs, fresh = self._pairs.number(slots[rows], numbers)
        self._slots.extend(slots[rows][fresh])
        self._numbers.extend(numbers[fresh])
        touched, first = np.unique(pairs, return_index=True)
        touched = touched[np.argsort(first)]
        over = touched[~self.expiry.fresh(touched)]
        written = np.zeros(len(touched), np.bool_)
        for member, held, there in zip(self.members, self._copies, passed, strict=True):
            held.extend(np.zeros(len(fresh), np.int64))
            copies = held.values
            copies[over] = 0
            before = copies[touched] > 0
            np.add.at(copies, pairs[there[rows]], signs[rows][there[rows]])
            after = copies[touched] > 0
            changed = before != after
            written |= changed
            self._hand_on(member, touched[changed], np.where(after[changed], 1, -1))
        self.expiry.touch(touched if self.retracting else touched[written])

    def _hand_on(self, member: "LastingDistinct", pairs: Slots, signs: Slots) -> None:
        if len(pairs):
            values = self._values.rows(self._numbers.values[pairs])["value"].cast(member.physical)
            every = np.ones(len(pairs), np.bool_)
            member.inner.update(self._slots.values[pairs], every, signs.astype(np.int64), values)

    def lapse(self, now: Now) -> None:
        """It is now: pairs whose time is over are gone, which the aggregates are not told."""
        gone = self.expiry.lapsed(now)
        for held in self._copies:
            held.values[gone] = 0
        if len(gone) and len(self._slots) > _CROWDED:
            stays = self._standing()
            if 2 * len(stays) < len(self._slots):
                self._only(stays, self._slots.values[stays])

    def _standing(self) -> Slots:
        return np.flatnonzero(np.logical_or.reduce([held.values != 0 for held in self._copies]))

    def _only(self, stays: Slots, slots: Slots) -> None:
        """Only these pairs, which belong to `slots` now."""
        copies = [held.values[stays] for held in self._copies]
        values = self._values.rows(self._numbers.values[stays])
        self._fill(slots, values, copies, self.expiry.stamps[stays].copy())

    def reset(self, slots: Slots) -> None:
        """These slots as new."""
        there = np.isin(self._slots.values, slots)
        for held in self._copies:
            held.values[there] = 0

    def keep(self, slots: Slots) -> None:
        """Only these slots, numbered anew."""
        stays = self._standing()
        new = moved(self._slots.values[stays], slots)
        self._only(stays[new >= 0], new[new >= 0])

    def frame(self) -> pl.DataFrame:
        """All pairs."""
        stays = self._standing()
        return self._values.rows(self._numbers.values[stays]).with_columns(
            slot=pl.Series(self._slots.values[stays]),
            stamp=pl.Series(self.expiry.stamps[stays]),
            **{f"copies {place}": pl.Series(held.values[stays]) for place, held in enumerate(self._copies)},
        )

    def restore(self, pairs: pl.DataFrame) -> None:
        """Only these pairs, as `frame` gave them."""
        slots, stamps, *copies = (
            pairs[name].to_numpy().copy()
            for name in ("slot", "stamp", *(f"copies {place}" for place in range(len(self.members))))
        )
        self._fill(slots, pairs.select("value"), copies, stamps)


class LastingDistinct(Part):
    """One of the aggregates; the first of them speaks for the set."""

    def __init__(self, shared: LastingPairs, place: int, gate: Gate) -> None:
        self.shared, self.place = shared, place
        self.inner: Accumulator = gate.inner
        self.physical = gate.physical
        super().__init__()

    def result(self, slots: Slots) -> pl.Series:
        return self.inner.result(slots)

    def reserve(self, slots: int) -> None:
        self.inner.reserve(slots)

    def reset(self, slots: Slots) -> None:
        self.inner.reset(slots)
        if self.place == 0:
            self.shared.reset(slots)

    def keep(self, slots: Slots) -> None:
        self.inner.keep(slots)
        if self.place == 0:
            self.shared.keep(slots)

    def snapshot(self, count: int) -> dict[str, pl.DataFrame]:
        inner = {f"inner.{name}": block for name, block in self.inner.snapshot(count).items()}
        return inner if self.place else {**inner, "distinct": self.shared.frame()}

    def restore(self, blocks: Mapping[str, pl.DataFrame]) -> None:
        self.inner.restore(
            {name.removeprefix("inner."): b for name, b in blocks.items() if name.startswith("inner.")}
        )
        if self.place == 0:
            self.shared.restore(blocks["distinct"])
