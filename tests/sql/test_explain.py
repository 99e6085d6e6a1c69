"""EXPLAIN: the plan as it is written and as it runs; in pipelines it is refused, with the way to it."""

import pytest

from penstock.errors import PenstockError
from penstock.sql import parse
from penstock.sql.execution import Explained, execution
from penstock.sql.explain import explain

TABLES = """
CREATE TABLE bids (item BIGINT, who STRING, price DOUBLE, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE items (id BIGINT, name STRING, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'items', 'format' = 'json');
CREATE TABLE sold (item BIGINT, name STRING, price DOUBLE) WITH ('connector' = 'print');
CREATE TABLE sums (item BIGINT, n BIGINT, window_end TIMESTAMP(3)) WITH ('connector' = 'print');
"""
JOINED = """INSERT INTO sold SELECT b.item, i.name, b.price FROM bids b JOIN items i ON b.item = i.id
  AND b.`at` BETWEEN i.`at` AND i.`at` + INTERVAL '10' SECOND"""
SUMMED = """INSERT INTO sums SELECT item, COUNT(*), window_end
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) WHERE price > 0 GROUP BY item, window_start, window_end"""

AS_IT_RUNS = """\
Sink sold [print]
  Project item, name, price
    interval join: Join INNER on (item = id) within at - at0 from 0 ms to 10 s
      Project item, price, at
        (1) scan bids [kafka bids], decodes json: item BIGINT, price DOUBLE, at TIMESTAMP(3); 3 of 4 columns
      Project id, name, at0 TIMESTAMP(3) = `at`
        scan items [kafka items], decodes json: id BIGINT, name STRING, at TIMESTAMP(3); 3 of 3 columns
Sink sums [print]
  Project item, EXPR$1, window_end
    window aggregate: Window TUMBLE at 10 s → Aggregate windowed by (item, window_start, window_end): EXPR$1 BIGINT = COUNT(*)
      Filter `price` > 0
        (1) again
"""


def test_a_plan_as_it_runs_names_each_operator_and_what_each_scan_decodes() -> None:
    assert execution(parse(TABLES + JOINED + ";" + SUMMED)) == AS_IT_RUNS


def test_what_is_written_and_what_runs_differ_by_the_rules() -> None:
    told = Explained.of(parse(TABLES + JOINED))
    narrowed = "      Project item, price, at\n"
    assert narrowed not in told.written and narrowed in told.running, "a join keeps what is read, and no more"


@pytest.mark.parametrize(
    "statement",
    [
        f"EXPLAIN {SUMMED}",
        f"EXPLAIN PLAN FOR {SUMMED};",
        f"EXPLAIN STATEMENT SET BEGIN {SUMMED}; {JOINED}; END;",
        f"EXPLAIN PLAN FOR EXECUTE STATEMENT SET BEGIN {SUMMED}; END;",
        f"EXECUTE STATEMENT SET BEGIN {SUMMED}; END;",
    ],
)
def test_explain_may_stand_before_an_insert_or_a_statement_set(statement: str) -> None:
    plan = parse(TABLES + statement, explaining=True)
    assert plan.sinks[0] == parse(TABLES + SUMMED).sinks[0]


def test_a_query_that_leads_nowhere_can_be_explained() -> None:
    plan = parse(TABLES + "EXPLAIN SELECT who, COUNT(*) FROM bids GROUP BY who", explaining=True)
    assert execution(plan).startswith("Sink the query [print] changes\n  aggregate: Aggregate by (who)")


def test_a_pipeline_refuses_explain_and_says_where_it_is_offered() -> None:
    with pytest.raises(PenstockError) as refused:
        parse(TABLES + "EXPLAIN " + SUMMED)
    assert refused.value.line == 8 and refused.value.remedy == "penstock sql explain FILE"


def test_details_that_are_not_offered_are_refused_at_their_place() -> None:
    with pytest.raises(PenstockError) as refused:
        parse(TABLES + "EXPLAIN ESTIMATED_COST " + SUMMED, explaining=True)
    assert "ESTIMATED_COST" in refused.value.message and refused.value.line == 8


def test_what_cannot_run_is_refused_with_the_words_of_the_run() -> None:
    script = TABLES + (
        "CREATE TABLE counts (who STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json');"
        "INSERT INTO counts SELECT who, COUNT(*) FROM bids GROUP BY who;"
    )
    with pytest.raises(PenstockError, match="only append"):
        Explained.of(parse(script))


def test_bounds_in_either_order_are_two_conditions() -> None:
    table = "CREATE TABLE t (n BIGINT) WITH ('connector'='kafka','topic'='t','format'='json');"
    sink = "CREATE TABLE o (n BIGINT) WITH ('connector'='print'); INSERT INTO o SELECT n FROM t WHERE "
    told = explain(parse(table + sink + "n BETWEEN SYMMETRIC 5 AND 3"))
    assert told == explain(parse(table + sink + "n BETWEEN 5 AND 3 OR n BETWEEN 3 AND 5"))
    assert told != explain(parse(table + sink + "n BETWEEN ASYMMETRIC 5 AND 3"))
