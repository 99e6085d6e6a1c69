"""Snapshots: a job restored at any point goes on as if nothing had happened."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job, Snapshot
from penstock.engine.plan import Aggregate, Plan, Scan, Sink
from penstock.engine.run.kept.growth import Known
from penstock.engine.run.keys import KeyTable
from penstock.errors import PenstockError
from penstock.record import encode
from penstock.sql import parse
from tests.engine.keeping import Keeper
from tests.engine.streams import (
    NO_SHRINKING,
    NOW,
    aggregation,
    cuts,
    events,
    events_table,
    printed,
)
from tests.engine.test_changes import PER_KEY, RETRACTED, upserts
from tests.engine.test_windows import plan_of, windowed

PLANS = {
    "tumble": plan_of(windowed("tumble"), ("k",)),
    "hop": plan_of(windowed("hop"), ("k", "s")),
    "per key": printed(PER_KEY),
    "all at once": Plan(
        plan_of(windowed("hop"), ("i",)).sinks + printed(PER_KEY).sinks + printed(Scan(events_table())).sinks
    ),
    "means": printed(
        Aggregate(Scan(events_table()), ("s",), (aggregation("a", "DECIMAL(38, 6)", "AVG(m)"), aggregation("h", "DECIMAL(12, 2)", "MAX(m)")))
    ),
}  # fmt: skip


def shown(outputs: list) -> list[tuple[int | None, list[tuple[object, ...]]]]:
    return [(o.sink, o.rows.rows()) for o in outputs]


@pytest.mark.parametrize("name", PLANS)
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), stop=st.floats(0, 1))
def test_a_job_restored_from_a_snapshot_goes_on_as_the_uninterrupted_one(
    name: str, seed: int, stop: float
) -> None:
    batches = list(cuts(seed, events(seed, 250), 2))
    cut = int(stop * len(batches))
    one, other = Job(PLANS[name]), Job(PLANS[name])
    for job in (one, other):
        job.expect(0, range(2))
    for partition, rows in batches[:cut]:
        assert shown(one.on_rows(0, partition, rows, NOW)) == shown(other.on_rows(0, partition, rows, NOW))
    restored = Job(PLANS[name])
    restored.restore(Snapshot([bytes(block) for block in other.snapshot().blocks]))
    assert restored.measures() == one.measures()
    for partition, rows in batches[cut:]:
        assert shown(one.on_rows(0, partition, rows, NOW)) == shown(restored.on_rows(0, partition, rows, NOW))
    assert shown(one.on_end(NOW)) == shown(restored.on_end(NOW))
    assert restored.measures() == one.measures()


@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), cut=st.integers(0, 60))
def test_upserts_and_what_they_took_back_survive_a_snapshot(seed: int, cut: int) -> None:
    records, _ = upserts(seed, 60)
    one, other = Job(printed(RETRACTED)), Job(printed(RETRACTED))
    for record in records[:cut]:
        one.on_records(0, 0, encode([record]), NOW)
        other.on_records(0, 0, encode([record]), NOW)
    restored = Job(printed(RETRACTED))
    restored.restore(other.snapshot())
    for record in records[cut:]:
        a, b = one.on_records(0, 0, encode([record]), NOW), restored.on_records(0, 0, encode([record]), NOW)
        assert shown(a) == shown(b)


def test_a_snapshot_does_not_disturb_the_job_that_takes_it() -> None:
    batches = list(cuts(5, events(5, 250), 1))
    one, other = Job(PLANS["hop"]), Job(PLANS["hop"])
    for _, rows in batches:
        assert shown(one.on_rows(0, 0, rows, NOW)) == shown(other.on_rows(0, 0, rows, NOW))
        other.snapshot()
    assert shown(one.on_end(NOW)) == shown(other.on_end(NOW))


SOURCES = """
CREATE TABLE a (g BIGINT, x BIGINT, s STRING) WITH ('connector'='kafka','topic'='a','format'='json');
CREATE TABLE u (g BIGINT, x BIGINT, s STRING, PRIMARY KEY (g) NOT ENFORCED)
  WITH ('connector'='upsert-kafka','topic'='u','key.format'='json','value.format'='json');
CREATE TABLE o (g BIGINT, x BIGINT, s STRING) WITH ('connector'='print');
INSERT INTO o """
RANKED = "SELECT g, x, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g ORDER BY {by}) AS n FROM {of}) WHERE n <= {most}"
GROWING = {
    "join": "SELECT a.g, a.x, b.s FROM a JOIN a AS b ON a.x = b.x + 1",
    "outer join": "SELECT a.g, a.x, u.s FROM a LEFT JOIN u ON a.g = u.g",
    "first": RANKED.format(by="x DESC", of="a", most=1),
    "best": RANKED.format(by="x DESC", of="a", most=3),
    "top": RANKED.format(by="x DESC", of="u", most=2),
    "groups": "SELECT g, COUNT(*), MAX(s) FROM a GROUP BY g",
    "newest": "SELECT g, x, s FROM u",
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("keys", [40, 100_000])
def test_snapshots_that_go_on_from_others_hold_all_together(name: str, keys: int) -> None:
    """Few keys: what is kept is replaced and swept out; many: it stays, and need not be written again."""
    plan, keeper, random = parse(SOURCES + GROWING[name]), Keeper(), np.random.default_rng(7)
    one, other = Job(plan), Job(plan)
    links = 0
    for turn in range(8):
        for source in one.sources:
            rows = pl.DataFrame({
                "g": random.integers(0, keys, 1500), "x": np.arange(1500) + 1500 * turn,
                "s": [f"text {n}" for n in random.integers(0, 50, 1500)],
            })  # fmt: skip
            if source.table.name == "u":
                rows = rows.with_columns(pl.lit(2, pl.Int8).alias("$kind"))
            assert shown(one.on_rows(source.index, 0, rows, NOW)) == shown(
                other.on_rows(source.index, 0, rows, NOW)
            )
        keeper.keep(other)
        links = max(links, keeper.links)
        if turn in (4, 6):
            other = keeper.again(plan)
    assert links > 2
    assert [o.state_rows for o in other.measures().operators] == [
        o.state_rows for o in one.measures().operators
    ]


def test_state_of_windows_that_have_fired_is_let_go() -> None:
    job = Job(plan_of(windowed("tumble"), ("i",)))
    largest = 0
    for at in range(0, 200_000, 500):
        job.on_rows(
            0,
            0,
            events(at, 20, span_ms=500).with_columns(
                at=events(at, 20, span_ms=500)["at"].dt.offset_by(f"{at}ms")
            ),
            NOW,
        )
        largest = max(
            largest, len(job.graph.vertices[1].operator.slot_key), len(job.graph.vertices[1].operator.table)
        )
    assert largest < 2000, "slots and keys of fired windows are used again"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda blocks: [], "cannot be read"),
        (lambda blocks: [b"{}", *blocks[1:]], "cannot be read"),
        (lambda blocks: [blocks[0].replace(b'"version": 2', b'"version": 9'), *blocks[1:]], "version 9"),
        (lambda blocks: [blocks[0], *(b"x" + block for block in blocks[1:])], "damaged"),
        (lambda blocks: blocks[:-1], "damaged"),
    ],
)
def test_state_that_cannot_be_used_is_refused(spoil: object, words: str) -> None:
    job = Job(PLANS["tumble"])
    job.on_rows(0, 0, events(1, 50), NOW)
    with pytest.raises(PenstockError, match=words):
        Job(PLANS["tumble"]).restore(Snapshot(spoil(job.snapshot().blocks)))


def test_a_snapshot_without_the_one_that_it_goes_on_from_is_refused() -> None:
    plan = parse(SOURCES + GROWING["groups"])
    job, snapshots = Job(plan), []
    known: Known = {}
    for turn in range(3):
        job.on_rows(0, 0, pl.DataFrame({"g": [turn, turn + 10], "x": [1, 1], "s": ["a", "b"]}), NOW)
        frozen = job.freeze(known)
        known = frozen.known
        snapshots.append(frozen.pack().blocks)
    first, second, third = snapshots
    Job(plan).restore(Snapshot([*first, *second, *third]))
    for chain in ([*second, *third], [*first, *third], third):
        with pytest.raises(PenstockError, match="goes on from is not there"):
            Job(plan).restore(Snapshot(chain))


def test_state_of_another_query_is_refused() -> None:
    snapshot = Job(PLANS["tumble"]).snapshot()
    assert json.loads(snapshot.blocks[0])["version"] == 2
    with pytest.raises(PenstockError, match="another query"):
        Job(PLANS["hop"]).restore(snapshot)


def test_keys_whose_hashes_collide_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.engine.run import keys

    monkeypatch.setattr(
        keys, "_hashes", lambda frame: np.array([len(v or "") % 2 for v in frame["a"]], np.int64)
    )
    _numbers_stay(KeyTable({"a": pl.String(), "b": pl.Float64()}), pl.Float64())


def test_keys_of_texts_and_whole_numbers_are_told_apart() -> None:
    _numbers_stay(KeyTable({"a": pl.String(), "b": pl.Int64()}), pl.Int64())
    _numbers_stay(KeyTable({"a": pl.String(), "b": pl.Date()}), pl.Date())


def _numbers_stay(table: KeyTable, kind: pl.DataType) -> None:
    random = np.random.default_rng(1)
    known: dict[tuple[object, ...], int] = {}
    for _ in range(20):
        frame = pl.DataFrame(
            {
                "a": [None if n == 3 else "x" * n for n in random.integers(0, 9, 50)],
                "b": [None if n == 2 else n for n in random.integers(0, 3, 50).tolist()],
            },
            schema_overrides={"b": pl.Int32},
        ).with_columns(pl.col("b").cast(kind))
        for row, number in zip(frame.rows(), table.number(frame).tolist(), strict=True):
            assert known.setdefault(row, number) == number
    assert sorted(known.values()) == list(range(len(known)))
    assert table.tail(0).rows() == sorted(known, key=known.__getitem__)


def test_sinks_of_one_plan_share_one_scan() -> None:
    plan = PLANS["all at once"]
    assert isinstance(plan.sinks[0], Sink)
    assert len(Job(plan).sources) == 1
