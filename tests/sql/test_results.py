"""Queries give the rows that another SQL engine gives: DuckDB over the whole, penstock record by record."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from penstock.sql import parse
from penstock.sql.catalog import Catalog
from penstock.sql.nodes.traits import event_times
from penstock.sql.script import plan_of, run
from penstock.testing.app import Trial

duckdb = pytest.importorskip("duckdb")

TABLE = """
CREATE TABLE t (a STRING, n INT, x DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '3' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
"""
QUERIES = [
    "SELECT a, n, x FROM t WHERE n > 3 AND (a = 'a' OR x < 0.5)",
    "SELECT UPPER(a), n + 1, x * 2 FROM t WHERE a IS NOT NULL AND n BETWEEN 2 AND 7",
    "SELECT a, CASE WHEN n > 5 THEN 'many' WHEN n > 2 THEN 'some' ELSE 'few' END FROM t",
    "SELECT COALESCE(a, 'none'), n FROM t WHERE n IN (1, 2, 3) OR a LIKE 'b%'",
    "SELECT a, n FROM t WHERE n + 1 IN (" + ", ".join(map(str, range(5, 400))) + ")",
    "SELECT a, n FROM t WHERE n + 0.5 IN (" + ", ".join(f"{i}.5" for i in range(4, 3000)) + ")",
    "SELECT a, CASE " + " ".join(f"WHEN n = {i} THEN {i * i}" for i in range(120)) + " ELSE -1 END FROM t",
    "SELECT DISTINCT a, n FROM t",
    "SELECT a, COUNT(*), COUNT(n), SUM(n), MIN(x), MAX(x) FROM t GROUP BY a",
    "SELECT a, SUM(x) / COUNT(x) + 1, COUNT(DISTINCT n) FROM t GROUP BY a HAVING COUNT(*) > 20",
    "SELECT n % 3, COUNT(*) FILTER (WHERE x > 0.5), AVG(x) FROM t WHERE n IS NOT NULL GROUP BY n % 3",
    "SELECT m, COUNT(*) FROM (SELECT a, MAX(n) AS m FROM t GROUP BY a) GROUP BY m",
    "SELECT a, n FROM t WHERE n > 8 UNION ALL SELECT 'sum', n FROM t WHERE n < 2",
    "WITH big AS (SELECT a, n FROM t WHERE n > 4), few AS (SELECT a, COUNT(*) AS c FROM big GROUP BY a) SELECT a, c FROM few WHERE c > 2",
    "SELECT COUNT(*), MAX(n) - MIN(n) FROM t",
    "SELECT a FROM t WHERE n = 1 UNION SELECT a FROM t WHERE n = 2",
    "SELECT a, STDDEV_POP(x), VAR_SAMP(x) FROM t GROUP BY a",
    "SELECT a, n, COUNT(*), MAX(x), GROUPING(a, n) FROM t GROUP BY ROLLUP (a, n)",
    "SELECT t.a, v.s, t.x FROM t JOIN (VALUES (1, 'one'), (2, 'two'), (2, 'zwei')) AS v (n, s) ON t.n = v.n WHERE t.x > 0.2",
    "SELECT a, n FROM t WHERE (a, n) IN (('a', 1), ('b', 2), ('c', 3)) OR (a, n) = ('bb', 7)",
]
WINDOWS = [
    (
        "SELECT a, COUNT(*), SUM(x), window_start FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
        "WHERE n > 2 GROUP BY a, window_start, window_end",
        "SELECT a, COUNT(*), SUM(x), time_bucket(INTERVAL 10 SECOND, ts) AS w FROM t WHERE n > 2 GROUP BY a, w",
    ),
    (
        "SELECT n % 2, MAX(x) - MIN(x), TUMBLE_END(ts, INTERVAL '1' MINUTE) FROM t GROUP BY n % 2, TUMBLE(ts, INTERVAL '1' MINUTE) "
        "HAVING COUNT(*) > 3",
        "SELECT n % 2 AS k, MAX(x) - MIN(x), time_bucket(INTERVAL 1 MINUTE, ts) + INTERVAL 1 MINUTE AS w FROM t GROUP BY k, w "
        "HAVING COUNT(*) > 3",
    ),
    (
        "SELECT a, COUNT(*), window_end FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) "
        "GROUP BY a, window_start, window_end",
        "SELECT a, COUNT(*), w + INTERVAL 15 SECOND FROM (SELECT a, UNNEST([time_bucket(INTERVAL 5 SECOND, ts), "
        "time_bucket(INTERVAL 5 SECOND, ts) - INTERVAL 5 SECOND, time_bucket(INTERVAL 5 SECOND, ts) - INTERVAL 10 SECOND]) AS w "
        "FROM t) GROUP BY a, w",
    ),
    (
        "SELECT COUNT(*), SUM(x) FILTER (WHERE ts >= window_end - INTERVAL '5' SECOND), window_end "
        "FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end",
        "SELECT COUNT(*), SUM(x) FILTER (WHERE ts >= w + INTERVAL 15 SECOND), w + INTERVAL 20 SECOND "
        "FROM (SELECT *, time_bucket(INTERVAL 20 SECOND, ts) AS w FROM t) GROUP BY w",
    ),
    (
        "SELECT MAX(c), window_end FROM (SELECT a, COUNT(*) AS c, window_start, window_end FROM "
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY a, window_start, window_end) "
        "GROUP BY window_start, window_end",
        "SELECT MAX(c), w + INTERVAL 10 SECOND FROM (SELECT a, COUNT(*) AS c, time_bucket(INTERVAL 10 SECOND, ts) AS w "
        "FROM t GROUP BY a, w) GROUP BY w",
    ),
    (
        "WITH seconds AS (SELECT a, COUNT(*) AS c, window_time AS wt FROM "
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY a, window_start, window_end, window_time) "
        "SELECT SUM(c), MAX(c), window_end FROM TABLE(TUMBLE(TABLE seconds, DESCRIPTOR(wt), INTERVAL '30' SECOND)) "
        "GROUP BY window_start, window_end",
        "SELECT SUM(c), MAX(c), time_bucket(INTERVAL 30 SECOND, w) + INTERVAL 30 SECOND AS e FROM "
        "(SELECT a, COUNT(*) AS c, time_bucket(INTERVAL 1 SECOND, ts) AS w FROM t GROUP BY a, w) GROUP BY e",
    ),
    (
        "SELECT a, MAX(c) FROM (SELECT a, COUNT(*) AS c, window_start, window_end FROM "
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY a, window_start, window_end) GROUP BY a",
        "SELECT a, MAX(c) FROM (SELECT a, COUNT(*) AS c FROM t GROUP BY a, time_bucket(INTERVAL 10 SECOND, ts)) GROUP BY a",
    ),
]  # fmt: skip


def rows(count: int = 200) -> list[dict[str, Any]]:
    """Disordered by less than the lateness, with nulls."""
    chance = random.Random(11)
    start = datetime(2026, 1, 1)
    return [
        {
            "a": chance.choice(["a", "b", "bb", "c", None]),
            "n": chance.choice([None, *range(10)]),
            "x": round(chance.random(), 3),
            "ts": start + timedelta(milliseconds=500 * number + chance.randrange(2500)),
        }
        for number in range(count)
    ]


def ours(query: str) -> list[tuple[Any, ...]]:
    catalog = Catalog()
    run(f"{TABLE} CREATE VIEW v AS {query}", catalog)
    columns = ", ".join(f"`{c.name}` {c.kind}" for c in catalog.views["v"].schema)
    run(f"CREATE TABLE o ({columns}) WITH ('connector' = 'print'); INSERT INTO o SELECT * FROM v", catalog)
    with Trial(plan_of(catalog)) as t:
        found = rows()
        for first in range(0, len(found), 7):
            t.send_all("t", found[first : first + 7])
        t.end()
        return t.read("o")


def theirs(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a VARCHAR, n INTEGER, x DOUBLE, ts TIMESTAMP)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [list(row.values()) for row in rows()])
        return list(connection.execute(query).fetchall())


def settled(found: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Rows in an order that does not matter, numbers to nine digits."""
    return sorted(tuple(f"{v:.9g}" if isinstance(v, int | float) else str(v) for v in row) for row in found)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_over_records_gives_the_rows_of_the_whole(query: str) -> None:
    assert settled(ours(query)) == settled(theirs(query))


@pytest.mark.parametrize(("query", "other"), WINDOWS)
def test_windows_give_the_rows_of_the_whole(query: str, other: str) -> None:
    assert settled(ours(query)) == settled(theirs(other))


def test_event_time_survives_renaming_and_is_lost_when_computed() -> None:
    catalog = Catalog()
    run(
        f"{TABLE} CREATE VIEW kept AS SELECT ts AS moment, n FROM t WHERE n > 1;"
        "CREATE VIEW lost AS SELECT ts + INTERVAL '1' SECOND AS moment FROM t;"
        "CREATE VIEW both_ AS SELECT moment FROM kept UNION ALL SELECT ts FROM t;",
        catalog,
    )
    assert [event_times(catalog.views[name]) for name in ("kept", "lost", "both_")] == [
        {"moment"},
        set(),
        {"moment"},
    ]
    assert parse(
        TABLE + "CREATE TABLE o (n BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT COUNT(*) FROM t"
    )


def test_fields_of_nested_rows() -> None:
    from penstock.dsl import App
    from penstock.testing.app import Trial

    app = App("nested")
    app.sql(
        """CREATE TABLE t (e INT, bid ROW<price BIGINT NOT NULL, `by` ROW<name STRING, `at` TIMESTAMP(3)>>, n AS bid.price + 1)
             WITH ('connector'='kafka','topic'='t','format'='json');
           CREATE TABLE o (p BIGINT, name STRING, n BIGINT, whole ROW<name STRING, `at` TIMESTAMP(3)>)
             WITH ('connector'='kafka','topic'='o','format'='json');
           INSERT INTO o SELECT bid.price, t.bid.`by`.name, n, bid.`by` FROM t WHERE bid.price > 1;"""
    )
    with Trial(app.plan(), start="2026-01-01T00:00:00Z") as trial:
        trial.send("t", e=1, bid={"price": 5, "by": {"name": "ada", "at": "2026-01-01 00:00:01"}})
        trial.send("t", e=1, bid={"price": 1, "by": None})
        trial.send("t", e=1, bid=None)
        trial.send("t", e=1, bid={"price": 7, "by": None})
        found = trial.read("o")
    assert [row[:3] for row in found] == [(5, "ada", 6), (7, None, 8)]
    assert found[0][3]["name"] == "ada"
    assert found[1][3] is None
