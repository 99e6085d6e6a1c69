"""Users' functions in expressions: by row and by batch, in Python and in SQL, with what they are given and refused."""

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from penstock.dsl import Stream, col, fn, left, right
from penstock.engine.job import Job
from penstock.errors import PenstockError
from penstock.sql.explain import explain
from penstock.testing.app import App

PAYMENT = {"card": str, "amount": float, "n": int, "at": datetime}
Set = Callable[[App, Stream], Any]


def shop() -> tuple[App, Stream]:
    app = App("shop")
    return app, app.topic("payments", PAYMENT, event_time="at")


def out(app: App, *amounts: float | None, name: str = "out") -> list[tuple[Any, ...]]:
    """What comes out at `name` for payments of these amounts, all in one batch."""
    with app.test() as t:
        t.send_all(
            "payments", [{"card": "c", "amount": a, "n": i, "at": t.now} for i, a in enumerate(amounts)]
        )
        t.end()
        assert t.errors == []
        return t.read(name)


def test_a_function_of_values_is_a_function_of_columns() -> None:
    app, payments = shop()

    @app.function(returns=float)
    def euros(amount, rate=0.5):  # type: ignore[no-untyped-def]
        return amount * rate

    assert euros(3.0) == 1.5  # it is still what it was
    payments.filter(euros(col.amount) > 1).select(one=euros(col.amount), two=euros(col.amount, 2) + 1).to(
        "out"
    )
    assert out(app, 1.0, 4.0, 6.0) == [(2.0, 9.0), (3.0, 13.0)]


def test_a_batch_function_takes_and_gives_series() -> None:
    app, payments = shop()
    seen = []

    @app.function(batch=True, returns=float)
    def centred(amount: pl.Series, by: pl.Series) -> pl.Series:
        seen.append(len(amount))
        return amount - by

    payments.select(d=centred(col.amount, 1.5)).to("out")
    assert out(app, 1.5, 2.5, None) == [(0.0,), (1.0,), (None,)]
    assert seen == [3]


def test_sql_calls_them_in_any_case_and_the_plan_is_python_s() -> None:
    plans = []
    for by_sql in (False, True):
        app, payments = shop()

        @app.function
        def half(x: float) -> float:
            return x / 2

        app.topic("o", {"h": float, "q": float})
        if by_sql:
            app.sql(
                "INSERT INTO o SELECT HALF(amount) AS h, half(Half(amount)) AS q FROM payments WHERE half(n) < 2"
            )
        else:
            payments.filter(half(col.n) < 2).select(h=half(col.amount), q=half(half(col.amount))).to("o")
        plans.append(app.plan())
        assert out(app, 1.0, 2.0, name="o") == [(0.5, 0.25), (1.0, 0.5)]
    assert plans[0] == plans[1]
    assert "HALF(HALF(`amount`))" in explain(plans[0])
    assert Job(plans[0]).fingerprint == Job(plans[1]).fingerprint


def test_a_computed_column_of_a_table_may_call_one() -> None:
    app = App("shop")

    @app.function(returns=float)
    def euros(amount: float) -> float:
        return amount * 0.5

    app.sql("""
        CREATE TABLE payments (card STRING, amount DOUBLE, eur AS EUROS(amount) + 1, `at` TIMESTAMP(3),
          WATERMARK FOR `at` AS `at`) WITH ('connector'='kafka','topic'='payments','format'='json');
        CREATE TABLE out_ (card STRING, eur DOUBLE) WITH ('connector'='print');
        INSERT INTO out_ SELECT card, eur FROM payments WHERE eur > 1.5
    """)
    with app.test() as t:
        t.send_all("payments", [{"card": "c", "amount": a, "at": t.now} for a in (1.0, 4.0)])
        t.end()
        assert t.read("out_") == [("c", 3.0)]
    with pytest.raises(PenstockError, match="event time"):
        app.sql("""
            CREATE TABLE u (b BIGINT, ts AS TO_TIMESTAMP_LTZ(CAST(EUROS(b) AS BIGINT), 3), WATERMARK FOR ts AS ts)
            WITH ('connector'='kafka','topic'='u','format'='json');
            CREATE TABLE p (b BIGINT) WITH ('connector'='print'); INSERT INTO p SELECT b FROM u
        """)


def test_a_function_is_not_called_for_a_null_unless_it_says_so() -> None:
    app, payments = shop()

    @app.function
    def strict(x: float) -> float:
        return x + 1

    @app.function
    def lenient(x: float | None) -> float:
        return 0.0 if x is None else x

    @app.function(nulls=True, returns=bool)
    def nothing(x):  # type: ignore[no-untyped-def]
        return x is None

    payments.select(a=strict(col.amount), b=lenient(col.amount), c=nothing(col.amount)).to("out")
    assert out(app, None, 2.0) == [(None, 0.0, True), (3.0, 2.0, False)]


def test_a_case_calls_a_function_only_for_the_rows_of_its_branch() -> None:
    app, payments = shop()
    asked: list[float] = []

    @app.function
    def root(x: float) -> float:
        asked.append(x)
        return math.sqrt(x)

    shown = fn.case((col.amount > 4, root(col.amount)), (col.amount > 0, -root(col.amount)), default=0.0)
    payments.select(r=shown).to("out")
    app.sql("CREATE TABLE o (r DOUBLE) WITH ('connector' = 'print')")
    app.sql(
        "INSERT INTO o SELECT CASE n WHEN 0 THEN -1.0 ELSE root(amount) END FROM payments WHERE amount >= 0 OR n = 0"
    )
    assert out(app, -1.0, 1.0, 9.0, None) == [(0.0,), (-1.0,), (3.0,), (0.0,)]
    assert sorted(asked) == [1.0, 1.0, 9.0, 9.0]


def test_equal_calls_are_made_once_a_row() -> None:
    app, payments = shop()
    asked = []

    @app.function
    def slow(x: float) -> float:
        asked.append(x)
        return x

    payments.filter(slow(col.amount) > 0).select(a=slow(col.amount) + slow(col.amount)).to("out")
    assert out(app, 1.0, 2.0) == [(2.0,), (4.0,)]
    assert len(asked) == 4  # once in the filter, once in the projection


KINDS: list[tuple[Any, str, Any]] = [
    (datetime, "at", datetime(2026, 1, 1)),
    (str, "card", "c"),
    (int, "n", 0),
    ("DECIMAL(10, 2)", "d", Decimal("1.50")),
]


@pytest.mark.parametrize(("hint", "name", "first"), KINDS)
def test_values_are_python_s_own(hint: Any, name: str, first: Any) -> None:
    app, payments = shop()
    rows = payments.select("card", "n", "at", d=col.amount.cast("DECIMAL(10, 2)"))

    @app.function(returns=hint)
    def same(value):  # type: ignore[no-untyped-def]
        assert type(value) is type(first)
        return value

    rows.select(v=same(col[name])).to("out")
    assert out(app, 1.5) == [(first,)]


def test_functions_in_aggregates_windows_and_joins() -> None:
    app, payments = shop()

    @app.function
    def half(x: float) -> float:
        return x / 2

    @app.function
    def near(a: float, b: float) -> bool:
        return abs(a - b) < 1

    minute = (
        payments.tumble("1 min")
        .group_by(k=half(col.n))
        .agg(s=fn.sum(half(col.amount)), big=fn.count().filter(half(col.amount) > 1))
    )
    minute.select("k", "s", "big").to("sums")
    payments.group_by().agg(m=fn.max(half(col.amount))).select("m")
    caps = app.topic("caps", {"cap": float, "card": str})
    payments.join(caps, (left.card == right.card) & near(col.amount, half(col.cap))).select(
        "amount", "cap"
    ).to("pairs")
    payments.join(caps, half(left.amount) == half(right.cap), how="left").select("amount", "cap").top(
        9, order=[col.amount, col.cap], rank="r"
    )
    with app.test() as t:
        t.send("caps", cap=4.0, card="c")
        t.send_all("payments", [{"card": "c", "amount": a, "n": 4, "at": t.now} for a in (2.0, 9.0)])
        t.end()
        assert t.read("sums") == [(2.0, 5.5, 1)]
        assert t.read("pairs") == [(2.0, 4.0)]


def test_an_outer_join_cannot_be_decided_by_a_function_of_both_sides() -> None:
    app, payments = shop()

    @app.function
    def near(a: float, b: float) -> bool:
        return abs(a - b) < 1

    caps = app.table("caps", {"card": str, "cap": float}, key="card")
    app.sql("CREATE TABLE o (card STRING) WITH ('connector' = 'print')")
    payments.join(caps, near(col.amount, col.cap), how="anti").select("card").to("o")
    with pytest.raises(PenstockError, match="both sides' values"):
        app.test()


# --- what fails --------------------------------------------------------------------------------------------------


def test_a_row_that_a_function_fails_on_becomes_a_dead_letter_and_stops_nothing() -> None:
    app, payments = shop()

    @app.function
    def root(x: float) -> float:
        return math.sqrt(x)

    @app.function(batch=True, returns=float)
    def positive(x: pl.Series) -> pl.Series:
        if (x < 0).any():
            raise ValueError("below nothing")
        return x

    payments.filter(col.n > 0).select(r=root(col.amount)).to("out")
    payments.select(p=positive(col.amount)).to("other")
    payments.select("card").to("cards")
    with app.test() as t:
        t.send_all("payments", [{"card": "c", "amount": a, "n": a, "at": t.now} for a in (4, -4, 9)])
        t.send("payments", card="d", amount=-1.0, n=1, at=t.now)
        assert t.read("out") == [(2.0,), (3.0,)]
        assert t.read("other") == [(4.0,), (9.0,)]
        assert len(t.read("cards")) == 4
        assert [(e.topic, e.reason) for e in t.errors] == [
            ("payments.dlq", "positive: below nothing"), ("payments.dlq", "root: math domain error"),
        ]  # fmt: skip
        assert b'"amount":-4' in (t.errors[0].value or b"")
        assert t.job.measures().sources[0].dead_letters == 2


def test_a_dead_letter_has_kafka_connect_s_headers() -> None:
    from penstock.clock import Now
    from penstock.record import Record, encode

    app, payments = shop()

    @app.function
    def root(x: float) -> float:
        return math.sqrt(x)

    payments.select(r=root(col.amount)).to("out")
    job = Job(app.plan())
    batch = encode([Record(b"k", b'{"amount": -1}', 5, (("own", b"1"),))], base_offset=7)
    (letters,) = [o for o in job.on_records(0, 3, batch, Now(0, 1000)) if o.dead_letters]
    ((topic, letter),) = letters.dead_letters
    headers = {name.removeprefix("__connect.errors."): value for name, value in letter.headers}
    assert (topic, letter.key, headers["own"]) == ("payments.dlq", b"k", b"1")
    assert {name: (headers[name] or b"").decode() for name in ("stage", "class.name", "offset", "partition")} == {
        "stage": "TRANSFORMATION", "class.name": "root", "offset": "7", "partition": "3",
    }  # fmt: skip
    assert headers["exception.class.name"] == b"ValueError"


def test_where_no_record_is_known_the_job_fails_and_says_where() -> None:
    app, payments = shop()

    @app.function
    def root(x: float) -> float:
        return math.sqrt(x)

    sums = payments.group_by("card").agg(s=fn.sum(col.amount))
    app.live("roots", sums.select("card", r=root(col.s)), key="card")
    with app.test() as t, pytest.raises(PenstockError) as caught:
        t.send("payments", card="c", amount=-4.0, n=1, at=t.now)
    assert "the function root failed on (-4.0,): ValueError" in caught.value.message
    assert "dead-letter" in caught.value.remedy
    assert caught.value.place == __file__ and "math.sqrt" in _line(caught.value.line)


def _line(number: int) -> str:
    from pathlib import Path

    return Path(__file__).read_text().splitlines()[number - 1]


def test_a_wrong_answer_is_a_failure_like_any_other() -> None:
    app, payments = shop()

    @app.function
    def wrong(x: float) -> int:
        return "much" if x > 1 else 1  # type: ignore[return-value]

    @app.function(batch=True, returns=int)
    def short(x: pl.Series) -> pl.Series:
        return x.head(1)

    payments.select(w=wrong(col.amount)).to("out")
    payments.filter(col.n > 0).select(s=short(col.n)).to("other")
    with app.test() as t:
        t.send_all("payments", [{"amount": 1.0}, {"amount": 2.0}])
        assert t.read("out") == [(1,)]
        assert t.errors[0].reason == "wrong: it returned 'much', which is no BIGINT"
        t.send_all("payments", [{"n": 1}, {"n": 2}])  # wrong for a batch, right for each row
        assert t.read("other") == [(1,), (2,)]


def test_chance_is_declared_and_the_job_then_keeps_its_state_with_every_commit() -> None:
    app, payments = shop()

    @app.function(deterministic=False, returns=float)
    def chance(x: float) -> float:
        return x

    payments.select(c=chance(col.amount)).to("out")
    assert not Job(app.plan()).repeatable
    app, payments = shop()
    sums = payments.group_by("card").agg(s=fn.sum(col.amount))
    app.live(
        "l",
        sums.select("card", c=app.function(chance.__wrapped__, name="c2", deterministic=False)(col.s)),
        key="card",
    )
    with pytest.raises(PenstockError, match="not deterministic, and it is called for rows that change"):
        app.test()


REFUSED: list[tuple[str, Set]] = [
    ("does not say what it returns", lambda app, p: app.function(lambda x: x, name="f")),
    ("one of SQL's own functions", lambda app, p: app.function(name="upper", returns=str)(str.upper)),
    ("no column has the type", lambda app, p: app.function(name="f", returns=list)(lambda x: x)),
    ("can only be given by name", lambda app, p: app.function(name="f", returns=int)(_keyword)),
    ("takes no Series", lambda app, p: app.function(name="f", returns=int, batch=True)(lambda: 1)),
    ("f takes 1 arguments, not 2", lambda app, p: p.select(v=_one(app)(col.n, col.n))),
    ("f takes DOUBLE as its argument 1, not STRING", lambda app, p: p.select(v=_one(app)(col.card))),
    ("did you mean `amount`", lambda app, p: p.select(v=_one(app)(col.amout))),
    ("declared twice", lambda app, p: (_one(app), _one(app))),
    ("is no name", lambda app, p: app.function(returns=int)(lambda x: x)),
]


def _keyword(x: int, *, y: int) -> int:
    return x + y


def _one(app: App) -> Any:
    def f(x: float) -> float:
        return x

    return app.function(f)


@pytest.mark.parametrize(("message", "build"), REFUSED, ids=[m for m, _ in REFUSED])
def test_a_wrong_function_is_refused_where_it_is_written(message: str, build: Set) -> None:
    app, payments = shop()
    with pytest.raises(PenstockError) as caught:
        build(app, payments)
    assert message in f"{caught.value.message} {caught.value.remedy}"


def test_sql_says_where_a_function_is_called_wrongly() -> None:
    app, _ = shop()
    _one(app)
    app.sql("CREATE TABLE o (v DOUBLE) WITH ('connector' = 'print')")
    with pytest.raises(PenstockError, match="f takes DOUBLE") as caught:
        app.sql("INSERT INTO o\nSELECT 1.0 + f(card) FROM payments")
    assert caught.value.line == 2


def test_random_rows_through_functions_are_as_python_has_them() -> None:
    import random

    chance = random.Random(5)
    amounts = [chance.choice([None, chance.uniform(-9, 9)]) for _ in range(300)]
    app, payments = shop()

    @app.function
    def f(x: float) -> float:
        return x * 3 - 1

    @app.function(batch=True, returns=float)
    def g(x: pl.Series) -> pl.Series:
        return x.abs()

    payments.filter(f(col.amount) > -10).select(v=g(f(col.amount)) + col.n).to("out")
    expected = [(abs(a * 3 - 1) + n,) for n, a in enumerate(amounts) if a is not None and a * 3 - 1 > -10]
    assert out(app, *amounts) == expected
