"""Queries, random ones and chosen ones, whose answers Flink gave once: frozen in flink_queries.json.

`python -m bench.oracle.queries` freezes them. A query is run in random cuts with a restart on the way; what its changes add
up to is what Flink's do. Queries that we refuse are named with the reason, so that none is refused unnoticed.
"""

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from bench.oracle.queries import GROWING, rows, table
from tests.engine.keeping import Keeper
from tests.engine.streams import folded
from tests.engine.test_flink_scalars import plain
from tests.sql.query_differences import DIFFERENCES, REFUSED

from penstock.clock import Now
from penstock.engine.job import Job
from penstock.engine.plan import Plan, Sink, Table
from penstock.engine.types import polars_type
from penstock.errors import PenstockError
from penstock.sql.catalog import Catalog
from penstock.sql.lower.over.ranking import settled
from penstock.sql.nodes.values import ONE
from penstock.sql.script import run

FROZEN: dict[str, Any] = json.loads(Path(__file__).with_name("flink_queries.json").read_text())
NOW = Now(0.0, 1_795_345_507_000)
ROWS = rows()
OPTIONS = {
    "a": "'connector' = 'kafka', 'topic' = 'a', 'format' = 'json'",
    "b": "'connector' = 'kafka', 'topic' = 'b', 'format' = 'json'",
    "u": "'connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json'",
}
SCRIPT = ";".join(table(name, options) for name, options in OPTIONS.items())
SHARES = 8


def frames() -> dict[str, pl.DataFrame]:
    """The tables' rows in the engine's types."""
    catalog = Catalog()
    run(SCRIPT, catalog)
    made = {}
    for name, found in ROWS.items():
        types: dict[str, Any] = {c.name: polars_type(c.kind) for c in catalog.tables[name].schema}
        plain_types = {
            n: pl.String if isinstance(t, pl.Datetime | pl.Decimal) else t for n, t in types.items()
        }
        if name not in GROWING:
            types["$kind"] = plain_types["$kind"] = pl.Int8
        frame = pl.DataFrame(found, schema=plain_types)
        made[name] = frame.with_columns(
            pl.col(n).str.to_datetime("%Y-%m-%d %H:%M:%S%.3f", time_unit="us")
            if isinstance(t, pl.Datetime)
            else pl.col(n).cast(t)
            for n, t in types.items()
        )
    return made


FRAMES = {**frames(), ONE.name: pl.DataFrame({ONE.schema[0].name: [0]})}


def answer(query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Our kinds, and the rows that stand in the end; raises PenstockError."""
    *before, last = query.split(";")
    catalog = Catalog()
    run(";".join([SCRIPT, *before, f"CREATE VIEW `$answer` AS {last}"]), catalog)
    node = settled(catalog.views["$answer"])
    plan = Plan((Sink(Table("out", node.schema, {"connector": "print"}), node),))
    random = np.random.default_rng(zlib.crc32(query.encode()))
    job = Job(plan)
    left = {source.table.name: FRAMES[source.table.name] for source in job.sources}
    places = {source.table.name: source.index for source in job.sources}
    for index in places.values():
        job.expect(index, [0])
    found, keeper = list[pl.DataFrame](), Keeper()
    while left:
        name = sorted(left)[int(random.integers(len(left)))]
        size = int(random.choice([1, 4, 30]))
        batch, left[name] = left[name][:size], left[name][size:]
        found += [output.rows for output in job.on_rows(places[name], 0, batch, NOW)]
        if left[name].is_empty():
            del left[name]
        if random.random() < 0.2:
            keeper.keep(job)
            job = keeper.again(plan) if random.random() < 0.5 else job
    found += [output.rows for output in job.on_end(NOW)]
    kinds = [column.kind for column in node.schema]
    if not found:
        return kinds, []
    changes = pl.concat(found)
    return kinds, folded(
        changes.with_columns(
            pl.Series(n, plain(changes[n])) for n in changes.columns[:-1] if _told(changes[n])
        )
    )


def _told(column: pl.Series) -> bool:
    return not column.dtype.is_numeric() or isinstance(column.dtype, pl.Decimal)


def close(kind: str, mine: Any, flinks: Any) -> bool:
    """Floating point up to the order of adding up."""
    if kind in ("DOUBLE", "FLOAT") and None not in (mine, flinks):
        return math.isclose(float(mine), float(flinks), rel_tol=1e-9, abs_tol=1e-9)
    return bool(mine == flinks)


def order(row: Any) -> str:
    """A row's place among others, whatever the last digits of its numbers."""
    return repr([round(float(v), 6) if isinstance(v, float) else v for v in row])


def misses(query: str) -> str:
    """How ours differs from Flink's."""
    flinks = FROZEN[query]
    try:
        kinds, found = answer(query)
    except PenstockError as error:
        return "" if "refused" in flinks else f"refused: {error.message}"
    if "refused" in flinks:
        return "Flink refuses it"
    numbers = {place for place, kind in enumerate(kinds) if kind in ("DOUBLE", "FLOAT")}
    theirs = [
        [float(v) if p in numbers and v is not None else v for p, v in enumerate(row)]
        for row in flinks["rows"]
    ]
    mine, theirs = sorted(map(list, found), key=order), sorted(theirs, key=order)
    same = len(mine) == len(theirs) and all(
        all(map(close, kinds, one, other)) for one, other in zip(mine, theirs, strict=True)
    )
    return (
        "" if same else f"{[r for r in mine if r not in theirs]} for {[r for r in theirs if r not in mine]}"
    )


@pytest.mark.parametrize("share", range(SHARES))
def test_queries_are_answered_as_flink_answers_them(share: int) -> None:
    asked = [query for query in list(FROZEN)[share::SHARES] if query not in DIFFERENCES]
    found = {query: told for query in asked if (told := misses(query))}
    assert not {q: told for q, told in found.items() if not told.startswith("refused: ") or q not in REFUSED}


def test_differences_and_refusals_are_still_there() -> None:
    assert [query for query in DIFFERENCES if not misses(query)] == []
    assert [query for query in REFUSED if not misses(query).startswith("refused: ")] == []


def test_most_is_answered() -> None:
    answered = [query for query, found in FROZEN.items() if "rows" in found and query not in REFUSED]
    assert len(answered) > 0.9 * len(FROZEN)
    assert sum(bool(FROZEN[query]["rows"]) for query in answered) > 0.7 * len(answered)
