"""Top-N and deduplication: the changes add up to the first rows of the whole."""

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job
from penstock.engine.operators.ordered.best import BestRows
from penstock.sql import parse
from tests.engine.relations import NOW, Row, answer, filled, ordered
from tests.engine.streams import NO_SHRINKING, folded

SEEDS = st.integers(0, 10_000)
RANKED = "SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY {order}) AS n FROM a) WHERE n <= {limit}"


def first(rows: list[Row], limit: int) -> list[Row]:
    """By v downwards (null last), then by arrival... of rows in order of arrival, with their rank."""
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[1]].append(row)
    made: list[Row] = []
    for members in groups.values():
        held = sorted(members, key=lambda row: (row[2] is not None, row[2] or "", row[0]), reverse=True)
        made += [(*row, rank) for rank, row in enumerate(held[:limit], 1)]
    return made


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("limit", [1, 3])
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_the_rank_follows_every_change(changes: bool, limit: int, seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=changes)
    query = RANKED.format(columns="id, k, v, n", order="v DESC, id DESC", limit=limit)
    found, _ = answer(inputs, "id BIGINT, k BIGINT, v STRING, n BIGINT", query, seed)
    assert found == ordered([(row[0], row[1], row[2], row[4]) for row in first(table.whole, limit)])


@pytest.mark.parametrize("changes", [False, True])
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_rank_that_nobody_reads_costs_no_changes(changes: bool, seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=changes)
    query = RANKED.format(columns="id, k", order="v DESC, id DESC", limit=3)
    found, _ = answer(inputs, "id BIGINT, k BIGINT", query, seed)
    assert found == ordered([(row[0], row[1]) for row in first(table.whole, 3)])


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_the_last_row_by_event_time_and_of_equal_ones_the_last_to_come(seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=False)
    query = RANKED.format(columns="id, k", order="t DESC", limit=1)
    last: dict[object, Row] = {}
    for row in table.whole:
        if row[1] not in last or row[3] >= last[row[1]][3]:  # type: ignore[operator]
            last[row[1]] = row
    assert answer(inputs, "id BIGINT, k BIGINT", query, seed)[0] == ordered(
        [(row[0], row[1]) for row in last.values()]
    )


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_the_first_rows_of_a_window_come_once(seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=False)
    query = (
        "SELECT id, k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY id DESC) AS n"
        " FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(t), INTERVAL '5' SECOND))) WHERE n <= 2"
    )
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in table.whole:
        groups[int(row[3].timestamp() // 5), row[1]].append(row)  # type: ignore[attr-defined]
    expected = [
        (row[0], row[1], rank)
        for rows in groups.values()
        for rank, row in enumerate(sorted(rows, key=lambda row: row[0], reverse=True)[:2], 1)  # type: ignore[arg-type,return-value]
    ]
    found, took_back = answer(inputs, "id BIGINT, k BIGINT, n BIGINT", query, seed)
    assert found == ordered(expected)
    assert not took_back


@pytest.mark.parametrize("direction", ["DESC", "ASC"])
@pytest.mark.parametrize("limit", [2, 5])
@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_the_first_rows_by_a_number_and_of_equal_ones_the_first_to_come(
    limit: int, direction: str, seed: int
) -> None:
    (table,) = inputs = filled(seed, 120, a=False)
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in table.whole:
        groups[row[2]].append(row)
    best: list[tuple[Row, int]] = []
    for members in groups.values():
        sign = 1 if direction == "ASC" else -1
        held = sorted(members, key=lambda row, sign=sign: sign * (-1 if row[1] is None else row[1]))  # type: ignore[misc,operator]
        best += [(row, rank) for rank, row in enumerate(held[:limit], 1)]
    ranked = "SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY v ORDER BY k {direction}) AS n FROM a) WHERE n <= {limit}"
    query = ranked.format(columns="id, v, n", direction=direction, limit=limit)
    found, _ = answer(inputs, "id BIGINT, v STRING, n BIGINT", query, seed)
    assert found == ordered([(row[0], row[2], rank) for row, rank in best])
    query = ranked.format(columns="id, v, t", direction=direction, limit=limit)
    found, _ = answer(inputs, "id BIGINT, v STRING, t TIMESTAMP(3)", query, seed)
    assert found == ordered([(row[0], row[2], row[3]) for row, _ in best])


def test_lists_of_first_rows_forget_what_left_them() -> None:
    plan = parse(
        "CREATE TABLE a (g BIGINT, x BIGINT, s STRING) WITH ('connector'='kafka','topic'='a','format'='json');"
        "CREATE TABLE o (g BIGINT, x BIGINT, s STRING) WITH ('connector'='print');"
        "INSERT INTO o SELECT g, x, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g ORDER BY x DESC) AS n FROM a) WHERE n <= 2;"
    )
    job, frames = Job(plan), []
    for start in range(0, 30_000, 3_000):
        numbers = range(start, start + 3_000)
        rows = pl.DataFrame(
            {"g": [n % 7 for n in numbers], "x": numbers, "s": [f"text {n}" for n in numbers]}
        )
        frames += [output.rows for output in job.on_rows(0, 0, rows, NOW)]
    top = next(v.operator for v in job.graph.vertices if isinstance(v.operator, BestRows))
    assert top.state_rows == 14
    assert len(top.rows) < 5_000
    best = [max(n for n in range(30_000) if n % 7 == g) for g in range(7)]
    expected = [(g, x, f"text {x}") for g in range(7) for x in (best[g] - 7, best[g])]
    assert folded(pl.concat(frames)) == sorted(expected, key=repr)
