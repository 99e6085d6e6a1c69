"""Classes with state and timers by key: rows one by one, time by event and by clock, snapshots, what fails."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

import polars as pl
import pytest

from penstock.clock import Now
from penstock.dsl import Stream, col, fn
from penstock.engine.job import Job
from penstock.engine.operators.user.timers import Timers
from penstock.errors import PenstockError
from penstock.record import Record, encode
from penstock.testing.app import App, Trial

PAYMENT = {"card": str, "amount": float, "at": datetime}
START = datetime(2026, 1, 1)


class Sums:
    """What most tests need: counts and sums by key, and a word when a key has been quiet."""

    seen: int = 0
    amounts: list[float] = []  # noqa: RUF012  each key has a list of its own
    limit: ClassVar[float] = 100.0

    def on_row(self, row: Any, ctx: Any) -> Iterator[tuple[Any, ...]]:
        self.seen += 1
        self.amounts.append(row.amount)
        if row.amount < 0:
            raise ValueError("below nothing")
        ctx.timer("quiet", after="30s")
        if row.amount > self.limit:
            yield ctx.key, f"{self.seen} {sum(self.amounts):g}"

    def on_timer(self, name: str, ctx: Any) -> Iterator[tuple[Any, ...]]:
        yield ctx.key, f"{name} at {ctx.time:%M:%S} after {self.seen}"
        ctx.clear()


EMITS = {"card": str, "why": str}


def shop(**more: Any) -> App:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")
    payments.process(Sums, by="card", emits=EMITS, **more).to("alerts")
    return app


def pay(t: Trial, card: str | None, amount: float | None) -> None:
    t.send("payments", card=card, amount=amount, at=t.now)


def test_rows_of_a_key_are_seen_one_by_one_with_its_state() -> None:
    with shop().test() as t:
        for card, amount in (("a", 1.0), ("b", 500.0), ("a", 200.0), (None, 101.0), ("a", 300.0)):
            pay(t, card, amount)
        assert t.read("alerts") == [("b", "1 500"), ("a", "2 201"), (None, "1 101"), ("a", "3 501")]
        assert Sums.seen == 0 and Sums.amounts == []


def test_a_timer_fires_when_event_time_has_passed_it_and_the_same_name_moves_it() -> None:
    with shop().test() as t:
        pay(t, "a", 1.0)
        t.advance("20s")
        pay(t, "a", 1.0)  # moves it to 50 s
        t.advance("20s")
        pay(t, "b", 1.0)
        assert t.read("alerts") == []
        t.advance("10s")
        pay(t, "b", 1.0)  # the watermark is just below 50 s: 1 ms is still to come
        assert t.read("alerts") == []
        t.advance("1ms")
        pay(t, "b", 101.0)
        assert t.read("alerts") == [("b", "3 103"), ("a", "quiet at 00:50 after 2")]
        assert t.job.measures().operators[-1].state_rows == 2  # b and its timer: a was cleared
        t.end()
        assert t.read("alerts")[-1] == ("b", "quiet at 01:20 after 3")


def test_timers_fire_in_the_order_of_their_times() -> None:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")

    @app.process(payments, by="card", emits={"what": str}, to="out")
    class Three:
        def on_row(self, row: Any, ctx: Any) -> None:
            ctx.timer("late", after="3s")
            ctx.timer("soon", at=ctx.time + timedelta(seconds=1))
            ctx.timer("never", after="2s")
            ctx.cancel("never")

        def on_timer(self, name: str, ctx: Any) -> list[tuple[str]]:
            return [(f"{name} {ctx.key}",)]

    with app.test() as t:
        for card in ("a", "b"):
            pay(t, card, 1.0)
            t.advance("1s")
        t.end()
        assert t.read("out") == [("soon a",), ("soon b",), ("late a",), ("late b",)]


def clocked(**more: Any) -> App:
    """By the wall's clock, of a stream without event time."""
    app = App("shop")
    events = app.topic("events", {"k": int, "part": int})

    @app.process(events, by=["k", col.part], emits={"k": int, "n": int, "at": datetime}, to="out", **more)
    class Beat:
        n: int = 0

        def on_row(self, row: Any, ctx: Any) -> None:
            self.n += 1
            ctx.timer("beat", after="10s")

        def on_timer(self, name: str, ctx: Any) -> Iterator[dict[str, Any]]:
            self.n += 100
            yield {"k": ctx.key[0], "n": self.n, "at": ctx.now}
            if self.n < 300:
                ctx.timer("beat", after="10s")

    return app


def test_timers_by_the_clock_fire_without_any_row() -> None:
    with clocked().test() as t:
        t.send("events", k=1, part=0)
        t.send("events", k=1, part=1)
        t.advance("9.999 s")
        assert t.read("out") == []
        t.advance("1ms")
        assert t.read("out") == [(1, 101, t.now), (1, 101, t.now)]
        t.advance("10s")
        t.advance("1h")
        assert [n for _, n, _ in t.read("out")] == [101, 101, 201, 201, 301, 301]


def test_an_event_time_stream_may_set_timers_by_the_clock_too() -> None:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")

    @app.process(payments, by="card", emits=EMITS, to="out")
    class Silence:
        def on_row(self, row: Any, ctx: Any) -> None:
            assert (ctx.time == row.at and ctx.watermark is None) or ctx.watermark < ctx.time
            ctx.timer("silent", after="1 min", clock=True)

        def on_timer(self, name: str, ctx: Any) -> Iterator[tuple[str, str]]:
            yield ctx.key, name

    with app.test() as t:
        pay(t, "a", 1.0)
        t.advance("59s")
        assert t.read("out") == []
        t.advance("1s")
        assert t.read("out") == [("a", "silent")]


def test_a_key_that_nobody_touches_is_forgotten_after_its_time_to_live() -> None:
    with shop(ttl="1h").test() as t:
        pay(t, "a", 1.0)
        t.advance("59 min")
        pay(t, "a", 101.0)
        t.advance("1h")
        pay(t, "a", 102.0)
        pay(t, "b", 103.0)
        told = [why for _, why in t.read("alerts") if "quiet" not in why]
        assert told == ["2 102", "1 102", "1 103"]


def test_what_is_emitted_flows_on_with_its_event_time() -> None:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")

    class Pass:
        def on_row(self, row: Any, ctx: Any) -> list[tuple[Any, ...]]:
            return [(row.card, ctx.time)]

    passed = payments.process(Pass, by="card", emits={"card": str, "at": datetime}, event_time="at")
    passed.tumble("1 min").group_by("card").agg(n=fn.count()).select("card", "n").to("counts")
    app.process(payments, by="card", emits={"card": str, "at": datetime})(Pass)
    app.sql("CREATE TABLE o (card STRING) WITH ('connector' = 'print'); INSERT INTO o SELECT card FROM Pass")
    with app.test() as t:
        for card in ("a", "b", "a"):
            pay(t, card, 1.0)
        t.end()
        assert sorted(t.read("counts")) == [("a", 2), ("b", 1)]
        assert len(t.read("o")) == 3


def test_timers_that_are_moved_again_and_again_take_no_room() -> None:
    timers = Timers({"k": pl.Int64()})
    for turn in range(50_000):
        timers.set((turn % 10,), "t", turn)
    timers.cancel((3,), "t")
    timers.cancel((3,), "t")
    timers.clear((4,))
    assert len(timers) == 8 and len(timers._heap) < 2000
    other = Timers({"k": pl.Int64()})
    other.restore(timers.frame())
    assert (
        [k for _, (k,), _ in timers.due(10**9)]
        == [k for _, (k,), _ in other.due(10**9)]
        == [0, 1, 2, 5, 6, 7, 8, 9]
    )
    assert len(timers) == len(other) == 0 and not list(other.due(2**80))


# --- the edges: what fails ---------------------------------------------------------------------------------------


def test_a_call_that_fails_leaves_no_trace_and_its_record_is_a_dead_letter() -> None:
    with shop().test() as t:
        pay(t, "a", 1.0)
        t.advance("20s")
        pay(t, "a", -5.0)  # neither counted, nor in the list, nor is the timer moved
        pay(t, "a", 101.0)
        assert t.read("alerts") == [("a", "2 102")]
        assert [e.reason for e in t.errors] == ["Sums: below nothing"]
        assert b"-5" in (t.errors[0].value or b"")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda self, row, ctx: setattr(self, "n", "x"), "its state is not what its type hints say"),
        (lambda self, row, ctx: [(1, 2)], "it emitted (1, 2), and the columns are (n)"),
        (lambda self, row, ctx: ctx.timer("t", after="1s"), "it sets a timer and has no on_timer"),
        (lambda self, row, ctx: 5, "it returned 5"),
        (lambda self, row, ctx: row.nothing, "nothing"),
    ],
)
def test_a_wrong_class_spoils_its_rows_and_says_how(body: Any, says: str) -> None:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")
    wrong = type("Wrong", (), {"__annotations__": {"n": int}, "n": 0, "on_row": body})
    payments.process(wrong, by="card", emits={"n": int}).to("out")
    with app.test() as t:
        pay(t, "a", 1.0)
        assert says in t.errors[0].reason


def test_a_timer_that_fails_stops_the_job_with_its_name() -> None:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")

    @app.process(payments, by="card", emits={"n": int}, to="out")
    class Endless:
        def on_row(self, row: Any, ctx: Any) -> None:
            ctx.timer("again", after="1s")

        def on_timer(self, name: str, ctx: Any) -> None:
            ctx.timer("again", after="0s")

    with (
        app.test() as t,
        pytest.raises(PenstockError, match=r"Endless.on_timer failed on \('again', 'a'\).*for ever"),
    ):
        pay(t, "a", 1.0)
        t.end()


def test_periodic_timers_end_with_the_input() -> None:
    app = App("shop")
    payments = app.topic("payments", PAYMENT, event_time="at")

    @app.process(payments, by="card", emits={"at": datetime}, to="out")
    class Every:
        def on_row(self, row: Any, ctx: Any) -> None:
            ctx.timer("tick", after="1s")

        def on_timer(self, name: str, ctx: Any) -> Iterator[datetime]:
            yield ctx.time
            ctx.timer("tick", after="1s")

    with app.test() as t:
        pay(t, "a", 1.0)
        t.advance("3.5 s")
        pay(t, "b", 1.0)
        assert len(t.read("out")) == 3
        t.end()
        assert len(t.read("out")) == 5


def _without_value() -> type:
    return type("C", (), {"__annotations__": {"n": int}, "on_row": lambda self, row, ctx: None})


def _unkept() -> type:
    return type("C", (), {"__annotations__": {"n": object}, "n": len, "on_row": lambda self, row, ctx: None})


REFUSED: list[tuple[str, Callable[[Stream], Any]]] = [
    ("has no on_row", lambda p: p.process(object, by="card", emits=EMITS)),
    ("is no column of the stream", lambda p: p.process(Sums, by="crad", emits=EMITS)),
    ("is no column of the stream", lambda p: p.process(Sums, by=fn.upper(col.card), emits=EMITS)),
    ("would see rows that change", lambda p: p.last("card").process(Sums, by="card", emits=EMITS)),
    ("a ttl is more than nothing", lambda p: p.process(Sums, by="card", emits=EMITS, ttl="0s")),
    ("not a duration", lambda p: p.process(Sums, by="card", emits=EMITS, ttl="soon")),
    ("C.n has no value to begin with", lambda p: p.process(_without_value(), by="card", emits=EMITS)),
    ("C.n cannot be kept as object", lambda p: p.process(_unkept(), by="card", emits=EMITS)),
]


@pytest.mark.parametrize(("message", "build"), REFUSED)
def test_a_class_that_makes_no_sense_is_refused_where_it_is_written(
    message: str, build: Callable[[Stream], Any]
) -> None:
    with pytest.raises(PenstockError) as caught:
        build(App("shop").topic("payments", PAYMENT, event_time="at"))
    assert message in f"{caught.value.message} {caught.value.remedy}"


def test_chance_is_declared() -> None:
    assert Job(shop().plan()).repeatable
    assert not Job(shop(deterministic=False).plan()).repeatable


# --- the crash ---------------------------------------------------------------------------------------------------


def model(rows: list[tuple[str, float, int]]) -> list[tuple[str, str]]:
    """What `Sums` makes of rows in order of time, told in plain words. Rows are (card, amount, second)."""
    told, seen, due = [], dict[str, list[float]](), dict[str, int]()

    def quiet(until: int) -> None:
        for at, card in sorted(
            ((at, card) for card, at in due.items() if at < until), key=lambda one: one[0]
        ):
            told.append((card, f"quiet at {at // 60:02}:{at % 60:02} after {len(seen.pop(card))}"))
            del due[card]

    for card, amount, second in rows:
        if amount >= 0:
            seen.setdefault(card, []).append(amount)
            due.pop(card, None)  # of one time the first that was set is first
            due[card] = second + 30
            if amount > 100:
                told.append((card, f"{len(seen[card])} {sum(seen[card]):g}"))
        quiet(second)
    quiet(10**9)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_random_rows_in_any_cuts_and_with_restarts_are_as_a_plain_loop_has_them(seed: int) -> None:
    chance = random.Random(seed)
    second, rows = 0, []
    for _ in range(200):
        second += chance.choice([0, 1, 5, 25])
        rows.append((chance.choice("abc"), float(chance.choice([-1, 1, 50, 101, 200])), second))
    plan = shop().plan()
    job, told, at, dead = Job(plan), list[tuple[str, str]](), 0, 0
    job.expect(0, [0])
    while at < len(rows):
        part = rows[at : at + chance.choice([1, 3, 20])]
        values = [
            b'{"card": "%s", "amount": %f, "at": "%s"}'
            % (card.encode(), amount, str(START + timedelta(seconds=s)).encode())
            for card, amount, s in part
        ]
        batch = encode([Record(None, value, 0, ()) for value in values], base_offset=at)
        for output in job.on_records(0, 0, batch, Now(0.0, 1000)):
            told += [row[:2] for row in output.rows.rows()] if output.sink is not None else []
            dead += len(output.dead_letters)
        at += len(part)
        if chance.random() < 0.3:
            held = job.snapshot()
            job = Job(plan)
            job.restore(held)
    for output in job.on_end(Now(0.0, 1000)):
        told += [row[:2] for row in output.rows.rows()]
    assert dead == sum(amount < 0 for _, amount, _ in rows)
    assert told == model(rows)
