"""State with a lifetime: what nobody wrote for `ttl` is forgotten, to the millisecond, whatever the cuts and restarts.

What is expected is worked out row by row from when rows come, as Flink's operators do (GroupAggFunction,
StreamingJoinOperator, DeduplicateFunctionHelper).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from bench.oracle.lifetimes import QUERIES, ROWS, TTL_S
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.clock import Now
from penstock.dsl import App, col, fn
from penstock.engine.job import Job
from penstock.engine.plan import Aggregate, Join, Plan, Top, walk
from penstock.errors import PenstockError
from penstock.sql import parse
from tests.engine.keeping import Keeper
from tests.engine.relations import CHANGING, GROWING
from tests.engine.streams import NO_SHRINKING, folded

TTL_MS = 10_000
START_MS = 1_795_345_200_000
SEEDS = st.integers(0, 10_000)
seeded = settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
SCHEMA = {"id": pl.Int64, "k": pl.Int64, "v": pl.Int64, "$kind": pl.Int8}
Row = tuple[int, int, int]
Event = tuple[int, str, Row, int]
"""When, which table, the row, and its kind."""
TABLES = (
    "".join(
        f"CREATE TABLE {name} (id BIGINT, k BIGINT, v BIGINT) {GROWING.format(name=name)};" for name in "ab"
    )
    + f"CREATE TABLE u (id BIGINT, k BIGINT, v BIGINT, PRIMARY KEY (id) NOT ENFORCED) {CHANGING.format(name='u')};"
)


def events(seed: int, count: int = 90, keys: int = 6) -> list[Event]:
    """Rows as they come: some together, some long after each other."""
    random = np.random.default_rng(seed)
    at, made = START_MS, []
    for number in range(count):
        at += int(
            random.choice(
                [0, 0, 700, TTL_MS // 3, TTL_MS - 1, TTL_MS, 3 * TTL_MS],
                p=[0.3, 0.3, 0.25, 0.09, 0.02, 0.02, 0.02],
            )
        )
        row = (number, int(random.integers(0, keys)), int(random.integers(0, 9)))
        made.append((at, "ab"[int(random.integers(0, 2))], row, 0))
    return made


def plan_of(columns: str, query: str, settings: str = f"SET 'table.exec.state.ttl' = '{TTL_MS} ms';") -> Plan:
    return parse(
        f"{TABLES} CREATE TABLE o ({columns}) WITH ('connector'='print'); {settings} INSERT INTO o {query};"
    )


def batches(seed: int, rows: list[Event]) -> Iterator[tuple[int, str, list[tuple[Row, int]]]]:
    """Rows of one table that come at one time, cut anyhow."""
    random = np.random.default_rng(seed)
    place = 0
    while place < len(rows):
        at, table, *_ = rows[place]
        size, taken = int(random.choice([1, 2, 5])), 0
        part = []
        while taken < size and place < len(rows) and rows[place][:2] == (at, table):
            part.append((rows[place][2], rows[place][3]))
            place, taken = place + 1, taken + 1
        yield at, table, part


def given_out(plan: Plan, rows: list[Event], seed: int, clock: bool = True) -> tuple[pl.DataFrame, Job]:
    """All changes; the job is restarted on the way, and told the clock now and then."""
    random = np.random.default_rng(seed)
    job, frames, keeper = Job(plan), [], Keeper()
    places = {source.table.name: source.index for source in job.sources}
    for at, table, part in batches(seed, rows):
        now = Now(0.0, at)
        if clock and at >= job.due_ms and random.random() < 0.7:
            assert not job.on_clock(now), "what is forgotten is not told"
        if random.random() < 0.4:
            keeper.keep(job)
            job = keeper.again(plan) if random.random() < 0.5 else job
        if table not in places:
            continue
        frame = pl.DataFrame([(*row, kind) for row, kind in part], schema=SCHEMA, orient="row")
        made = job.on_rows(places[table], 0, frame if table == "u" else frame.drop("$kind"), now)
        frames += [output.rows for output in made]
    return pl.concat(frames), job


def stands(changes: pl.DataFrame) -> list[tuple[object, ...]]:
    return folded(changes)


@seeded
@given(seed=SEEDS)
def test_a_group_begins_anew_once_no_row_came_for_long_enough(seed: int) -> None:
    plan = plan_of("k BIGINT, n BIGINT, t BIGINT", "SELECT k, COUNT(*), SUM(v) FROM a GROUP BY k")
    rows = [event for event in events(seed) if event[1] == "a"]
    held: dict[int, tuple[int, int, int]] = {}
    gone: list[tuple[int, int, int]] = []
    for at, _, (_, k, v), _ in rows:
        last, n, t = held.get(k, (at, 0, 0))
        if n and last + TTL_MS <= at:
            gone.append((k, n, t))
            n, t = 0, 0
        held[k] = at, n + 1, t + v
    expected = gone + [(k, n, t) for k, (_, n, t) in held.items()]
    changes, job = given_out(plan, rows, seed)
    assert stands(changes) == sorted(expected, key=repr)
    job.on_clock(Now(0.0, rows[-1][0] + 2 * TTL_MS))
    assert sum(o.state_rows for o in job.measures().operators) == 0


@pytest.mark.parametrize("value", ["v", "CAST(v AS STRING)"])
@seeded
@given(seed=SEEDS)
def test_a_value_counts_again_once_its_own_time_is_over(value: str, seed: int) -> None:
    plan = plan_of(
        "k BIGINT, n BIGINT, e BIGINT, t BIGINT",
        f"SELECT k, COUNT(DISTINCT {value}), COUNT(DISTINCT {value}) FILTER (WHERE id > 20 AND MOD(id, 3) = 0), SUM(DISTINCT v)"
        " FROM a GROUP BY k",
    )
    rows = [(at, t, (ident, k % 2, v), kind) for at, t, (ident, k, v), kind in events(seed) if t == "a"]
    groups: dict[int, tuple[int, list[int]]] = {}
    entries: dict[
        tuple[int, int, int], tuple[int, set[int]]
    ] = {}  # by key, value and argument: when, who has counted
    gone: list[tuple[int, ...]] = []
    shares = {0: 0, 1: 0, 2: 0 if value == "v" else 1}
    """Which entry each aggregate goes by: one for all of an argument."""
    for at, _, (ident, k, v), _ in rows:
        last, totals = groups.get(k, (at, [0, 0, 0]))
        if last + TTL_MS <= at:
            gone.append((k, *totals))
            totals = [0, 0, 0]
        for place, passed in enumerate((True, ident > 20 and ident % 3 == 0, True)):
            written, counted = entries.get((k, v, shares[place]), (at, set()))
            if written + TTL_MS <= at:
                counted = set()
            if passed and place not in counted:
                totals[place] += v if place == 2 else 1
                entries[k, v, shares[place]] = at, counted | {place}
        groups[k] = at, totals
    expected = gone + [(k, *totals) for k, (_, totals) in groups.items()]
    changes, _ = given_out(plan, rows, seed)
    assert stands(changes) == sorted(expected, key=repr)


def test_values_that_are_over_make_room_while_their_group_lives() -> None:
    query = "SELECT k, COUNT(DISTINCT id), COUNT(DISTINCT CAST(id AS STRING)) FROM a GROUP BY k"
    job = Job(plan_of("k BIGINT, n BIGINT, m BIGINT", query))
    for step in range(40):
        frame = pl.DataFrame({"id": range(200 * step, 200 * step + 200), "k": [0] * 200, "v": [0] * 200})
        out = job.on_rows(0, 0, frame, Now(0.0, START_MS + step * 1000))
    assert out[0].rows.rows()[-1] == (0, 8000, 8000, 2), "what was counted stays counted"
    again = job.on_rows(0, 0, frame, Now(0.0, START_MS + 40_000))
    assert again[0].rows.rows()[-1] == (0, 8000, 8000, 2), "and these are known"
    pairs = [block for name, block in job.freeze().frames.items() if name.endswith("distinct")]
    assert len(pairs) == 2 and all(block.height <= 200 * 11 for block in pairs)


@pytest.mark.parametrize("how", ["", "LEFT", "FULL"])
@seeded
@given(seed=SEEDS)
def test_a_join_matches_rows_that_came_within_the_lifetime(how: str, seed: int) -> None:
    query = f"SELECT a.id, b.id FROM a {how} JOIN b ON a.k = b.k"
    rows = events(seed)
    kept: dict[str, list[list[int]]] = {"a": [], "b": []}  # each: when, id, k, matches
    outer = {"a": how in ("LEFT", "FULL"), "b": how == "FULL"}
    made: dict[tuple[object, object], int] = {}

    def give(table: str, mine: object, other: object, sign: int = 1) -> None:
        pair = (mine, other) if table == "a" else (other, mine)
        made[pair] = made.get(pair, 0) + sign

    for at, table, (ident, k, _), _ in rows:
        other = "b" if table == "a" else "a"
        found = [row for row in kept[other] if row[2] == k and row[0] + TTL_MS > at]
        for row in found:
            if outer[other]:
                if row[3] == 0:
                    give(other, row[1], None, -1)
                row[3], row[0] = row[3] + 1, at
            give(table, ident, row[1])
        if outer[table] and not found:
            give(table, ident, None)
        kept[table].append([at, ident, k, len(found)])
    expected = [pair for pair, copies in made.items() for _ in range(copies)]
    changes, job = given_out(plan_of("a BIGINT, b BIGINT", query), rows, seed)
    assert stands(changes) == sorted(expected, key=repr)
    job.on_clock(Now(0.0, rows[-1][0] + 2 * TTL_MS))
    assert sum(o.state_rows for o in job.measures().operators) == 0


@seeded
@given(seed=SEEDS)
def test_sides_may_be_kept_for_different_times(seed: int) -> None:
    query = "SELECT /*+ STATE_TTL('x' = '1 h', 'b' = '3 s') */ x.id, b.id FROM a AS x JOIN b ON x.k = b.k"
    rows = events(seed)
    ttl = {"a": 3_600_000, "b": 3_000}
    pairs = [
        (one[2][0], other[2][0])
        for i, one in enumerate(rows)
        for j, other in enumerate(rows)
        if (one[1], other[1]) == ("a", "b") and one[2][1] == other[2][1]
        if (one[0] + ttl["a"] > other[0] if i < j else other[0] + ttl["b"] > one[0])
    ]
    changes, _ = given_out(plan_of("a BIGINT, b BIGINT", query, ""), rows, seed)
    assert stands(changes) == sorted(pairs, key=repr)


@seeded
@given(seed=SEEDS)
def test_a_first_row_comes_again_once_it_is_forgotten(seed: int) -> None:
    query = (
        "SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id) AS r FROM a) WHERE r = 1"
    )
    rows = [event for event in events(seed) if event[1] == "a"]
    first: dict[int, int] = {}
    expected = []
    for at, _, (ident, k, _), _ in rows:
        if k not in first or first[k] + TTL_MS <= at:
            first[k] = at
            expected.append((ident, k))
    changes, _ = given_out(plan_of("id BIGINT, k BIGINT", query), rows, seed)
    assert stands(changes) == sorted(expected, key=repr)


@seeded
@given(seed=SEEDS)
def test_the_best_rows_are_those_of_the_lifetime(seed: int) -> None:
    query = "SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id) AS r FROM a) WHERE r <= 2"
    rows = [event for event in events(seed) if event[1] == "a"]
    kept: dict[int, list[tuple[int, int, int]]] = {}
    expected: list[tuple[int, int]] = []
    for at, _, (ident, k, v), _ in rows:
        live = [one for one in kept.get(k, []) if one[2] + TTL_MS > at]
        best = sorted([*live, (-v, ident, at)])
        kept[k] = best[:2]
        expected += [(ident, k)]
        for gone in best[2:]:
            expected.remove((gone[1], k))
    changes, _ = given_out(plan_of("id BIGINT, k BIGINT", query), rows, seed)
    assert stands(changes) == sorted(expected, key=repr)


@pytest.mark.parametrize(("columns", "limit"), [("k, c", 1), ("k, c", 2), ("k, c, r", 2)])
@seeded
@given(seed=SEEDS)
def test_what_moved_up_unsaid_is_not_taken_back(columns: str, limit: int, seed: int) -> None:
    """A row that takes the place of a forgotten one is given with the next change only; until then nobody knows it."""
    counts = "SELECT k, MOD(k, 2) AS p, COUNT(*) AS c FROM a GROUP BY k"
    query = f"""SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY p ORDER BY c DESC, k) AS r
        FROM ({counts})) WHERE r <= {limit}"""
    rows = [event for event in events(seed, 200) if event[1] == "a"]
    kinds = ", ".join(f"{name} BIGINT" for name in columns.split(", "))
    changes, _ = given_out(plan_of(kinds, query), rows, seed)
    stands(changes)


@pytest.mark.parametrize("frame", ["", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW"])
@seeded
@given(seed=SEEDS)
def test_a_row_sees_those_that_came_before_it_within_the_lifetime(frame: str, seed: int) -> None:
    """Of a bounded frame Flink's timer is at 1.5 times the lifetime, and is moved once that would not reach it any more."""
    lag = "" if frame else ", LAG(id, 2, -id) OVER w"
    query = f"SELECT id, SUM(v) OVER w, COUNT(*) OVER w{lag} FROM a WINDOW w AS (PARTITION BY k ORDER BY PROCTIME() {frame})"
    rows = [event for event in events(seed) if event[1] == "a"]
    groups: dict[int, list[tuple[int, int]]] = {}
    ends: dict[int, int] = {}
    expected: list[tuple[int, ...]] = []
    for at, _, (ident, k, v), _ in rows:
        if k in ends and ends[k] <= at:
            del groups[k], ends[k]
        if not frame:
            ends[k] = at + TTL_MS
        elif k not in ends or at + TTL_MS > ends[k]:
            ends[k] = at + TTL_MS * 3 // 2
        group = groups.setdefault(k, [])
        group.append((ident, v))
        seen = group[-3:] if frame else group
        was = () if frame else (group[-3][0] if len(group) > 2 else -ident,)
        expected.append((ident, sum(v for _, v in seen), len(seen), *was))
    out = "id BIGINT, total BIGINT, n BIGINT" + ("" if frame else ", was BIGINT")
    changes, job = given_out(plan_of(out, query), rows, seed)
    assert stands(changes) == sorted(expected, key=repr)
    job.on_clock(Now(0.0, rows[-1][0] + 3 * TTL_MS))
    assert sum(o.state_rows for o in job.measures().operators) == 0


def test_the_last_row_of_a_key_is_known_for_its_lifetime() -> None:
    job = Job(plan_of("id BIGINT, v BIGINT", "SELECT id, v FROM u"))
    seen = []
    for at, row, kind in (
        (0, (1, 0, 1), 0),
        (5, (1, 0, 2), 0),
        (12, (1, 0, 2), 0),
        (22, (1, 0, 3), 0),
        (40, (1, 0, 4), 3),
    ):
        frame = pl.DataFrame([(*row, kind)], schema=SCHEMA, orient="row")
        seen += [
            r for out in job.on_rows(0, 0, frame, Now(0.0, START_MS + at * 1000)) for r in out.rows.rows()
        ]
    # an equal row goes out too, so that who reads it keeps it as well; what was forgotten cannot be replaced or taken away
    assert seen == [(1, 1, 0), (1, 1, 1), (1, 2, 2), (1, 2, 1), (1, 2, 2), (1, 3, 0)]


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_taking_back_what_was_forgotten_does_nothing_and_breaks_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = [
        (at, table if random.random() < 0.4 else "u", (ident % 7, k, v), 0)
        for at, table, (ident, k, v), _ in events(seed)
    ]
    rows = [(at, t, row, int(3 * (t == "u" and random.random() < 0.2))) for at, t, row, _ in rows]
    for columns, query in (
        ("k BIGINT, n BIGINT, m BIGINT, d BIGINT, f BIGINT", "SELECT k, COUNT(*), MAX(v), COUNT(DISTINCT v), SUM(v) FROM u GROUP BY k"),
        ("n BIGINT", "SELECT COUNT(*) FROM u"),
        ("i BIGINT, j BIGINT", "SELECT u.id, a.id FROM u FULL JOIN a ON u.k = a.k"),
        ("i BIGINT", "SELECT id FROM u WHERE k NOT IN (SELECT k FROM a)"),
        ("i BIGINT, v BIGINT", "SELECT id, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v, id) AS r FROM u) WHERE r <= 2"),
    ):  # fmt: skip
        changes, _ = given_out(plan_of(columns, query), rows, seed)
        # A join looks at what is there now: like Flink's it may take back a row that a forgotten match had kept back.
        if "JOIN" not in query and "IN (" not in query:
            stands(changes)


def test_a_batch_that_takes_back_a_forgotten_row_and_brings_it_anew_counts_it_once() -> None:
    job = Job(plan_of("k BIGINT, n BIGINT", "SELECT k, COUNT(*) FROM u GROUP BY k"))
    frame = pl.DataFrame([(1, 5, 0, 0)], schema=SCHEMA, orient="row")
    job.on_rows(0, 0, frame, Now(0.0, START_MS))
    again = job.on_rows(0, 0, frame, Now(0.0, START_MS + TTL_MS))
    assert [out.rows.rows() for out in again] == [[(5, 1, 0)]]


def test_a_clock_set_back_forgets_nothing_twice_and_brings_nothing_back() -> None:
    plan = plan_of("k BIGINT, n BIGINT", "SELECT k, COUNT(*) FROM a GROUP BY k")
    row = pl.DataFrame([(1, 5, 0)], schema={n: t for n, t in SCHEMA.items() if n != "$kind"}, orient="row")
    job = Job(plan)
    job.on_rows(0, 0, row, Now(0.0, START_MS + 5 * TTL_MS))
    held, restored = job.snapshot(), Job(plan)
    restored.restore(held)
    for one in (job, restored):
        out = one.on_rows(0, 0, row, Now(0.0, START_MS))
        assert out[0].rows.rows() == [(5, 1, 1), (5, 2, 2)]
        out = one.on_rows(0, 0, row, Now(0.0, START_MS + 6 * TTL_MS))
        assert out[0].rows.rows() == [(5, 1, 0)], "the lifetime counts from the latest time there was"


def test_room_is_made_by_the_clock_in_slices() -> None:
    hour = 3_600_000
    plan = plan_of(
        "k BIGINT, n BIGINT", "SELECT id, COUNT(*) FROM a GROUP BY id", "SET 'table.exec.state.ttl' = '1 h';"
    )
    job = Job(plan)
    for step in range(0, 3000, 10):
        frame = pl.DataFrame({"id": range(step, step + 10), "k": [0] * 10, "v": [0] * 10})
        job.on_rows(0, 0, frame, Now(0.0, START_MS + step * 1000))
    left, looks = [], 0
    while job.due_ms < 2**60:
        at = job.due_ms
        job.on_clock(Now(0.0, at))
        looks += 1
        left.append(job.measures().operators[-1].state_rows)
        assert looks <= 70 and at <= START_MS + 3_000_000 + 2 * hour
    assert left[-1] == 0 and left == sorted(left, reverse=True) and len(set(left)) > 30


# --- how it is said ----------------------------------------------------------------------------------------------


def lifetimes_in(plan: Plan, kind: type) -> list[object]:
    return [node.ttl_ms for sink in plan.sinks for node in walk(sink.source) if isinstance(node, kind)]


def test_sql_and_python_say_the_same() -> None:
    app = App("t", ttl="2 h")
    a, b = (app.topic(name, {"id": int, "k": int}) for name in "ab")
    counts = a.join(b, on="k", ttl=("1 h", "10 min")).group_by("k", ttl="1 s").agg(n=fn.count())
    app.live("x", counts, key="k")
    app.live("y", a.last("k", order=col.id), key="k")
    app.live("z", a.distinct(ttl="5 s"), key=("id", "k"))
    plan = app.plan()
    assert lifetimes_in(plan, Join) == [(3_600_000, 600_000)]
    assert lifetimes_in(plan, Aggregate) == [1000, 5000]
    assert lifetimes_in(plan, Top) == [7_200_000]
    with pytest.raises(PenstockError, match="takes no ttl="):
        a.filter(col.id > 1).union(b).distinct().union(b)  # plain steps
        app.topic("c", {"id": int, "at": "TIMESTAMP(3)"}, event_time="at").tumble("1 s").group_by(
            ttl="1 s"
        ).agg(n=fn.count())


def test_a_hint_goes_before_the_setting_and_ends_nothing_with_zero() -> None:
    query = "SELECT /*+ STATE_TTL('a' = '0 s') */ k, COUNT(*) FROM a GROUP BY k"
    assert lifetimes_in(plan_of("k BIGINT, n BIGINT", query), Aggregate) == [0]
    query = "SELECT /*+ STATE_TTL('b' = '1 d') */ a.id, b.id FROM a JOIN b ON a.k = b.k"
    assert lifetimes_in(plan_of("k BIGINT, n BIGINT", query), Join) == [(TTL_MS, 86_400_000)]


def test_state_of_another_lifetime_is_another_query() -> None:
    query = "SELECT k, COUNT(*) FROM a GROUP BY k"
    one, other = (
        Job(plan_of("k BIGINT, n BIGINT", query, s)) for s in ("", "SET 'table.exec.state.ttl' = '1 s';")
    )
    with pytest.raises(PenstockError, match="another query"):
        other.restore(one.snapshot())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT /*+ STATE_TTL('z' = '1 d') */ k, COUNT(*) FROM a GROUP BY k", "no table goes by `z`"),
        ("SELECT /*+ STATE_TTL('a' = '1 moon') */ k, COUNT(*) FROM a GROUP BY k", "not a duration"),
        ("SELECT /*+ BROADCAST(a) */ k, COUNT(*) FROM a GROUP BY k", "the hint BROADCAST is not offered"),
        ("SELECT /*+ STATE_TTL(a) */ k, COUNT(*) FROM a GROUP BY k", "takes pairs of texts"),
    ],
)
def test_a_wrong_hint_is_refused(query: str, words: str) -> None:
    with pytest.raises(PenstockError, match=words) as caught:
        plan_of("k BIGINT, n BIGINT", query)
    assert caught.value.line > 0 and caught.value.remedy


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(PenstockError, match="not a duration") as caught:
        plan_of(
            "k BIGINT, n BIGINT",
            "SELECT k, COUNT(*) FROM a GROUP BY k",
            "SET 'table.exec.state.ttl' = 'long';",
        )
    assert caught.value.remedy


def test_a_table_that_others_look_up_is_kept() -> None:
    check: Callable[[Plan], list[object]] = lambda plan: [  # noqa: E731
        node.ttl_ms
        for sink in plan.sinks
        for node in walk(sink.source)
        if type(node).__name__ == "Scan" and node.table.name == "u"  # type: ignore[attr-defined]
    ]
    script = TABLES.replace("CREATE TABLE a (id", "CREATE TABLE a (p AS PROCTIME(), id")
    plan = parse(
        f"{script} CREATE TABLE o (i BIGINT, v BIGINT) WITH ('connector'='print'); SET 'table.exec.state.ttl' = '1 s';"
        "INSERT INTO o SELECT a.id, u.v FROM a JOIN u FOR SYSTEM_TIME AS OF a.p ON a.id = u.id; INSERT INTO o SELECT id, v FROM u;"
    )
    assert check(plan) == [None, 1000]
    assert len(Job(plan).sources) == 2, "the table is read once"


# --- as Flink ----------------------------------------------------------------------------------------------------

FROZEN: dict[str, list[list[object]]] = json.loads(
    Path(__file__).with_name("flink_lifetimes.json").read_text()
)


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_forgotten_is_what_flink_forgets(query: str) -> None:
    width = max(place for row in FROZEN[query] for place, value in enumerate(row) if value is not None)
    out = ", ".join(f"c{place} BIGINT" for place in range(width))
    job, given = Job(plan_of(out, query, f"SET 'table.exec.state.ttl' = '{TTL_S:g} s';")), []
    places = {source.table.name: source.index for source in job.sources}
    for at_s, name, row in ROWS:
        if name in places:
            frame = pl.DataFrame([row], schema={n: SCHEMA[n] for n in ("id", "k", "v")}, orient="row")
            outputs = job.on_rows(places[name], 0, frame, Now(0.0, START_MS + int(at_s * 1000)))
            given += [change for output in outputs for change in output.rows.rows()]
    signs = Counter[tuple[object, ...]]()
    for *row, kind in given:
        signs[tuple(row)] += 1 if kind in (0, 2) else -1
    flinks = Counter[tuple[object, ...]]()
    for kind, *row in FROZEN[query]:
        flinks[tuple(row[:width])] += 1 if kind in ("+I", "+U") else -1
    assert {k: n for k, n in signs.items() if n} == {k: n for k, n in flinks.items() if n}
