"""What each query becomes: `plans.txt` holds pairs of SQL and plan, and the plan is written out to compare.

To take a change over: PENSTOCK_GOLDENS=write pytest tests/sql/test_plans.py, then read the difference.
"""

import os
from pathlib import Path

import pytest

from penstock.errors import PenstockError
from penstock.sql import parse
from penstock.sql.explain import explain, text_of

FILE = Path(__file__).parent / "plans.txt"
TABLES, *CASES = FILE.read_text().split("\n\n== ")
TABLES = TABLES.partition("\n")[2]


def pieces(case: str) -> tuple[str, str, str]:
    title, _, rest = case.partition("\n")
    script, _, plan = rest.rstrip("\n-").partition("\n--\n")
    return title, script, plan.strip("\n")


@pytest.fixture(scope="module", autouse=True)
def goldens() -> None:
    if os.environ.get("PENSTOCK_GOLDENS") == "write":
        head = FILE.read_text().split("\n\n== ")[0]
        written = [f"{title}\n{script}\n--\n{shown(script)}" for title, script, _ in map(pieces, CASES)]
        FILE.write_text("\n\n== ".join([head, *written]) + "\n")


def shown(script: str) -> str:
    return explain(parse(TABLES + script, place="plans.txt")).strip("\n")


@pytest.mark.parametrize("case", CASES, ids=[case.partition("\n")[0] for case in CASES])
def test_a_query_becomes_the_plan_that_is_written_below_it(case: str) -> None:
    _, script, plan = pieces(case)
    assert shown(script) == plan


def test_every_construct_that_is_offered_is_read() -> None:
    plan = parse((Path(__file__).parent / "everything.sql").read_text())
    assert len(plan.sinks) == 7
    orders = next(table for table in plan.tables if table.name == "orders")
    assert [(c.name, c.kind, c.nullable) for c in orders.schema] == [
        ("id", "BIGINT", False),
        ("customer", "STRING", True),
        ("price", "DECIMAL(10, 2)", True),
        ("quantity", "INT", True),
        ("placed", "STRING", True),
        ("at", "TIMESTAMP(3)", True),
        ("written", "TIMESTAMP_LTZ(3)", True),
        ("partition", "INT", True),
        ("total", "DECIMAL(21, 2)", True),
    ]
    assert orders.key == ("id",)
    assert orders.metadata == (("written", "timestamp"), ("partition", "partition"))
    assert [c.name for c in orders.written] == ["id", "customer", "price", "quantity", "placed", "written"]


SAME = [
    ("SELECT a FROM t WHERE (n > 1) AND ((x < 2))", "SELECT a FROM t WHERE n > 1 AND x < 2"),
    ("SELECT a FROM t WHERE n != 1 -- why", "select a from t where /* not */ n <> 1"),
    ("SELECT t.a FROM t", "SELECT `s`.`a` FROM t AS s"),
    (
        "SELECT a FROM (SELECT a, n FROM t) WHERE n > 1",
        "WITH w AS (SELECT a, n FROM t) SELECT a FROM w WHERE n > 1",
    ),
    ("SELECT DISTINCT a FROM t", "SELECT a FROM t GROUP BY a"),
    ("SELECT a FROM default_catalog.default_database.t", "SELECT a FROM t"),
    (
        "SELECT a FROM t WHERE ts > ts - INTERVAL '1' MINUTE",
        "SELECT a FROM t WHERE ts > ts - INTERVAL '60' SECOND",
    ),
    (
        "SELECT CAST(COUNT(*) AS STRING) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE n > 1 "
        "GROUP BY window_start, window_end",
        "WITH w AS (SELECT * FROM t WHERE n > 1) "
        "SELECT CAST(COUNT(*) AS STRING) FROM TABLE(TUMBLE(DATA => TABLE w, SIZE => INTERVAL '60' MINUTE, "
        "TIMECOL => DESCRIPTOR(ts))) GROUP BY window_start, window_end",
    ),
    (
        "SELECT CAST(COUNT(*) AS STRING) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
        "SELECT CAST(COUNT(*) AS STRING) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) "
        "GROUP BY window_start, window_end, window_time",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_write_a_query_are_one_plan(one: str, other: str) -> None:
    plans = [parse(f"{TABLES}INSERT INTO texts {query}") for query in (one, other)]
    assert plans[0] == plans[1]


TEXTS = [
    "`a` + `b` * `c`",
    "(`a` + `b`) * `c`",
    "`a` - (`b` - `c`)",
    "`a` - `b` - `c`",
    "(`a` OR `b`) AND `c`",
    "`a` OR `b` AND `c`",
    "NOT (`a` OR `b`)",
    "`a` + 1 IN (1, 2)",
    "(`a` > 1) IN (TRUE, `b`)",
    "-(`a` + `b`)",
    "`a` / (`b` * `c`)",
    "(`a` = `b`) = `c`",
    "CASE WHEN `a` > 1 OR `b` THEN 1 ELSE 2 END",
]


@pytest.mark.parametrize("text", TEXTS)
def test_an_expression_is_written_with_the_parentheses_it_needs(text: str) -> None:
    from sqlglot import exp, parse_one

    from penstock.engine.types import Column
    from penstock.sql.dialect import Flink
    from penstock.sql.lower.binder import Scope, bind

    scope = Scope(tuple(Column(name, "INT") for name in "abc"))
    tree = bind(parse_one(text, dialect=Flink), scope)
    assert next(tree.find_all(exp.Paren), None) is None
    assert text_of(tree) == text
    assert bind(parse_one(text_of(tree), dialect=Flink), scope) == tree


def test_an_error_leaves_the_catalog_as_it_was() -> None:
    from penstock.sql.catalog import Catalog
    from penstock.sql.script import run

    catalog = Catalog()
    run(TABLES, catalog)
    before = dict(catalog.tables)
    with pytest.raises(PenstockError):
        run("CREATE VIEW v AS SELECT a FROM t; INSERT INTO nowhere SELECT a FROM v", catalog)
    assert (catalog.tables, catalog.views, catalog.sinks) == (before, {}, [])
