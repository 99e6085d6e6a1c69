"""Rows that change: running aggregates, upsert sources and what a sink makes of them."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job
from penstock.engine.plan import Aggregate, Filter, Plan, Project, Scan, Sink, Table, Union
from penstock.engine.types import Column
from penstock.errors import PenstockError
from penstock.record import Record, decode, encode
from tests.engine.streams import (
    NO_SHRINKING,
    NOW,
    aggregation,
    collect,
    cuts,
    events,
    events_table,
    folded,
    printed,
    run,
    same,
    sql,
)

COUNT = aggregation("n", "BIGINT", "COUNT(*)")
PER_KEY = Aggregate(
    Scan(events_table()),
    ("k",),
    (
        COUNT,
        aggregation("si", "BIGINT", "SUM(i)"),
        aggregation("lo", "BIGINT", "MIN(i)"),
        aggregation("hi", "DOUBLE", "MAX(d)"),
        aggregation("sv", "BIGINT", "COUNT(DISTINCT s)"),
        aggregation("fv", "STRING", "FIRST_VALUE(s)"),
        aggregation("lv", "STRING", "LAST_VALUE(s)"),
        aggregation("fi", "BIGINT", "FIRST_VALUE(i)"),
        aggregation("ld", "DOUBLE", "LAST_VALUE(d)"),
    ),
)


def per_key(frame: pl.DataFrame) -> pl.DataFrame:
    some = pl.col("i").count() > 0
    return frame.group_by("k").agg(
        n=pl.len().cast(pl.Int64),
        si=pl.when(some).then(pl.col("i").sum()),
        lo=pl.col("i").min(),
        hi=pl.col("d").max(),
        sv=pl.col("s").drop_nulls().n_unique().cast(pl.Int64),
        fv=pl.col("s").drop_nulls().first(),
        lv=pl.col("s").drop_nulls().last(),
        fi=pl.col("i").drop_nulls().first(),
        ld=pl.col("d").drop_nulls().last(),
    )


@settings(max_examples=15, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_running_aggregates_end_where_polars_ends(seed: int) -> None:
    frame = events(seed, 300)
    changes = run(printed(PER_KEY), [(0, rows) for _, rows in cuts(seed, frame, 1)])
    expected = per_key(frame).select([c.name for c in PER_KEY.schema])
    assert folded(changes) == sorted(expected.rows(), key=repr)


def test_a_change_is_the_old_row_taken_back_and_the_new_one_next_to_it() -> None:
    plan = printed(Aggregate(Scan(events_table()), ("k",), (COUNT,)))
    job = Job(plan)

    def give(*keys: str | None) -> list[tuple[object, ...]]:
        return collect(job, job.on_rows(0, 0, pl.DataFrame({"k": keys}, schema={"k": pl.String}), NOW)).rows()

    assert give("a", "b", "a") == [("a", 2, 0), ("b", 1, 0)]
    assert give("b", None) == [("b", 1, 1), ("b", 2, 2), (None, 1, 0)]


def test_a_group_whose_row_stays_the_same_gives_nothing() -> None:
    plan = printed(Aggregate(Scan(events_table()), ("k",), (aggregation("hi", "BIGINT", "MAX(i)"),)))
    job = Job(plan)
    rows = pl.DataFrame({"k": ["a"], "i": [5]})
    assert collect(job, job.on_rows(0, 0, rows, NOW)).height == 1
    assert collect(job, job.on_rows(0, 0, rows, NOW)).height == 0


def test_an_aggregate_without_groups_has_one_row_and_none_before_the_first() -> None:
    plan = printed(Aggregate(Scan(events_table()), (), (COUNT, aggregation("s", "BIGINT", "SUM(i)"))))
    job = Job(plan)
    assert collect(job, job.on_end(NOW)).height == 0
    assert run(plan, [(0, events(1, 40))])["n"].to_list()[-1] == 40


def test_distinct_rows_come_once() -> None:
    plan = printed(Aggregate(Scan(events_table()), ("k", "s"), ()))
    frame = events(2, 200)
    made = run(plan, [(0, rows) for _, rows in cuts(2, frame, 1)])
    same(made.drop("$kind"), frame.select("k", "s").unique())


# --- upsert sources --------------------------------------------------------------------------------------------

PEOPLE = Table(
    "people",
    (Column("id", "INT", False), Column("city", "STRING"), Column("age", "BIGINT")),
    {"connector": "upsert-kafka", "topic": "people", "key.format": "json", "value.format": "json"},
    ("id",),
)
RETRACTED = Aggregate(
    Scan(PEOPLE),
    ("city",),
    (
        COUNT,
        aggregation("s", "BIGINT", "SUM(age)"),
        aggregation("lo", "BIGINT", "MIN(age)"),
        aggregation("hi", "BIGINT", "MAX(age)"),
        aggregation("d", "BIGINT", "COUNT(DISTINCT age)"),
        aggregation("v", "BIGINT", "VAR_POP(age)"),
    ),
)


def upserts(seed: int, rows: int) -> tuple[list[Record], dict[int, tuple[str, int | None]]]:
    """Random upserts and deletions, and what stands at the end."""
    random, records, held = np.random.default_rng(seed), [], {}
    for _ in range(rows):
        number = int(random.integers(0, 12))
        key = json.dumps({"id": number}).encode()
        if random.random() < 0.25:
            held.pop(number, None)
            records.append(Record(key, None, 0))
            continue
        city, age = f"c{random.integers(0, 3)}", int(random.integers(0, 6)) if random.random() < 0.9 else None
        held[number] = (city, age)
        records.append(Record(key, json.dumps({"id": number, "city": city, "age": age}).encode(), 0))
    return records, held


def fed(job: Job, seed: int, records: list[Record]) -> pl.DataFrame:
    random, at, outputs = np.random.default_rng(seed), 0, []
    while at < len(records):
        size = int(random.choice([1, 2, 5, 30]))
        outputs += job.on_records(0, 0, encode(records[at : at + size], base_offset=at), NOW)
        at += size
    return collect(job, outputs)


@settings(max_examples=20, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_an_upsert_topic_is_a_changelog_that_ends_with_the_rows_that_stand(seed: int) -> None:
    records, held = upserts(seed, 120)
    changes = fed(Job(printed(Scan(PEOPLE))), seed, records)
    assert folded(changes) == sorted([(number, *row) for number, row in held.items()], key=repr)


@settings(max_examples=20, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_aggregates_over_rows_that_change_take_the_old_values_back(seed: int) -> None:
    records, held = upserts(seed, 120)
    changes = fed(Job(printed(RETRACTED)), seed, records)
    rows = [(city, age) for city, age in held.values()]
    expected = []
    for city in {city for city, _ in rows}:
        ages = [age for c, age in rows if c == city and age is not None]
        variance = int(np.var(ages)) if ages else None
        count = sum(c == city for c, _ in rows)
        expected.append(
            (
                city,
                count,
                sum(ages) if ages else None,
                min(ages, default=None),
                max(ages, default=None),
                len(set(ages)),
                variance,
            )
        )
    assert [row[:6] for row in folded(changes)] == [row[:6] for row in sorted(expected, key=repr)]


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_an_aggregate_of_an_aggregate_is_right_after_every_batch(seed: int) -> None:
    inner = Project(Aggregate(Scan(events_table()), ("k",), (COUNT,)), ((Column("n", "BIGINT"), sql("n")),))
    outer = Aggregate(inner, ("n",), (aggregation("groups", "BIGINT", "COUNT(*)"),))
    frame = events(seed, 150, keys=9)
    changes = run(printed(outer), [(0, rows) for _, rows in cuts(seed, frame, 1)])
    counts = frame.group_by("k").len()["len"].to_list()
    assert folded(changes) == sorted([(n, counts.count(n)) for n in set(counts)], key=repr)


def test_a_filter_over_changes_takes_back_what_no_longer_fits() -> None:
    node = Filter(Aggregate(Scan(events_table()), ("k",), (COUNT,)), sql("n < 3"))
    rows = [pl.DataFrame({"k": ["a"]})] * 4
    changes = run(printed(node), [(0, r) for r in rows])
    assert folded(changes) == []
    assert changes["$kind"].to_list() == [0, 1, 2, 1]


def test_a_union_of_changing_and_appending_rows_changes() -> None:
    changing = Project(Scan(PEOPLE), ((Column("city", "STRING"), sql("city")),))
    appending = Project(Scan(events_table()), ((Column("k", "STRING"), sql("k")),))
    job = Job(printed(Aggregate(Union((changing, appending)), ("city",), (COUNT,))))
    parts = job.on_records(0, 0, encode([Record(b'{"id":1}', b'{"id":1,"city":"x"}', 0)]), NOW)
    parts += job.on_rows(1, 0, pl.DataFrame({"k": ["x", "y"]}), NOW)
    parts += job.on_records(0, 0, encode([Record(b'{"id":1}', None, 0)]), NOW)
    assert folded(collect(job, parts)) == [("x", 1), ("y", 1)]


# --- sinks -----------------------------------------------------------------------------------------------------


def upsert_sink(node: Aggregate) -> Plan:
    options = {"connector": "upsert-kafka", "topic": "out", "key.format": "json", "value.format": "json"}
    return Plan((Sink(Table("out", node.schema, options, node.keys), node),))


def test_an_upsert_sink_writes_each_keys_last_row_and_a_null_for_one_that_is_gone() -> None:
    job = Job(upsert_sink(Aggregate(Scan(PEOPLE), ("city",), (COUNT,))))

    def give(*records: Record) -> list[tuple[bytes | None, bytes | None]]:
        outputs = job.on_records(0, 0, encode(records), NOW)
        return [(r.key, r.value) for o in outputs for _, batch in o.batches for r in decode(batch)]

    oslo = Record(b'{"id":1}', b'{"id":1,"city":"oslo","age":3}', 0)
    assert give(oslo) == [(b'{"city":"oslo"}', b'{"city":"oslo","n":1}')]
    rome = Record(b'{"id":1}', b'{"id":1,"city":"rome","age":3}', 0)
    assert give(rome) == [(b'{"city":"oslo"}', None), (b'{"city":"rome"}', b'{"city":"rome","n":1}')]
    assert give(oslo, Record(b'{"id":1}', None, 0)) == [(b'{"city":"rome"}', None)], (
        "oslo came and went within the batch"
    )
    assert job.measures().operators[-1].state_rows == 0


def test_keys_go_to_the_partitions_that_javas_producer_would_choose() -> None:
    from kafka.partitioner.default import murmur2

    job = Job(upsert_sink(Aggregate(Scan(events_table()), ("k",), (COUNT,))))
    job.sinks[0].partitions = 5
    outputs = job.on_rows(0, 0, pl.DataFrame({"k": [f"käy {n}" * (n % 4) for n in range(50)]}), NOW)
    seen = [(p, r.key) for o in outputs for p, batch in o.batches for r in decode(batch)]
    assert len(seen) == 38 and len({p for p, _ in seen}) == 5
    for partition, key in seen:
        assert partition == (murmur2(key) & 0x7FFFFFFF) % 5


def test_a_table_that_only_appends_refuses_rows_that_change() -> None:
    with pytest.raises(PenstockError, match="only appends") as refusal:
        Job(printed(PER_KEY, connector="kafka"))
    assert "upsert-kafka" in refusal.value.remedy


def test_an_upsert_table_without_a_key_is_refused() -> None:
    with pytest.raises(PenstockError, match="without a key"):
        Job(printed(Scan(events_table()), connector="upsert-kafka"))
