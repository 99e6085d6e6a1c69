"""Table functions and batches: rows made of rows, in Python and in SQL, with what they are given and refused."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from penstock.dsl import Stream, col, fn
from penstock.engine.job import Job
from penstock.errors import PenstockError
from penstock.testing.app import App


def shop() -> tuple[App, Stream]:
    app = App("shop")
    return app, app.topic("lines", {"id": int, "text": str, "at": datetime}, event_time="at")


def words_of(app: App) -> Any:
    @app.table_function(emits={"word": str, "place": int})
    def words(text: str, apart: str = " ") -> Iterator[tuple[str, int]]:
        for place, word in enumerate(text.split(apart)):
            if word == "bad":
                raise ValueError("a bad word")
            if word:
                yield word, place

    return words


def sent(app: App, *texts: str | None) -> Any:
    with app.test() as t:
        t.send_all("lines", [{"id": i, "text": text, "at": t.now} for i, text in enumerate(texts)])
        t.end()
        return t


def test_each_row_stands_beside_the_rows_that_a_table_function_gives() -> None:
    app, lines = shop()
    words = words_of(app)
    assert list(words("a b")) == [("a", 0), ("b", 1)]
    lines.lateral(words(col.text)).select("id", "word", "place").to("inner")
    lines.lateral(words(fn.upper(col.text), "B"), outer=True).select("id", "word").to("outer")
    t = sent(app, "a b", "", None, "c")
    assert t.read("inner") == [(0, "a", 0), (0, "b", 1), (3, "c", 0)]
    assert t.read("outer") == [(0, "A "), (1, None), (2, None), (3, "C")]


def test_sql_calls_table_functions_by_lateral_table_and_the_plan_is_python_s() -> None:
    plans = []
    for query in (
        None,
        "SELECT id, word AS w FROM lines, LATERAL TABLE(words(text)) AS t (word, n) WHERE n > 0",
        "SELECT id, t.word AS w FROM lines AS l CROSS JOIN LATERAL TABLE(WORDS(l.text)) AS t (word, n) WHERE t.n > 0",
    ):
        app, lines = shop()
        words = words_of(app)
        app.topic("o", {"id": int, "w": str})
        if query is None:
            (lines.lateral(words(col.text)).select("id", "text", "at", "word", n=col.place)
             .filter(col.n > 0).select("id", w=col.word).to("o"))  # fmt: skip
        else:
            app.sql(f"INSERT INTO o {query}")
        assert sent(app, "a b", "c").read("o") == [(0, "b")]
        plans.append(app.plan())
    assert plans[1] == plans[2]


def test_a_left_join_lateral_keeps_rows_without_any() -> None:
    app, _ = shop()
    words_of(app)
    app.sql("CREATE TABLE o (id BIGINT, word STRING) WITH ('connector' = 'print')")
    app.sql("INSERT INTO o SELECT id, t.word FROM lines LEFT JOIN LATERAL TABLE(words(text)) AS t ON TRUE")
    assert sent(app, "a b", "").read("o") == [(0, "a"), (0, "b"), (1, None)]


def test_windows_over_the_rows_of_a_table_function() -> None:
    app, lines = shop()
    words = words_of(app)
    lines.lateral(words(col.text)).tumble("1 min").group_by("word").agg(n=fn.count()).select("word", "n").to(
        "o"
    )
    assert sorted(sent(app, "a b a", "b").read("o")) == [("a", 2), ("b", 2)]


def test_changes_go_through_a_table_function() -> None:
    app = App("shop")
    texts = app.table("texts", {"id": int, "text": str}, key="id")
    words = words_of(app)
    app.live("counts", texts.lateral(words(col.text)).group_by("word").agg(n=fn.count()), key="word")
    with app.test() as t:
        t.send("texts", id=1, text="a b")
        t.send("texts", id=2, text="b")
        t.send("texts", id=1, text="b")
        assert t.read("counts") == [("b", 2)]


def test_a_function_of_batches_takes_and_gives_polars_frames() -> None:
    app, lines = shop()
    shapes = []

    @app.map_batches(lines, emits={"id": int, "size": float, "at": datetime}, event_time="at", to="sizes")
    def sizes(batch: pl.DataFrame) -> pl.DataFrame:
        shapes.append((batch.height, batch.columns))
        return batch.filter(pl.col("text").is_not_null()).with_columns(size=pl.col("text").str.len_chars())

    @app.map_batches(lines, emits={"id": int})
    def twice(batch: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([batch, batch])

    app.stream("twice").to("twins")
    app.sql(
        "CREATE TABLE big (id BIGINT) WITH ('connector' = 'print'); INSERT INTO big SELECT id FROM twice WHERE id > 0"
    )
    t = sent(app, "abc", None)
    assert t.read("sizes") == [(0, 3.0, t.now)]
    assert t.read("twins") == [(0,), (1,), (0,), (1,)]
    assert t.read("big") == [(1,), (1,)]
    assert shapes == [(2, ["id", "text", "at"])]


def test_windows_go_by_the_emitted_event_time() -> None:
    app, lines = shop()
    made = lines.map_batches(_same, emits={"at": datetime, "id": int}, event_time="at")
    made.tumble("1 s").agg(n=fn.count()).select("n").to("o")
    assert sent(app, "a", "b").read("o") == [(2,)]


def _same(batch: pl.DataFrame) -> pl.DataFrame:
    return batch


def test_rows_that_fail_become_dead_letters_and_the_others_come_through() -> None:
    app, lines = shop()
    words = words_of(app)

    @app.map_batches(lines, emits={"n": int}, to="sizes")
    def whole(batch: pl.DataFrame) -> pl.DataFrame:
        if batch["text"].str.contains("bad").any():
            raise ValueError("a bad batch")
        return batch.select(n="id")

    lines.filter(col.id >= 0).lateral(words(col.text)).select("word").to("o")
    t = sent(app, "a b", "c bad d", "e")
    assert t.read("o") == [("a",), ("b",), ("e",)]
    assert t.read("sizes") == [(0,), (2,)]
    (letter,) = t.errors
    assert letter.reason in ("words: a bad word", "whole: a bad batch") and b"c bad d" in (
        letter.value or b""
    )


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda batch: batch["id"], "it returned Series"),
        (lambda batch: batch.select("text"), "it returned no column id"),
        (lambda batch: batch.select(id=pl.lit("x")), "conversion"),
        (lambda batch: None, "it returned NoneType"),
    ],
)
def test_a_batch_that_is_not_what_was_promised_fails_the_job_where_no_record_is_known(
    answer: Any, says: str
) -> None:
    app, lines = shop()

    def wrong(batch: pl.DataFrame) -> pl.DataFrame:
        return answer(batch)  # type: ignore[no-any-return]

    sums = lines.tumble("1 min").group_by("text").agg(id=fn.max(col.id))
    sums.map_batches(wrong, emits={"id": int}).to("o")
    with pytest.raises(PenstockError, match="the function wrong failed on") as caught:
        sent(app, "a")
    assert says in caught.value.message


def test_a_table_function_s_rows_are_checked() -> None:
    app, lines = shop()

    @app.table_function(emits={"n": int})
    def numbers(text: str) -> Any:
        return {"list": [1, 2], "none": None, "text": "abc", "dict": [{"n": 7}], "wrong": [{"m": 7}], "two": [(1, 2)],
                "kind": ["x"], "big": [2**70], "one": 5}[text]  # fmt: skip

    lines.lateral(numbers(col.text)).select("n").to("o")
    t = sent(app, "list", "none", "text", "dict", "wrong", "two", "kind", "big", "one", "other")
    assert t.read("o") == [(1,), (2,), (7,)]
    assert [letter.reason.split(": ", 1)[1] for letter in t.errors] == [
        "it returned 'abc': rows are yielded, or returned as a list of tuples",
        "it emitted {'m': 7}, and there is no column m",
        "it emitted (1, 2), and the columns are (n)",
        "it emitted 'x' as n, which is no BIGINT",
        f"it emitted {2**70} as n, which is no BIGINT",
        "it returned 5: rows are yielded, or returned as a list of tuples",
        "'other'",
    ]


REFUSED: list[tuple[str, Callable[[App, Stream], Any]]] = [
    ("takes a call of a table function", lambda app, p: p.lateral(fn.upper(col.text))),
    ("words takes STRING as its argument 1, not BIGINT", lambda app, p: p.lateral(words_of(app)(col.id))),
    ("words takes 1 to 2 arguments", lambda app, p: p.lateral(words_of(app)(col.id, col.id, 1))),
    ("a column word already", lambda app, p: p.select("text", word="x").lateral(words_of(app)(col.text))),
    ("rows that change", lambda app, p: p.group_by("id").agg(n=fn.count()).map_batches(_same, emits={"n": int})),
    ("event time is TIMESTAMP(3)", lambda app, p: p.map_batches(_same, emits={"id": int}, event_time="id")),
    ("no table function wrds", lambda app, p: (words_of(app), app.sql(f"{INTO} SELECT id FROM lines, LATERAL TABLE(wrds(text))"))),
    ("3 names for 2 columns", lambda app, p: (words_of(app), app.sql(f"{INTO} SELECT id FROM lines, LATERAL TABLE(words(text)) AS t (a, b, c)"))),
    ("joined for every row", lambda app, p: (words_of(app), app.sql(f"{INTO} SELECT id FROM lines JOIN LATERAL TABLE(words(text)) AS t ON id = place"))),
    ("LATERAL stands after a table", lambda app, p: app.sql(f"{INTO} SELECT word FROM LATERAL TABLE(words('a'))")),
    ("takes TABLE and a table function's call", lambda app, p: app.sql(f"{INTO} SELECT id FROM lines, LATERAL (SELECT 1)")),
]  # fmt: skip
INTO = "CREATE TABLE o (id BIGINT) WITH ('connector' = 'print'); INSERT INTO o"


@pytest.mark.parametrize(("message", "build"), REFUSED, ids=[m for m, _ in REFUSED])
def test_what_makes_no_sense_is_refused_where_it_is_written(
    message: str, build: Callable[[App, Stream], Any]
) -> None:
    app, lines = shop()
    with pytest.raises(PenstockError) as caught:
        build(app, lines)
    assert message in f"{caught.value.message} {caught.value.remedy}"


def test_a_batch_function_by_chance_is_said_to_be_one() -> None:
    app, lines = shop()
    lines.map_batches(_same, emits={"id": int}, deterministic=False).to("o")
    assert not Job(app.plan()).repeatable
