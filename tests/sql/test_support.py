"""The support table is data: every reason in it is raised by a query, and the docs print all of it."""

import pytest
from tests.sql.test_errors import HEAD

from penstock.errors import PenstockError
from penstock.sql import parse, support

QUERIES = {
    "OVER": "SELECT a, n FROM t WHERE SUM(n) OVER (ORDER BY ts) > 1",
    "scalar subquery elsewhere": "SELECT a, (SELECT MAX(n) FROM u WHERE u.a = t.a) FROM t",
    "IN and EXISTS elsewhere": "SELECT a, n FROM t WHERE n > 1 OR EXISTS (SELECT n FROM t)",
    "?": "SELECT a, n FROM t WHERE n > ?",
    "(a, b) elsewhere": "SELECT a, n FROM t WHERE (a, n) < ('x', 1)",
    "IGNORE NULLS": "SELECT a, LAST_VALUE(n IGNORE NULLS) FROM t GROUP BY a",
    "ORDER BY in a call": "SELECT a, FIRST_VALUE(n ORDER BY ts) FROM t GROUP BY a",
    "*": "SELECT a, UPPER(*) FROM t",
    "name => value": "SELECT a, ABS(x => n) FROM t",
    "random functions": "SELECT a, RAND() FROM t",
    "JSON_OBJECTAGG, …": "SELECT JSON_ARRAYAGG(a), n FROM t GROUP BY n",
    "RANK, DENSE_RANK": "SELECT a, RANK() OVER (ORDER BY ts) FROM t",
    "LEAD, NTILE, …": "SELECT a, LEAD(n) OVER (ORDER BY ts) FROM t",
    "LAG alone": "SELECT a, LAG(n) FROM t",
    "window functions outside": "SELECT a, TUMBLE(ts, INTERVAL '1' SECOND) FROM t",
    "NATURAL JOIN": "SELECT a, n FROM t NATURAL JOIN u",
    "SEMI JOIN": "SELECT t.a, n FROM t SEMI JOIN u ON t.a = u.a",
    "ANTI JOIN": "SELECT t.a, n FROM t ANTI JOIN u ON t.a = u.a",
    "ORDER BY": "SELECT a, n FROM t ORDER BY n",
    "LIMIT": "SELECT a, n FROM t LIMIT 3",
    "OFFSET": "SELECT a, n FROM t OFFSET 3",
    "MATCH_RECOGNIZE": "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY a ORDER BY ts MEASURES A.n AS n PATTERN (A) DEFINE A AS n > 1)",
    "QUALIFY": "SELECT a, n FROM t QUALIFY n > 1",
    "TABLESAMPLE": "SELECT a, n FROM t TABLESAMPLE BERNOULLI (10)",
    "FOR SYSTEM_TIME AS OF": "SELECT a, n FROM t FOR SYSTEM_TIME AS OF ts",
    "GROUP BY … WITH ROLLUP": "SELECT a, COUNT(*) FROM t GROUP BY a WITH ROLLUP",
    "GROUPING elsewhere": "SELECT a, GROUPING(a) FROM t",
    "UNNEST": "SELECT a, n FROM UNNEST(a)",
    "LATERAL": "SELECT a, n FROM LATERAL TABLE(f(a))",
}
# Refused by the grammar before the table is asked, or by hand above the query.
ELSEWHERE = {
    "@", "lambda", "RESPECT NULLS", "LIMIT in a call", "AS in a call", "SORT BY",
    "SELECT INTO", "PIVOT", "hints of tables",
}  # fmt: skip


@pytest.mark.parametrize("construct", QUERIES)
def test_a_refused_construct_is_refused_by_name(construct: str) -> None:
    reasons = [reason for reason in support.refused() if reason.construct == construct]
    with pytest.raises(PenstockError) as caught:
        parse(f"{HEAD} INSERT INTO o {QUERIES[construct]}", place="pipeline.sql")
    assert any(reason.message in caught.value.message for reason in reasons), caught.value
    assert caught.value.line > 0


@pytest.mark.parametrize("word", support.STATEMENTS_REFUSED)
def test_a_refused_statement_is_refused_by_its_first_word(word: str) -> None:
    with pytest.raises(PenstockError) as caught:
        parse(f"{HEAD}\n{word} anything")
    assert caught.value.message == support.STATEMENTS_REFUSED[word].message
    assert caught.value.column == 1


def test_every_reason_has_a_query_or_is_known_to_be_refused_elsewhere() -> None:
    statements = {reason.construct for reason in support.STATEMENTS_REFUSED.values()}
    assert {reason.construct for reason in support.refused()} - statements == QUERIES.keys() | ELSEWHERE


def test_the_docs_print_both_halves() -> None:
    text = support.markdown()
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    assert len(rows) == 2 + len(support.SUPPORTED) + len(support.refused())
    assert {"UPPER", "ROUND", "DATE_FORMAT", "TIMESTAMPDIFF"} <= set(support.function_names())
    assert "`DATE_FORMAT`" in text
    assert all(line.replace("\\|", "").count("|") in (3, 4) for line in rows)
