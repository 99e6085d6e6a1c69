"""Windows joined with their own best value: only the rows that hold it are made, and the answer stays the same."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.job import Job
from penstock.engine.operators.windows.slices import WindowAggregate
from penstock.sql import parse
from tests.engine.relations import Row, answer, filled, ordered
from tests.engine.streams import NO_SHRINKING

WINDOWS = {
    "TUMBLE(TABLE a, DESCRIPTOR(t), INTERVAL '4' SECOND)": (4, 4),
    "HOP(TABLE a, DESCRIPTOR(t), INTERVAL '2' SECOND, INTERVAL '6' SECOND)": (6, 2),
    "CUMULATE(TABLE a, DESCRIPTOR(t), INTERVAL '2' SECOND, INTERVAL '6' SECOND)": (6, 0),
}
COUNTED = "SELECT v, {value} AS n, window_start, window_end FROM TABLE({window}) GROUP BY v, window_start, window_end"
QUERY = """
SELECT x.window_end, x.v, x.n FROM ({counted}) AS x
JOIN (SELECT {best} AS most, window_start, window_end FROM ({counted}) AS y GROUP BY window_start, window_end) AS z
ON x.window_start = z.window_start AND x.window_end = z.window_end AND {condition}
"""
LARGEST, SMALLEST = ("MAX(n)", "x.n >= z.most"), ("MIN(n)", "z.most >= x.n")
ASKED = [LARGEST, ("MAX(n)", "z.most <= x.n AND x.v <> 'b'"), ("MAX(n)", "x.n = z.most"), SMALLEST]
EPOCH = datetime(1970, 1, 1)


def starts_and_ends(at: datetime, size: int, slide: int) -> Iterable[tuple[int, int]]:
    """The windows that a moment is in; a slide of 0: those of 2, 4, 6 … seconds that begin together."""
    second = (at - EPOCH) // timedelta(seconds=1)
    if slide:
        last = second // slide * slide
        return [(start, start + size) for start in range(last - size + slide, last + 1, slide)]
    start = second // size * size
    return [(start, end) for end in range(start + 2, start + size + 1, 2) if end > second]


def expected(rows: list[Row], window: str, value: str, best: str, condition: str) -> list[Row]:
    groups: dict[tuple[tuple[int, int], object], list[Row]] = {}
    for row in rows:
        for bounds in starts_and_ends(row[3], *WINDOWS[window]):
            groups.setdefault((bounds, row[2]), []).append(row)
    found: dict[tuple[int, int], dict[object, int | None]] = {}
    for (bounds, v), held in groups.items():
        keys = [row[1] for row in held if row[1] is not None]
        found.setdefault(bounds, {})[v] = len(held) if value == "COUNT(*)" else (sum(keys) if keys else None)
    made: list[Row] = []
    for (_, end), values in found.items():
        numbers = [n for n in values.values() if n is not None]
        most = (max if "MAX" in best else min)(numbers, default=None)
        for v, n in values.items():
            if n is not None and n == most and not ("<>" in condition and v in (None, "b")):
                made.append((EPOCH + timedelta(seconds=end), v, n))
    return made


@pytest.mark.parametrize("window", WINDOWS, ids=lambda text: text[:4])
@pytest.mark.parametrize("value", ["COUNT(*)", "SUM(k)"])
@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), asked=st.sampled_from(ASKED))
def test_the_best_of_each_window_and_all_that_are_as_good(
    window: str, value: str, seed: int, asked: tuple[str, str]
) -> None:
    inputs = filled(seed, 60, a=False)
    counted = COUNTED.format(window=window, value=value)
    query = QUERY.format(counted=counted, best=asked[0], condition=asked[1])
    found, took_back = answer(inputs, "until TIMESTAMP(3), v STRING, n BIGINT", query, seed)
    assert not took_back
    assert found == ordered(expected(inputs[0].whole, window, value, *asked))


def peaks(queries: list[str]) -> list[bool]:
    """Of each window aggregate that a job of some queries has: whether it makes peaks alone."""
    columns = "until TIMESTAMP(3), v STRING, n DOUBLE"
    sinks = "".join(f"CREATE TABLE o{n} ({columns}) WITH ('connector'='print');" for n in range(len(queries)))
    inserts = "".join(f"INSERT INTO o{n} {query};" for n, query in enumerate(queries))
    ddl = filled(1, 0, a=False)[0].ddl
    job = Job(parse(f"{ddl}{sinks}EXECUTE STATEMENT SET BEGIN {inserts} END;"))
    operators = [vertex.operator for vertex in job.graph.vertices]
    return [one.peak is not None for one in operators if isinstance(one, WindowAggregate)]


HOP = list(WINDOWS)[1]
COUNT = COUNTED.format(window=HOP, value="COUNT(*)")
FLOAT = COUNTED.format(window=HOP, value="AVG(CAST(k AS DOUBLE))")
MOST = QUERY.format(counted=COUNT, best="MAX(n)", condition="x.n >= z.most")


@pytest.mark.parametrize(
    ("queries", "made"),
    [
        ([MOST], [True, False]),
        ([MOST, MOST], [True, False]),
        ([MOST, f"SELECT window_end, v, n FROM ({COUNT}) AS w"], [False, False]),
        ([MOST, QUERY.format(counted=COUNT, best="MIN(n)", condition="x.n <= z.most")], [False, False, False]),
        ([QUERY.format(counted=COUNT, best="MAX(n)", condition="x.n <= z.most")], [False, False]),
        ([QUERY.format(counted=COUNT, best="SUM(n)", condition="x.n >= z.most")], [False, False]),
        ([QUERY.format(counted=FLOAT, best="MAX(n)", condition="x.n >= z.most")], [False, False]),
        ([MOST.replace("MAX(n) AS most", "MAX(n) AS most, COUNT(*) AS c")], [False, False]),
        ([MOST.replace("MAX(n)", "MAX(n) FILTER (WHERE n < 9)")], [False, False]),
        ([MOST.replace("AS y", "AS y WHERE v <> 'a'")], [False, False]),
        ([MOST.replace("JOIN", "LEFT JOIN")], [False, False]),
        ([MOST.replace("COUNT(*)", "SUM(k)", 1)], [False, False, False]),
    ],
    ids=[
        "as it is", "twice", "another reads all", "another reads the smallest", "no more than the largest", "a sum",
        "floating point", "another aggregate", "of some", "of some rows", "all rows are kept", "of something else",
    ],
)  # fmt: skip
def test_an_aggregate_gives_peaks_alone_where_nobody_needs_more(queries: list[str], made: list[bool]) -> None:
    assert peaks(queries) == made
