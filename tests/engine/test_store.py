"""What operators keep of rows: the same comes out that went in, whatever was asked for and in whatever cuts it came."""

from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine import room
from penstock.engine.kernels import texts as kernels
from penstock.engine.room import Room
from penstock.engine.run.kept.store import Store
from penstock.engine.run.kept.texts import Texts, TextTable
from tests.engine.streams import NO_SHRINKING

SCHEMA = {
    "i": pl.Int64(), "s": pl.Int16(), "f": pl.Float32(), "b": pl.Boolean(), "d": pl.Date(), "t": pl.Time(),
    "at": pl.Datetime("us"), "text": pl.String(), "bytes": pl.Binary(), "m": pl.Decimal(12, 2),
    "row": pl.Struct({"a": pl.Int64(), "b": pl.String()}),
}  # fmt: skip
VALUES = {
    "i": [0, -(2**63), 2**63 - 1], "s": [5, -5], "f": [0.5, float("inf")], "b": [True, False],
    "d": [date(1970, 1, 1), date(2026, 11, 22)], "t": [time(1, 2, 3), time(23, 59, 59, 999999)],
    "at": [datetime(2026, 1, 1), datetime(1960, 1, 1, 0, 0, 0, 1)], "text": ["", "é", "x" * 40, "eight by", "twelve bytes", "thirteen byte", "y" * 32, "z" * 31, "w" * 97],
    "bytes": [b"", b"\0\xff" * 9], "m": [Decimal("1.25"), Decimal("-0.01")], "row": [{"a": 1, "b": "x"}, {"a": None, "b": None}],
}  # fmt: skip


def rows(random: np.random.Generator, count: int, nulls: float) -> pl.DataFrame:
    def column(name: str) -> list[object]:
        return [
            None if random.random() < nulls else VALUES[name][int(random.integers(0, len(VALUES[name])))]
            for _ in range(count)
        ]

    return pl.DataFrame({name: column(name) for name in SCHEMA}, schema=SCHEMA)


@settings(max_examples=30, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_rows_come_out_as_they_went_in(seed: int) -> None:
    random = np.random.default_rng(seed)
    store, whole = Store(SCHEMA), pl.DataFrame(schema=SCHEMA)
    for _ in range(int(random.integers(1, 8))):
        part = rows(random, int(random.integers(0, 30)), float(random.choice([0.0, 0.3])))
        store.append(part)
        whole = whole.vstack(part)
        if random.random() < 0.2:
            kept = np.flatnonzero(random.random(len(store)) < 0.6)
            store.keep(kept)
            whole = whole[kept]
        numbers = random.integers(0, max(len(store), 1), 20 if len(store) else 0)
        assert store.take(numbers).equals(whole[numbers])
        assert store.take(numbers, ["text", "i"]).equals(whole.select("text", "i")[numbers])
        first = int(random.integers(0, len(store) + 1))
        assert store.tail(first).equals(whole[first:])
    assert store.tail(0).equals(whole)
    assert store.tail(0).schema == SCHEMA


@pytest.mark.parametrize("width", [None, 3])
def test_memory_grows_in_place_once_it_is_mapped(width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAPPED_FROM_BYTES", 4096)
    made = Room(np.int64, width)
    places, seen, used = set(), [], 0
    while used < 20_000:
        held = made.reach(used + 500, used)
        held[used : used + 500] = np.arange(used, used + 500).reshape(-1, *(1,) * (held.ndim - 1))
        used += 500
        places.add(held.ctypes.data)
        seen.append((held[:used], used))
    assert len(places) < 5
    assert len(made.array) < 1.2 * used
    for held, count in seen:  # what was handed out before stays
        assert (held.reshape(count, -1)[:, 0] == np.arange(count)).all()


def test_memory_that_may_not_be_mapped_as_a_whole_is_mapped_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAPPED_FROM_BYTES", 4096)
    monkeypatch.setattr(room, "_MACHINE_BYTES", 1 << 62)  # as under `ulimit -v`
    made, used = Room(np.int64), 0
    for step in range(40):
        made.reach(used + 500, used)[used : used + 500] = step
        used += 500
    assert (made.array[:used] == np.repeat(np.arange(40), 500)).all()


def test_texts_have_one_number_each() -> None:
    random, table, known = np.random.default_rng(3), TextTable(), dict[str, int]()
    for _ in range(40):
        values = ["é" * int(n % 7) + "x" * int(n % 41) for n in random.integers(0, 3000, 200)]
        numbers = table.number(pl.Series([*values, None]))
        assert numbers[-1] == -1
        for value, number in zip(values, numbers.tolist(), strict=False):
            assert known.setdefault(value, number) == number
    assert sorted(known.values()) == list(range(len(known)))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_and_the_smallest_text_by_their_bytes(sign: int) -> None:
    values = ["b", "a", "ab", "é", "", "zz", "a\0"]
    held = Texts()
    held.append(pl.Series(values))
    counts, cells = np.zeros(1, np.int64), np.zeros(1, np.int64)
    slots, valid = np.zeros(len(values), np.int64), np.ones(len(values), np.bool_)
    for kernel in (kernels.extreme_text, kernels.extreme_text.python):
        counts[:] = 0
        kernel(slots, valid, np.arange(len(values)), held.data, held.at, sign, counts, cells)
        best = (max if sign > 0 else min)(values, key=str.encode)
        assert values[cells[0]] == best and counts[0] == len(values)
