"""Made-up rows: what the options say, at the rate they say, the same each time."""

import asyncio
from typing import Any

import polars as pl
import pytest

from penstock.client import Client
from penstock.clock import Now
from penstock.engine.plan import Table
from penstock.engine.types import Column
from penstock.errors import PenstockError
from penstock.work.connectors.datagen import BATCH_ROWS_MAX, Datagen
from penstock.work.connectors.shape import Site, Source

NOW = Now(100.0, 1_700_000_000_000)
SITE = Site("job", lambda address: Client("127.0.0.1:1"), lambda: None, lambda note: None, asyncio.sleep)


def opened(kinds: dict[str, str], positions: dict[int, int] | None = None, **options: str) -> Source:
    given = {
        "connector": "datagen",
        **{k.replace("__", "-").replace("_", "."): v for k, v in options.items()},
    }
    source = Datagen().source(Table("gen", tuple(Column(n, k) for n, k in kinds.items()), given), SITE)
    asyncio.run(source.open(positions, NOW))
    return source


def made(source: Source, after_s: float = 1000.0) -> pl.DataFrame:
    frames = []
    while arrivals := source.read(NOW.after(after_s)):
        frames += [a.rows for a in arrivals if a.rows is not None]
    return pl.concat(frames)


def column(kind: str, rows: int = 500, **options: str) -> list[Any]:
    named = {f"fields_x_{key}": value for key, value in options.items()}
    return made(opened({"x": kind}, number__of__rows=str(rows), **named))["x"].to_list()


def test_a_sequence_runs_from_its_start_to_its_end_and_ends_the_source() -> None:
    source = opened({"x": "INT"}, fields_x_kind="sequence", fields_x_start="5", fields_x_end="9")
    rows = made(source)
    assert rows["x"].to_list() == [5, 6, 7, 8, 9] and rows.schema == {"x": pl.Int32}
    assert source.ended and source.next_s(NOW) is None


def test_rows_come_at_their_rate_and_what_was_missed_comes_at_once() -> None:
    source = opened({"x": "BIGINT"}, rows__per__second="10")
    counts = [
        sum(a.rows.height for a in source.read(NOW.after(s)) if a.rows is not None)
        for s in (0, 0.05, 0.1, 1.0)
    ]
    assert counts == [1, 0, 1, 9]
    assert source.next_s(NOW.after(1.0)) == pytest.approx(0.1)
    assert not source.ended


def test_a_batch_is_bounded_however_late_it_is_asked_for() -> None:
    source = opened({"x": "BIGINT"})
    assert [a.rows.height for a in source.read(NOW.after(3600)) if a.rows is not None] == [BATCH_ROWS_MAX]


def test_the_same_table_makes_the_same_rows_and_another_column_others() -> None:
    kinds = {"a": "BIGINT", "b": "BIGINT", "c": "STRING"}
    one, again = (made(opened(kinds, number__of__rows="100")) for _ in range(2))
    assert one.equals(again) and not one["a"].equals(one["b"], check_names=False)
    rest = made(opened(kinds, {0: 60}, number__of__rows="100"))
    assert one[60:].equals(rest)


@pytest.mark.parametrize("kind", ["TINYINT", "SMALLINT", "INT", "BIGINT"])
def test_whole_numbers_stay_in_their_range_and_fill_it(kind: str) -> None:
    assert set(column(kind, min="-2", max="2")) == {-2, -1, 0, 1, 2}
    values = column(kind, 2000)
    bits = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}[kind]
    assert min(values) < -(2 ** (bits - 1)) and max(values) > 2 ** (bits - 1)
    assert -(2**bits) <= min(values) and max(values) < 2**bits


def test_fractions_texts_booleans_and_decimals() -> None:
    values = column("DOUBLE", min="1", max="9")
    assert 1 <= min(values) < 1.5 and 8.5 < max(values) <= 9
    texts = column("STRING", length="5")
    assert {len(t) for t in texts} == {5} and set("".join(texts)) <= set("0123456789abcdef")
    assert {len(t) for t in column("STRING", 3)} == {100} and {len(t) for t in column("VARCHAR(7)", 3)} == {7}
    assert set(column("BOOLEAN")) == {True, False}
    assert all(-100 < float(v) < 100 for v in column("DECIMAL(4, 2)"))
    assert isinstance(column("BYTES", 1, length="3")[0], bytes)


def test_timestamps_are_now_or_up_to_max_past_ago() -> None:
    assert {v.timestamp() for v in map(utc, column("TIMESTAMP(3)", 5))} == {NOW.after(1000).wall_ms / 1000}
    ages = [
        NOW.after(1000).wall_ms / 1000 - utc(v).timestamp()
        for v in column("TIMESTAMP(3)", **{"max__past": "10 s"})
    ]
    assert 0 <= min(ages) < 1 and 9 < max(ages) <= 10


def utc(value: Any) -> Any:
    from datetime import UTC

    return value.replace(tzinfo=UTC)


def test_a_null_rate_makes_about_so_many_nulls() -> None:
    values = column("BIGINT", 2000, **{"null__rate": "0.3"})
    assert 500 < values.count(None) < 700


@pytest.mark.parametrize(
    ("kinds", "options", "says"),
    [
        ({"x": "INT"}, {"fields_y_min": "1"}, "names no column"),
        ({"x": "INT"}, {"fields_x_most": "1"}, "no option"),
        ({"x": "INT"}, {"fields_x_kind": "magic"}, "random or a sequence"),
        ({"x": "INT"}, {"fields_x_kind": "sequence"}, "needs its ends"),
        ({"x": "INT"}, {"fields_x_min": "5", "fields_x_max": "4"}, "above its max"),
        ({"x": "INT"}, {"rows__per__second": "many"}, "takes a number"),
        ({"x": "INT"}, {"rows__per__second": "0"}, "above 0"),
        ({"x": "TIME"}, {}, "makes no TIME"),
    ],
)
def test_what_it_cannot_make_is_refused(kinds: dict[str, str], options: dict[str, str], says: str) -> None:
    with pytest.raises(PenstockError, match=says):
        opened(kinds, **options)
