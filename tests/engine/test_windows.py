"""Windows: a stream in any cut and order (within the bound) gives what polars gives over the whole."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job
from penstock.engine.plan import Aggregate, Filter, Plan, Project, Scan, Union, Window
from penstock.engine.types import Column
from tests.engine.streams import (
    EPOCH_MS,
    EVENTS,
    NO_SHRINKING,
    NOW,
    aggregation,
    collect,
    cuts,
    events,
    events_table,
    printed,
    run,
    same,
    sql,
)

AGGREGATES = [
    (aggregation("n", "BIGINT", "COUNT(*)"), pl.len().cast(pl.Int64)),
    (aggregation("ni", "BIGINT", "COUNT(i)"), pl.col("i").count().cast(pl.Int64)),
    (aggregation("nd", "BIGINT", "COUNT(DISTINCT s)"), pl.col("s").drop_nulls().n_unique().cast(pl.Int64)),
    (aggregation("sd", "BIGINT", "SUM(DISTINCT i)"), pl.col("i").drop_nulls().unique().sum()),
    (aggregation("si", "BIGINT", "SUM(i)"), pl.col("i").sum()),
    (aggregation("sf", "DOUBLE", "SUM(d)"), pl.col("d").sum()),
    (
        aggregation("ai", "BIGINT", "AVG(i)"),
        (pl.col("i").sum() / pl.col("i").count()).cast(pl.Int64, strict=False),
    ),
    (aggregation("af", "DOUBLE", "AVG(d)"), pl.col("d").mean()),
    (aggregation("li", "BIGINT", "MIN(i)"), pl.col("i").min()),
    (aggregation("hf", "DOUBLE", "MAX(d)"), pl.col("d").max()),
    (aggregation("ls", "STRING", "MIN(s)"), pl.col("s").min()),
    (aggregation("hs", "STRING", "MAX(s)"), pl.col("s").max()),
    (aggregation("ht", "TIMESTAMP(3)", "MAX(at)"), pl.col("at").max()),
    (aggregation("sm", "DECIMAL(38, 2)", "SUM(m)"), pl.col("m").cast(pl.Decimal(38, 2)).sum()),
    (aggregation("lm", "DECIMAL(12, 2)", "MIN(m)"), pl.col("m").min()),
    (aggregation("vp", "DOUBLE", "VAR_POP(d)"), pl.col("d").var(ddof=0)),
    (aggregation("ss", "DOUBLE", "STDDEV_SAMP(d)"), pl.col("d").std(ddof=1)),
    (aggregation("np", "BIGINT", "COUNT(*)", "i > 0"), (pl.col("i") > 0).sum().cast(pl.Int64)),
    (
        aggregation("sp", "DOUBLE", "SUM(d * 2)", "s <> 's1'"),
        (pl.col("d") * 2).filter(pl.col("s") != "s1").sum(),
    ),
]
EMPTY_SUMS = {"sd": "i", "si": "i", "sf": "d", "sm": "m"}


def _null_if_nothing(name: str, expr: pl.Expr) -> pl.Expr:
    """SQL's SUM of nothing is NULL, polars' is 0."""
    if name == "sp":
        return pl.when(pl.col("d").filter(pl.col("s") != "s1").count() > 0).then(expr)
    return pl.when(pl.col(EMPTY_SUMS[name]).count() > 0).then(expr) if name in EMPTY_SUMS else expr


def whole(frame: pl.DataFrame, keys: list[str], window: Window) -> pl.DataFrame:
    """The answer over all rows at once."""
    micros = pl.col("at").cast(pl.Int64)
    slide, size, offset = window.slide_ms * 1000, window.size_ms * 1000, window.offset_ms * 1000
    last = (micros - offset) // slide * slide + offset
    starts = pl.concat_list([last - n * slide for n in range(size // slide)])
    spread = frame.with_columns(window_start=starts).explode("window_start")
    exprs = [_null_if_nothing(plan.column.name, expr).alias(plan.column.name) for plan, expr in AGGREGATES]
    made = spread.group_by([*keys, "window_start"]).agg(exprs)
    end = pl.col("window_start") + size
    return made.with_columns(end.alias("window_end")).with_columns(
        pl.col("window_start", "window_end").cast(pl.Datetime("us"))
    )


WINDOWS = {
    "tumble": (2000, 2000, 0),
    "tumble with an offset": (3000, 3000, 500),
    "hop": (4000, 1000, 0),
    "hop with an offset": (3000, 1500, -700),
}


def windowed(kind: str, source: object = None) -> Window:
    size, slide, offset = WINDOWS[kind]
    return Window(
        source or Scan(events_table()), kind.split(maxsplit=1)[0].upper(), "at", size, slide, offset
    )


def plan_of(window: Window, keys: tuple[str, ...]) -> Plan:
    return printed(
        Aggregate(window, (*keys, "window_start", "window_end"), tuple(a for a, _ in AGGREGATES), True)
    )


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("keys", [(), ("k",), ("k", "s"), ("i",)], ids=str)
@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), partitions=st.integers(1, 3))
def test_a_window_over_a_stream_equals_polars_over_the_whole(
    kind: str, keys: tuple[str, ...], seed: int, partitions: int
) -> None:
    frame = events(seed, 300)
    plan = plan_of(windowed(kind), keys)
    made = run(plan, list(cuts(seed, frame, partitions)), partitions)
    assert made["$kind"].to_list() == [0] * made.height
    expected = whole(frame, list(keys), windowed(kind))
    same(made.drop("$kind"), expected.select(made.drop("$kind").columns))


def test_a_window_fires_when_the_watermark_passes_its_end_and_not_before() -> None:
    plan = printed(Aggregate(windowed("tumble"), ("window_end",), (AGGREGATES[0][0],), True))
    job = Job(plan)

    def at(ms: int) -> pl.DataFrame:
        row = pl.DataFrame({"at": [(EPOCH_MS + ms) * 1000]}).with_columns(
            pl.col("at").cast(pl.Datetime("us"))
        )
        return collect(job, job.on_rows(0, 0, row, NOW))

    assert at(1999).height == 0
    assert at(2999).height == 0, "the watermark is 2999 - 1000 - 1 = 1998, the window's last moment 1999"
    assert at(3000)["n"].to_list() == [1]


def test_rows_whose_windows_have_fired_are_dropped_and_counted() -> None:
    plan = printed(Aggregate(windowed("tumble"), ("window_end",), (AGGREGATES[0][0],), True))
    job = Job(plan)
    frame = pl.DataFrame(
        {"at": [EPOCH_MS * 1000, (EPOCH_MS + 9000) * 1000, EPOCH_MS * 1000 + 5]}
    ).with_columns(pl.col("at").cast(pl.Datetime("us")))
    whole_ = collect(job, job.on_rows(0, 0, frame, NOW) + job.on_end(NOW))
    cut = Job(plan)
    parts = [o for n in range(3) for o in cut.on_rows(0, 0, frame[n : n + 1], NOW)]
    assert collect(cut, parts + cut.on_end(NOW))["n"].to_list() == whole_["n"].to_list() == [1, 1]
    assert (
        [v.late_rows for v in job.measures().operators]
        == [v.late_rows for v in cut.measures().operators]
        == [0, 1]
    )


def test_a_row_without_a_time_is_in_no_window() -> None:
    frame = events(1, 50).with_columns(at=pl.when(pl.col("i") < 0).then(None).otherwise(pl.col("at")))
    plan = printed(Aggregate(windowed("hop"), ("window_start",), (AGGREGATES[0][0],), True))
    made = run(plan, [(0, frame)])
    assert made["n"].sum() == 4 * frame["at"].count()


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_late_rows_are_the_same_rows_however_the_batches_are_cut(seed: int) -> None:
    frame = events(seed, 200, disorder_ms=6000)  # far beyond the bound of one second
    plan = plan_of(windowed("tumble"), ("k",))
    one = run(plan, [(0, frame)])
    cut = run(plan, [(0, rows) for _, rows in cuts(seed, frame, 1)])
    same(one, cut)


def test_filters_and_projections_above_a_window_go_below_it() -> None:
    frame = events(3, 300)
    window = windowed("hop")
    named = Project(
        Filter(window, sql("i > 0")),
        (
            (Column("who", "STRING"), sql("COALESCE(k, 'none')")),
            (Column("d", "DOUBLE"), sql("d")),
            (Column("window_start", "TIMESTAMP(3)"), sql("window_start")),
            (Column("window_end", "TIMESTAMP(3)"), sql("window_end")),
        ),
    )
    aggregates = (AGGREGATES[0][0], aggregation("sf", "DOUBLE", "SUM(d)"))
    made = run(
        printed(Aggregate(named, ("who", "window_start", "window_end"), aggregates, True)), [(0, frame)]
    )
    kept = frame.filter(pl.col("i") > 0).with_columns(k=pl.col("k").fill_null("none"))
    expected = whole(kept, ["k"], window).rename({"k": "who"})
    same(made.drop("$kind"), expected.select("who", "window_start", "window_end", "n", "sf"))


@pytest.mark.parametrize("kind", WINDOWS)
def test_a_filter_that_reads_the_window_sees_each_window(kind: str) -> None:
    frame = events(4, 200)
    source = Filter(windowed(kind), sql("EXTRACT(SECOND FROM window_end) > 5"))
    plan = printed(Aggregate(source, ("k", "window_start", "window_end"), (AGGREGATES[0][0],), True))
    made = run(plan, list(cuts(4, frame, 2)), 2)
    expected = whole(frame, ["k"], windowed(kind)).filter(pl.col("window_end").dt.second() > 5)
    same(made.drop("$kind"), expected.select("k", "window_start", "window_end", "n"))


def test_a_window_alone_gives_each_row_with_each_of_its_windows() -> None:
    frame = events(5, 100)
    made = run(printed(windowed("hop")), [(0, frame)])
    assert made.height == 400
    assert ((made["at"] >= made["window_start"]) & (made["at"] < made["window_end"])).all()
    assert (made["window_end"] - made["window_time"]).dt.total_milliseconds().unique().to_list() == [1]


def test_windows_of_windows_fire_in_turn() -> None:
    frame = events(6, 300)
    inner = Aggregate(
        windowed("tumble"), ("k", "window_start", "window_end", "window_time"), (AGGREGATES[0][0],), True
    )
    outer = Window(inner, "TUMBLE", "window_time", 10_000, 10_000)
    renamed = Project(
        inner, tuple((c, sql(c.name)) for c in inner.schema if c.name in ("k", "n", "window_time"))
    )
    outer = Window(renamed, "TUMBLE", "window_time", 10_000, 10_000)
    plan = printed(
        Aggregate(outer, ("k", "window_start", "window_end"), (aggregation("t", "BIGINT", "SUM(n)"),), True)
    )
    made = run(plan, list(cuts(6, frame, 2)), 2)
    expected = (
        frame.with_columns(window_start=pl.col("at").dt.truncate("10s"))
        .group_by("k", "window_start").agg(t=pl.len().cast(pl.Int64))
        .with_columns(window_end=pl.col("window_start") + pl.duration(seconds=10))
    )  # fmt: skip
    same(made.drop("$kind"), expected.select("k", "window_start", "window_end", "t"))


def test_the_same_window_twice_aggregated_merges_by_its_bounds() -> None:
    frame = events(7, 300)
    keys = ("k", "window_start", "window_end")
    inner = Aggregate(windowed("tumble"), keys, (AGGREGATES[0][0],), True)
    plan = printed(
        Aggregate(inner, ("window_start", "window_end"), (aggregation("top", "BIGINT", "MAX(n)"),), True)
    )
    made = run(plan, list(cuts(7, frame, 2)), 2)
    expected = (
        whole(frame, ["k"], windowed("tumble"))
        .group_by("window_start", "window_end")
        .agg(top=pl.col("n").max())
    )
    same(made.drop("$kind"), expected.select(made.drop("$kind").columns))


def test_a_union_of_two_tables_waits_for_the_slower_one() -> None:
    left, right = events_table(), events_table()
    right = type(right)("others", right.schema, right.options, (), right.watermark)
    both = Union((Scan(left), Scan(right)))
    plan = printed(Aggregate(windowed("tumble", both), ("window_end",), (AGGREGATES[0][0],), True))
    job, frame = Job(plan), events(8, 100)
    assert collect(job, job.on_rows(0, 0, frame, NOW)).height == 0, "nothing is known of the other table yet"
    made = collect(job, job.on_rows(1, 0, frame, NOW))
    assert made.height > 0 and (made["n"] % 2 == 0).all()


def test_an_idle_partition_no_longer_holds_windows_back() -> None:
    plan = printed(Aggregate(windowed("tumble"), ("window_end",), (AGGREGATES[0][0],), True))
    job, frame = Job(plan), events(9, 100)
    job.expect(0, range(2))
    assert collect(job, job.on_rows(0, 0, frame, NOW)).height == 0
    fired = collect(job, job.on_idle(0, 1, NOW))
    assert fired.height > 0
    assert collect(job, job.on_idle(0, 0, NOW)).height == 0, "with all partitions idle time stands still"


def test_events_have_nulls_in_every_column_but_the_time() -> None:
    frame = events(1, 300)
    assert [c.name for c in EVENTS if frame[c.name].null_count() == 0] == ["at"]
