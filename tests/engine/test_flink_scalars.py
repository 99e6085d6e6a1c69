"""Every scalar function over rows at the edges: the kinds and values that Flink gave, frozen in flink_scalars.json.

`python -m bench.oracle.scalars` freezes them. What differs on purpose stands in `scalar_differences.py`, with reasons.
"""

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench.oracle import nested
from bench.oracle.expressions import COLUMNS, EXPRESSIONS, ROWS, expressions

from penstock.clock import Now
from penstock.engine.functions import FUNCTIONS
from penstock.engine.job import Job
from penstock.engine.plan import Plan, Sink, Table
from penstock.errors import PenstockError
from penstock.record import Record, encode
from penstock.sql.catalog import Catalog
from penstock.sql.script import run
from tests.engine.scalar_differences import DIFFERENCES

FROZEN = json.loads(Path(__file__).with_name("flink_scalars.json").read_text())
NOW = Now(0.0, 1_795_345_507_000)
TABLE = (
    f"CREATE TABLE edges ({', '.join(f'`{name}` {kind}' for name, kind in COLUMNS)}) "
    "WITH ('connector' = 'kafka', 'topic' = 'edges', 'format' = 'json')"
)
RECORDS = encode([Record(None, json.dumps(row).encode(), 0) for row in ROWS])


def ours(expression: str) -> tuple[str, list[Any]]:
    """Our kind and values; raises PenstockError."""
    catalog = Catalog()
    run(f"{TABLE}; CREATE VIEW v AS SELECT n, {expression} AS found FROM edges", catalog)
    node = catalog.views["v"]
    job = Job(Plan((Sink(Table("out", node.schema, {"connector": "blackhole"}), node),)))
    rows = pl.concat([output.rows for output in job.on_records(0, 0, RECORDS, NOW)]).sort("n")
    return node.schema[1].kind, plain(rows["found"])


def plain(column: pl.Series) -> list[Any]:
    """In the form that Flink's values are frozen in."""
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").to_list()
    if column.dtype == pl.Time:
        return column.dt.strftime("%H:%M:%S%.6f").to_list()
    if column.dtype == pl.Binary:
        return [None if value is None else value.hex() for value in column]
    if isinstance(column.dtype, pl.Decimal):
        return [None if value is None else format(value, "f") for value in column]
    return column.cast(pl.String).to_list() if column.dtype == pl.Date else column.to_list()


def kind_of(kind: str) -> str:
    """Texts of any length are texts, and what is not null may be."""
    name = kind.removesuffix(" NOT NULL")
    return (
        "STRING"
        if name.startswith(("CHAR", "VARCHAR", "STRING"))
        else name.replace("VARBINARY", "BYTES").split("(2147")[0]
    )


def same(kind: str, mine: Any, flinks: Any) -> bool:
    """Floating point to the last digits; all else exactly."""
    if kind in ("DOUBLE", "FLOAT") and None not in (mine, flinks):
        one, other = float(mine), float(flinks)
        near = 1e-14 if kind == "DOUBLE" else 1e-6
        return math.isclose(one, other, rel_tol=near) or (math.isnan(one) and math.isnan(other))
    if kind.startswith(("TIMESTAMP", "DATE")) and str(flinks)[0] in "+-":
        return mine is None  # beyond the years 1 to 9999 there are no moments here
    return bool(mine == flinks)


def misses(expression: str) -> list[str]:
    """How ours differs from Flink's."""
    flinks = FROZEN[expression]
    try:
        kind, values = ours(expression)
    except PenstockError as error:
        return [] if "refused" in flinks else [f"refused: {error.message}"]
    if "refused" in flinks:
        return ["Flink refuses it"]
    if "fails" in flinks:
        return []  # ours gives NULL where Flink's job would end
    found = [] if kind_of(kind) == kind_of(flinks["kind"]) else [f"{kind}, Flink {flinks['kind']}"]
    return found + [
        f"row {place}: {mine!r}, Flink {other!r}"
        for place, (mine, other) in enumerate(zip(values, flinks["values"], strict=True))
        if not same(kind_of(kind), mine, other)
    ]


@pytest.mark.parametrize("group", EXPRESSIONS)
def test_values_and_kinds_are_flinks(group: str) -> None:
    found = {one: told for one in EXPRESSIONS[group] if one not in DIFFERENCES and (told := misses(one))}
    assert not found, "\n".join(f"{one}: {'; '.join(told)}" for one, told in found.items())


def test_every_function_is_frozen() -> None:
    asked = " ".join([*expressions(), *nested.expressions()]).upper()
    signs = {"AND", "OR", "NOT", "IN", "CASE", "LIKE", "SIMILAR", "NEGATIVE", "||", "ITEM", "ARRAY", "MAP"}
    names = {name for name in FUNCTIONS if name.replace("_", "").isalnum()} - signs
    unasked = {name for name in names if f"{name}(" not in asked and name not in asked.split()}
    assert unasked == set()
    assert set(FROZEN) == set(expressions())


def test_differences_are_still_there() -> None:
    assert [one for one in DIFFERENCES if one not in FROZEN or not misses(one)] == []
