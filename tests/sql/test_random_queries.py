"""New random queries each seed, asked of DuckDB over the same rows: those that mean the same there, as they are written.

Which queries there are is `bench/oracle/grammar.py`'s; Flink's answers to a frozen few hundred are in test_flink_queries.py.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from bench.oracle.grammar import Grammar
from bench.oracle.queries import COLUMNS, GROWING, rows
from tests.engine.test_flink_scalars import plain
from tests.sql.test_flink_queries import answer, order

from penstock.errors import PenstockError

SEEDS, SHARES = range(1000, 1240), 4
SETS = range(1000, 1100)
MEANS_ANOTHER = re.compile(r"AVG\(|AS INT\)|STDDEV|LPAD|TRIM|GREATEST")
"""DuckDB's mean of whole numbers is no whole number, it rounds where a cast cuts off, it counts and trims otherwise, and of
a null and a number the number is the greater."""


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    made = duckdb.connect()
    made.execute("SET integer_division = true; SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    found = rows()
    for name in GROWING:
        columns = COLUMNS[name].replace("STRING", "VARCHAR").replace("TIMESTAMP(3)", "TIMESTAMP")
        made.execute(f"CREATE TABLE {name} ({columns})")
        names = list(found[name][0])
        marks = ", ".join("?" * len(names))
        made.executemany(
            f"INSERT INTO {name} VALUES ({marks})", [[row[n] for n in names] for row in found[name]]
        )
    yield made
    made.close()


def told(value: Any) -> Any:
    """In the form that ours are compared in."""
    if value is None or isinstance(value, int | float | str | bool):
        return value
    return float(value) if isinstance(value, Decimal) else plain(pl.Series([value]))[0]


def same(mine: Any, ducks: Any) -> bool:
    """Numbers up to the order of adding up, and whatever their kind."""
    if isinstance(ducks, float) and mine is not None:
        return abs(float(mine) - ducks) < 1e-6
    return bool(mine == ducks)


@pytest.mark.parametrize("seed", range(12))
def test_values_of_rows_before_are_as_duckdb_has_them(duck: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    name = random.choice(GROWING)
    keys = random.choice(("", "PARTITION BY k ", "PARTITION BY s ", "PARTITION BY k, s "))
    asked = (
        ("n", "-1"), ("k + n", "n"), ("s", "'none'"), ("s || 'x'", "s"), ("x", "CAST(0 AS DOUBLE)"), ("ts", "ts"),
        ("x > 1", "FALSE"), ("CASE WHEN k > 1 THEN n END", "k"),
    )  # fmt: skip
    lags = [
        f"LAG({value}, {random.randint(0, 4)}{random.choice(('', f', {default}'))}) OVER w AS c{place}"
        for place, (value, default) in enumerate(random.sample(asked, 4))
    ]
    query = f"SELECT n, {', '.join(lags)}, COUNT(*) OVER w AS c FROM {name} WINDOW w AS ({keys}ORDER BY ts)"
    _, found = answer(query)
    theirs = sorted(([told(v) for v in row] for row in duck.execute(query).fetchall()), key=order)
    mine = sorted(found, key=order)
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert all(map(same, one, other)), f"{query}: {one} is not {other}"


@pytest.mark.parametrize("share", range(SHARES))
def test_random_queries_are_answered_as_duckdb_answers_them(
    duck: duckdb.DuckDBPyConnection, share: int
) -> None:
    assert compared(duck, (Grammar(seed).query() for seed in SEEDS[share::SHARES])) > 12


def test_random_grouping_sets_are_answered_as_duckdb_answers_them(duck: duckdb.DuckDBPyConnection) -> None:
    assert compared(duck, (Grammar(seed).sets().sql for seed in SETS)) > 12


def compared(duck: duckdb.DuckDBPyConnection, queries: Iterable[str]) -> int:
    """How many of the queries both answer, and alike."""
    count = 0
    for query in queries:
        if MEANS_ANOTHER.search(query):
            continue
        try:
            ducks = duck.execute(query).fetchall()
            _, found = answer(query)
        except (duckdb.Error, PenstockError):
            continue  # a window function, or IN beside OR: not said by both
        if not found and len(ducks) == 1 and "GROUP BY" not in query:
            continue  # over no rows at all a stream has no aggregate yet
        mine, theirs = sorted(found, key=order), sorted(([told(v) for v in row] for row in ducks), key=order)
        assert len(mine) == len(theirs), query
        for one, other in zip(mine, theirs, strict=True):
            assert all(map(same, one, other)), f"{query}: {one} is not {other}"
        count += 1
    return count
