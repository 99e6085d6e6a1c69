"""`app.test`: pipelines run with time by hand; what is sent comes out as a worker would have it."""

from datetime import datetime, timedelta

import pytest

from penstock.dsl import col, fn
from penstock.errors import PenstockError
from penstock.sql import parse
from penstock.testing.app import App, Trial

PAYMENT = {"card": str, "amount": float, "at": datetime}


def shop() -> App:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at", late="0 ms")
    payments.filter(col.amount > 100).select(col.card, eur=col.amount * 0.5).to("large")
    minute = payments.tumble("1 min").group_by(col.card).agg(n=fn.count(), spent=fn.sum(col.amount))
    app.live("minutes", minute.select(col.card, col.n, col.spent, col.window_end), key="card")
    app.live("running", payments.group_by(col.card).agg(n=fn.count()), key="card")
    return app


def test_rows_come_out_of_a_filter_in_order() -> None:
    with shop().test() as t:
        for amount in (50.0, 120.0, 300.0):
            t.send("payments", card="c1", amount=amount, at=t.now)
            t.advance("1s")
        assert t.read("large") == [("c1", 60.0), ("c1", 150.0)]
        assert t.now == datetime(2026, 1, 1, 0, 0, 3)
        assert t.errors == []


def test_a_window_comes_out_when_time_has_passed_its_end_and_not_before() -> None:
    with shop().test(start="2026-01-01T12:00:00Z") as t:
        t.send("payments", card="c1", amount=1.5, at=t.now)
        t.send("payments", card="c1", amount=2.0, at=t.now)
        t.advance("59 s")
        t.send("payments", card="c2", amount=7.0, at=t.now)
        assert t.read("minutes") == []
        t.advance("1s")
        t.send("payments", card="c1", amount=100.0, at=t.now)
        noon = datetime(2026, 1, 1, 12, 1)
        assert t.read("minutes") == [("c1", 2, 3.5, noon), ("c2", 1, 7.0, noon)]
        t.end()
        assert t.read("minutes")[0] == ("c1", 1, 100.0, noon + timedelta(minutes=1))


def test_a_running_count_shows_its_current_rows() -> None:
    with shop().test() as t:
        for card in ("a", "b", "a", "a"):
            t.send("payments", card=card, amount=1.0, at=t.now)
        assert t.read("running") == [("a", 3), ("b", 1)]


def test_an_undecodable_record_is_a_dead_letter_and_stops_nothing() -> None:
    with shop().test() as t:
        t.send_bytes("payments", b'{"card": ')
        t.send("payments", card="c1", amount=200.0, at=t.now)
        assert t.read("large") == [("c1", 100.0)]
        assert [(letter.topic, letter.value) for letter in t.errors] == [("payments.dlq", b'{"card": ')]
        assert t.errors[0].reason


def test_pipelines_feed_each_other_through_their_topics() -> None:
    app = App("chain")
    app.topic("first", {"a": str}).select(a=fn.upper(col.a)).to("second")
    app.sql("""
        CREATE TABLE again (a STRING) WITH ('connector' = 'kafka', 'topic' = 'second', 'format' = 'json');
        CREATE TABLE third (a STRING) WITH ('connector' = 'kafka', 'topic' = 'third', 'format' = 'json');
        INSERT INTO third SELECT a || '!' FROM again;
    """)
    with app.test() as t:
        t.send("first", a="x")
        assert (t.read("second"), t.read("third")) == ([("X",)], [("X!",)])


def test_pipelines_that_feed_themselves_for_ever_are_stopped() -> None:
    app = App("loop")
    app.sql("""
        CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
        INSERT INTO t SELECT a + 1 FROM t;
    """)
    with app.test() as t, pytest.raises(PenstockError, match="for ever"):
        t.send("t", a=1)


def test_a_row_of_a_table_changes_and_goes() -> None:
    app = App("shop")
    cards = app.table("cards", {"card": str, "cap": float}, key="card")
    app.live("high", cards.filter(col.cap > 10), key="card")
    with app.test() as t:
        t.send("cards", card="a", cap=20.0)
        t.send("cards", card="b", cap=30.0)
        t.send("cards", card="a", cap=5.0)
        assert t.read("high") == [("b", 30.0)]
        t.delete("cards", card="b")
        assert t.read("high") == []


def test_a_script_runs_under_test_as_well() -> None:
    plan = parse("""
        CREATE TABLE t (n INT, at_ms AS n * 2, stamped TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL)
          WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
        CREATE TABLE o (n BIGINT, twice INT, stamped TIMESTAMP_LTZ(3)) WITH ('connector' = 'print');
        INSERT INTO o SELECT n, at_ms, stamped FROM t;
    """)
    with Trial(plan, start="2026-01-01T01:00:00+01:00") as t:
        t.advance("250 ms")
        t.send("t", n=21)
        ((n, twice, stamped),) = t.read("o")
        assert (n, twice, stamped.replace(tzinfo=None)) == (21, 42, datetime(2026, 1, 1, 0, 0, 0, 250_000))


def test_what_does_not_exist_is_refused() -> None:
    with shop().test() as t:
        for wrong, message in (
            (lambda: t.send("payment", card="a"), "nothing reads payment"),
            (lambda: t.send("payments", crad="a"), "payments has no column crad"),
            (lambda: t.read("larg"), "nothing writes larg"),
            (lambda: t.delete("payments", card="a"), "the key of payments"),
            (lambda: t.advance("soon"), "not a duration"),
        ):
            with pytest.raises(PenstockError, match=message):
                wrong()
    with pytest.raises(PenstockError, match="is not a time"):
        shop().test(start="noon")


def test_rows_that_stand_in_a_script_are_there_before_all_others() -> None:
    plan = parse(
        "CREATE TABLE clicks (k INT) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');"
        "CREATE TABLE named (k INT, s STRING) WITH ('connector' = 'kafka', 'topic' = 'named', 'format' = 'json');"
        "INSERT INTO named VALUES (0, 'zero'); INSERT INTO named SELECT clicks.k, n.s FROM clicks"
        " JOIN (VALUES (1, 'one'), (2, 'two')) AS n (k, s) ON clicks.k = n.k;"
    )
    with Trial(plan) as t:
        for k in (2, 3, 1):
            t.send("clicks", k=k)
        assert t.read("named") == [(0, "zero"), (2, "two"), (1, "one")]
