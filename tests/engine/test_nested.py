"""Arrays, maps and rows through operators: unnested, gathered, grouped by and joined on, at any cut and restart."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pytest

from penstock.engine.job import Job
from penstock.errors import PenstockError
from penstock.sql import parse
from tests.engine.relations import START, Row, answer, filled, ordered

SEEDS = range(6)


def texts(values: list[object]) -> str:
    return "[" + ", ".join("NULL" if value is None else str(value) for value in values) + "]"


# --- the plain case ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("changes", [False, True])
def test_an_unnested_array_gives_a_row_an_element(seed: int, changes: bool) -> None:
    inputs = filled(seed, 60, a=changes)
    query = "SELECT id, x, o FROM a CROSS JOIN UNNEST(ARRAY[k, id]) WITH ORDINALITY AS t (x, o)"
    found, _ = answer(inputs, "id BIGINT, x BIGINT, o INT", query, seed)
    whole = inputs[0].whole
    expected: list[Row] = [row for a in whole for row in ((a[0], a[1], 1), (a[0], a[0], 2))]
    assert found == ordered(expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("changes", [False, True])
def test_a_left_join_keeps_rows_without_elements(seed: int, changes: bool) -> None:
    inputs = filled(seed, 60, a=changes)
    query = "SELECT id, x FROM a LEFT JOIN UNNEST(SPLIT(v, 'b')) AS t (x) ON TRUE"
    found, _ = answer(inputs, "id BIGINT, x STRING", query, seed)
    expected: list[Row] = [
        (a[0], part)
        for a in inputs[0].whole
        for part in (str(a[2]).split("b") if a[2] is not None else [None])
    ]
    assert found == ordered(expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("changes", [False, True])
def test_gathered_values_are_those_of_the_group(seed: int, changes: bool) -> None:
    inputs = filled(seed, 80, a=changes)
    query = (
        "SELECT k, CAST(ARRAY_SORT(ARRAY_AGG(id)) AS STRING), CAST(ARRAY_SORT(ARRAY_AGG(DISTINCT v)) AS STRING), "
        "CAST(ARRAY_SORT(SPLIT(LISTAGG(v), ',')) AS STRING) FROM a GROUP BY k"
    )
    found, _ = answer(inputs, "k BIGINT, ids STRING, vs STRING, l STRING", query, seed)
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in inputs[0].whole:
        groups[row[1]].append(row)
    expected: list[Row] = []
    for key, rows in groups.items():
        present = sorted(str(row[2]) for row in rows if row[2] is not None)
        none: list[object] = [None] if any(row[2] is None for row in rows) else []
        ids = texts(sorted(row[0] for row in rows))  # type: ignore[type-var]
        expected.append(
            (key, ids, texts([*none, *sorted(set(present))]), texts([*present]) if present else None)
        )
    assert found == ordered(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_collected_multiset_unnests_to_what_went_in(seed: int) -> None:
    inputs = filled(seed, 80, a=True)
    query = "SELECT k, x FROM (SELECT k, COLLECT(v) AS c FROM a GROUP BY k) CROSS JOIN UNNEST(c) AS t (x)"
    found, _ = answer(inputs, "k BIGINT, x STRING", query, seed)
    assert Counter(found) == Counter((row[1], row[2]) for row in inputs[0].whole if row[2] is not None)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("changes", [False, True])
def test_arrays_are_grouped_by_and_joined_on_as_values(seed: int, changes: bool) -> None:
    inputs = filled(seed, 40, a=changes, b=changes)
    query = (
        "SELECT p.id, q.id FROM (SELECT id, ARRAY[k, 1] AS w FROM a) AS p "
        "JOIN (SELECT id, ARRAY[k, 1] AS w FROM b) AS q ON p.w = q.w"
    )
    found, _ = answer(inputs, "i BIGINT, j BIGINT", query, seed)
    a, b = (one.whole for one in inputs)
    assert found == ordered([(x[0], y[0]) for x in a for y in b if x[1] == y[1]])
    query = "SELECT CAST(w AS STRING), COUNT(*) FROM (SELECT ROW(k, MAP['v', v]) AS w FROM a) GROUP BY w"
    found, _ = answer(inputs[:1], "w STRING, n BIGINT", query, seed)
    shown = Counter(
        f"({'NULL' if row[1] is None else row[1]}, {{v={'NULL' if row[2] is None else row[2]}}})" for row in a
    )
    assert found == ordered(list(shown.items()))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_window_gathers_its_own_rows(seed: int) -> None:
    inputs = filled(seed, 60, a=False)
    query = (
        "SELECT window_start, CAST(ARRAY_SORT(ARRAY_AGG(id)) AS STRING) FROM "
        "TABLE(HOP(TABLE a, DESCRIPTOR(t), INTERVAL '4' SECOND, INTERVAL '8' SECOND)) GROUP BY window_start, window_end"
    )
    found, _ = answer(inputs, "w TIMESTAMP(3), ids STRING", query, seed)
    windows: dict[datetime, list[object]] = defaultdict(list)
    for ident, _, _, at in inputs[0].whole:
        assert isinstance(at, datetime)
        pane = START + (at - START) // timedelta(seconds=4) * timedelta(seconds=4)
        for start in (pane - timedelta(seconds=4), pane):
            windows[start].append(ident)
    assert found == ordered([(start, texts(sorted(ids))) for start, ids in windows.items()])  # type: ignore[type-var]


# --- the refusals ------------------------------------------------------------------------------------------------

HEAD = """CREATE TABLE t (id BIGINT, a ARRAY<INT>, m MAP<STRING, INT>) WITH ('connector'='kafka','topic'='t','format'='json');
CREATE TABLE o (x BIGINT) WITH ('connector'='print');"""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT x FROM t CROSS JOIN UNNEST(id) AS u (x)", "UNNEST takes an ARRAY or a MAP, not BIGINT"),
        ("SELECT x FROM t CROSS JOIN UNNEST(a) AS u (x, y)", "2 names for 1 columns"),
        ("SELECT x FROM t RIGHT JOIN UNNEST(a) AS u (x) ON TRUE", "an array is unnested for every row"),
        ("SELECT x FROM t LEFT JOIN UNNEST(a) AS u (x) ON id = x", "an array is unnested for every row"),
        ("SELECT x FROM UNNEST(ARRAY[1]) AS u (x)", "UNNEST stands after a table"),
        ("SELECT a[0] FROM t", "counted from 1"),
        ("SELECT a['x'] FROM t", "a[i] is not defined for (ARRAY<INT>, STRING)"),
        ("SELECT m[1] FROM t", "m[key] is not defined"),
        ("SELECT ARRAY[] FROM t", "ARRAY[] needs an element"),
        ("SELECT MAP['a'] FROM t", "MAP takes at least 2 arguments"),
        ("SELECT CAST(a AS INT) FROM t", "CAST to INT is not defined"),
        ("SELECT CAST(a AS ARRAY<WORD>) FROM t", "`WORD` is not a type"),
        ("SELECT LISTAGG(id) FROM t", "LISTAGG is not defined for BIGINT"),
        ("SELECT MAX(a) FROM t", "MAX is not defined for ARRAY<INT>"),
        ("SELECT LAST_VALUE(m) FROM t", "LAST_VALUE is not defined for MAP<STRING, INT>"),
        ("SELECT id FROM t WHERE a > ARRAY[1]", "> is not defined for (ARRAY<INT>, ARRAY<INT>)"),
        ("SELECT JSON_VALUE('{}', '$.a' ERROR ON ERROR) FROM t", "a record cannot end a pipeline"),
    ],
)
def test_what_has_no_meaning_is_refused_at_its_place(query: str, said: str) -> None:
    with pytest.raises(PenstockError) as caught:
        parse(f"{HEAD} INSERT INTO o {query}")
    assert said in caught.value.message and caught.value.line == 2


@pytest.mark.parametrize(
    "kind", ["MAP<INT, INT>", "ARRAY<MAP<INT, INT>>", "ROW<m MAP<DATE, INT>>", "MAP<STRING, MAP<INT, INT>>"]
)
def test_a_map_in_json_has_texts_for_keys(kind: str) -> None:
    script = f"CREATE TABLE t (m {kind}) WITH ('connector'='kafka','topic'='t','format'='json');"
    with pytest.raises(PenstockError, match="keys of JSON are texts"):
        Job(
            parse(
                f"{script} CREATE TABLE o (m {kind}) WITH ('connector'='print'); INSERT INTO o SELECT m FROM t"
            )
        )
