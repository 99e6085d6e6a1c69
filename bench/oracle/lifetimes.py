"""Freeze what Flink gives where state has a lifetime: python -m bench.oracle.lifetimes

Flink forgets by the wall's clock, so rows are produced in real time, far enough from every limit that a slow machine
changes nothing. Writes tests/engine/flink_lifetimes.json: for each query all changes, in Flink's order.
"""

import asyncio
import json
import tempfile
import threading
import time
from pathlib import Path

from bench.oracle import flink
from penstock.client import Client
from penstock.record import Record
from penstock.testing.processes import BrokerProcess

FROZEN = Path(__file__).parents[2] / "tests" / "engine" / "flink_lifetimes.json"
TTL_S = 3.0
STARTS_S = 45.0
"""How long Flink may take until it reads."""
ROWS: tuple[tuple[float, str, tuple[int, int, int]], ...] = (
    (0.0, "a", (1, 1, 5)), (0.2, "b", (1, 2, 0)), (1.0, "a", (2, 1, 7)), (1.3, "a", (3, 2, 1)), (2.0, "b", (2, 1, 0)),
    (6.5, "a", (4, 1, 9)), (7.5, "b", (3, 2, 0)), (8.0, "a", (5, 2, 1)), (8.5, "a", (6, 1, 2)), (9.0, "a", (9, 3, 9)), (10.2, "a", (8, 1, 9)),
    (10.9, "b", (4, 1, 0)), (11.4, "a", (10, 3, 9)), (12.2, "a", (7, 2, 3)), (13.8, "a", (11, 3, 9)),
)  # fmt: skip
"""When, which table, and its id, k and v."""
QUERIES = (
    "SELECT k, COUNT(*) AS c, SUM(v) AS t FROM a GROUP BY k",
    "SELECT COUNT(*) AS c, MAX(v) AS m FROM b",
    "SELECT DISTINCT k FROM a",
    "SELECT k, COUNT(DISTINCT v) AS c FROM a GROUP BY k",
    "SELECT COUNT(DISTINCT v) FILTER (WHERE id > 6) AS c, COUNT(DISTINCT v) AS d, SUM(DISTINCT v) AS t FROM a",
    "SELECT k, COUNT(DISTINCT CAST(v AS STRING)) AS c FROM a GROUP BY k",
    "SELECT COUNT(DISTINCT c) AS n FROM (SELECT k, COUNT(*) AS c FROM a GROUP BY k)",
    "SELECT COUNT(DISTINCT c) AS n, COUNT(DISTINCT c) FILTER (WHERE k = 1) AS m FROM (SELECT k, COUNT(*) AS c FROM a GROUP BY k)",
    "SELECT MAX(c) AS m, MIN(c) AS l FROM (SELECT k, COUNT(*) AS c FROM a GROUP BY k)",
    "SELECT a.id AS i, b.id AS j FROM a JOIN b ON a.k = b.k",
    "SELECT a.id AS i, b.id AS j FROM a LEFT JOIN b ON a.k = b.k",
    "SELECT a.id AS i, b.id AS j FROM a FULL JOIN b ON a.k = b.k",
    "SELECT id FROM a WHERE k IN (SELECT k FROM b)",
    "SELECT id FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k)",
    "SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id) AS r FROM a) WHERE r <= 2",
    "SELECT k, MAX(c) AS m FROM (SELECT k, v, COUNT(*) AS c FROM a GROUP BY k, v) GROUP BY k",
    "SELECT /*+ STATE_TTL('a' = '1 h', 'b' = '3 s') */ a.id AS i, b.id AS j FROM a JOIN b ON a.k = b.k",
)


async def produced(address: str) -> None:
    """All rows, each at its time."""
    async with Client(address) as client:
        await asyncio.sleep(STARTS_S)
        begun_s = time.monotonic()
        for at_s, table, (ident, k, v) in ROWS:
            await asyncio.sleep(max(0.0, begun_s + at_s - time.monotonic()))
            await client.produce(
                table, [Record(None, json.dumps({"id": ident, "k": k, "v": v}).encode(), 0)], 0
            )


async def created(address: str) -> None:
    """The topics."""
    async with Client(address) as client:
        for table in ("a", "b"):
            await client.create_topic(table, 1)


def table(name: str, address: str) -> str:
    """A table that ends with the last of its rows."""
    count = sum(one == name for _, one, _ in ROWS)
    return (
        f"CREATE TABLE {name} (id INT, k INT, v INT) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json',"
        f" 'properties.bootstrap.servers' = '{address}', 'scan.startup.mode' = 'earliest-offset',"
        f" 'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:{count}')"
    )


def main() -> None:
    """Ask every query in one job."""
    with (
        tempfile.TemporaryDirectory() as folder,
        BrokerProcess(Path(folder)) as broker,
        flink.running() as sql,
    ):
        asyncio.run(created(broker.address))
        views = [f"CREATE VIEW q{number} AS {query}" for number, query in enumerate(QUERIES)]
        parts = []
        for number, query in enumerate(QUERIES):
            tables = [table(name, broker.address) for name in ("a", "b")]
            names = sql.rows([*tables, f"CREATE VIEW answer AS {query}", "DESCRIBE answer"]).rows
            listed = [f"CAST(`{row[1]}` AS STRING)" for row in names]
            parts.append(
                f"SELECT {number}, {', '.join([*listed, *['CAST(NULL AS STRING)'] * (3 - len(listed))])} FROM q{number}"
            )
        tables = [table(name, broker.address) for name in ("a", "b")]
        producer = threading.Thread(target=lambda: asyncio.run(produced(broker.address)))
        producer.start()
        settings = {"table.exec.state.ttl": f"{TTL_S:g} s", "table.optimizer.reuse-source-enabled": "true"}
        ran = sql.rows([*tables, *views, " UNION ALL ".join(parts)], settings)
        producer.join()
    frozen = {
        query: [[kind, *map(_whole, row)] for kind, place, *row in ran.rows if place == number]
        for number, query in enumerate(QUERIES)
    }
    lines = (f"{json.dumps(query)}: {json.dumps(changes)}" for query, changes in frozen.items())
    FROZEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


if __name__ == "__main__":
    main()
