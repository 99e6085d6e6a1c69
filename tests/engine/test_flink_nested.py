"""Arrays, maps, rows and JSON in expressions: the kinds and values that Flink gave, frozen in flink_nested.json.

`python -m bench.oracle.scalars` freezes them. What differs on purpose stands in `nested_differences.py`, with reasons.
"""

import json
import math
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench.oracle.nested import COLUMNS, EXPRESSIONS, ROWS, expressions

from penstock.clock import Now
from penstock.engine.job import Job
from penstock.engine.plan import Plan, Sink, Table
from penstock.engine.types import element, is_array, is_map, is_row, map_fields, row_fields
from penstock.errors import PenstockError
from penstock.record import Record, encode
from penstock.sql.catalog import Catalog
from penstock.sql.script import run
from tests.engine.nested_differences import DIFFERENCES

FROZEN = json.loads(Path(__file__).with_name("flink_nested.json").read_text())
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
    job = Job(Plan((Sink(Table("out", node.schema, {"connector": "print"}), node),)))
    rows = pl.concat([output.rows for output in job.on_records(0, 0, RECORDS, NOW)]).sort("n")
    kind = node.schema[1].kind
    return kind, [plain(kind, value) for value in rows["found"].to_list()]


def plain(kind: str, value: Any) -> Any:
    """In the form that Flink's values are frozen in: rows are lists, maps are objects by their keys' texts."""
    if value is None:
        return None
    if is_row(kind):
        return [plain(field.kind, value[field.name]) for field in row_fields(kind)]
    if is_array(kind):
        return [plain(element(kind).kind, one) for one in value]
    if is_map(kind):
        held = map_fields(kind)[1].kind
        return {
            "null" if pair["key"] is None else str(pair["key"]): plain(held, pair["value"]) for pair in value
        }
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return format(value, "f") if isinstance(value, Decimal) else value


def kind_of(kind: str) -> str:
    """Texts of any length are texts, and what is not null may be."""
    bare = kind.replace(" NOT NULL", "").replace("`", "")
    return re.sub(r"(VAR)?CHAR\(\d+\)", "STRING", bare).replace("VARBINARY", "BYTES")


def same(mine: Any, flinks: Any) -> bool:
    """Floating point to the last digits; all else exactly."""
    if isinstance(mine, list) and isinstance(flinks, list):
        return len(mine) == len(flinks) and all(map(same, mine, flinks))
    if isinstance(mine, dict) and isinstance(flinks, dict):
        return mine.keys() == flinks.keys() and all(same(mine[key], flinks[key]) for key in mine)
    if isinstance(mine, float) and flinks is not None:
        return math.isclose(mine, float(flinks), rel_tol=1e-14) or (math.isnan(mine) and flinks == "NaN")
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
        if not same(mine, other)
    ]


@pytest.mark.parametrize("group", EXPRESSIONS)
def test_values_and_kinds_are_flinks(group: str) -> None:
    found = {one: told for one in EXPRESSIONS[group] if one not in DIFFERENCES and (told := misses(one))}
    assert not found, "\n".join(f"{one}: {'; '.join(told)}" for one, told in found.items())


def test_all_is_frozen_and_differences_are_still_there() -> None:
    assert set(FROZEN) == set(expressions())
    assert [one for one in DIFFERENCES if one not in FROZEN or not misses(one)] == []
