"""Temporal joins and processing time: rows meet a table as it was, or as it is, and windows go by the wall's clock."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.clock import Now
from penstock.dsl import App
from penstock.engine.job import Job
from penstock.errors import PenstockError
from penstock.sql import parse
from penstock.testing.app import Trial
from tests.engine.relations import Input, Row, answer, filled, ordered
from tests.engine.streams import NO_SHRINKING

SEEDS = st.integers(0, 10_000)
VERSIONS = "(SELECT id, k, v, t FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY t DESC) AS n FROM b) WHERE n = 1)"


class Versioned(Input):
    """A table whose versions are its rows' times; k is its key."""

    @property
    def ddl(self) -> str:
        """The declaration."""
        return (
            f"CREATE TABLE {self.name} (id BIGINT, k BIGINT, v STRING, t TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED,"
            " WATERMARK FOR t AS t - INTERVAL '2' SECOND) WITH ('connector'='upsert-kafka',"
            f"'topic'='{self.name}','key.format'='json','value.format'='json');"
        )


def as_of(left: list[Row], right: list[Row], outer: bool) -> list[Row]:
    made: list[Row] = []
    for row in left:
        versions = [one for one in right if one[1] is not None and one[1] == row[1] and one[3] <= row[3]]  # type: ignore[operator]
        if versions:
            last = max(enumerate(versions), key=lambda pair: (pair[1][3], pair[0]))[1]
            made.append((row[0], last[0], last[2]))
        elif outer:
            made.append((row[0], None, None))
    return made


@pytest.mark.parametrize("how", ["", "LEFT"])
@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(seed=SEEDS)
def test_a_row_meets_the_version_of_its_time(how: str, seed: int) -> None:
    left, right = filled(seed, 60, a=False, b=False)
    versioned = Versioned("b", True)
    versioned.rows = [(row, 0) for row, _ in right.rows if row[1] is not None]
    query = f"SELECT a.id, r.id, r.v FROM a {how} JOIN b FOR SYSTEM_TIME AS OF a.t AS r ON a.k = r.k"
    found, took_back = answer([left, versioned], "a BIGINT, b BIGINT, v STRING", query, seed)
    rows = [row for row, _ in versioned.rows]
    assert found == ordered(as_of(left.whole, rows, how == "LEFT"))
    assert not took_back


SCRIPT = """
CREATE TABLE orders (id BIGINT, item STRING, p AS PROCTIME()) WITH ('connector'='kafka','topic'='orders','format'='json');
CREATE TABLE prices (item STRING, price BIGINT, PRIMARY KEY (item) NOT ENFORCED)
  WITH ('connector'='upsert-kafka','topic'='prices','key.format'='json','value.format'='json');
CREATE TABLE priced (id BIGINT, price BIGINT) WITH ('connector'='kafka','topic'='priced','format'='json');
CREATE TABLE counted (n BIGINT, s TIMESTAMP(3)) WITH ('connector'='kafka','topic'='counted','format'='json');
INSERT INTO priced SELECT o.id, p.price FROM orders AS o LEFT JOIN prices FOR SYSTEM_TIME AS OF o.p AS p
  ON o.item = p.item AND p.price > 1;
INSERT INTO counted SELECT COUNT(*), window_start FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(p), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end;
"""


def started(script: str) -> Trial:
    app = App("t")
    app.sql(script)
    return Trial(app.plan(), start="2026-01-01T00:00:00Z")


def test_a_row_meets_the_table_as_it_is() -> None:
    with started(SCRIPT) as trial:
        trial.send("orders", id=1, item="tea")
        trial.send("prices", item="tea", price=5)
        trial.send("orders", id=2, item="tea")
        trial.send("prices", item="tea", price=7)
        trial.send("orders", id=3, item="tea")
        trial.send("prices", item="tea", price=1)
        trial.send("orders", id=4, item="tea")
        trial.delete("prices", item="tea")
        trial.send("orders", id=5, item="tea")
        trial.send("orders", id=6, item=None)
        assert trial.read("priced") == [(1, None), (2, 5), (3, 7), (4, None), (5, None), (6, None)]


def test_windows_over_the_clock_close_by_it() -> None:
    with started(SCRIPT) as trial:
        start = trial.now
        trial.send("orders", id=1, item="tea")
        trial.advance("9s")
        trial.send("orders", id=2, item="tea")
        assert trial.read("counted") == []
        trial.advance("1s")
        assert trial.read("counted") == [(2, start)]
        trial.send("orders", id=3, item="tea")
        trial.advance("1 min")
        assert [n for n, _ in trial.read("counted")] == [2, 1]


def test_the_job_says_when_the_clock_has_something_to_do_and_a_clock_set_back_loses_nothing() -> None:
    job = Job(parse(SCRIPT))
    assert job.due_ms > 2**60
    import polars as pl

    orders = next(s.index for s in job.sources if s.table.name == "orders")
    job.on_rows(orders, 0, pl.DataFrame({"id": [1], "item": ["tea"]}), Now(0.0, 25_000))
    assert job.due_ms == 30_000
    job.on_rows(orders, 0, pl.DataFrame({"id": [2], "item": ["tea"]}), Now(0.0, 3_000))
    held = job.snapshot()
    job = Job(parse(SCRIPT))
    job.restore(held)
    (output,) = job.on_clock(Now(0.0, 30_000))
    assert output.rows["n"].to_list() == [2]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT o.id, p.price FROM orders o JOIN prices FOR SYSTEM_TIME AS OF o.id AS p ON o.item = p.item", "takes a time column"),
        ("SELECT o.id, 1 FROM orders o JOIN prices FOR SYSTEM_TIME AS OF o.p AS p ON o.id = p.price", "compare all of it"),
        ("SELECT o.id, p.price FROM orders o FULL JOIN prices FOR SYSTEM_TIME AS OF o.p AS p ON o.item = p.item", "JOIN or LEFT JOIN"),
        ("SELECT p.price, o.id FROM prices p JOIN orders FOR SYSTEM_TIME AS OF PROCTIME() AS o ON o.item = p.item", "only appends"),
    ],
)  # fmt: skip
def test_what_has_no_version_is_refused(query: str, message: str) -> None:
    with pytest.raises(PenstockError) as caught:
        parse(SCRIPT + f"INSERT INTO priced {query};")
    assert message in caught.value.message
    assert caught.value.line > 0
