"""What rows were before they changed is left out where nobody asks for it, and the answer stays the same."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job
from penstock.engine.plan import Aggregate, Scan
from penstock.record import decode
from penstock.sql import parse
from tests.engine.relations import NOW, SCHEMA, Input, filled
from tests.engine.streams import NO_SHRINKING, aggregation, events_table, folded, printed

UPSERT = "'connector'='upsert-kafka','topic'='o','key.format'='json','value.format'='json'"
RANKED = "SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id DESC) AS n FROM a) WHERE n <= {limit}"
QUERIES = {
    "count": ("k BIGINT, n BIGINT", "k", "SELECT k, COUNT(*) AS n FROM a GROUP BY k"),
    "renamed": ("c BIGINT, g BIGINT", "g", "SELECT COUNT(DISTINCT v) AS c, k AS g FROM a GROUP BY k"),
    "best": ("k BIGINT, m STRING", "k", "SELECT k, MAX(v) AS m FROM a GROUP BY k"),
    "filtered": (
        "k BIGINT, n BIGINT, d BIGINT, e BIGINT, f BIGINT",
        "k",
        "SELECT k, COUNT(*) FILTER (WHERE v = 'a') AS n, COUNT(DISTINCT id) FILTER (WHERE v = 'a') AS d,"
        " COUNT(DISTINCT id) FILTER (WHERE v <> 'a') AS e, COUNT(DISTINCT id) AS f FROM a GROUP BY k",
    ),
    "ranks": ("k BIGINT, id BIGINT, n BIGINT", "k, n", RANKED.format(columns="k, id, n", limit=3)),
    "first": ("k BIGINT, id BIGINT", "k", RANKED.format(columns="k, id", limit=1)),
    "newest": (
        "k BIGINT, id BIGINT",
        "k",
        "SELECT k, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY t DESC) AS n FROM a) WHERE n = 1",
    ),
    "moved": ("n BIGINT, k BIGINT", "n", "SELECT COUNT(*) AS n, MAX(k) AS k FROM a GROUP BY v"),
    "passed": (
        "k BIGINT, n BIGINT",
        "k",
        "SELECT * FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) WHERE n < 9",
    ),
}


def given_by(table: Input, columns: str, sink: str, query: str, seed: int) -> tuple[list[pl.DataFrame], Job]:
    """What a query gives a sink, batch by batch, with restarts on the way."""
    random = np.random.default_rng(seed)
    plan = parse(f"{table.ddl} CREATE TABLE o ({columns}) WITH ({sink}); INSERT INTO o {query};")
    job, frames, at = Job(plan), [], 0
    while at < len(table.rows):
        part = table.rows[at : at + int(random.choice([1, 3, 20]))]
        at += len(part)
        frame = pl.DataFrame([(*row, kind) for row, kind in part], schema=SCHEMA, orient="row")
        frames += [
            output.rows for output in job.on_rows(0, 0, frame if table.changes else frame.drop("$kind"), NOW)
        ]
        if random.random() < 0.15:
            held, job = job.snapshot(), Job(plan)
            job.restore(held)
    return frames, job


def held_by_key(frames: list[pl.DataFrame], key: list[str]) -> dict[tuple[object, ...], tuple[object, ...]]:
    """As an upsert topic's reader has it."""
    held: dict[tuple[object, ...], tuple[object, ...]] = {}
    for frame in frames:
        last = frame.unique(subset=key, keep="last", maintain_order=True)
        for name, row in zip(last.select(key).rows(), last.rows(), strict=True):
            if row[-1] in (1, 3):
                held.pop(name, None)
            else:
                held[name] = row[:-1]
    return held


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("name", [name for name in QUERIES if name != "moved"])
@settings(max_examples=5, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10_000))
def test_an_upsert_table_ends_as_all_changes_do(name: str, changes: bool, seed: int) -> None:
    if changes and name == "newest":
        return  # refused: event time of rows that change
    (table,) = filled(seed, 80, a=changes)
    columns, key, query = QUERIES[name]
    every, _ = given_by(table, columns, "'connector'='print'", query, seed)
    upserts, _ = given_by(table, f"{columns}, PRIMARY KEY ({key}) NOT ENFORCED", UPSERT, query, seed)
    expected = folded(pl.concat(every)) if every else []
    assert sorted(held_by_key(upserts, key.split(", ")).values(), key=repr) == expected
    if name != "passed":  # behind a filter a row may have to go that was let through before
        assert 1 not in {kind for frame in upserts for kind in frame["$kind"]}


def test_a_sink_whose_key_is_not_the_groups_is_told_what_was_before() -> None:
    node = Aggregate(Scan(events_table()), ("k",), (aggregation("n", "BIGINT", "COUNT(*)"),))
    for key, kinds in (("n",), {0, 1, 2}), (("k",), {0, 2}):
        job = Job(printed(node, key, "upsert-kafka"))
        rows = pl.DataFrame({"k": ["a", "a", "b"]})
        outputs = [*job.on_rows(0, 0, rows, NOW), *job.on_rows(0, 0, rows, NOW)]
        assert set(pl.concat(output.rows for output in outputs)["$kind"].to_list()) == kinds


def test_a_black_hole_is_told_of_new_rows_alone() -> None:
    (table,) = filled(1, 60, a=False)
    columns, _, query = QUERIES["moved"]
    frames, _ = given_by(table, columns, "'connector'='blackhole'", query, 1)
    assert set(pl.concat(frames)["$kind"].to_list()) == {0, 2}


def test_what_one_of_two_readers_asks_for_both_get() -> None:
    (table,) = filled(1, 60, a=False)
    plan = parse(
        f"{table.ddl} CREATE TABLE p (k BIGINT, n BIGINT) WITH ('connector'='print');"
        "CREATE TABLE b (k BIGINT, n BIGINT) WITH ('connector'='blackhole');"
        "CREATE VIEW c AS SELECT k, COUNT(*) AS n FROM a GROUP BY k;"
        "INSERT INTO p SELECT * FROM c; INSERT INTO b SELECT * FROM c;"
    )
    job = Job(plan)
    rows = pl.DataFrame(
        [row for row, _ in table.rows], schema=[n for n in SCHEMA if n != "$kind"], orient="row"
    )
    outputs = [*job.on_rows(0, 0, rows[:30], NOW), *job.on_rows(0, 0, rows[30:], NOW)]
    assert all(1 in output.rows["$kind"].to_list() for output in outputs[2:])


def test_the_topic_gets_each_keys_last_row_all_the_same() -> None:
    (table,) = filled(1, 40, a=True)
    columns, key, query = QUERIES["count"]
    plan = parse(
        f"{table.ddl} CREATE TABLE o ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH ({UPSERT}); INSERT INTO o {query};"
    )
    job, held = Job(plan), dict[bytes | None, bytes | None]()
    for row, kind in table.rows:
        frame = pl.DataFrame([(*row, kind)], schema=SCHEMA, orient="row")
        for output in job.on_rows(0, 0, frame, NOW):
            held |= {r.key: r.value for _, batch in output.batches for r in decode(batch)}
    assert sum(value is not None for value in held.values()) == len({row[1] for row in table.whole})
