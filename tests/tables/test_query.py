"""Queries over rows: typed comparison, nulls last, pages, and refusals that name the remedy."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import PenstockError
from penstock.tables.columns import TableColumn
from penstock.tables.like import like
from penstock.tables.query import SLICE_ROWS, Page, Query, parse_filter, parse_order, run

COLUMNS = tuple(
    TableColumn(name, kind)
    for name, kind in {
        "id": "BIGINT", "name": "STRING", "load": "DOUBLE", "ok": "BOOLEAN", "at": "TIMESTAMP(3)",
        "price": "DECIMAL(20, 4)", "day": "DATE", "hour": "TIME(0)", "raw": "BYTES", "tags": "ARRAY<STRING>", "a:b": "INT",
    }.items()
)  # fmt: skip


def ask(
    rows: list[dict[str, Any]], *filters: str, order: str = "", limit: int = 100, offset: int = 0
) -> Page:
    column, descending = parse_order(order, COLUMNS) if order else (None, False)
    query = Query(tuple(parse_filter(f, COLUMNS) for f in filters), column, descending, limit, offset)
    steps = run(query, [json.dumps(row).encode() for row in rows])
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            page: Page = stop.value
            return page


def ids(page: Page) -> list[int]:
    return [json.loads(row)["id"] for row in page.rows]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("id:eq:2", [2]), ("id:ne:2", [1, 3]), ("id:lt:2", [1]), ("id:le:2", [1, 2]), ("id:gt:2", [3]), ("id:ge:2", [2, 3]),
        ("name:eq:b:c", [2]), ("name:like:%a%", [1]), ("name:gt:a", [1, 2]), ("load:gt:9.5", [2]), ("load:eq:9", [1]),
        ("ok:eq:true", [1]), ("ok:eq:false", [2]), ("at:gt:2026-11-22T11:00:00.05", [2]),
        ("at:eq:2026-11-22 11:00:00", [1]), ("price:gt:100000000000000.0001", [2]), ("day:lt:2026-11-02", [1]),
        ("hour:ge:10:00:00", [2]), ("raw:eq:AQ==", [1]), ("a:b:eq:7", [2]),
    ],
)  # fmt: skip
def test_values_compare_by_their_columns_type(condition: str, expected: list[int]) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "name": "alpha", "load": 9, "ok": True, "at": "2026-11-22 11:00:00", "price": 100000000000000.0,
         "day": "2026-11-01", "hour": "09:30:00", "raw": "AQ=="},
        {"id": 2, "name": "b:c", "load": 10.5, "ok": False, "at": "2026-11-22 11:00:00.100000001Z",
         "price": "100000000000000.0002", "day": "2026-11-02", "hour": "10:00:00", "raw": "Ag==", "a:b": 7},
        {"id": 3, "name": None, "load": "hot", "day": "soon", "hour": 7, "raw": "?", "price": "NaN", "at": "later"},
    ]  # fmt: skip
    assert ids(ask(rows, condition)) == expected


def test_all_filters_must_pass_and_the_total_counts_what_passes() -> None:
    rows = [{"id": i, "load": i % 10} for i in range(3 * SLICE_ROWS)]
    page = ask(rows, "load:ge:5", "load:lt:7", limit=3, offset=1)
    assert ids(page) == [6, 15, 16]
    assert page.total == 3 * SLICE_ROWS // 5


@pytest.mark.parametrize("descending", [False, True])
def test_nulls_come_last_in_either_order(descending: bool) -> None:
    rows = [
        {"id": 1},
        {"id": 2, "load": 2},
        {"id": 3, "load": None},
        {"id": 4, "load": "x"},
        {"id": 5, "load": 1.5},
    ]
    found = ids(ask(rows, order="-load" if descending else "load"))
    assert found == ([2, 5, 1, 3, 4] if descending else [5, 2, 1, 3, 4])


@given(
    values=st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=60),
    limit=st.integers(1, 20),
    offset=st.integers(0, 20),
)
def test_a_page_is_a_piece_of_the_whole_sorted(values: list[int | None], limit: int, offset: int) -> None:
    rows = [{"id": i, "load": value} for i, value in enumerate(values)]
    known = sorted((r for r in rows if r["load"] is not None), key=lambda r: r["load"] or 0)
    whole = [r["id"] for r in known] + [r["id"] for r in rows if r["load"] is None]
    assert ids(ask(rows, order="load", limit=limit, offset=offset)) == whole[offset : offset + limit]


def test_many_slices_sort_as_one() -> None:
    rows = [{"id": i, "load": (i * 7919) % 10007} for i in range(5 * SLICE_ROWS)]
    expected = [r["id"] for r in sorted(rows, key=lambda r: -r["load"])][10:15]
    assert ids(ask(rows, order="-load", limit=5, offset=10)) == expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("x:eq:1", "there is no column 'x'"), ("id", "no column"), ("id:eq", "comparison"), ("id:about:1", "'about' is no comparison"),
        ("id:eq:one", "'one' is not a value of type BIGINT"), ("load:eq:nan", "not a value"), ("ok:eq:1", "BOOLEAN"),
        ("at:lt:tomorrow", "TIMESTAMP"), ("id:like:1%", "STRING"), ("name:like:x\\", "backslash"), ("tags:eq:a", "no order"),
        ("name:eq:" + "x" * 5000, "not a value"), ("id:eq:" + "9" * 5000, "not a value"),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_says_why_and_what_to_do(condition: str, words: str) -> None:
    with pytest.raises(PenstockError, match=re.escape(words)) as refused:
        parse_filter(condition, COLUMNS)
    assert refused.value.remedy and refused.value.place == "filter"


@pytest.mark.parametrize("order", ["", "-", "x", "-x", "tags"])
def test_an_order_by_what_is_not_there_is_refused(order: str) -> None:
    with pytest.raises(PenstockError):
        parse_order(order, COLUMNS)


@given(st.text("ab%_\\.", max_size=8), st.text("ab.%", max_size=12))
def test_like_agrees_with_its_definition(pattern: str, text: str) -> None:
    expression, escaped = "", False
    for letter in pattern:
        if not escaped and letter == "\\":
            escaped = True
            continue
        expression += re.escape(letter) if escaped else {"%": ".*", "_": "."}.get(letter, re.escape(letter))
        escaped = False
    if escaped:
        with pytest.raises(ValueError):
            like(pattern)
    else:
        assert like(pattern)(text) == (re.fullmatch(expression, text, re.DOTALL) is not None)


def test_no_pattern_makes_like_slow() -> None:
    assert not like("%a" * 2000 + "b")("a" * 4000)
