"""Every refusal stands where the user wrote the thing: `^` in the SQL marks the line and column that must be named."""

import pytest

from penstock.errors import PenstockError
from penstock.sql import parse

HEAD = """
CREATE TABLE t (a STRING, n INT, x DOUBLE, d DECIMAL(10, 2), ts TIMESTAMP(3), plain TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (a STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE k (a STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json');
CREATE TABLE u (a STRING, n BIGINT, PRIMARY KEY (a) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
"""
KAFKA = "WITH ('connector' = 'kafka', 'topic' = 'q', 'format' = 'json')"
TUMBLE = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))"

NAMES = [
    ("INSERT INTO o SELECT a, ^m FROM t", "there is no column `m`"),
    ("INSERT INTO o SELECT ^aa, n FROM t", "there is no column `aa`|did you mean `a`?"),
    ("INSERT INTO o SELECT ^A, n FROM t", "there is no column `A`|did you mean `a`?"),
    ("INSERT INTO o SELECT a, n FROM ^tt", "there is no table `tt`|did you mean `t`?"),
    ("INSERT INTO ^oo SELECT a, n FROM t", "there is no table `oo`|did you mean `o`?"),
    ("INSERT INTO o SELECT ^s.a, n FROM t", "there is no table `s` in sight"),
    ("INSERT INTO o SELECT ^t.a, n FROM t AS s", "there is no table `t` in sight|tables here: s"),
    ("INSERT INTO o SELECT a, n FROM t WHERE n > 1 AND\n  ^b = 'x'", "there is no column `b`"),
    ("INSERT INTO o (a, ^m) SELECT a, n FROM t", "`m` is not a column of `o`"),
    ("INSERT INTO o (a, ^a) SELECT a, a FROM t", "`a` is named twice"),
    ("CREATE VIEW ^t AS SELECT a FROM t", "`t` is declared twice"),
    ("CREATE VIEW v (^p) AS SELECT a, n FROM t", "1 names for 2 columns"),
    ("CREATE VIEW v AS SELECT a, n FROM t; INSERT INTO ^v SELECT a, n FROM t", "`v` is a view"),
    ("INSERT INTO o SELECT a, n FROM ^o", "`o` is a print table: it can only be written"),
    ("INSERT INTO o SELECT a, n FROM ^other.t", "there is one catalog and one database"),
    ("INSERT INTO o SELECT a, ^ts.x FROM t", "TIMESTAMP(3) has no field `x`"),
]
KINDS = [
    (
        "INSERT INTO o SELECT a, ^x FROM t",
        "column `n` of `o` is BIGINT, the query gives `x` DOUBLE|CAST(x AS BIGINT)",
    ),
    ("INSERT INTO o SELECT ^n, n FROM t", "column `a` of `o` is STRING, the query gives `n` INT"),
    (
        "INSERT INTO o SELECT a, ^CAST(x AS DECIMAL(10, 2)) FROM t",
        "is BIGINT, the query gives `EXPR$1` DECIMAL(10, 2)",
    ),
    ("INSERT INTO ^o SELECT a FROM t", "`o` takes 2 columns, the query gives 1"),
    ("INSERT INTO o SELECT a, ^UPPER(n) FROM t", "UPPER"),
    ("INSERT INTO o SELECT a, n + ^NOSUCH(n) FROM t", "there is no function NOSUCH here"),
    ("INSERT INTO o SELECT ^UPER(a), n FROM t", "there is no function UPER here|did you mean UPPER?"),
    ("INSERT INTO o SELECT POWER(x^), n FROM t", "syntax error"),
    ("INSERT INTO o SELECT ^LPAD(a, 'b'), n FROM t", "wrong kind"),
    (
        "INSERT INTO o SELECT a, TIMESTAMPDIFF(SECOND, ts, ^td) FROM t",
        "there is no column `td`|did you mean `d`?",
    ),
    ("INSERT INTO o SELECT a, n FROM t WHERE ^n", "a condition is BOOLEAN, this is INT"),
    ("INSERT INTO o SELECT a, n FROM t WHERE ^n > ts", "> is not defined for (INT, TIMESTAMP(3))"),
    ("INSERT INTO o SELECT ^NULL, n FROM t", "a column cannot be NULL|CAST"),
    ("INSERT INTO o SELECT a, ^SUM(a) FROM t GROUP BY a", "SUM is not defined for STRING"),
    ("INSERT INTO o SELECT a, ^CASE WHEN x THEN 1 END FROM t", "CASE"),
    (
        "INSERT INTO o SELECT a, n FROM t UNION ALL SELECT ^n, n FROM t",
        "UNION ALL: column `n` is INT, `a` is STRING",
    ),
    ("INSERT INTO o SELECT a, n FROM t UNION ALL SELECT ^a FROM t", "UNION ALL of 2 and 1 columns"),
]
WINDOWS = [
    ("INSERT INTO o SELECT a, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(^plain), INTERVAL '1' SECOND)) "
     "GROUP BY a, window_start, window_end", "`plain` is not an event-time column|WATERMARK FOR `plain`"),
    ("INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY a, ^TUMBLE(plain, INTERVAL '1' SECOND)", "not an event-time column"),
    ("INSERT INTO o SELECT a, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(^tt), INTERVAL '1' SECOND)) "
     "GROUP BY a, window_start, window_end", "there is no column `tt`"),
    ("INSERT INTO o SELECT a, COUNT(*) FROM TABLE(TUMBLE(TABLE ^tt, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY a",
     "there is no table `tt`"),
    (f"INSERT INTO o SELECT a, COUNT(*) FROM {TUMBLE} GROUP BY ^a, window_end", "leaves window_start out"),
    ("INSERT INTO o SELECT a, n FROM TABLE(^SESSION(TABLE t, DESCRIPTOR(ts)))", "SESSION lacks its GAP"),
    ("INSERT INTO o SELECT a, n FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(^ts), INTERVAL '2' SECOND, INTERVAL '5' SECOND))",
     "a multiple of its step"),
    ("INSERT INTO o SELECT a, n FROM TABLE(^TUMBEL(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))", "did you mean `TUMBLE`?"),
    ("INSERT INTO o SELECT a, n FROM TABLE(TUMBLE(TABLE t PARTITION BY ^a, DESCRIPTOR(ts), INTERVAL '1' SECOND))",
     "TUMBLE takes no PARTITION BY|GROUP BY"),
    ("INSERT INTO o SELECT a, n FROM TABLE(TUMBLE(^t, DESCRIPTOR(ts), INTERVAL '1' SECOND))", "TUMBLE takes TABLE"),
    ("INSERT INTO o SELECT a, n FROM TABLE(TUMBLE(TABLE t, ^ts, INTERVAL '1' SECOND))", "TUMBLE takes DESCRIPTOR"),
    ("INSERT INTO o SELECT a, n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), ^5))", "the window's size must be an interval"),
    ("INSERT INTO o SELECT a, n FROM TABLE(^TUMBLE(TABLE t, DESCRIPTOR(ts)))", "TUMBLE lacks its SIZE"),
    ("INSERT INTO o SELECT a, n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL ^'1' MONTH))", "cannot be in months"),
    ("INSERT INTO o SELECT a, n FROM TABLE(HOP(TABLE t, DESCRIPTOR(^ts), INTERVAL '30' SECOND, INTERVAL '1' SECOND))",
     "must be a multiple of its slide|HOP(…, slide, size)"),
    ("INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY a, ^SESSION(ts)", "SESSION takes a time column and a gap"),
    ("INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY a, ^CUMULATE(ts, INTERVAL '1' SECOND, INTERVAL '5' SECOND)",
     "CUMULATE stands in FROM"),
    ("INSERT INTO o SELECT a, ^TUMBLE_END(ts, INTERVAL '2' SECOND) FROM t GROUP BY a, TUMBLE(ts, INTERVAL '1' SECOND)",
     "TUMBLE_END needs GROUP BY TUMBLE with the same arguments"),
    ("INSERT INTO o SELECT a, n FROM ^TUMBLE(t, ts)", "a table function stands inside TABLE"),
]  # fmt: skip
W = "WINDOW w AS (PARTITION BY a ORDER BY ts)"
NAMED_WINDOWS = [
    (f"INSERT INTO o SELECT a, SUM(n) OVER ^v FROM t {W}", "there is no window `v`|windows here: w"),
    (f"INSERT INTO o SELECT a, SUM(n) OVER ^W FROM t {W}", "there is no window `W`|did you mean `w`?"),
    ("INSERT INTO o SELECT a, SUM(n) OVER ^w FROM t", "there is no window `w`|WINDOW w AS"),
    (f"INSERT INTO o SELECT a, n FROM t {W}, ^w AS (ORDER BY ts)", "there are two windows `w`"),
    (f"INSERT INTO o SELECT a, n FROM t {W}, ^v AS (PARTITION BY a ORDER BY ts)", "the windows `w` and `v` are one|use `w`"),
    ("INSERT INTO o SELECT a, n FROM t WINDOW w AS (^v), v AS (w)", "the window `v` builds on another one itself|write the window out"),
    ("INSERT INTO o SELECT a, n FROM t WINDOW w AS (PARTITION BY ^b)", "there is no column `b`"),
    ("INSERT INTO o SELECT a, SUM(n) OVER w FROM t WINDOW ^w AS w", "a window stands in parentheses"),
    (f"INSERT INTO o SELECT a, SUM(n) OVER (w ORDER BY ^ts) FROM t {W}", "`w` has an ORDER BY already|OVER w"),
    (f"INSERT INTO o SELECT a, SUM(n) OVER (w PARTITION BY ^a) FROM t {W}", "PARTITION BY stands in the window that is named"),
    (f"INSERT INTO o SELECT a, SUM(n) OVER (^w ROWS 1 PRECEDING) FROM t {W}", "ROWS and RANGE stand neither|write the window out"),
    ("INSERT INTO o SELECT a, SUM(n) OVER (^w) FROM t WINDOW w AS (ORDER BY ts ROWS 1 PRECEDING)", "ROWS and RANGE stand neither"),
    ("INSERT INTO o SELECT a, ^COUNT(*) OVER w FROM t GROUP BY a WINDOW w AS (ORDER BY a)", "OVER stands in the list of a SELECT"),
]  # fmt: skip
OVER = "OVER (PARTITION BY a ORDER BY ts)"
CLOCK = "SELECT a, ts, COUNT(*) OVER (ORDER BY PROCTIME() {}) AS c FROM t"
LAGS = [
    ("INSERT INTO o SELECT a, ^SUM(n) OVER (ORDER BY PROCTIME() DESC) FROM t", "ordered by one time column, upwards"),
    ("INSERT INTO o SELECT a, ^SUM(n) OVER (ORDER BY PROCTIME()) FROM u", "rows that never change"),
    ("INSERT INTO o SELECT a, SUM(c) OVER (ORDER BY ^ts) FROM (" + CLOCK.format("RANGE INTERVAL '1' SECOND PRECEDING") + ")",
     "`ts` is not an event-time column"),
    (f"INSERT INTO o SELECT a, LAG(n, ^n) {OVER} FROM t", "LAG's offset is a whole number"),
    (f"INSERT INTO o SELECT a, LAG(n, ^1.5) {OVER} FROM t", "LAG's offset is a whole number"),
    (f"INSERT INTO o SELECT a, LAG(n, ^3000000000) {OVER} FROM t", "LAG's offset is 2147483647 at most"),
    (f"INSERT INTO o SELECT a, LAG(n, 1, ^x) {OVER} FROM t", "LAG's value is INT, its default DOUBLE|CAST(x AS INT)"),
    (f"INSERT INTO o SELECT a, LAG(n, 1, ^NULL) {OVER} FROM t", "LAG's value is INT, its default NULL|CAST(NULL AS INT)"),
    (f"INSERT INTO o SELECT a, LAG(^NULL) {OVER} FROM t", "a column cannot be NULL|CAST"),
    (f"INSERT INTO o SELECT a, ^LAG() {OVER} FROM t", "LAG takes a value, an offset and a default"),
    (f"INSERT INTO o SELECT a, ^LAG(n, 1, 2, 3) {OVER} FROM t", "LAG takes a value, an offset and a default"),
    (f"INSERT INTO o SELECT a, ^LAG(DISTINCT n) {OVER} FROM t", "LAG takes no DISTINCT"),
    (f"INSERT INTO o SELECT a, ^LAG(n) FILTER (WHERE n > 1) {OVER} FROM t", "LAG takes no FILTER"),
    (f"INSERT INTO o SELECT a, ^LAG(n) IGNORE NULLS {OVER} FROM t", "LAG counts every row"),
    ("INSERT INTO o SELECT a, ^LAG(n) OVER (ORDER BY ts ROWS 2 PRECEDING) FROM t", "LAG takes no ROWS or RANGE"),
    ("INSERT INTO o SELECT a, LAG(n) OVER (ORDER BY ^n) FROM t", "`n` is not an event-time column"),
    (f"INSERT INTO o SELECT a, ^LEAD(n) {OVER} FROM t", "a stream does not know the rows to come|LAG"),
]  # fmt: skip
CHANGES = [
    ("INSERT INTO ^k SELECT a, COUNT(*) FROM t GROUP BY a", "the query changes rows it gave before|upsert-kafka"),
    ("INSERT INTO ^k SELECT a, n FROM u", "`k` only appends"),
    ("INSERT INTO ^u SELECT a, COUNT(*) FROM t GROUP BY a, n", "the query's rows have no key|select the columns that are grouped by"),
    ("INSERT INTO ^u SELECT MAX(a), CAST(n AS BIGINT) FROM t GROUP BY n",
     "one per (n), those of `u` one per (a)|PRIMARY KEY (n) NOT ENFORCED"),
    ("INSERT INTO ^u (n) SELECT n FROM t", "`u` needs its key a"),
]  # fmt: skip
GROUPS = [
    ("INSERT INTO o SELECT a, ^n FROM t GROUP BY a", "`n` is neither grouped by nor aggregated|MAX(n)"),
    (
        "INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY a HAVING ^x > 1",
        "`x` is neither grouped by nor aggregated",
    ),
    ("INSERT INTO o SELECT a, n FROM t WHERE ^COUNT(*) > 1", "WHERE takes no aggregates|HAVING"),
    (
        "INSERT INTO o SELECT a, SUM(^COUNT(*)) FROM t GROUP BY a",
        "an aggregate cannot stand inside another one",
    ),
    ("INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY ^1", "GROUP BY a number"),
    (
        "INSERT INTO o SELECT a, n FROM t WHERE (^a, n) = ('x', 1, 2)",
        "row values of 2 and 3 columns are compared",
    ),
    (
        "INSERT INTO o SELECT a, n FROM t WHERE (^a, n) IN (1, 2)",
        "row values stand on both sides of = and <>, and with IN",
    ),
    (
        "INSERT INTO o SELECT a, n FROM t WHERE (^a, n) IS NULL",
        "row values stand on both sides of = and <>, and with IN",
    ),
    ("INSERT INTO o SELECT a, n FROM t WHERE (a, ^ts) = ('x', 1)", "= is not defined for"),
    ("INSERT INTO o SELECT a, n FROM t WHERE ^a SIMILAR TO 'a(b'", "'a(b' is no SIMILAR TO pattern|REGEXP"),
    ("INSERT INTO o SELECT a, n FROM t WHERE ^a SIMILAR TO UPPER(a)", "needs a literal as its pattern"),
    ("INSERT INTO o VALUES ('a', ^NULL)", "a column cannot be NULL|CAST(… AS type)"),
    ("INSERT INTO o VALUES ('a', 1), ('b', ^'2')", "a column of VALUES is INT and "),
    ("INSERT INTO o VALUES ('a', 1), (^'b')", "VALUES has rows of 2 and of 1 columns"),
    ("INSERT INTO o VALUES ('a', ^n)", "there is no column `n`"),
    ("INSERT INTO o VALUES ('a', ^1.5)", "column `n` of `o` is BIGINT, the query gives"),
    ("INSERT INTO ^o VALUES (1), (2)", "`o` takes 2 columns, the query gives 1"),
    ("INSERT INTO o SELECT ^*", "SELECT needs FROM"),
    ("^INSERT INTO o SELECT -- nothing", "SELECT needs FROM"),
    ("CREATE TABLE ^`VALUES` (a INT) WITH ('connector' = 'print')", "a table cannot be called `VALUES`"),
    ("INSERT INTO o SELECT UPPER(a) AS p, COUNT(*) FROM t GROUP BY ^p", "there is no column `p`"),
    ("INSERT INTO o SELECT a, COUNT(*) FROM t ^GROUP BY a WITH ROLLUP", "GROUP BY ROLLUP (a, b)"),
    ("INSERT INTO o SELECT a, GROUPING(^n) FROM t GROUP BY ROLLUP (a)", "GROUPING takes what is grouped by"),
    ("INSERT INTO o SELECT a, ^GROUPING() FROM t GROUP BY ROLLUP (a)", "GROUPING takes the keys it tells of"),
    (
        "INSERT INTO o SELECT ^n, COUNT(*) FROM t GROUP BY ROLLUP (a)",
        "`n` is neither grouped by nor aggregated",
    ),
    (
        "INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY CUBE (^a, n, x, d, ts, plain, n, n, n)",
        "256 grouping sets",
    ),
    (
        "INSERT INTO o SELECT a, COUNT(*) FROM t GROUP BY ROLLUP (a, ^TUMBLE(ts, INTERVAL '1' SECOND))",
        "TUMBLE in GROUP BY takes no grouping sets|GROUP BY window_start, window_end, ROLLUP (k)",
    ),
    (
        "INSERT INTO ^u SELECT a, COUNT(*) FROM t GROUP BY ROLLUP (a)",
        "the query's rows have no key|GROUPING_ID(…)",
    ),
]
TABLES = [
    (f"CREATE TABLE q (a STRING, ^a INT) {KAFKA}", "column `a` is declared twice"),
    (f"CREATE TABLE q (a STRING ^b INT) {KAFKA}", "`b` is not expected after the type"),
    (f"CREATE TABLE q (a^) {KAFKA}", "a type is missing"),
    (f"CREATE TABLE q (a ^STRNG) {KAFKA}", "`STRNG` is not a type"),
    (f"CREATE TABLE q (a ^RAW<INT>, b INT) {KAFKA}", "types such as RAW are not offered"),
    (f"CREATE TABLE q (a ^TIMESTAMP(9)) {KAFKA}", "6 digits"),
    (f"CREATE TABLE q (a TIMESTAMP(3), WATERMARK FOR ^b AS a) {KAFKA}", "there is no column `b`"),
    (f"CREATE TABLE q (a STRING, WATERMARK FOR ^a AS a) {KAFKA}", "event time is TIMESTAMP(3), `a` is STRING"),
    (f"CREATE TABLE q (a TIMESTAMP(3), WATERMARK FOR a AS ^a + INTERVAL '1' SECOND) {KAFKA}", "a watermark is the time column"),
    (f"CREATE TABLE q (a STRING, PRIMARY KEY (a)^) {KAFKA}", "expected NOT ENFORCED"),
    (f"CREATE TABLE ^q (a STRING, PRIMARY KEY (a) NOT ENFORCED) {KAFKA}", "a kafka table has no primary key"),
    (f"CREATE TABLE q (a STRING, b AS ^UPPER(c)) {KAFKA}".replace("^UPPER(c", "UPPER(^c"), "there is no column `c`"),
    (f"CREATE TABLE q (a STRING, b BIGINT METADATA FROM ^'ofset') {KAFKA}", "no metadata 'ofset'|did you mean `offset`?"),
    ("CREATE TABLE ^q (a STRING)", "the table has no connector"),
    ("CREATE TABLE q (a STRING) WITH (^'connector' = 'kafak')", "connector 'kafak' is not offered|did you mean `kafka`?"),
    ("CREATE TABLE q (a STRING) WITH ('connector' = 'kafka', ^'topc' = 'q', 'format' = 'json')", "no option 'topc'|`topic`?"),
    ("CREATE TABLE q (a STRING) WITH ('connector' = 'kafka', 'topic' = 'q', ^'format' = 'orc')", "'orc' is not offered"),
    ("CREATE TABLE q (a STRING) WITH ('connector' = 'kafka', ^'topic' = 'a b', 'format' = 'json')", "'a b' is no topic's name"),
    ("CREATE TABLE q (a STRING) WITH ('connector' = 'kafka', ^'topic' = '', 'format' = 'json')", "'' is no topic's name"),
    ("CREATE TABLE q (a STRING) ^WITH ('connector' = 'kafka', 'topic' = 'q')", "needs the option 'format'"),
    ("CREATE TABLE q (a STRING) WITH ('connector' = 'print', ^'connector' = 'print')", "set twice"),
    ("CREATE TABLE ^q (a STRING) WITH ('connector' = 'upsert-kafka', 'topic' = 'q', 'key.format' = 'json', "
     "'value.format' = 'json')", "needs a primary key"),
    (f"CREATE TABLE q (a STRING) {KAFKA} ^LIKE t", "CREATE TABLE … LIKE is not offered"),
    ("^CREATE FUNCTION f AS 'x'".replace("^CREATE ", "CREATE ^"), "CREATE FUNCTION is not offered"),
]  # fmt: skip
SYNTAX = [
    ("INSERT INTO o SELECT a, n + ^FROM t", "syntax error at `FROM`"),
    ("INSERT INTO o SELECT (a, n ^FROM t", "syntax error at `FROM`"),
    ("INSERT INTO o SELECT a n m ^FROM t".replace("m ^FROM", "^m FROM"), "syntax error at `m`"),
    ('INSERT INTO o SELECT ^"a", n FROM t', "does not quote in Flink SQL"),
    ("INSERT INTO o SELECT ^'a, n FROM t", "is never closed"),
    ("INSERT INTO o SELECT a, n FROM t ^/* for ever", "a comment that /* opens is never closed"),
    ("INSERT INTO o SELECT a, n::^INT FROM t".replace("::^", "^::"), "syntax error at `::`"),
    ("^INSRT INTO o SELECT a FROM t", "a statement cannot begin with `INSRT`|did you mean `INSERT`?"),
    ("SET ^'table.exec.spill.ttl' = '1 h'", "setting 'table.exec.spill.ttl' is not offered"),
    ("SET 'table.local-time-zone' = ^'Europe/Paris'", "is not offered|'UTC' is what happens"),
    ("^EXECUTE STATEMENT SET BEGIN INSERT INTO o SELECT a, n FROM t;", "the statement set has no END"),
]


def check(marked: str, expected: str) -> None:
    offset = (HEAD + marked).index("^")
    before = HEAD + marked[: marked.index("^")]
    with pytest.raises(PenstockError) as caught:
        parse(HEAD + marked.replace("^", ""), place="pipeline.sql")
    error = caught.value
    place = (before.count("\n") + 1, offset - before.rfind("\n"))
    said = f"{error.message}\n{error.remedy}"
    for part in expected.split("|"):
        assert part in said
    assert (error.line, error.column) == place, said
    assert error.place == "pipeline.sql"


@pytest.mark.parametrize(("marked", "expected"), NAMES, ids=lambda case: case)
def test_an_unknown_name_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), KINDS)
def test_kinds_that_do_not_meet_are_refused_where_they_stand(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), WINDOWS)
def test_a_wrong_window_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), NAMED_WINDOWS)
def test_a_window_name_that_means_nothing_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), LAGS)
def test_a_wrong_lag_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), CHANGES)
def test_changes_that_a_sink_cannot_take_are_refused(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), GROUPS)
def test_a_wrong_group_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), TABLES)
def test_a_wrong_declaration_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


@pytest.mark.parametrize(("marked", "expected"), SYNTAX)
def test_wrong_syntax_is_refused_where_it_stands(marked: str, expected: str) -> None:
    check(marked, expected)


def test_a_script_that_writes_nothing_says_so() -> None:
    with pytest.raises(PenstockError, match="no INSERT INTO"):
        parse(HEAD, place="pipeline.sql")


def test_a_script_of_a_million_characters_is_refused() -> None:
    with pytest.raises(PenstockError, match="longer than"):
        parse("-" * 1_000_001)
