"""Conditions that are pushed into the decoder change nothing but the cost: rows, dead letters, event time, figures."""

import json
import random
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.dsl import col
from penstock.engine.formats.choose import writer_of
from penstock.engine.job import EngineOptions, Job
from penstock.engine.operators.scan import ReadTable
from penstock.engine.plan import Plan, Scan, Table
from penstock.engine.plan.tests import tests_of as asked_of
from penstock.engine.run.rules import rewriting
from penstock.engine.types import Column, polars_type
from penstock.record import Record, encode
from penstock.sql.execution import execution
from penstock.sql.script import parse
from penstock.testing.app import App
from tests.engine.streams import NO_SHRINKING, NOW, sql
from tests.engine.test_avro import frame_of

SOURCE = """
CREATE TABLE t (a BIGINT, i INT, s STRING, c CHAR(3), d DOUBLE, ts TIMESTAMP(3){also}{mark})
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
"""
MARK = ", WATERMARK FOR ts AS ts - INTERVAL '2' SECOND"
SINK = "CREATE TABLE o ({columns}) WITH ('connector' = 'print');\n"
ROWS = SINK.format(columns="a BIGINT, s STRING") + "INSERT INTO o SELECT a, s FROM t WHERE {condition}"
WINDOWS = (
    SINK.format(columns="w TIMESTAMP(3), n BIGINT, m BIGINT")
    + """INSERT INTO o SELECT window_start, COUNT(*), MIN(a) FROM TABLE(TUMBLE(
         TABLE v, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end"""
)
VIEW = (
    "CREATE VIEW v AS SELECT s AS t, a, ts FROM (SELECT a, i AS j, s, c, d, ts FROM t) WHERE {condition};\n"
)


def plan_of(
    body: str, condition: str = "a = 1", mark: str = MARK, also: str = "", source: str = SOURCE
) -> Plan:
    table = source.replace("{also}", also).replace("{mark}", mark)
    return parse((table + body).replace("{condition}", condition))


def asked_in(plan: Plan) -> list[str]:
    """What each scan tests as it decodes."""
    scans = [vertex.operator for vertex in Job(plan).graph.vertices if vertex.source >= 0]
    return [" AND ".join(map(str, scan.tests)) for scan in scans if isinstance(scan, ReadTable)]


@pytest.mark.parametrize(
    ("condition", "tests"),
    [
        ("a = 1", "a = 1"), ("1 < i AND s <> 'it''s'", "i > 1 AND s <> 'it''s'"), ("a IN (1, -2)", "a IN (1, -2)"), ("a NOT IN (1, 2)", "a <> 1 AND a <> 2"),
        ("s = 'x' OR s IN ('y', 'z')", "s IN ('x', 'y', 'z')"), ("NOT (a >= 3)", "a < 3"), ("i BETWEEN -1 AND 1", "i >= -1 AND i <= 1"),
        ("d IS NULL AND NOT s IS NULL", "d IS NULL AND s IS NOT NULL"), ("MOD(a, 123) = 0", "MOD(a, 123) = 0"), ("a % 5 IN (1, 2)", "MOD(a, 5) IN (1, 2)"),
        ("0.908 * a > 1000000 AND a * 0.5 <= 3", "a > 1101321 AND a <= 6"), ("-7 < 0.5 * a", "a > -14"), ("0.5 * a >= 1.3", "a >= 3"), ("0.5 * a < 1.3", "a < 3"),
        # what is not of this shape stays with the filter, whole or in part
        ("a = 1 OR i = 2", ""), ("a = i", ""), ("a + 1 = 2", ""), ("d = 1", ""), ("c = 'a'", ""), ("a = 1.5", ""), ("s = 1", ""), ("UPPER(s) = 'A'", ""),
        ("a = 1 AND d > 0.5", "a = 1"), ("MOD(a, -3) = 0", ""), ("i BETWEEN 1 AND a", ""), ("0.5 * a = 1", ""), ("-0.5 * a > 1", ""), ("2 * a > 3", ""),
        ("a < 9223372036854775808", ""), ("MOD(a, 9223372036854775808) = 5", ""), ("0.00000000000000000001 * a > 1", ""), ("0.0000000000000000001 * a > 0", ""), ("0.000000000000000001 * a > 0", "a > 0"), ("NOT (i BETWEEN 1 AND 2)", ""), ("a = 1 AND NOT (a = 2 OR s = 'x')", "a = 1"),
    ],
)  # fmt: skip
def test_simple_conditions_become_tests(condition: str, tests: str) -> None:
    assert asked_in(plan_of(ROWS, condition)) == [tests]


def test_a_long_chain_of_or_is_read_once() -> None:
    """Reading each part twice would take two to the power of its length."""
    (asked,) = asked_in(plan_of(ROWS, " OR ".join(f"a = {value}" for value in range(200))))
    assert asked == f"a IN ({', '.join(map(str, range(200)))})"


def test_a_column_that_the_record_does_not_hold_is_not_tested() -> None:
    schema = (Column("a", "BIGINT"),)
    assert (
        asked_of(sql("a = 1 and b = 2"), schema)[0].column == "a"
        and len(asked_of(sql("a = 1 and b = 2"), schema)) == 1
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (ROWS.replace("FROM t", "FROM (SELECT a, UPPER(s) AS s FROM t)").replace("{condition}", "s = 'A'"), "it is computed"),
        (SINK.format(columns="a BIGINT") + "INSERT INTO o SELECT a FROM t WHERE a = 1 UNION ALL SELECT a FROM t", "another scan wants all"),
    ],
)  # fmt: skip
def test_conditions_that_are_not_everybodys_stay_where_they_are(body: str, why: str) -> None:
    assert asked_in(plan_of(body)) == [""], why


def test_what_several_ask_of_one_table_is_tested_once() -> None:
    both = "INSERT INTO o SELECT a FROM t WHERE a > 0 AND i = 1 UNION ALL SELECT a FROM t WHERE i = 1 AND s = 'x'"
    text = execution(plan_of(SINK.format(columns="a BIGINT") + both))
    assert "only rows where i = 1\n" in text and "Filter `a` > 0" in text and "Filter `s` = 'x'" in text


def test_explain_tells_what_the_scan_tests_and_the_filter_is_gone() -> None:
    text = execution(plan_of(VIEW + WINDOWS, "j = 3 AND s = 'x' AND d > 0.5"))
    assert (
        "5 of 6 columns; only rows where i = 3 AND s = 'x'\n" in text
        and "Filter `d` > 0.5" in text
        and "= 'x'\n" in text
    )


@pytest.mark.parametrize(
    "form",
    ["'avro'", "'protobuf', 'protobuf.message' = 'T', 'protobuf.schema' = 'message T { int64 a = 1; string s = 2; }'"],
)  # fmt: skip
def test_explain_tells_the_same_of_avro_and_protobuf(form: str) -> None:
    table = f"CREATE TABLE t (a BIGINT, s STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = {form});\n"
    text = execution(plan_of(ROWS, "a > 3 AND s IN ('x', 'y') AND UPPER(s) <> 'Y'", source=table))
    assert "only rows where a > 3 AND s IN ('x', 'y')\n" in text and "Filter UPPER(`s`) <> 'Y'" in text


@pytest.mark.parametrize(
    "change",
    [
        ("'format' = 'json'", "'format' = 'debezium-json'"), ("'format' = 'json'", "'format' = 'csv'"),
        ("ts TIMESTAMP(3)", "x TIMESTAMP(3), ts AS x + INTERVAL '1' SECOND"), ("'kafka', 'topic' = 't', 'format' = 'json'", "'datagen'"),
    ],
)  # fmt: skip
def test_tables_whose_rows_all_have_to_be_made_are_not_tested(change: tuple[str, str]) -> None:
    script = (SOURCE.format(mark=MARK, also="") + SINK.format(columns="a BIGINT")).replace(*change)
    mark = MARK if "debezium" not in change[1] else ""
    plan = (
        parse(script.replace(MARK, mark) + "INSERT INTO o SELECT a FROM t WHERE a = 1")
        if "debezium" not in change[1]
        else None
    )
    if plan is not None:
        assert asked_in(plan) == [""]
    table = Table("t", (Column("a", "BIGINT"),), {"connector": "kafka", "format": "debezium-json"})
    assert not table.tested and not Scan(table).tests


# --- fields of nested rows ----------------------------------------------------------------------------------------

NESTED = """
CREATE TABLE n (kind INT, bid ROW<price BIGINT, channel STRING, dt TIMESTAMP(3), deep ROW<x INT, y STRING>, nums ARRAY<INT>>,
  person ROW<name STRING, dt TIMESTAMP(3)>, noted TIMESTAMP(3){also})
WITH ('connector' = 'kafka', 'topic' = 'n', 'format' = 'json');
CREATE VIEW bids AS SELECT bid.price, bid.channel AS c, bid, kind{time} FROM n WHERE kind = 2;
"""
CASES = (
    "CASE kind WHEN 2 THEN bid.dt WHEN 1 THEN person.dt ELSE noted END", "CASE WHEN kind = 2 THEN bid.dt WHEN bid.channel IN ('a', 'b') THEN noted END",
    "CASE WHEN bid IS NULL THEN person.dt ELSE bid.dt END", "bid.dt", "noted",
)  # fmt: skip


def nested_plan(condition: str, clock: str = "", form: str = "json") -> Plan:
    also = f", t AS {clock}, WATERMARK FOR t AS t - INTERVAL '2' SECOND" if clock else ""
    body = (
        SINK.format(columns="p BIGINT, c STRING, x INT")
        + "INSERT INTO o SELECT price, c, bid.deep.x FROM bids WHERE "
    )
    if clock:
        body = WINDOWS.replace("ts", "t").replace("TABLE v", "TABLE w").replace("MIN(a)", "MIN(price)")
        body = f"CREATE VIEW w AS SELECT * FROM bids WHERE {condition};" + body
        condition = ""
    return parse(
        NESTED.format(also=also, time=", t" if clock else "").replace("json", form) + body + condition
    )


@pytest.mark.parametrize(
    ("condition", "tests"),
    [
        ("price > 5", "bid.price > 5"), ("MOD(price, 3) = 0 AND c <> 'x'", "MOD(bid.price, 3) = 0 AND bid.channel <> 'x'"), ("bid.deep.x IN (1, 2)", "bid.deep.x IN (1, 2)"),
        ("bid.deep IS NULL AND bid.deep.y IS NULL", "bid.deep IS NULL AND bid.deep.y IS NULL"), ("bid IS NOT NULL", "bid IS NOT NULL"), ("bid.dt IS NOT NULL", "bid.dt IS NOT NULL"),
        ("bid.nums[1] = 2", ""), ("UPPER(c) = 'A'", ""), ("price = bid.deep.x", ""), ("c = 'a' OR bid.channel = 'b'", "bid.channel IN ('a', 'b')"), ("c = 'a' OR price = 1", ""),
        ("0.5 * bid.price > 1", "bid.price > 2"), ("bid.deep.x NOT IN (1, 2)", "bid.deep.x <> 1 AND bid.deep.x <> 2"),
    ],
)  # fmt: skip
def test_conditions_on_fields_become_tests_through_what_hands_them_on(condition: str, tests: str) -> None:
    assert asked_in(nested_plan(condition)) == [f"kind = 2{' AND ' if tests else ''}{tests}"]


@pytest.mark.parametrize(
    ("clock", "told"),
    [(clock, True) for clock in CASES] + [(clock, False) for clock in (
        "bid.dt + INTERVAL '1' SECOND", "CASE WHEN kind > 1 AND kind < 3 THEN bid.dt ELSE noted END", "COALESCE(bid.dt, noted)",
        "CASE kind WHEN 2 THEN bid.dt ELSE CURRENT_TIMESTAMP END",
    )],
)  # fmt: skip
def test_event_time_may_be_a_field_or_one_of_several(clock: str, told: bool) -> None:
    assert asked_in(nested_plan("price > 5", clock)) == ["kind = 2 AND bid.price > 5" if told else ""]


def test_only_fields_that_are_read_or_tested_are_decoded() -> None:
    body = (
        SINK.format(columns="p BIGINT")
        + "INSERT INTO o SELECT {what} FROM n WHERE person.name = 'x' AND bid.deep.x = 1"
    )
    for what, kinds in (
        ("bid.price", {"bid": "ROW<`price` BIGINT, `deep` ROW<`x` INT, `y` STRING>>", "person": "ROW<`name` STRING>"}),
        ("CAST(kind AS BIGINT)", {"kind": "INT", "bid": "ROW<`deep` ROW<`x` INT, `y` STRING>>", "person": "ROW<`name` STRING>"}),
    ):  # fmt: skip
        plan = parse(NESTED.format(also="", time="") + body.format(what=what))
        (scan,) = (v.operator for v in Job(plan).graph.vertices if isinstance(v.operator, ReadTable))
        assert {c.name: c.kind.replace("`", "") for c in scan.fields} == {
            name: kind.replace("`", "") for name, kind in kinds.items()
        }


def nested_records(form: str, seed: int, count: int) -> list[bytes | None]:
    dice = random.Random(seed)

    def moment(number: int) -> datetime | None:
        second = max(0, number // 3 - dice.choice([0, 0, 0, 1, 4]))
        return None if dice.random() < 0.05 else datetime(2026, 11, 22, 11, 0, second)

    def some(row: dict[str, object]) -> dict[str, object] | None:
        return None if dice.random() < 0.2 else {k: v for k, v in row.items() if dice.random() < 0.9}

    rows: list[dict[str, object]] = []
    for n in range(count):
        deep = some({"x": dice.choice([None, 1, 2]), "y": "z"})
        bid = some(
            {
                "price": dice.choice([1, 6, 9, None]),
                "channel": dice.choice("abx"),
                "dt": moment(n),
                "deep": deep,
            }
        )
        person = some({"dt": moment(n)})
        rows.append(
            some(
                {"kind": dice.choice([0, 1, 2, 2, 2, None]), "bid": bid, "person": person, "noted": moment(n)}
            )
            or {}
        )
    if form == "json":
        values = [json.dumps(row, default=lambda at: at.isoformat(" ")).encode() for row in rows]
    else:
        plan = parse(
            NESTED.format(also="", time="").replace("json", form)
            + SINK.format(columns="n INT")
            + "INSERT INTO o SELECT kind FROM n"
        )
        (table,) = (one for one in plan.tables if one.name == "n")
        frame = pl.DataFrame(
            {c.name: [row.get(c.name) for row in rows] for c in table.schema}, schema={c.name: polars_type(c.kind) for c in table.schema}, strict=False
        )  # fmt: skip
        payload = writer_of(form, table.schema, table.options).payload(frame)
        values = [
            payload.data[at : at + size].tobytes()
            for at, size in zip(payload.at.tolist(), payload.size.tolist(), strict=True)
        ]
    return [value[:-1] if dice.random() < 0.05 else value for value in values]


@pytest.mark.parametrize("form", ["json", "avro"])
@settings(max_examples=40, deadline=None, phases=NO_SHRINKING)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["price > 5", "bid.deep.x = 1", "bid.deep IS NULL", "c IN ('a', 'b')", "price IS NOT NULL AND c <> 'x'"]),
    st.sampled_from(CASES),
    st.lists(st.integers(0, 60), max_size=3).map(sorted),
)  # fmt: skip
def test_tests_on_fields_change_nothing_but_the_cost(
    form: str, seed: int, condition: str, clock: str, cuts: list[int]
) -> None:
    plan, values = nested_plan(condition, clock, form), nested_records(form, seed, 60)
    with pytest.MonkeyPatch.context() as patch:
        found = told(plan, values, cuts)
        patch.setattr(
            rewriting, "RULES", tuple(rule for rule in rewriting.RULES if rule is not rewriting.test_early)
        )
        assert asked_in(plan) == [""]
        assert found == told(plan, values, cuts)


def test_rows_with_nested_rows_that_come_as_a_frame_are_tested_as_well() -> None:
    job = Job(nested_plan("price > 5", CASES[0]))
    at = pl.Series(["2026-11-22 11:00:00"]).str.to_datetime()[0]
    rows = [
        {"kind": k, "bid": {"price": p, "dt": at}, "person": None, "noted": at}
        for k, p in ((2, 6), (2, 5), (1, 9), (2, None))
    ]
    job.on_rows(0, 0, pl.DataFrame(rows), NOW)
    assert job.source_measures()[0].rows == 4 and job.source_measures()[0].watermark_ms is not None
    (output,) = job.on_end(NOW)
    assert output.rows.select("n", "m").rows() == [(1, 6)]


# --- nothing but the cost ---------------------------------------------------------------------------------------

CONDITIONS = (
    "a = 1", "a <> 1 AND i >= 0", "s IN ('x', 'long enough to lie elsewhere')", "MOD(a, 3) = 0", "MOD(a, 3) = -1", "s IS NULL", "a IS NOT NULL AND i < 3", "d IS NULL AND a > 0",
    "a NOT IN (1, 2)", "i BETWEEN -1 AND 1 AND d > 0.5", "0.3 * a > 0.5", "s < 'm' AND c = 'y'", "NOT (s = 'x')", "a = 99", "0.3 * a <= -0.3",
)  # fmt: skip


def records(seed: int, count: int) -> list[bytes | None]:
    """Values as they come: some null, some odd, some no JSON, event times in some disorder."""
    dice = random.Random(seed)
    made: list[bytes | None] = []
    for number in range(count):
        second = max(0, number // 3 - dice.choice([0, 0, 0, 1, 4]))
        row: dict[str, object] = {
            "a": dice.choice([None, 0, 1, 2, 3, -1, -4, 99, "3", 2**63]), "i": dice.choice([None, 0, 1, 3, -1]), "c": dice.choice(["x", "y"]),
            "s": dice.choice([None, "x", "y", "long enough to lie elsewhere", "x\n", 5]), "d": dice.choice([None, 0.25, 1.5, "1.5"]),
            "ts": None if dice.random() < 0.05 else f"2026-11-22 11:{second // 60:02}:{second % 60:02}",
        }  # fmt: skip
        value = json.dumps({k: v for k, v in row.items() if dice.random() < 0.95}).encode()
        if dice.random() < 0.1:
            value = value[: dice.randrange(len(value))]
        made.append(None if dice.random() < 0.03 else value)
    return made


def told(plan: Plan, values: list[bytes | None], cuts: list[int]) -> tuple[object, ...]:
    """All that a job says: rows in order, dead letters, watermarks, figures."""
    job = Job(plan, EngineOptions(rows_max=16))
    job.expect(0, [0])
    rows: list[str] = []
    dead: list[tuple[str, Record]] = []
    for start, stop in zip([0, *cuts], [*cuts, len(values)], strict=True):
        batch = [
            Record(None, v, 1_795_345_200_000 + n * 400) for n, v in enumerate(values[start:stop], start)
        ]
        for output in job.on_records(0, 0, encode(batch, base_offset=start) if batch else b"", NOW):
            rows += [] if output.sink is None else map(repr, output.rows.rows())
            dead += output.dead_letters
    sources = job.source_measures()
    for output in job.on_end(NOW):
        rows += map(repr, output.rows.rows())
    figures = job.measures()
    late = [one.late_rows for one in figures.operators]
    return rows, dead, sources, sum(late), figures.sinks[0].rows


@pytest.mark.parametrize("body", [ROWS, VIEW + WINDOWS, WINDOWS.replace("TABLE v", "TABLE t")])
@settings(max_examples=25, deadline=None, phases=NO_SHRINKING)
@given(
    st.integers(0, 2**32), st.sampled_from(CONDITIONS), st.lists(st.integers(0, 60), max_size=4).map(sorted)
)
def test_rows_dead_letters_late_ones_and_event_time_are_as_without(
    body: str, seed: int, condition: str, cuts: list[int]
) -> None:
    if body.startswith("CREATE VIEW"):
        condition = condition.replace("i ", "j ")
    plan, values = plan_of(body, condition), records(seed, 60)
    with pytest.MonkeyPatch.context() as patch:
        found = told(plan, values, cuts)
        patch.setattr(
            rewriting, "RULES", tuple(rule for rule in rewriting.RULES if rule is not rewriting.test_early)
        )
        assert asked_in(plan) == [""]
        assert found == told(plan, values, cuts)


PROTO = "message T { optional int64 a = 1; int32 i = 2; optional string s = 3; string c = 4; optional double d = 5; repeated int32 l = 6; }"
BINARY = {
    "avro": SOURCE.replace("ts TIMESTAMP(3)", "l ARRAY<INT>, ts TIMESTAMP(3)").replace("json", "avro"),
    "protobuf": SOURCE.replace(
        "ts TIMESTAMP(3)", "l ARRAY<INT>, ts TIMESTAMP(3) METADATA FROM 'timestamp'"
    ).replace(
        "'json'", f"'protobuf', 'protobuf.message' = 'T', 'protobuf.schema' = 'syntax = \"proto3\"; {PROTO}'"
    ),
}


def binary(form: str, seed: int, count: int) -> list[bytes | None]:
    """The same as Avro or Protobuf: values of which some are cut, and some null."""
    dice = random.Random(seed)
    rows = [
        {
            "a": dice.choice([None, 0, 1, 2, 3, -1, -4, 99]), "i": dice.choice([0, 1, 3, -1] if form == "protobuf" else [None, 0, 1, 3]),
            "s": dice.choice([None, "x", "y", "long enough to lie elsewhere", "x\n"]), "c": dice.choice(["x", "y"]), "d": dice.choice([None, 0.25, 1.5]),
            "l": dice.choice([None, [1], [1, 2, 3]]),
            "ts": None if dice.random() < 0.05 else datetime(2026, 11, 22, 11, 0, max(0, number // 3 - dice.choice([0, 0, 1, 4]))),
        }
        for number in range(count)
    ]  # fmt: skip
    (scan,) = (one for one in plan_of(ROWS, source=BINARY[form]).tables if one.name == "t")
    fields = tuple(c for c in scan.schema if form == "avro" or c.name != "ts")
    payload = writer_of(form, fields, scan.options).payload(frame_of(rows, fields))
    made: list[bytes | None] = []
    for at, size in zip(payload.at.tolist(), payload.size.tolist(), strict=True):
        kept = dice.randrange(size + 1) if dice.random() < 0.1 else size
        made.append(None if dice.random() < 0.03 else payload.data[at : at + kept].tobytes())
    return made


@pytest.mark.parametrize("form", BINARY)
@pytest.mark.parametrize(
    "body", [ROWS.replace("a, s FROM", "a, CAST(l AS STRING) FROM"), VIEW + WINDOWS], ids=["rows", "windows"]
)
@settings(max_examples=20, deadline=None, phases=NO_SHRINKING)
@given(
    st.integers(0, 2**32), st.sampled_from(CONDITIONS), st.lists(st.integers(0, 60), max_size=4).map(sorted)
)
def test_avro_and_protobuf_are_tested_alike(
    body: str, form: str, seed: int, condition: str, cuts: list[int]
) -> None:
    if body.startswith("CREATE VIEW"):
        condition = condition.replace("i ", "j ")
    plan, values = plan_of(body, condition, source=BINARY[form]), binary(form, seed, 60)
    with pytest.MonkeyPatch.context() as patch:
        found = told(plan, values, cuts)
        assert asked_in(plan) != [""]
        patch.setattr(
            rewriting, "RULES", tuple(rule for rule in rewriting.RULES if rule is not rewriting.test_early)
        )
        assert asked_in(plan) == [""]
        assert found == told(plan, values, cuts)


@pytest.mark.parametrize("form", BINARY)
def test_an_array_that_is_null_is_asked_for_as_any_column(form: str) -> None:
    plan = plan_of(ROWS, "l IS NOT NULL AND i = 0", source=BINARY[form])
    assert asked_in(plan) == ["l IS NOT NULL AND i = 0"]
    rows = told(plan, binary(form, 1, 60), [30])[0]
    assert isinstance(rows, list) and 0 < len(rows) < 30


def test_the_records_own_time_goes_on_with_rows_that_fail() -> None:
    also, mark = ", since TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'", ", WATERMARK FOR since AS since"
    plan = plan_of(ROWS, "a = 7", mark, also)
    assert asked_in(plan) == ["a = 7"]
    found = told(plan, [b'{"a":1}', b'{"a":7}', b"{", b'{"a":2}'], [2])
    sources = found[2]
    assert isinstance(sources, tuple) and (sources[0].rows, sources[0].watermark_ms) == (3, 1_795_345_201_199)


def test_rows_that_come_as_a_frame_are_tested_as_well() -> None:
    job = Job(plan_of(ROWS, "a = 1 AND s IS NOT NULL"))
    frame = pl.DataFrame({"a": [1, 2, None, 1], "s": ["x", "y", "z", None]}).with_columns(
        ts=pl.lit("2026-11-22 11:00:00").str.to_datetime()
    )
    (output,) = job.on_rows(0, 0, frame, NOW)
    assert output.rows.select("a", "s").rows() == [(1, "x")]
    assert job.source_measures()[0].rows == 4 and job.source_measures()[0].watermark_ms is not None


def test_a_row_that_a_function_fails_on_is_the_record_it_was() -> None:
    app = App("shop")
    payments = app.topic("payments", {"n": int})

    @app.function
    def odd(n: int) -> int:
        if n % 2 == 0:
            raise ValueError("even")
        return n

    payments.filter(col.n > 2).select(n=odd(col.n)).to("out")
    with app.test() as t:
        t.send_all("payments", [{"n": n} for n in (1, 2, 3, 4, 2)])
        assert t.read("out") == [(3,)]
        assert [error.value for error in t.errors] == [b'{"n":4}']


def test_the_decoder_makes_no_row_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReadTable, "sift", None)
    assert told(plan_of(ROWS, "a = 7"), [b'{"a":1}', b'{"a":7}', b"{"], [2])[0] == ["(7, None, 0)"]
