"""Scalar expressions: kinds and values as Flink has them, as pairs of SQL and answer."""

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from sqlglot import exp

from penstock.engine.expressions import NOW as NOW_COLUMN
from penstock.engine.expressions import asks_time, bind
from penstock.engine.functions import FUNCTIONS
from penstock.engine.plan import Project, Scan
from penstock.engine.types import Column, polars_type
from penstock.engine.typing_rules import aggregate_kind, kind_of, wider
from penstock.errors import PenstockError
from tests.engine.streams import NOW, events_table, printed, run, sql

SCHEMA = (
    Column("i", "INT"), Column("j", "INT"), Column("l", "BIGINT"), Column("t", "TINYINT"), Column("f", "FLOAT"), Column("d", "DOUBLE"),
    Column("m", "DECIMAL(10, 2)"), Column("s", "STRING"), Column("b", "BOOLEAN"), Column("nul", "INT"), Column("at", "TIMESTAMP(3)"),
    Column("z", "TIMESTAMP_LTZ(3)"), Column("day", "DATE"),
)  # fmt: skip
AT = datetime(2026, 11, 22, 11, 5, 7, 123000)
ROW = {
    "i": 7, "j": -2, "l": 9_223_372_036_854_775_807, "t": 127, "f": 1.5, "d": -2.5, "m": Decimal("1.25"), "s": "héllo,wörld", "b": True,
    "nul": None, "at": AT, "z": AT, "day": date(2026, 2, 28),
}  # fmt: skip
FRAME = pl.DataFrame({c.name: pl.Series([ROW[c.name]], dtype=polars_type(c.kind)) for c in SCHEMA})
NAN, INF = float("nan"), float("inf")

CASES: list[tuple[str, str, object]] = [
    # arithmetic
    ("i + j", "INT", 5), ("i / j", "INT", -3), ("j / i", "INT", 0), ("-i / j", "INT", 3), ("i % j", "INT", 1), ("-7 % 2", "INT", -1),
    ("MOD(-7, 3)", "INT", -1), ("i / 0", "INT", None), ("i % 0", "INT", None), ("l + 1", "BIGINT", -9_223_372_036_854_775_808),
    ("t + t", "TINYINT", -2), ("2147483647 + 1", "INT", -2147483648), ("2147483648", "BIGINT", 2147483648), ("i * 1.0", "DECIMAL(13, 1)", Decimal("7.0")),
    ("i * d", "DOUBLE", -17.5), ("d / 0", "DOUBLE", -INF), ("d % 2", "DOUBLE", -0.5), ("f + i", "FLOAT", 8.5), ("f * m", "DOUBLE", 1.875),
    ("m + m", "DECIMAL(11, 2)", Decimal("2.50")), ("m * m", "DECIMAL(21, 4)", Decimal("1.5625")), ("m / 3", "DECIMAL(21, 13)", Decimal("0.4166666666667")),
    ("m / 0", "DECIMAL(21, 13)", None), ("0.908 * i", "DECIMAL(15, 3)", Decimal("6.356")), ("i + nul", "INT", None), ("-l", "BIGINT", -(2**63 - 1)),
    ("1e2 + 1", "DOUBLE", 101.0), ("i + 2 * j", "INT", 3), ("(i + 2) * j", "INT", -18),
    # comparison and logic
    ("i > 6.5", "BOOLEAN", True), ("i = '7'", "BOOLEAN", True), ("nul = nul", "BOOLEAN", None), ("nul IS DISTINCT FROM i", "BOOLEAN", True),
    ("nul IS NOT DISTINCT FROM nul", "BOOLEAN", True), ("nul > 1 AND FALSE", "BOOLEAN", False), ("nul > 1 OR TRUE", "BOOLEAN", True),
    ("nul > 1 AND TRUE", "BOOLEAN", None), ("NOT (nul > 1)", "BOOLEAN", None), ("(nul > 1) IS TRUE", "BOOLEAN", False),
    ("(nul > 1) IS NOT TRUE", "BOOLEAN", True), ("(nul > 1) IS FALSE", "BOOLEAN", False), ("nul IS NULL", "BOOLEAN", True),
    ("i IN (1, 7)", "BOOLEAN", True), ("i IN (1, NULL)", "BOOLEAN", None), ("i IN (7, NULL)", "BOOLEAN", True), ("nul IN (1, 2)", "BOOLEAN", None),
    ("i NOT IN (1, 2)", "BOOLEAN", True), ("s IN ('a', 'b')", "BOOLEAN", False), ("i BETWEEN 7 AND 8", "BOOLEAN", True), ("i NOT BETWEEN 1 AND 2", "BOOLEAN", True),
    ("at > TIMESTAMP '2026-11-22 11:05:07'", "BOOLEAN", True), ("at = '2026-11-22 11:05:07.123'", "BOOLEAN", True), ("day < at", "BOOLEAN", True),
    # choosing
    ("CASE WHEN i > 100 THEN 1 WHEN i > 5 THEN 2.5 END", "DECIMAL(11, 1)", Decimal("2.5")), ("CASE i WHEN 7 THEN 'seven' ELSE 'other' END", "STRING", "seven"),
    ("CASE WHEN nul > 1 THEN 1 ELSE 2 END", "INT", 2), ("IF(b, i, d)", "DOUBLE", 7.0), ("COALESCE(nul, i)", "INT", 7), ("IFNULL(nul, l)", "BIGINT", 2**63 - 1),
    ("NULLIF(i, 7)", "INT", None), ("NULLIF(i, nul)", "INT", 7), ("GREATEST(i, j)", "INT", 7), ("LEAST(i, d)", "DOUBLE", -2.5), ("GREATEST(i, nul)", "INT", None),
    # casts
    ("CAST(d AS INT)", "INT", -2), ("CAST(1e20 AS INT)", "INT", 2147483647), ("CAST(-1e20 AS BIGINT)", "BIGINT", -(2**63)), ("CAST(l AS INT)", "INT", -1),
    ("CAST(300 AS TINYINT)", "TINYINT", 44), ("CAST(300.7 AS DOUBLE)", "DOUBLE", 300.7), ("CAST(' 12 ' AS INT)", "INT", 12), ("CAST('x' AS INT)", "INT", None),
    ("CAST('1.9' AS INT)", "INT", 1), ("CAST(m AS INT)", "INT", 1), ("CAST(1.255 AS DECIMAL(5, 2))", "DECIMAL(5, 2)", Decimal("1.26")),
    ("CAST(-1.255 AS DECIMAL(5, 2))", "DECIMAL(5, 2)", Decimal("-1.26")), ("CAST(1.005e0 AS DECIMAL(5, 2))", "DECIMAL(5, 2)", Decimal("1.01")),
    ("CAST(12345.6 AS DECIMAL(4, 1))", "DECIMAL(4, 1)", None), ("CAST(d AS STRING)", "STRING", "-2.5"), ("CAST(1e7 AS STRING)", "STRING", "1.0E7"),
    ("CAST(1e-5 AS STRING)", "STRING", "1.0E-5"), ("CAST(1234567.5e0 AS STRING)", "STRING", "1234567.5"), ("CAST(b AS STRING)", "STRING", "TRUE"),
    ("CAST('no' AS BOOLEAN)", "BOOLEAN", False), ("CAST(b AS INT)", "INT", 1), ("CAST(0 AS BOOLEAN)", "BOOLEAN", False), ("CAST(at AS STRING)", "STRING", "2026-11-22 11:05:07.123"),
    ("CAST(at AS TIMESTAMP(0))", "TIMESTAMP(0)", datetime(2026, 11, 22, 11, 5, 7)), ("CAST('2026-01-02 03:04' AS TIMESTAMP(3))", "TIMESTAMP(3)", datetime(2026, 1, 2, 3, 4)),
    ("CAST(at AS DATE)", "DATE", date(2026, 11, 22)), ("CAST(s AS CHAR(3))", "CHAR(3)", "hél"), ("TRY_CAST('x' AS DOUBLE)", "DOUBLE", None), ("CAST(NULL AS INT)", "INT", None),
    # texts
    ("UPPER(s)", "STRING", "HÉLLO,WÖRLD"), ("CHAR_LENGTH(s)", "INT", 11), ("SUBSTRING(s, 2, 3)", "STRING", "éll"), ("SUBSTRING(s FROM 8)", "STRING", "örld"),
    ("SUBSTRING(s, -3)", "STRING", "rld"), ("SUBSTRING(s, -3, 2)", "STRING", "rl"), ("TRIM(BOTH 'h' FROM s)", "STRING", "éllo,wörld"), ("TRIM('  a ')", "STRING", "a"),
    ("s || '!'", "STRING", "héllo,wörld!"), ("CONCAT(s, NULL)", "STRING", None), ("CONCAT('a', i)", "STRING", "a7"), ("REPLACE(s, 'l', 'L')", "STRING", "héLLo,wörLd"),
    ("POSITION('w' IN s)", "INT", 7), ("POSITION('?' IN s)", "INT", 0), ("LPAD('7', 3, '0')", "STRING", "007"), ("RPAD('abcd', 2, 'x')", "STRING", "ab"),
    ("SPLIT_INDEX(s, ',', 1)", "STRING", "wörld"), ("SPLIT_INDEX(s, ',', 2)", "STRING", None), ("REGEXP_EXTRACT(s, '(w.)r', 1)", "STRING", "wö"),
    ("REGEXP_EXTRACT(s, 'x')", "STRING", None), ("REGEXP_REPLACE(s, '(l+)', '<$1>')", "STRING", "hé<$1>o,wör<$1>d"), ("REVERSE('abc')", "STRING", "cba"),
    ("s LIKE 'h_llo%'", "BOOLEAN", True), ("s LIKE '%wör%'", "BOOLEAN", True), ("s LIKE 'HÉ%'", "BOOLEAN", False), ("'a%c' LIKE 'a!%c' ESCAPE '!'", "BOOLEAN", True),
    ("'abc' LIKE 'a!%c' ESCAPE '!'", "BOOLEAN", False), ("'a.c' LIKE 'a.c'", "BOOLEAN", True), ("'abc' LIKE 'a.c'", "BOOLEAN", False), ("s NOT LIKE 'x%'", "BOOLEAN", True),
    ("LEFT(s, 2)", "STRING", "hé"), ("RIGHT(s, 2)", "STRING", "ld"), ("REPEAT('ab', 2)", "STRING", "abab"), ("INITCAP('ab cd')", "STRING", "Ab Cd"),
    ("JSON_VALUE('{\"a\":{\"b\":[1,\"x\"]}}', '$.a.b[1]')", "STRING", "x"), ("JSON_VALUE('{\"a\":{}}', '$.a')", "STRING", None), ("JSON_VALUE('{', '$.a')", "STRING", None),
    # numbers
    ("ABS(j)", "INT", 2), ("CEIL(d)", "DOUBLE", -2.0), ("FLOOR(d)", "DOUBLE", -3.0), ("FLOOR(m)", "DECIMAL(10, 0)", Decimal(1)), ("ROUND(d)", "DOUBLE", -3.0),
    ("ROUND(m, 1)", "DECIMAL(10, 1)", Decimal("1.3")), ("ROUND(123, -1)", "INT", 120), ("POWER(i, 2)", "DOUBLE", 49.0), ("SQRT(16)", "DOUBLE", 4.0), ("LN(1)", "DOUBLE", 0.0),
    ("LOG10(1000)", "DOUBLE", 3.0), ("LOG2(8)", "DOUBLE", 3.0), ("LOG(2, 8)", "DOUBLE", 3.0), ("EXP(0)", "DOUBLE", 1.0), ("SIGN(j)", "INT", -1), ("SIN(0)", "DOUBLE", 0.0),
    ("TRUNCATE(-2.567e0, 2)", "DOUBLE", -2.56), ("SQRT(-1)", "DOUBLE", NAN), ("PI()", "DOUBLE", 3.141592653589793),
    # time
    ("at - INTERVAL '0.3' SECOND", "TIMESTAMP(3)", datetime(2026, 11, 22, 11, 5, 6, 823000)), ("at + INTERVAL '1' DAY", "TIMESTAMP(3)", datetime(2026, 11, 23, 11, 5, 7, 123000)),
    ("INTERVAL '2' HOUR + at", "TIMESTAMP(3)", datetime(2026, 11, 22, 13, 5, 7, 123000)), ("at + INTERVAL '1:30' MINUTE TO SECOND", "TIMESTAMP(3)", datetime(2026, 11, 22, 11, 6, 37, 123000)),
    ("TIMESTAMP '2026-01-31 00:00:00' + INTERVAL '1' MONTH", "TIMESTAMP", datetime(2026, 2, 28)), ("day + INTERVAL '1' DAY", "DATE", date(2026, 3, 1)),
    ("EXTRACT(HOUR FROM at)", "BIGINT", 11), ("EXTRACT(YEAR FROM day)", "BIGINT", 2026), ("MINUTE(at)", "BIGINT", 5), ("DAYOFWEEK(at)", "BIGINT", 1),
    ("DATE_FORMAT(at, 'yyyy-MM-dd HH:mm')", "STRING", "2026-11-22 11:05"), ("DATE_FORMAT(at, 'HH:mm:ss.SSS')", "STRING", "11:05:07.123"), ("DATE_FORMAT(at, '''T''HH')", "STRING", "T11"),
    ("TO_TIMESTAMP('2026-01-02 03:04:05')", "TIMESTAMP(3)", datetime(2026, 1, 2, 3, 4, 5)), ("TO_TIMESTAMP('02/01/2026', 'dd/MM/yyyy')", "TIMESTAMP(3)", datetime(2026, 1, 2)),
    ("TO_TIMESTAMP('never')", "TIMESTAMP(3)", None), ("TO_TIMESTAMP_LTZ(1500, 3)", "TIMESTAMP_LTZ(3)", datetime(1970, 1, 1, 0, 0, 1, 500000)),
    ("TO_TIMESTAMP_LTZ(2, 0)", "TIMESTAMP_LTZ(3)", datetime(1970, 1, 1, 0, 0, 2)), ("UNIX_TIMESTAMP('1970-01-01 00:01:00')", "BIGINT", 60),
    ("FROM_UNIXTIME(60)", "STRING", "1970-01-01 00:01:00"), ("FLOOR(at TO MINUTE)", "TIMESTAMP(3)", datetime(2026, 11, 22, 11, 5)), ("CEIL(at TO HOUR)", "TIMESTAMP(3)", datetime(2026, 11, 22, 12)),
    ("FLOOR(at TO MONTH)", "TIMESTAMP(3)", datetime(2026, 11, 1)), ("TIMESTAMPADD(DAY, 2, at)", "TIMESTAMP(3)", datetime(2026, 11, 24, 11, 5, 7, 123000)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "expected"), CASES, ids=[case[0] for case in CASES])
def test_an_expression_has_flinks_kind_and_value(text: str, kind: str, expected: object) -> None:
    expr = sql(text)
    assert kind_of(expr, SCHEMA) == kind
    made = FRAME.select(v=bind(expr, SCHEMA).expr)["v"]
    assert made.dtype == polars_type(kind)
    value = made.item()
    assert type(value) is type(expected)
    same = repr(value) == repr(expected) if isinstance(expected, float) else value == expected
    assert same or value == pytest.approx(expected), value


@pytest.mark.parametrize(
    ("unit", "whole"), [("SECOND", 90061), ("MINUTE", 1501), ("HOUR", 25), ("DAY", 1), ("MONTH", 0)]
)
def test_differences_of_moments_count_whole_units(unit: str, whole: int) -> None:
    one, other = exp.column("a", quoted=True), exp.column("b", quoted=True)
    schema = (Column("a", "TIMESTAMP(3)"), Column("b", "TIMESTAMP(3)"))
    call = exp.Anonymous(this="TIMESTAMPDIFF", expressions=[exp.Var(this=unit), one, other])
    frame = pl.DataFrame({"a": [datetime(2026, 1, 1)], "b": [datetime(2026, 1, 2, 1, 1, 1)]})
    assert frame.select(bind(call, schema).expr).item() == whole
    swapped = exp.Anonymous(this="TIMESTAMPDIFF", expressions=[exp.Var(this=unit), other, one])
    assert frame.select(bind(swapped, schema).expr).item() == -whole


def test_the_current_time_is_the_one_that_was_handed_in() -> None:
    node = Project(
        Scan(events_table()),
        (
            (Column("now", "TIMESTAMP_LTZ(3)"), sql("CURRENT_TIMESTAMP")),
            (Column("u", "BIGINT"), sql("UNIX_TIMESTAMP()")),
        ),
    )
    made = run(printed(node), [(0, pl.DataFrame({"k": ["a", "b"]}))])
    assert made["now"].dt.epoch("ms").to_list() == [NOW.wall_ms] * 2
    assert made["u"].to_list() == [NOW.wall_ms // 1000] * 2
    assert asks_time(bind(sql("CURRENT_DATE"), SCHEMA).expr) and NOW_COLUMN not in made.columns


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1", "INT", 1), ("CAST(1.5e0 AS STRING)", "STRING", "1.5"), ("3 IN (1, 3)", "BOOLEAN", True), ("3 IN (1, NULL)", "BOOLEAN", None),
        ("CASE WHEN 2 > 1 THEN 'a' END", "STRING", "a"), ("'abc' LIKE 'b%'", "BOOLEAN", False), ("NULL", "INT", None),
    ],
)  # fmt: skip
def test_a_projection_of_constants_has_as_many_rows_as_its_input(text: str, kind: str, value: object) -> None:
    node = Project(Scan(events_table()), ((Column("one", kind), sql(text)),))
    assert run(printed(node), [(0, pl.DataFrame({"k": ["a", "b", "c"]}))])["one"].to_list() == [value] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SOUNDEX(s)", "SOUNDEX"), ("nothing + 1", "no column nothing"), ("s + 1", r"\+ is not defined for \(STRING, INT\)"), ("UPPER(i)", "UPPER"),
        ("i = b", "="), ("CASE WHEN i THEN 1 END", "CASE"), ("CAST(day AS INT)", "CAST to INT"), ("SUBSTRING(s)", "SUBSTRING takes 2 to 3"),
        ("REGEXP_EXTRACT(s, '(?=x)')", "regular expression"), ("DATE_FORMAT(at, 'QQ')", "QQ"), ("EXTRACT(CENTURY FROM at)", "CENTURY"),
        ("LPAD(s, i, 'x')", "literal"), ("TIMESTAMP 'yesterday'", "yesterday"), ("s AND b", "AND"), ("JSON_VALUE(s, '$..a')", "path"), ("s SIMILAR TO '[a'", "SIMILAR"), ("s ILIKE 'x'", "I?LIKE"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(PenstockError, match=words):
        bind(sql(text), SCHEMA)


def test_kinds_meet_as_in_flink() -> None:
    assert (
        wider("INT", "DOUBLE") == "DOUBLE"
        and wider("INT", "STRING") is None
        and wider("NULL", "DATE") == "DATE"
    )
    assert (
        wider("DECIMAL(10, 2)", "BIGINT") == "DECIMAL(21, 2)"
        and wider("TIMESTAMP(0)", "TIMESTAMP(3)") == "TIMESTAMP(3)"
    )
    assert (
        aggregate_kind("AVG", "INT") == "INT" and aggregate_kind("SUM", "DECIMAL(10, 2)") == "DECIMAL(38, 2)"
    )
    assert (
        aggregate_kind("COUNT", None) == "BIGINT"
        and aggregate_kind("AVG", "DECIMAL(10, 2)") == "DECIMAL(38, 6)"
    )
    with pytest.raises(PenstockError, match="SUM"):
        aggregate_kind("SUM", "STRING")


def test_the_table_has_the_functions_the_design_names() -> None:
    named = "UPPER LOWER TRIM SUBSTRING CHAR_LENGTH CONCAT REPLACE POSITION LPAD RPAD SPLIT_INDEX REGEXP_EXTRACT REGEXP_REPLACE REVERSE ABS CEIL FLOOR ROUND POWER SQRT LN LOG10 EXP MOD SIGN SIN GREATEST LEAST EXTRACT DATE_FORMAT TO_TIMESTAMP TO_TIMESTAMP_LTZ UNIX_TIMESTAMP TIMESTAMPDIFF TIMESTAMPADD CURRENT_TIMESTAMP NOW PROCTIME JSON_VALUE COALESCE NULLIF"
    assert set(named.split()) <= set(FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "value"),
    [("d / 10", 0.3), ("TRUNCATE(d / 10e0, 1)", 0.3), ("d / 10e0 + 0e0", 0.3), ("-1.25e0 / d", -1.25 / 3)],
)
def test_a_quotient_is_right_to_the_last_bit_however_many_rows_come(text: str, value: float) -> None:
    node = Project(Scan(events_table()), ((Column("q", "DOUBLE"), sql(text)),))
    for count in (1, 2, 9):
        made = run(printed(node), [(0, pl.DataFrame({"d": [3.0, None] * count}))])
        assert made["q"].to_list() == [value, None] * count
