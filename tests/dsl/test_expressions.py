"""Expressions in Python: what they build, and every trap that raises instead of meaning something else."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from penstock.dsl import App, Expression, Stream, col, fn
from penstock.dsl.schemas import schema_of
from penstock.durations import milliseconds
from penstock.errors import PenstockError


def test_an_expression_shows_as_sql() -> None:
    assert repr((col.a + 1) * 2 > -col["b c"]) == "(`a` + 1) * 2 > -`b c`"
    assert repr(1 - col.a / 2) == "1 - `a` / 2"
    assert repr(~(col.ok & (col.n == 1))) == "NOT (`ok` AND `n` = 1)"
    assert repr(col.d >= date(2026, 1, 2)) == "`d` >= CAST('2026-01-02' AS DATE)"
    assert repr(col.x * Decimal("0.10")) == "`x` * 0.10"


TRAPS: list[tuple[str, Callable[[], Any]]] = [
    ("& for and", lambda: bool(col.a)),
    ("& for and", lambda: col.a > 1 and col.b < 3),
    ("& for and", lambda: not col.a),
    ("& for and", lambda: 1 < col.a < 3),
    ("& for and", lambda: col.a in [1, 2]),
    (r"is_null\(\)", lambda: col.a == None),  # noqa: E711  # the trap itself
    ("no place in an expression", lambda: col.a + object()),
    ("no literal in SQL", lambda: col.a + math.nan),
]


@pytest.mark.parametrize(("remedy", "trap"), TRAPS)
def test_a_trap_raises_with_its_remedy(remedy: str, trap: Callable[[], Any]) -> None:
    with pytest.raises(PenstockError, match=remedy):
        trap()


def test_an_expression_is_no_key_of_a_set_or_dict() -> None:
    with pytest.raises(TypeError):
        {col.a}  # noqa: B018  # hashing is what fails


def test_python_protocols_do_not_find_columns() -> None:
    assert not hasattr(col, "__iter__")
    assert isinstance(col.anything, Expression)


DURATIONS = [
    ("500 ms", 500), ("5s", 5000), ("1 min", 60_000), ("1h", 3_600_000), ("1.5 s", 1500), ("2 days", 172_800_000),
    (timedelta(milliseconds=250), 250),
]  # fmt: skip


@pytest.mark.parametrize(("written", "length"), DURATIONS)
def test_durations(written: Any, length: int) -> None:
    assert milliseconds(written) == length


@pytest.mark.parametrize("written", ["5", "s", "-1 s", "1 month", "0.1 ms", "", timedelta(microseconds=1)])
def test_what_is_no_duration_is_refused(written: Any) -> None:
    with pytest.raises(PenstockError, match=r"duration|milliseconds"):
        milliseconds(written)


@dataclass
class AsDataclass:
    card: str
    amount: float | None
    at: datetime


class AsStruct(msgspec.Struct):
    card: str
    amount: Annotated[float, "euros"]
    at: datetime


SCHEMAS = [{"card": str, "amount": float, "at": datetime}, AsDataclass, AsStruct]


@pytest.mark.parametrize("like", SCHEMAS)
def test_schemas_from_what_python_people_have(like: Any) -> None:
    assert [(c.name, c.kind) for c in schema_of(like)] == [
        ("card", "STRING"),
        ("amount", "DOUBLE"),
        ("at", "TIMESTAMP(3)"),
    ]


def test_a_schema_from_a_pydantic_model() -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Payment", card=(str, ...), amount=(float | None, None))
    assert [(c.name, c.kind) for c in schema_of(model)] == [("card", "STRING"), ("amount", "DOUBLE")]


def test_lists_and_records_within_are_arrays_and_rows() -> None:
    item = dataclasses.make_dataclass("Item", [("sku", str), ("prices", list[float])])
    found = schema_of({"items": list[item], "tags": "MAP<STRING, ARRAY<INT>>"})  # type: ignore[valid-type]
    assert [c.kind for c in found] == [
        "ARRAY<ROW<sku STRING, prices ARRAY<DOUBLE>>>",
        "MAP<STRING, ARRAY<INT>>",
    ]


@pytest.mark.parametrize(
    "like", [{"a": list}, {"a": "STRNG"}, {"a": "RAW<INT>"}, {}, str, 5, {"a": str | int}]
)
def test_a_schema_without_meaning_is_refused(like: Any) -> None:
    with pytest.raises(PenstockError):
        schema_of(like)


def payments(app: App) -> Stream:
    return app.topic("payments", {"card": str, "amount": float, "at": datetime}, event_time="at")


REFUSED: list[tuple[str, Callable[[App, Stream], Any]]] = [
    ("did you mean `amount`", lambda app, p: p.filter(col.amout > 1)),
    ("a condition is BOOLEAN", lambda app, p: p.filter(col.amount)),
    ("has no name", lambda app, p: p.select(col.amount * 2)),
    ("selected twice", lambda app, p: p.select(col.card, "card")),
    ("only in .agg", lambda app, p: p.select(n=fn.count())),
    ("only in .agg", lambda app, p: p.filter(fn.count() > 1)),
    ("neither grouped by nor aggregated", lambda app, p: p.group_by("card").agg(n=col.amount)),
    ("a group's key and an aggregate", lambda app, p: p.group_by("card").agg(card=fn.count())),
    ("inside another one", lambda app, p: p.agg(n=fn.sum(fn.count()))),
    ("SUM is not defined for STRING", lambda app, p: p.agg(n=fn.sum(col.card))),
    ("a join needs on=", lambda app, p: p.join(p)),
    ("a cross join takes no on=", lambda app, p: p.join(p, "card", how="cross")),
    ("no 'lef' join", lambda app, p: p.join(p, "card", how="lef")),
    ("no column `crad`", lambda app, p: p.join(p, "crad")),
    ("a column of several tables", lambda app, p: p.join(p, col.card == "a")),
    ("within= ends before it begins", lambda app, p: p.join(p, "card", within=("1s", "-1s"))),
    ("within= cannot compare", lambda app, p: p.join(app.topic("plain", {"card": str}), "card", within="1s")),
    ("as_of goes with", lambda app, p: p.join(p, "card", how="semi", as_of="at")),
    ("a table with a key", lambda app, p: p.join(p, "card", as_of="at")),
    ("top takes a number", lambda app, p: p.top(0, order=col.amount)),
    ("a column card already", lambda app, p: p.top(1, order=col.amount, rank="card")),
    ("say what is first", lambda app, p: app.topic("plain", {"card": str}).last("card")),
    ("is no aggregate", lambda app, p: p.over("card", twice=col.amount * 2)),
    ("by rows or by time", lambda app, p: p.over("card", rows=1, time="1s", n=fn.count())),
    ("no event-time column", lambda app, p: app.topic("plain", {"a": str}).tumble("1s")),
    ("`amount` is not an event-time column", lambda app, p: p.tumble("1s", on="amount")),
    ("multiple of its slide", lambda app, p: p.hop("10s", "3s")),
    ("app.live", lambda app, p: p.group_by("card").agg(n=fn.count()).to("counts")),
    ("no column id for its key", lambda app, p: app.live("l", p, key="id")),
    ("one per", lambda app, p: app.live("l", p.group_by("card", "amount").agg(n=fn.count()), key="card")),
    ("declared twice", lambda app, p: app.topic("payments", {"a": str})),
    ("event time is TIMESTAMP(3)", lambda app, p: app.topic("plain", {"a": str}, event_time="a")),
    ("there is no column b", lambda app, p: app.topic("plain", {"a": str}, event_time="b")),
    ("no option", lambda app, p: app.topic("plain", {"a": str}, options={"topc": "x"})),
    ("there is no table `nope`", lambda app, p: app.stream("nope")),
    ("writes nothing", lambda app, p: app.plan()),
    ("UNION ALL of 3 and 1", lambda app, p: p.union(p.select("card"))),
    ("takes 1 columns, the query gives 3", lambda app, p: (p.select("card").to("small"), p.to("small"))),
]


@pytest.mark.parametrize(("message", "build"), REFUSED)
def test_a_wrong_pipeline_is_refused_where_it_is_written(
    message: str, build: Callable[[App, Stream], Any]
) -> None:
    app = App("shop")
    with pytest.raises(PenstockError) as caught:
        build(app, payments(app))
    assert message in f"{caught.value.message} {caught.value.remedy}"


def test_an_error_in_app_sql_names_its_place() -> None:
    app = App("shop")
    payments(app)
    with pytest.raises(PenstockError) as caught:
        app.sql(
            "CREATE TABLE o (a STRING) WITH ('connector' = 'print');\nINSERT INTO o SELECT crad FROM payments"
        )
    assert (caught.value.place, caught.value.line, caught.value.column) == ("shop: app.sql", 2, 22)


def test_tables_of_sql_are_streams_in_python() -> None:
    app = App("shop")
    app.sql("CREATE TABLE t (a STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json')")
    app.sql("CREATE VIEW v AS SELECT UPPER(a) AS a FROM t")
    app.stream("v").filter(col.a == "X").to("found")
    assert [sink.table.topic for sink in app.plan().sinks] == ["found"]


@pytest.mark.parametrize("name", ["task", "hub", "run"])
def test_what_does_not_exist_yet_is_no_attribute(name: str) -> None:
    assert not hasattr(App("shop"), name)
