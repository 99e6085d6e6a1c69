"""OVER: each row once, with the aggregates of the rows before it, whatever the order they came in."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.clock import Now
from penstock.engine.job import Job
from penstock.sql import parse
from tests.engine.keeping import Keeper
from tests.engine.relations import START, Row, answer, filled, ordered
from tests.engine.streams import NO_SHRINKING

LAGS = "LAG(id) {w}, LAG(v, 3, 'none') {w}, LAG(k, 1, id) {w}, ARRAY_MAX(LAG(ARRAY[id, -k], 2) {w}), COUNT(*) {w}"
SEEDS = st.integers(0, 10_000)
FRAMES: dict[str, Callable[[list[Row], int], list[Row]]] = {
    "ROWS BETWEEN 3 PRECEDING AND CURRENT ROW": lambda rows, at: rows[max(0, at - 3) : at + 1],
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW": lambda rows, at: rows[: at + 1],
    "RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND CURRENT ROW": lambda rows, at: [
        row
        for row in rows
        if rows[at][3] - timedelta(seconds=4) <= row[3] <= rows[at][3]  # type: ignore[operator]
    ],
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW": lambda rows, at: [
        row
        for row in rows
        if row[3] <= rows[at][3]  # type: ignore[operator]
    ],
    "": lambda rows, at: [row for row in rows if row[3] <= rows[at][3]],  # type: ignore[operator]
}


def looked_back(rows: list[Row], frame: Callable[[list[Row], int], list[Row]]) -> list[Row]:
    made: list[Row] = []
    for key in {row[1] for row in rows}:
        members = sorted((row for row in rows if row[1] == key), key=lambda row: (row[3], row[0]))  # type: ignore[arg-type,return-value]
        for at, row in enumerate(members):
            seen = frame(members, at)
            texts = [one[2] for one in seen if one[2] is not None]
            made.append(
                (
                    row[0],
                    row[1],
                    len(seen),
                    sum(one[0] for one in seen),
                    max(texts, default=None),
                    len(set(texts)),
                )  # type: ignore[misc,type-var]
            )
    return made


@pytest.mark.parametrize("frame", FRAMES)
@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_each_row_comes_once_with_what_lies_before_it(frame: str, seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=False)
    over = f"OVER (PARTITION BY k ORDER BY t {frame})"
    query = f"SELECT id, k, COUNT(*) {over}, SUM(id) {over}, MAX(v) {over}, COUNT(DISTINCT v) {over} FROM a"
    found, took_back = answer(
        inputs, "id BIGINT, k BIGINT, n BIGINT, total BIGINT, top STRING, kinds BIGINT", query, seed
    )
    assert found == ordered(looked_back(table.whole, FRAMES[frame]))
    assert not took_back


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_without_partition_all_rows_are_one_group_and_expressions_go_around_it(seed: int) -> None:
    (table,) = inputs = filled(seed, 60, a=False)
    query = "SELECT id, SUM(id) OVER (ORDER BY t ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) * 2 - id FROM a WHERE k > 1"
    rows = sorted((r for r in table.whole if r[1] is not None and r[1] > 1), key=lambda row: (row[3], row[0]))  # type: ignore[operator,arg-type,return-value]
    expected = [
        (row[0], 2 * (row[0] + (rows[at - 1][0] if at else 0)) - row[0])  # type: ignore[operator]
        for at, row in enumerate(rows)
    ]
    assert answer(inputs, "id BIGINT, n BIGINT", query, seed)[0] == ordered(expected)


def lagged(rows: list[Row]) -> list[Row]:
    made: list[Row] = []
    for key in {row[1] for row in rows}:
        members = sorted((row for row in rows if row[1] == key), key=lambda row: (row[3], row[0]))  # type: ignore[arg-type,return-value]
        for at, row in enumerate(members):
            seen = sum(other[3] <= row[3] for other in members)  # type: ignore[operator]
            last = seen - 1
            made.append(
                (
                    row[0],
                    members[last - 1][0] if last >= 1 else None,
                    members[last - 3][2] if last >= 3 else "none",
                    members[last - 1][1] if last >= 1 else members[last][0],
                    members[last - 2][0] if last >= 2 else None,
                    seen,
                )
            )
            assert at <= last
    return made


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_row_knows_the_values_of_rows_before_it(seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=False)
    query = f"SELECT id, {LAGS.format(w='OVER w')} FROM a WINDOW w AS (PARTITION BY k ORDER BY t)"
    columns = "id BIGINT, was BIGINT, third STRING, key BIGINT, other BIGINT, n BIGINT"
    found, took_back = answer(inputs, columns, query, seed)
    assert found == ordered(lagged(table.whole))
    assert not took_back


def arrived(rows: list[Row]) -> list[Row]:
    """The rows at the times at which they come: in the order of their ids."""
    return [(row[0], row[1], row[2], START + timedelta(seconds=row[0])) for row in rows]  # type: ignore[arg-type]


@pytest.mark.parametrize("frame", [frame for frame in FRAMES if "INTERVAL" not in frame])
@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_by_the_clock_a_row_sees_those_that_came_before_it(frame: str, seed: int) -> None:
    (table,) = inputs = filled(seed, 60, a=False)
    window = f"WINDOW w AS (PARTITION BY k ORDER BY PROCTIME() {frame})"
    query = f"SELECT id, k, COUNT(*) OVER w, SUM(id) OVER w, MAX(v) OVER w, COUNT(DISTINCT v) OVER w FROM a {window}"
    columns = "id BIGINT, k BIGINT, n BIGINT, total BIGINT, top STRING, kinds BIGINT"
    assert answer(inputs, columns, query, seed)[0] == ordered(
        looked_back(arrived(table.whole), FRAMES[frame])
    )


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_by_the_clock_a_row_knows_the_values_of_those_that_came_before_it(seed: int) -> None:
    (table,) = inputs = filled(seed, 60, a=False)
    query = f"SELECT id, {LAGS.format(w='OVER w')} FROM a WINDOW w AS (PARTITION BY k ORDER BY PROCTIME())"
    columns = "id BIGINT, was BIGINT, third STRING, key BIGINT, other BIGINT, n BIGINT"
    assert answer(inputs, columns, query, seed)[0] == ordered(lagged(arrived(table.whole)))


def test_by_the_clock_a_range_waits_until_its_millisecond_is_over() -> None:
    plan = parse(
        "CREATE TABLE a (id BIGINT, k STRING) WITH ('connector'='kafka','topic'='a','format'='json');"
        "CREATE TABLE o (id BIGINT, total BIGINT) WITH ('connector'='print');"
        "INSERT INTO o SELECT id, SUM(id) OVER (PARTITION BY k ORDER BY PROCTIME()"
        " RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW) FROM a;"
    )
    job, keeper = Job(plan), Keeper()
    job.expect(0, [0])

    def came(at_ms: int, *rows: tuple[int, str]) -> list[tuple[int, int]]:
        frame = pl.DataFrame(rows, schema={"id": pl.Int64, "k": pl.String}, orient="row")
        now = Now(0.0, at_ms)
        made = job.on_rows(0, 0, frame, now) if rows else job.on_clock(now)
        return [row[:2] for output in made for row in output.rows.rows()]

    assert came(1000, (1, "a"), (2, "a")) == []
    assert came(1000, (3, "b")) == []
    assert job.due_ms == 1001
    keeper.keep(job)
    job = keeper.again(plan)
    assert came(1001) == [(1, 3), (2, 3), (3, 3)]
    assert came(3000, (4, "a")) == []
    assert came(3001, (5, "a")) == [(4, 7)]
    keeper.keep(job)
    job = keeper.again(plan)
    assert came(2000, (6, "a")) == []  # a clock that is set back stands still
    assert [row[:2] for output in job.on_end(Now(0.0, 3001)) for row in output.rows.rows()] == [
        (5, 15),
        (6, 15),
    ]


def test_an_end_without_any_row_is_none_the_less_an_end() -> None:
    query = "SELECT id, SUM(id) OVER (PARTITION BY k ORDER BY t) FROM a WHERE k > 100"
    assert answer(filled(1, 20, a=False), "id BIGINT, n BIGINT", query, 1) == ([], False)
