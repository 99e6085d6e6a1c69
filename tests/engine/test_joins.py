"""Joins: whatever the order, the cuts and the restarts, the changes add up to the join of the whole tables."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.relations import Row, answer, filled, joined, ordered
from tests.engine.streams import NO_SHRINKING

EIGHT = (
    "aid BIGINT, ak BIGINT, av STRING, `at` TIMESTAMP(3), bid BIGINT, bk BIGINT, bv STRING, bt TIMESTAMP(3)"
)
HOWS = ("INNER", "LEFT", "RIGHT", "FULL")
SEEDS = st.integers(0, 10_000)


def equal(a: Row, b: Row) -> bool:
    return a[1] is not None and a[1] == b[1]


def above(a: Row, b: Row) -> bool:
    return equal(a, b) and a[2] is not None and b[2] is not None and str(a[2]) > str(b[2])


def near(a: Row, b: Row) -> bool:
    return equal(a, b) and b[3] - timedelta(seconds=3) <= a[3] < b[3] + timedelta(seconds=1)  # type: ignore[operator]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("changes", [(False, False), (True, False), (False, True), (True, True)])
@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_regular_join_adds_up_to_the_join_of_the_whole(
    how: str, changes: tuple[bool, bool], seed: int
) -> None:
    inputs = filled(seed, 60, a=changes[0], b=changes[1])
    found, _ = answer(inputs, EIGHT, f"SELECT * FROM a {how} JOIN b ON a.k = b.k AND a.v > b.v", seed)
    assert found == ordered(joined(inputs[0].whole, inputs[1].whole, how, above))


@pytest.mark.parametrize("changes", [False, True])
@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_join_of_three_tables_by_commas(changes: bool, seed: int) -> None:
    inputs = filled(seed, 30, a=changes, b=False, c=changes)
    query = "SELECT a.id, b.id, c.id FROM a, b, c WHERE a.k = b.k AND b.k + 1 = c.k AND a.v <> c.v"
    a, b, c = (i.whole for i in inputs)
    expected = [
        (x[0], y[0], z[0])
        for x in a
        for y in b
        for z in c
        if equal(x, y) and z[1] is not None and y[1] + 1 == z[1] and x[2] and z[2] and x[2] != z[2]  # type: ignore[operator]
    ]
    assert answer(inputs, "x BIGINT, y BIGINT, z BIGINT", query, seed)[0] == ordered(expected)


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_equal_rows_are_counted(seed: int) -> None:
    inputs = filled(seed, 40, a=True, b=True)
    query = "SELECT * FROM (SELECT k, v FROM a) AS a FULL JOIN (SELECT k, v FROM b) AS b ON a.k = b.k"
    short = [[(row[1], row[2]) for row in one.whole] for one in inputs]
    pairs = [(*x, *y) for x in short[0] for y in short[1] if x[0] is not None and x[0] == y[0]]
    lone = [
        (*x, None, None) for x in short[0] if not any(x[0] is not None and x[0] == y[0] for y in short[1])
    ]
    late = [
        (None, None, *y) for y in short[1] if not any(y[0] is not None and x[0] == y[0] for x in short[0])
    ]
    found, _ = answer(inputs, "ak BIGINT, av STRING, bk BIGINT, bv STRING", query, seed)
    assert found == ordered(pairs + lone + late)


@pytest.mark.parametrize("how", HOWS)
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_an_interval_join_takes_nothing_back(how: str, seed: int) -> None:
    inputs = filled(seed, 60, a=False, b=False)
    query = (
        f"SELECT * FROM a {how} JOIN b ON a.k = b.k"
        " AND a.t >= b.t - INTERVAL '3' SECOND AND a.t < b.t + INTERVAL '1' SECOND"
    )
    found, took_back = answer(inputs, EIGHT, query, seed)
    assert found == ordered(joined(inputs[0].whole, inputs[1].whole, how, near))
    assert not took_back


@pytest.mark.parametrize("how", HOWS)
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_window_join_takes_nothing_back(how: str, seed: int) -> None:
    inputs = filled(seed, 60, a=False, b=False)
    side = "(SELECT id, k, window_start, window_end FROM TABLE(TUMBLE(TABLE {0}, DESCRIPTOR(t), INTERVAL '5' SECOND))) {0}"
    query = (
        f"SELECT a.id, b.id FROM {side.format('a')} {how} JOIN {side.format('b')}"
        " ON a.k = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end AND a.id <> b.id"
    )

    def same(a: Row, b: Row) -> bool:
        return equal(a, b) and window(a) == window(b) and a[0] != b[0]

    found, took_back = answer(inputs, "a BIGINT, b BIGINT", query, seed)
    expected = joined(inputs[0].whole, inputs[1].whole, how, same)
    assert found == ordered([(row[0], row[4]) for row in expected])
    assert not took_back


def window(row: Row) -> int:
    return int(row[3].timestamp() // 5)  # type: ignore[attr-defined]
