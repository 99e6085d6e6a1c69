"""A job's figures: the graph it is drawn from, whose time it was, what is kept, what came too late."""

import itertools
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from penstock.clock import Now
from penstock.engine.job import Job, Snapshot
from penstock.engine.run.figures.weights import weight
from penstock.record import Record, encode
from penstock.sql import parse

NOW = Now(100.0, 1_795_345_200_123)
BEGIN = datetime(2026, 11, 22, 11)
TABLES = """
CREATE TABLE bids (item BIGINT, who STRING, price DOUBLE, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE items (id BIGINT, name STRING, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'items', 'format' = 'json');
CREATE TABLE sold (item BIGINT, name STRING, price DOUBLE) WITH ('connector' = 'print');
CREATE TABLE sums (item BIGINT, n BIGINT, total DOUBLE, window_end TIMESTAMP(3)) WITH ('connector' = 'print');
"""
JOINED = """INSERT INTO sold SELECT b.item, i.name, b.price FROM bids b JOIN items i ON b.item = i.id
  AND b.`at` BETWEEN i.`at` AND i.`at` + INTERVAL '10' SECOND;"""
SUMMED = """INSERT INTO sums SELECT item, COUNT(*), SUM(price), window_end
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) WHERE price > 0 GROUP BY item, window_start, window_end;"""


def bids(count: int, *, first_s: float = 0.0, items: int = 10**9) -> pl.DataFrame:
    at = [BEGIN + timedelta(seconds=first_s, milliseconds=i) for i in range(count)]
    return pl.DataFrame(
        {
            "item": [i % items for i in range(count)],
            "who": "somebody",
            "price": 1.5,
            "at": pl.Series(at, dtype=pl.Datetime("us")),
        }
    )


def ticking(job_script: str) -> Job:
    """A job by a clock on which one second passes between any two looks."""
    return Job(parse(job_script), None, itertools.count(0.0, 1.0).__next__)


def test_operators_say_whose_rows_they_read_and_sinks_who_writes_them() -> None:
    measures = Job(parse(TABLES + JOINED + SUMMED)).measures()
    names = [one.name for one in measures.operators]
    scans = {
        measures.sources[one.source].table: n for n, one in enumerate(measures.operators) if one.source >= 0
    }
    assert scans.keys() == {"bids", "items"}, "a table that two statements read is read once"
    join = measures.operators[names.index("interval join")]
    assert [_heads(measures.operators, one) for one in join.inputs] == [{scans["bids"]}, {scans["items"]}]
    for place, one in enumerate(measures.operators):
        assert all(below < place for below in one.inputs)
    sold, sums = measures.sinks
    assert "interval join" in _above(measures.operators, sold.operator)
    assert "window aggregate" in _above(measures.operators, sums.operator)


def _heads(operators: tuple, number: int) -> set[int]:
    """The scans an operator's rows come from."""
    if operators[number].source >= 0:
        return {number}
    return set().union(*(_heads(operators, one) for one in operators[number].inputs))


def _above(operators: tuple, number: int) -> set[str]:
    return {operators[number].name}.union(*(_above(operators, one) for one in operators[number].inputs))


def test_all_time_is_somebody_s_and_each_look_at_the_clock_ends_one_s_work() -> None:
    looks = itertools.count(0.0, 1.0)
    job = Job(parse(TABLES + SUMMED), None, looks.__next__)
    job.on_rows(0, 0, bids(100), NOW)
    measures = job.measures()
    spent_s = [one.busy_s for one in measures.operators] + [one.busy_s for one in measures.sinks]
    assert sum(spent_s) == next(looks) - 1, "from the first look to the last"
    calls = sum(one.batches for one in measures.operators)
    assert next(looks) <= 2 + 2 * calls + len(measures.operators)


def test_decoding_is_the_scan_s_time_and_encoding_the_sink_s() -> None:
    script = TABLES + (
        "CREATE TABLE kept (item BIGINT) WITH ('connector' = 'kafka', 'topic' = 'kept', 'format' = 'json');"
        "INSERT INTO kept SELECT item FROM bids;"
    )
    job = ticking(script)
    job.on_records(0, 0, encode([Record(None, b'{"item": 1}', 5)]), NOW)
    measures = job.measures()
    scan = measures.operators[0]
    assert scan.source == 0 and scan.busy_s >= 2  # its rows, and what is left of the reading after the last
    assert measures.sinks[0].busy_s == 2  # its rows, then their record batch


def test_without_a_clock_nobody_s_time_is_taken() -> None:
    job = Job(parse(TABLES + SUMMED))
    job.on_rows(0, 0, bids(10), NOW)
    assert {one.busy_s for one in job.measures().operators} == {0.0}


def test_state_bytes_grow_with_the_keys_and_go_when_their_windows_have_fired() -> None:
    job = Job(parse(TABLES + SUMMED))

    def kept() -> int:
        return next(one.state_bytes for one in job.measures().operators if one.name == "window aggregate")

    empty = kept()
    job.on_rows(0, 0, bids(20_000), NOW)
    assert empty + 20_000 * 8 < kept() < empty + 20_000 * 400
    full = kept()
    job.on_rows(0, 0, bids(1, first_s=600.0), NOW)
    assert kept() < full / 4


def test_an_operator_without_state_has_no_bytes_of_it() -> None:
    job = Job(parse(TABLES + SUMMED))
    job.on_rows(0, 0, bids(1000), NOW)
    assert [one.state_bytes for one in job.measures().operators if not one.state_rows] == [0, 0, 0]


def test_each_operator_s_watermark_is_what_it_was_told() -> None:
    job = Job(parse(TABLES + SUMMED))
    assert {one.watermark_ms for one in job.measures().operators} == {None}
    job.on_rows(0, 0, bids(2001), NOW)
    reached = int((BEGIN + timedelta(seconds=1)).replace(tzinfo=UTC).timestamp() * 1000) - 1
    assert {one.watermark_ms for one in job.measures().operators} == {reached}
    job.on_end(NOW)
    assert {one.watermark_ms for one in job.measures().operators} == {None}, "the end of time is no time"


@pytest.mark.parametrize("query", [SUMMED, JOINED])
def test_figures_survive_a_restart(query: str) -> None:
    job = Job(parse(TABLES + query))
    job.on_rows(0, 0, bids(50, first_s=60.0), NOW)
    job.on_rows(0, 0, bids(50), NOW)
    again = Job(parse(TABLES + query))
    again.restore(Snapshot(job.snapshot().blocks))
    assert again.measures() == job.measures()


def test_late_rows_of_a_window_s_top_survive_a_restart_too() -> None:
    script = (
        TABLES
        + """CREATE TABLE best (item BIGINT, price DOUBLE) WITH ('connector' = 'print');
    INSERT INTO best SELECT item, price FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC) AS n
      FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(`at`), INTERVAL '10' SECOND))) WHERE n <= 2;"""
    )
    job = Job(parse(script))
    job.on_rows(0, 0, bids(5, first_s=60.0), NOW)
    job.on_rows(0, 0, bids(7), NOW)
    assert sum(one.late_rows for one in job.measures().operators) == 7
    again = Job(parse(script))
    again.restore(Snapshot(job.snapshot().blocks))
    assert sum(one.late_rows for one in again.measures().operators) == 7


def test_what_is_held_twice_is_weighed_once_and_large_containers_by_a_sample() -> None:
    frame = pl.DataFrame({"a": range(1000)})
    assert weight([frame, frame]) < 1.1 * weight([frame])
    many = {n: str(n) * 20 for n in range(100_000)}
    assert 100_000 * 150 < weight(many) < 100_000 * 400
