"""Late rows: windows that fire again for them, a topic for those that nobody takes, and event time that goes on by the clock.

What Flink gives is frozen from Flink 2.3 with on-event watermarks, over the same eleven rows.
"""

import json
from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.clock import Now
from penstock.dsl import App, col, fn
from penstock.engine.job import Job, Output
from penstock.errors import PenstockError
from penstock.sql import parse
from tests.engine.relations import GROWING
from tests.engine.streams import NO_SHRINKING, folded

NOW = Now(0.0, 1_795_345_200_000)
START = datetime(2026, 1, 1)
SCHEMA = {"k": pl.String, "v": pl.Int64, "ts": pl.Datetime("us")}
ROWS = [
    ("a", 1),
    ("b", 3),
    ("a", 12),
    ("a", 5),
    ("c", 25),
    ("a", 8),
    ("b", 9),
    ("a", 30),
    ("a", 2),
    ("b", 21),
    ("d", 60),
]
LENIENT = "SET 'table.exec.emit.late-fire.enabled' = 'true'; SET 'table.exec.emit.allow-lateness' = '8 s';"
TO_TOPIC = "SET 'penstock.late-rows.topic' = 'too-late';"
TUMBLE = "SELECT k, TUMBLE_START(ts, INTERVAL '10' SECOND), COUNT(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND)"
TVF = """SELECT k, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY k, window_start, window_end"""
HOP = """SELECT k, HOP_START(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND), COUNT(*) FROM t
GROUP BY k, HOP(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND)"""
Counts = list[tuple[str, int, int]]
FLINKS: dict[str, tuple[str, Counts]] = {
    "nothing said": (TUMBLE, [("a", 0, 1), ("b", 0, 1), ("a", 10, 1), ("c", 20, 1), ("a", 30, 1), ("d", 60, 1)]),
    "tumble": (LENIENT + TUMBLE, [("a", 0, 2), ("b", 0, 1), ("a", 10, 1), ("c", 20, 1), ("b", 20, 1), ("a", 30, 1), ("d", 60, 1)]),
    "hop": (LENIENT + HOP, [
        ("b", -10, 1), ("a", -10, 2), ("a", 0, 4), ("b", 0, 2), ("a", 10, 1), ("c", 10, 1), ("b", 10, 1), ("b", 20, 1),
        ("c", 20, 1), ("a", 20, 1), ("a", 30, 1), ("d", 50, 1), ("d", 60, 1),
    ]),
    "a lateness alone": ("SET 'table.exec.emit.allow-lateness' = '8 s';" + TUMBLE, [("a", 0, 1), ("b", 0, 1), ("a", 10, 1), ("c", 20, 1), ("a", 30, 1), ("d", 60, 1)]),
}  # fmt: skip


def job_of(
    query: str, late: str = "0", options: str = "", columns: str = "k STRING, s TIMESTAMP(3), n BIGINT"
) -> Job:
    with_ = GROWING.format(name="t").replace("'format'", f"{options}'format'")
    table = f"CREATE TABLE t (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '{late}' SECOND) {with_};"
    *said, last = query.split(";")
    script = f"{table} CREATE TABLE o ({columns}) WITH ('connector'='print'); {';'.join([*said, ''])} INSERT INTO o {last};"
    job = Job(parse(script))
    job.expect(0, [0])
    return job


def frame(rows: list[tuple[str, int]]) -> pl.DataFrame:
    made = [(k, number, START + timedelta(seconds=at)) for number, (k, at) in enumerate(rows)]
    return pl.DataFrame(made, schema=SCHEMA, orient="row")


def standing(outputs: list[Output]) -> Counts:
    frames = [output.rows for output in outputs if output.sink == 0]
    rows = folded(pl.concat(frames)) if frames else []
    return [(k, int((s - START).total_seconds()), n) for k, s, n in rows]  # type: ignore[operator, misc]


@pytest.mark.parametrize("name", FLINKS)
def test_windows_fire_again_as_flinks_do(name: str) -> None:
    query, expected = FLINKS[name]
    job = job_of(query)
    outputs: list[Output] = []
    for row in ROWS:
        outputs += job.on_rows(0, 0, frame([row]), NOW)
    assert sorted(standing(outputs + job.on_end(NOW))) == sorted(expected)
    if "late-fire" not in query:
        assert all(not (output.rows["$kind"] != 0).any() for output in outputs)


def test_a_table_functions_windows_take_late_rows_too() -> None:
    job = job_of(LENIENT + TVF)
    outputs: list[Output] = []
    for row in ROWS:
        outputs += job.on_rows(0, 0, frame([row]), NOW)
    assert sorted(standing(outputs + job.on_end(NOW))) == sorted(FLINKS["tumble"][1])


def arriving(seed: int, count: int = 80) -> list[tuple[str, int]]:
    """Rows up to thirty seconds behind."""
    random = np.random.default_rng(seed)
    return [
        ("abc"[int(random.integers(0, 3))], max(0, n - int(random.integers(0, 30)))) for n in range(count)
    ]


@settings(max_examples=12, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10_000))
def test_each_window_counts_the_rows_that_came_in_its_time_whatever_the_cuts(seed: int) -> None:
    rows, random = arriving(seed), np.random.default_rng(seed)
    expected: Counter[tuple[str, int]] = Counter()
    late, reached = 0, -(2**60)
    for k, at in rows:
        window = at // 10 * 10
        if window + 10 + 8 <= reached:
            late += 1
        else:
            expected[k, window] += 1
        reached = max(reached, at - 2)
    job, at, outputs = job_of(LENIENT + TO_TOPIC + TVF, late="2"), 0, []
    while at < len(rows):
        size = int(random.choice([1, 3, 20]))
        outputs += job.on_rows(0, 0, frame(rows[at : at + size]), NOW)
        at += size
        if random.random() < 0.2:
            held, job = job.snapshot(), job_of(LENIENT + TO_TOPIC + TVF, late="2")
            job.restore(held)
    outputs += job.on_end(NOW)
    assert sorted(standing(outputs)) == sorted((k, s, n) for (k, s), n in expected.items())
    letters = [letter for output in outputs for letter in output.dead_letters]
    assert len(letters) == late == sum(one.late_rows for one in job.measures().operators)
    assert sum(one.state_rows for one in job.measures().operators) == 0


@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10_000))
def test_hopping_windows_take_late_rows_each_in_its_own_time(seed: int) -> None:
    job, outputs, reached = job_of(LENIENT + HOP, late="2"), [], -(2**60)
    expected: Counter[tuple[str, int]] = Counter()
    for k, at in arriving(seed):
        for window in (at // 10 * 10 - 10, at // 10 * 10):
            if window + 20 + 8 > reached:
                expected[k, window] += 1
        outputs += job.on_rows(0, 0, frame([(k, at)]), NOW)
        reached = max(reached, at - 2)
    assert sorted(standing(outputs + job.on_end(NOW))) == sorted((k, s, n) for (k, s), n in expected.items())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "SET 'table.exec.emit.late-fire.enabled' = 'true';" + TUMBLE,
            "needs 'table.exec.emit.allow-lateness'",
        ),
        (LENIENT + "SELECT k, ts, 1 FROM t;" + TUMBLE.replace("TUMBLE", "SESSION"), "do not fire again"),
        ("SET 'table.exec.emit.late-fire.delay' = '5 s';" + TUMBLE, "is not offered"),
        ("SET 'table.exec.emit.early-fire.enabled' = 'true';" + TUMBLE, "is not offered"),
        ("SET 'penstock.late-rows.topic' = 'no such/topic';" + TUMBLE, "is no topic's name"),
        ("CREATE VIEW w AS SELECT k FROM t;" + LENIENT + TUMBLE, "put it before the first CREATE VIEW"),
    ],
)
def test_what_flink_refuses_or_we_do_not_offer_is_refused(query: str, words: str) -> None:
    with pytest.raises(PenstockError) as caught:
        job_of(query.replace("SELECT k, ts, 1 FROM t;", ""))
    assert words in f"{caught.value.message} {caught.value.remedy}" and caught.value.remedy


def test_windows_that_change_what_they_gave_need_a_table_that_can() -> None:
    with pytest.raises(PenstockError, match="only appends"):
        parse(
            "CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='kafka','topic'='t','format'='json');"
            "CREATE TABLE o (k STRING, s TIMESTAMP(3), n BIGINT) WITH ('connector'='kafka','topic'='o','format'='json');"
            f"{LENIENT} INSERT INTO o {TUMBLE};"
        )


# --- those that nobody takes -------------------------------------------------------------------------------------


def test_a_row_that_came_too_late_goes_to_its_topic_with_who_dropped_it() -> None:
    job = job_of(TO_TOPIC + TVF)
    job.on_rows(0, 0, frame([("a", 25)]), NOW)
    outputs = job.on_rows(0, 0, frame([("b", 3), ("c", 26)]), NOW)
    ((topic, record),) = [letter for output in outputs for letter in output.dead_letters]
    assert topic == "too-late" and record.timestamp_ms == NOW.wall_ms
    assert json.loads(record.value or b"") == {"k": "b", "ts": "2026-01-01 00:00:03"}
    told = dict(record.headers)
    reached_ms = int((START + timedelta(seconds=25) - datetime(1970, 1, 1)).total_seconds() * 1000) - 1
    assert told == {
        "penstock.late.operator": b"window aggregate",
        "penstock.late.watermark": str(reached_ms).encode(),
    }


LATE = {
    "sessions": ("SELECT k, SESSION_START(ts, INTERVAL '4' SECOND), COUNT(*) FROM t GROUP BY k, SESSION(ts, INTERVAL '4' SECOND)", 1),
    "over": ("SELECT k, ts, COUNT(*) OVER (PARTITION BY k ORDER BY ts) FROM t", 1),
    "window top": (
        "SELECT k, window_start, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v) AS r"
        " FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE r <= 2", 1,
    ),
    "interval join": (
        "SELECT a.k, b.ts, a.v FROM t AS a JOIN t AS b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '1' SECOND AND b.ts", 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LATE)
def test_every_operator_that_lets_late_rows_go_tells_of_them(name: str) -> None:
    query, count = LATE[name]
    job = job_of(TO_TOPIC + query)
    job.on_rows(0, 0, frame([("a", 25)]), NOW)
    outputs = job.on_rows(0, 0, frame([("b", 3)]), NOW)
    letters = [record for output in outputs for _, record in output.dead_letters]
    assert len(letters) == count == sum(one.late_rows for one in job.measures().operators)
    assert all("b" in json.loads(letter.value or b"").values() for letter in letters)
    silent = job_of(query)
    silent.on_rows(0, 0, frame([("a", 25)]), NOW)
    assert not any(output.dead_letters for output in silent.on_rows(0, 0, frame([("b", 3)]), NOW))


def test_python_names_the_topic_too() -> None:
    app = App("t", late_rows="too-late")
    events = app.topic("t", {"k": str, "ts": datetime}, event_time="ts")
    app.live(
        "o",
        events.tumble("10 s").group_by(col.k).agg(n=fn.count()),
        key=("k", "window_start", "window_end", "window_time"),
    )
    job = Job(app.plan())
    job.expect(0, [0])
    job.on_rows(0, 0, frame([("a", 25)]).drop("v"), NOW)
    outputs = job.on_rows(0, 0, frame([("b", 3)]).drop("v"), NOW)
    assert [topic for output in outputs for topic, _ in output.dead_letters] == ["too-late"]


# --- event time by the clock -------------------------------------------------------------------------------------

FOLLOWS = "'scan.watermark.idle-timeout' = '5 s', 'scan.watermark.idle-advance' = 'true', "


def test_windows_close_by_the_clock_while_the_source_is_silent() -> None:
    job = job_of(TVF, late="1", options=FOLLOWS)
    job.expect(0, [1])
    assert not job.on_rows(0, 0, frame([("a", 3)]), NOW) and job.due_ms > 2**60
    job.on_idle(0, 1, NOW.after(4))
    assert job.due_ms > 2**60, "one partition speaks still"
    assert not job.on_idle(0, 0, NOW.after(5))
    # event time stood at 2 s (the row's, less a second and a millisecond), and has 8 s to go to the window's last moment
    assert job.due_ms == NOW.after(5 + 8).wall_ms
    held, again = job.snapshot(), job_of(TVF, late="1", options=FOLLOWS)
    again.restore(held)
    for one in (job, again):
        assert not one.on_clock(Now(0.0, one.due_ms - 1))
        assert standing(one.on_clock(Now(0.0, one.due_ms))) == [("a", 0, 1)]
        assert one.due_ms > 2**60, "nothing waits for the clock any more"
        assert standing(one.on_rows(0, 0, frame([("b", 9), ("b", 30)]), NOW.after(60))) == []
        assert sum(o.late_rows for o in one.measures().operators) == 1
        assert standing(one.on_end(NOW.after(61))) == [("b", 30, 1)]


def test_a_source_that_speaks_again_goes_by_its_rows_again() -> None:
    job = job_of(TVF, options=FOLLOWS)
    job.on_rows(0, 0, frame([("a", 3)]), NOW)
    job.on_idle(0, 0, NOW.after(5))
    assert job.due_ms < 2**60
    job.on_rows(0, 0, frame([("a", 4)]), NOW.after(6))
    assert job.due_ms > 2**60
    job.on_idle(0, 0, NOW.after(11))
    assert job.due_ms == NOW.after(11 + 6).wall_ms
    assert standing(job.on_clock(NOW.after(17))) == [("a", 0, 2)]


@pytest.mark.parametrize("name", [*LATE, "hop"])
def test_whatever_waits_for_event_time_says_when_the_clock_brings_it(name: str) -> None:
    query = HOP if name == "hop" else LATE[name][0]
    if name == "interval join":  # only rows that may come out alone wait
        query = query.replace("JOIN t AS b ON", "LEFT JOIN t AS b ON a.v < b.v AND")
    job, known = job_of(query, options=FOLLOWS), job_of(query)
    for one in (job, known):
        one.on_rows(0, 0, frame([("a", 3)]), NOW)
    job.on_idle(0, 0, NOW.after(5))
    outputs: list[Output] = []
    for _ in range(10):
        if job.due_ms < 2**60:
            before = len(outputs)
            outputs += job.on_clock(Now(0.0, job.due_ms))
            assert len(outputs) > before or job.due_ms > 2**60, "it does not ask for nothing"
    expected = known.on_end(NOW)
    assert [output.rows.rows() for output in outputs] and sorted(
        row for output in outputs for row in output.rows.rows()
    ) == sorted(row for output in expected for row in output.rows.rows())


def test_a_silent_side_that_follows_the_clock_does_not_rest() -> None:
    other = GROWING.format(name="u")
    table = GROWING.format(name="t").replace("'format'", f"{FOLLOWS}'format'")
    script = (
        f"CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) {table};"
        f"CREATE TABLE u (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) {other};"
        "CREATE VIEW united AS SELECT k, ts FROM t UNION ALL SELECT k, ts FROM u;"
        "CREATE TABLE o (k STRING, s TIMESTAMP(3), n BIGINT) WITH ('connector'='print');"
        f"INSERT INTO o {TVF.replace('TABLE t', 'TABLE united')};"
    )
    job = Job(parse(script))
    for index in (0, 1):
        job.expect(index, [0])
    rows = frame([("a", 3)]).drop("v")
    job.on_rows(0, 0, rows, NOW)
    job.on_rows(1, 0, frame([("a", 25)]).drop("v"), NOW)
    job.on_idle(0, 0, NOW.after(5))
    assert job.due_ms == NOW.after(5 + 7).wall_ms
    assert standing(job.on_clock(NOW.after(12))) == [("a", 0, 1)]
    assert job.due_ms > 2**60 or job.due_ms > NOW.after(20).wall_ms
