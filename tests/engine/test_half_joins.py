"""IN, EXISTS and their opposites: whatever the order, the cuts and the restarts, the rows of one side that have a match in
the other, or have none."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.relations import Row, answer, filled, joined, ordered
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_joins import above, equal, near, window

FOUR = "aid BIGINT, ak BIGINT, av STRING, `at` TIMESTAMP(3)"
SEEDS = st.integers(0, 10_000)
HALVES = {"EXISTS": "SEMI", "NOT EXISTS": "ANTI"}
CHANGES = [(False, False), (True, False), (False, True), (True, True)]
seeded = settings(max_examples=4, deadline=None, phases=NO_SHRINKING)


@pytest.mark.parametrize("word", HALVES)
@pytest.mark.parametrize("changes", CHANGES)
@seeded
@given(seed=SEEDS)
def test_exists_keeps_the_rows_that_have_a_match(word: str, changes: tuple[bool, bool], seed: int) -> None:
    inputs = filled(seed, 60, a=changes[0], b=changes[1])
    query = f"SELECT * FROM a WHERE {word} (SELECT * FROM b WHERE a.k = b.k AND a.v > b.v)"
    found, _ = answer(inputs, FOUR, query, seed)
    assert found == ordered(joined(inputs[0].whole, inputs[1].whole, HALVES[word], above))


@pytest.mark.parametrize("changes", CHANGES)
@seeded
@given(seed=SEEDS)
def test_in_compares_with_a_column_and_with_groups(changes: tuple[bool, bool], seed: int) -> None:
    inputs = filled(seed, 60, a=changes[0], b=changes[1])
    a, b = (one.whole for one in inputs)
    found, _ = answer(inputs, FOUR, "SELECT * FROM a WHERE k IN (SELECT k FROM b WHERE v = 'a')", seed)
    assert found == ordered([row for row in a if row[1] in {r[1] for r in b if r[2] == "a"} - {None}])
    grouped = "SELECT * FROM a WHERE k IN (SELECT k FROM b GROUP BY k HAVING COUNT(*) > 3)"
    many = {k for k in {r[1] for r in b} - {None} if sum(r[1] == k for r in b) > 3}
    assert answer(inputs, FOUR, grouped, seed)[0] == ordered([row for row in a if row[1] in many])


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("where", ["", "WHERE k IS NOT NULL", "WHERE id > 99"])
@settings(max_examples=3, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_not_in_knows_nothing_once_there_is_a_null(where: str, changes: tuple[bool, bool], seed: int) -> None:
    inputs = filled(seed, 40, a=changes[0], b=changes[1])
    a, b = (one.whole for one in inputs)
    inner = {r[1] for r in b if not where or (r[1] is not None and "99" not in where)}

    def stays(key: object) -> bool:
        return not inner or (key is not None and None not in inner and key not in inner)

    found, _ = answer(inputs, FOUR, f"SELECT * FROM a WHERE k NOT IN (SELECT k FROM b {where})", seed)
    assert found == ordered([row for row in a if stays(row[1])])


@pytest.mark.parametrize("word", HALVES)
@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_within_an_interval_nothing_is_taken_back(word: str, seed: int) -> None:
    inputs = filled(seed, 60, a=False, b=False)
    query = (
        f"SELECT * FROM a WHERE {word} (SELECT * FROM b WHERE a.k = b.k"
        " AND a.t >= b.t - INTERVAL '3' SECOND AND a.t < b.t + INTERVAL '1' SECOND)"
    )
    found, took_back = answer(inputs, FOUR, query, seed)
    assert found == ordered(joined(inputs[0].whole, inputs[1].whole, HALVES[word], near))
    assert not took_back


@pytest.mark.parametrize("word", HALVES)
@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_within_a_window_nothing_is_taken_back(word: str, seed: int) -> None:
    inputs = filled(seed, 60, a=False, b=False)
    side = "(SELECT * FROM TABLE(TUMBLE(TABLE {0}, DESCRIPTOR(t), INTERVAL '5' SECOND))) AS {0}"
    query = (
        f"SELECT id, k, v, t FROM {side.format('a')} WHERE {word} (SELECT * FROM {side.format('b')} WHERE a.k = b.k"
        " AND a.window_start = b.window_start AND a.window_end = b.window_end AND a.id <> b.id)"
    )

    def same(a: Row, b: Row) -> bool:
        return equal(a, b) and window(a) == window(b) and a[0] != b[0]

    found, took_back = answer(inputs, FOUR, query, seed)
    assert found == ordered(joined(inputs[0].whole, inputs[1].whole, HALVES[word], same))
    assert not took_back


@seeded
@given(seed=SEEDS)
def test_subqueries_stand_in_one_another_and_beside_one_another(seed: int) -> None:
    inputs = filled(seed, 40, a=True, b=False, c=True)
    a, b, c = (one.whole for one in inputs)
    query = (
        "SELECT * FROM a WHERE k + 1 IN (SELECT k FROM b WHERE EXISTS (SELECT * FROM c WHERE c.k = b.k AND c.v <> b.v))"
        " AND v IS NOT NULL AND NOT EXISTS (SELECT 1 FROM c WHERE c.k + 1 = a.k AND v = a.v)"
    )
    inner = {y[1] for y in b if any(equal(y, z) and y[2] and z[2] and y[2] != z[2] for z in c)}
    expected = [
        x for x in a
        if x[1] is not None and x[1] + 1 in inner and x[2] is not None  # type: ignore[operator]
        and not any(z[1] is not None and z[1] + 1 == x[1] and z[2] == x[2] for z in c)  # type: ignore[operator]
    ]  # fmt: skip
    assert answer(inputs, FOUR, query, seed)[0] == ordered(expected)


@seeded
@given(seed=SEEDS)
def test_an_interval_of_one_moment(seed: int) -> None:
    inputs = filled(seed, 60, a=False, b=False)
    query = (
        "SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE b.t BETWEEN a.t - INTERVAL '0.5' SECOND AND a.t)"
    )
    found, _ = answer(inputs, FOUR, query, seed)

    def on(a: Row, b: Row) -> bool:
        return a[3] - timedelta(seconds=0.5) <= b[3] <= a[3]  # type: ignore[operator]

    assert found == ordered(joined(inputs[0].whole, inputs[1].whole, "SEMI", on))
