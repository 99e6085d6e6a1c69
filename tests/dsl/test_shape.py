"""The Python API has the shape that was promised: the page's own example, in its order, with what comes out of it."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from penstock import App, col, fn
from penstock.dsl import now
from penstock.engine.plan import AsOf, Scan, walk
from penstock.errors import PenstockError


class Model:
    """Anything with a `predict`."""

    def predict(self, batch: pl.DataFrame) -> pl.Series:
        return batch["amount"] / 100


def shop() -> App:
    model = Model()
    app = App("shop")
    payments = app.topic(
        "payments", {"card": str, "amount": float, "at": datetime}, event_time="at", late="5s"
    )
    cards = app.table("cards", {"card": str, "cap": float}, key="card")

    payments.filter(col.amount > 100).select(col.card, eur=col.amount * 0.92).to("large")

    minute = payments.tumble("1 min").group_by(col.card).agg(n=fn.count(), spent=fn.sum(col.amount))
    risky = minute.join(cards, on="card", as_of="window_time")
    app.live("risky", risky.filter((col.spent > col.cap) & (col.n >= 3)), key="card")

    app.sql("INSERT INTO alerts SELECT card, 'over cap' FROM risky")

    @app.process(payments, by="card", emits={"card": str, "why": str}, ttl="1h", to="alerts")
    class Burst:
        seen: int = 0

        def on_row(self, row: Any, ctx: Any) -> Any:
            self.seen += 1
            ctx.timer("quiet", after="30s")
            if self.seen == 5:
                yield row.card, "5 without a pause"

        def on_timer(self, name: str, ctx: Any) -> None:
            ctx.clear()

    @app.map_batches(payments, emits={"card": str, "score": float}, to="scores")
    def score(batch: pl.DataFrame) -> pl.DataFrame:
        return batch.select("card", score=model.predict(batch))

    return app


def test_burst() -> None:
    with shop().test(start="2026-01-01T00:00:00Z") as t:
        for _ in range(5):
            t.send("payments", card="c1", amount=120.0, at=t.now)
            t.advance("1s")
        assert t.read("alerts") == [("c1", "5 without a pause")]
        assert t.read("large") == [("c1", 120.0 * 0.92)] * 5
        assert t.read("scores") == [("c1", 1.2)] * 5


def test_a_pause_begins_anew() -> None:
    with shop().test() as t:
        for count in (4, 4, 5):
            for _ in range(count):
                t.send("payments", card="c1", amount=1.0, at=t.now)
                t.advance("1s")
            t.advance("36s")
            t.send("payments", card="other", amount=1.0, at=t.now)  # time goes by the records' own
        assert t.read("alerts") == [("c1", "5 without a pause")]


def test_a_window_meets_the_table_as_it_was_at_its_end() -> None:
    with shop().test() as t:
        t.send("cards", card="c1", cap=100.0)
        t.advance("10s")
        for _ in range(3):
            t.send("payments", card="c1", amount=50.0, at=t.now)
        t.advance("55s")  # 01:05
        t.send("cards", card="c1", cap=1000.0)  # counts from now on, and not for the minute that is over
        t.send("payments", card="c1", amount=700.0, at=t.now)
        t.advance("2s")  # the table is silent, and holds nothing back
        t.send("payments", card="c1", amount=1.0, at=t.now)
        minute = datetime(2026, 1, 1)
        assert t.read("risky") == [
            ("c1", minute, minute + timedelta(minutes=1), minute + timedelta(seconds=59.999), 3, 150.0, 100.0)
        ]
        assert ("c1", "over cap") in t.read("alerts")


def test_a_table_that_is_asked_how_it_was_is_one_table_wherever_it_is_read() -> None:
    app = App("shop")
    payments = app.topic("payments", {"card": str, "at": datetime}, event_time="at")
    cards = app.table("cards", {"card": str, "cap": float}, key="card")
    app.live("copy", cards, key="card")
    payments.join(cards.filter(col.cap > 1), on="card", as_of="at", how="left").select("card", "cap").to("o")
    plan = app.plan()
    read = [node.table for sink in plan.sinks for node in walk(sink.source) if isinstance(node, Scan)]
    scans = [table for table in read if table.name == "cards"]
    assert len(scans) == 2 and scans[0] == scans[1]
    assert [c.name for c in plan.sinks[0].source.schema] == ["card", "cap"]
    assert any(isinstance(node, AsOf) for node in walk(plan.sinks[1].source))
    with app.test() as t:
        t.send("cards", card="a", cap=2.0)
        t.send("cards", card="b", cap=0.5)
        for card in "ab":
            t.send("payments", card=card, at=t.now)
        t.advance("1s")
        t.send("payments", card="a", at=t.now)
        assert t.read("o") == [("a", 2.0), ("b", None)]
        assert sorted(t.read("copy")) == [("a", 2.0), ("b", 0.5)]


def test_a_deleted_row_counts_until_it_was_deleted() -> None:
    app = App("shop")
    payments = app.topic("payments", {"n": int, "card": str, "at": datetime}, event_time="at")
    cards = app.table("cards", {"card": str, "cap": float}, key="card")
    payments.join(cards, on="card", as_of="at", how="left").select("n", "cap").to("o")
    with app.test() as t:
        t.send("cards", card="a", cap=2.0)
        t.advance("5s")
        between = t.now
        t.advance("5s")
        t.delete("cards", card="a")
        t.send("payments", n=1, card="a", at=between)
        t.advance("5s")
        t.send("payments", n=2, card="a", at=t.now)
        t.advance("1s")
        t.send("cards", card="a", cap=3.0)
        t.advance("5s")
        t.send("payments", n=3, card="a", at=t.now)
        t.end()
        assert sorted(t.read("o")) == [(1, 2.0), (2, None), (3, 3.0)]


def test_rows_that_nobody_can_date_have_no_past() -> None:
    app = App("shop")
    payments = app.topic("payments", {"card": str, "at": datetime}, event_time="at")
    counts = app.table("cards", {"card": str}, key="card").group_by("card").agg(n=fn.count())
    with pytest.raises(PenstockError, match="nothing says since when"):
        payments.join(counts, on="card", as_of="at")
    payments.join(counts, on="card", as_of=now).select("card", "n").to("o")


def test_an_insert_may_name_a_table_that_comes_later_and_no_other() -> None:
    app = App("shop")
    payments = app.topic("payments", {"card": str})
    app.sql("INSERT INTO later SELECT card FROM payments")
    app.topic("later", {"card": str})
    payments.to("now")
    assert [sink.table.name for sink in app.plan().sinks] == ["now", "later"]
    app.sql("INSERT INTO\nnever SELECT card FROM payments")
    with pytest.raises(PenstockError, match="no table `never`") as caught:
        app.plan()
    assert (caught.value.line, caught.value.column) == (2, 1)
