"""INTERSECT, EXCEPT, with ALL and without, and subqueries that give a value: whatever the order, the cuts and the
restarts, what stands in the end is what the whole inputs give."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job
from penstock.sql import parse
from tests.engine.relations import Row, answer, filled, ordered
from tests.engine.streams import NO_SHRINKING

SEEDS = st.integers(0, 10_000)
CHANGES = [(False, False), (True, False), (True, True)]
TWO = "k BIGINT, v STRING"
seeded = settings(max_examples=4, deadline=None, phases=NO_SHRINKING)


def held(rows: list[Row]) -> Counter[Row]:
    return Counter((row[1], row[2]) for row in rows)


WHOLE = {
    "INTERSECT": lambda a, b: list((a & b).keys()),
    "INTERSECT ALL": lambda a, b: list((a & b).elements()),
    "EXCEPT": lambda a, b: [row for row in a if row not in b],
    "EXCEPT ALL": lambda a, b: list((a - b).elements()),
}


@pytest.mark.parametrize("word", WHOLE)
@pytest.mark.parametrize("changes", CHANGES)
@seeded
@given(seed=SEEDS)
def test_sets_of_rows_are_held_against_each_other(word: str, changes: tuple[bool, bool], seed: int) -> None:
    inputs = filled(seed, 60, a=changes[0], b=changes[1])
    a, b = (held(one.whole) for one in inputs)
    found, _ = answer(inputs, TWO, f"SELECT k, v FROM a {word} SELECT k, v FROM b WHERE id < 40", seed)
    b = held([row for row in inputs[1].whole if row[0] < 40])  # type: ignore[operator]
    assert found == ordered(WHOLE[word](a, b))


def test_intersect_goes_before_union_and_except_and_all_else_from_left_to_right() -> None:
    inputs = filled(3, 60, a=False, b=False)
    keys = [{row[1] for row in one.whole if row[1] is not None} for one in inputs]
    few = "SELECT id FROM a WHERE id < 3"
    some = "SELECT k FROM {} WHERE k IS NOT NULL"
    query = (
        f"{few} UNION {some.format('a')} INTERSECT {some.format('b')} EXCEPT SELECT id FROM b WHERE id = 1"
    )
    found, _ = answer(inputs, "k BIGINT", query, 5)
    assert found == ordered([(k,) for k in ({0, 1, 2} | (keys[0] & keys[1])) - {1}])


@pytest.mark.parametrize("changes", CHANGES)
@seeded
@given(seed=SEEDS)
def test_a_subquerys_value_stands_beside_every_row_as_it_changes(
    changes: tuple[bool, bool], seed: int
) -> None:
    inputs = filled(seed, 50, a=changes[0], b=changes[1])
    a, b = (one.whole for one in inputs)
    most = max((row[1] for row in b if row[1] is not None), default=None)  # type: ignore[type-var]
    query = "SELECT id, k, (SELECT MAX(k) FROM b) FROM a"
    found, _ = answer(inputs, "id BIGINT, k BIGINT, m BIGINT", query, seed)
    assert found == ordered([(row[0], row[1], most) for row in a])
    query = "SELECT id, k FROM a WHERE k >= (SELECT MAX(k) - 1 FROM b) AND id > (SELECT MIN(id) FROM b)"
    found, _ = answer(inputs, "id BIGINT, k BIGINT", query, seed)
    least = min((row[0] for row in b), default=None)  # type: ignore[type-var]
    kept = [row for row in a if None not in (row[1], most, least) and row[1] >= most - 1 and row[0] > least]  # type: ignore[operator]
    assert found == ordered([(row[0], row[1]) for row in kept])


def test_a_value_is_null_before_there_is_one() -> None:
    inputs = filled(1, 20, a=False, b=False)
    inputs[1].rows.clear()
    found, _ = answer(inputs, "id BIGINT, m BIGINT", "SELECT id, (SELECT COUNT(*) FROM b) FROM a", 1)
    assert found == ordered([(row[0], None) for row in inputs[0].whole])


@pytest.mark.parametrize("changes", CHANGES)
@seeded
@given(seed=SEEDS)
def test_not_in_of_groups_that_differ_from_row_to_row(changes: tuple[bool, bool], seed: int) -> None:
    inputs = filled(seed, 40, a=changes[0], b=changes[1])
    a, b = (one.whole for one in inputs)

    def stays(row: Row) -> bool:
        inner = {other[1] for other in b if other[2] is not None and other[2] == row[2]}
        return not inner or (row[1] is not None and None not in inner and row[1] not in inner)

    query = "SELECT * FROM a WHERE k NOT IN (SELECT k FROM b WHERE b.v = a.v)"
    found, _ = answer(inputs, "i BIGINT, k BIGINT, v STRING, t TIMESTAMP(3)", query, seed)
    assert found == ordered([row for row in a if stays(row)])


@seeded
@given(seed=SEEDS)
def test_not_in_of_pairs(seed: int) -> None:
    inputs = filled(seed, 30, a=False, b=False)
    a, b = (one.whole for one in inputs)

    def differs(one: object, other: object) -> bool:
        return one is not None and other is not None and one != other

    query = "SELECT * FROM a WHERE (k, v) NOT IN (SELECT k, v FROM b WHERE id < 4)"
    found, _ = answer(inputs, "i BIGINT, k BIGINT, v STRING, t TIMESTAMP(3)", query, seed)
    few = [row for row in b if row[0] < 4]  # type: ignore[operator]
    kept = [row for row in a if all(differs(row[1], r[1]) or differs(row[2], r[2]) for r in few)]
    assert found == ordered(kept)


def test_not_in_looks_its_rows_up_by_key() -> None:
    tables = "".join(one.ddl for one in filled(1, 1, a=False, b=False))
    script = "CREATE TABLE o (id BIGINT) WITH ('connector'='print');"
    plan = parse(f"{tables}{script} INSERT INTO o SELECT id FROM a WHERE k NOT IN (SELECT k FROM b);")
    (join,) = (v.operator for v in Job(plan).graph.vertices if v.operator.name == "join")
    assert list(join.sides.table.schema) == ["k"] and join.sides.condition is None
