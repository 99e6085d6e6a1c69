"""Sessions and cumulating windows: whatever the order and the cuts, each group of the whole comes once."""

from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import PenstockError
from penstock.sql import parse
from tests.engine.relations import START, Input, Row, answer, filled, ordered
from tests.engine.streams import NO_SHRINKING

SEEDS = st.integers(0, 10_000)
OUT = "k BIGINT, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT, top BIGINT, kinds BIGINT"
MADE = "COUNT(*), MAX(id), COUNT(DISTINCT v)"


def summary(key: object, start: object, end: object, rows: list[Row]) -> Row:
    return (
        key, start, end, len(rows), max(row[0] for row in rows), len({row[2] for row in rows if row[2] is not None}),  # type: ignore[type-var]
    )  # fmt: skip


def sessions(rows: list[Row], gap: timedelta) -> list[Row]:
    by_key: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row[1]].append(row)
    made = []
    for key, members in by_key.items():
        members.sort(key=lambda row: row[3])  # type: ignore[arg-type,return-value]
        runs: list[list[Row]] = []
        for row in members:
            if runs and row[3] <= runs[-1][-1][3] + gap:  # type: ignore[operator]
                runs[-1].append(row)
            else:
                runs.append([row])
        made += [summary(key, run[0][3], run[-1][3] + gap, run) for run in runs]  # type: ignore[operator]
    return made


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT k, window_start, window_end, {MADE} FROM TABLE(SESSION(TABLE a PARTITION BY k, DESCRIPTOR(t),"
        " INTERVAL '3' SECOND)) GROUP BY k, window_start, window_end",
        f"SELECT k, SESSION_START(t, INTERVAL '3' SECOND), SESSION_END(t, INTERVAL '3' SECOND), {MADE} FROM a"
        " GROUP BY k, SESSION(t, INTERVAL '3' SECOND)",
    ],
)
@settings(max_examples=12, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_rows_that_follow_each_other_within_the_gap_are_one_session(query: str, seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=False)
    found, took_back = answer(inputs, OUT, query, seed)
    assert found == ordered(sessions(table.whole, timedelta(seconds=3)))
    assert not took_back


def test_a_row_between_two_sessions_makes_them_one() -> None:
    table = Input("a")
    table.rows = [((n, 1, "x", START + timedelta(seconds=s)), 0) for n, s in enumerate([0, 1.5, 0.8, 9])]
    query = (
        f"SELECT k, window_start, window_end, {MADE} FROM TABLE(SESSION(TABLE a PARTITION BY k, DESCRIPTOR(t),"
        " INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end"
    )
    at = [START + timedelta(seconds=s) for s in (0, 2.5, 9, 10)]
    assert answer([table], OUT, query, 1)[0] == ordered(
        [(1, at[0], at[1], 3, 2, 1), (1, at[2], at[3], 1, 3, 1)]
    )


@settings(max_examples=12, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_cumulating_window_grows_by_its_step(seed: int) -> None:
    (table,) = inputs = filled(seed, 80, a=False)
    query = (
        f"SELECT k, window_start, window_end, {MADE} FROM TABLE(CUMULATE(TABLE a, DESCRIPTOR(t),"
        " INTERVAL '2' SECOND, INTERVAL '6' SECOND)) GROUP BY k, window_start, window_end"
    )
    groups: dict[tuple[object, datetime, datetime], list[Row]] = defaultdict(list)
    for row in table.whole:
        at: datetime = row[3]  # type: ignore[assignment]
        start = datetime.fromtimestamp(at.timestamp() // 6 * 6)
        for steps in (1, 2, 3):
            end = start + timedelta(seconds=2 * steps)
            if at < end:
                groups[row[1], start, end].append(row)
    found, took_back = answer(inputs, OUT, query, seed)
    assert found == ordered([summary(*key, rows) for key, rows in groups.items()])
    assert not took_back


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT k, id FROM TABLE(SESSION(TABLE a PARTITION BY k, DESCRIPTOR(t), INTERVAL '3' SECOND))",
            "known only once it has ended",
        ),
        (
            "SELECT id, COUNT(*) FROM TABLE(SESSION(TABLE a PARTITION BY k, DESCRIPTOR(t), INTERVAL '3' SECOND))"
            " GROUP BY id, window_start, window_end",
            "the sessions are of (k), the groups of (id)",
        ),
        (
            "SELECT k, COUNT(*) FROM TABLE(CUMULATE(TABLE a, DESCRIPTOR(t), INTERVAL '4' SECOND, INTERVAL '6' SECOND))"
            " GROUP BY k, window_start, window_end",
            "must be a multiple of its step",
        ),
    ],
)
def test_what_cannot_be_grouped_is_refused(query: str, message: str) -> None:
    from penstock.engine.job import Job

    with pytest.raises(PenstockError) as caught:
        Job(
            parse(
                f"{Input('a').ddl} CREATE TABLE o (k BIGINT, n BIGINT) WITH ('connector'='print'); INSERT INTO o {query}"
            )
        )
    assert message in caught.value.message
