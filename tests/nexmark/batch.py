"""DuckDB's answers: each query over the whole input at once, in DuckDB's words.

The tables `person`, `auction` and `bid` hold all events; `number` is their order, which breaks ties as arrival does.
"""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from bench.nexmark.generator import Events
from bench.nexmark.results import Result, settled

_COUNTS = """count(*), count(*) FILTER (price < 10000), count(*) FILTER (price >= 10000 AND price < 1000000),
count(*) FILTER (price >= 1000000)"""
_STATISTICS = ", ".join(
    [_COUNTS]
    + [
        f"count(DISTINCT {who}){condition}"
        for who in ("bidder", "auction")
        for condition in (
            "",
            *(
                f" FILTER ({c})"
                for c in ("price < 10000", "price >= 10000 AND price < 1000000", "price >= 1000000")
            ),
        )
    ]
)
_DAY = "strftime(dateTime, '%Y-%m-%d')"
_TUMBLED = "time_bucket(INTERVAL '10 seconds', dateTime)"
_OPEN = "auction a JOIN bid b ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires"

ANSWERS = {
    "q0": "SELECT auction, bidder, price, dateTime, extra FROM bid",
    "q1": "SELECT auction, bidder, CAST(0.908 * price AS DECIMAL(23, 3)), dateTime, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0",
    "q3": """SELECT name, city, state, a.id FROM auction a JOIN person p ON seller = p.id
        WHERE category = 10 AND state IN ('OR', 'ID', 'CA')""",
    "q4": f"""SELECT category, CAST(sum(final) // count(*) AS BIGINT)
        FROM (SELECT category, max(price) AS final FROM {_OPEN} GROUP BY a.id, category) GROUP BY category""",
    "q5": """WITH hops AS (SELECT auction, unnest(generate_series(0, 4)) AS step, dateTime FROM bid),
        counted AS (SELECT auction, time_bucket(INTERVAL '2 seconds', dateTime) - step * INTERVAL '2 seconds' AS opens,
            count(*) AS num FROM hops GROUP BY ALL)
        SELECT auction, num FROM counted QUALIFY num = max(num) OVER (PARTITION BY opens)""",
    "q7": f"""SELECT auction, bidder, price, dateTime, extra FROM bid
        JOIN (SELECT max(price) AS best, {_TUMBLED} AS opens FROM bid GROUP BY opens) ON price = best
        AND dateTime BETWEEN opens AND opens + INTERVAL '10 seconds'""",
    "q8": f"""SELECT DISTINCT id, name, p.opens FROM (SELECT *, {_TUMBLED} AS opens FROM person) p
        JOIN (SELECT seller, {_TUMBLED} AS opens FROM auction) a ON id = seller AND p.opens = a.opens""",
    "q9": f"""SELECT a.* EXCLUDE (number), auction, bidder, price, b.dateTime, b.extra FROM {_OPEN}
        QUALIFY row_number() OVER (PARTITION BY a.id ORDER BY price DESC, b.number) = 1""",
    "q10": f"""SELECT auction, bidder, price, dateTime, extra, {_DAY}, strftime(dateTime, '%H:%M') FROM bid""",
    "q11": """WITH marked AS (SELECT bidder, dateTime, coalesce(dateTime - lag(dateTime) OVER w > INTERVAL '10 seconds', true)
            AS opens FROM bid WINDOW w AS (PARTITION BY bidder ORDER BY number)),
        numbered AS (SELECT *, sum(opens::INT) OVER (PARTITION BY bidder ORDER BY dateTime) AS session FROM marked)
        SELECT bidder, count(*), min(dateTime), max(dateTime) + INTERVAL '10 seconds' FROM numbered GROUP BY bidder, session""",
    "q13": "SELECT auction, bidder, price, dateTime, CAST(auction % 10000 AS VARCHAR) FROM bid",
    "q14": """SELECT auction, bidder, CAST(0.908 * price AS DECIMAL(23, 3)),
        CASE WHEN hour(dateTime) BETWEEN 8 AND 18 THEN 'dayTime' WHEN hour(dateTime) <= 6 OR hour(dateTime) >= 20
        THEN 'nightTime' ELSE 'otherTime' END, dateTime, extra, length(extra) - length(replace(extra, 'c', ''))
        FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000""",
    "q15": f"SELECT {_DAY} AS day, {_STATISTICS} FROM bid GROUP BY day",
    "q16": f"""SELECT channel, {_DAY} AS day, max(strftime(dateTime, '%H:%M')), {_STATISTICS} FROM bid
        GROUP BY channel, day""",
    "q17": f"""SELECT auction, {_DAY} AS day, {_COUNTS}, min(price), max(price), CAST(sum(price) // count(*) AS BIGINT),
        CAST(sum(price) AS BIGINT) FROM bid GROUP BY auction, day""",
    "q18": """SELECT auction, bidder, price, channel, url, dateTime, extra FROM bid
        QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY number DESC) = 1""",
    "q19": """SELECT auction, bidder, price, channel, url, dateTime, extra,
        row_number() OVER (PARTITION BY auction ORDER BY price DESC, number) AS place FROM bid QUALIFY place <= 10""",
    "q20": """SELECT auction, bidder, price, channel, url, b.dateTime, b.extra, itemName, description, initialBid, reserve,
        a.dateTime, expires, seller, category, a.extra FROM bid b JOIN auction a ON auction = a.id WHERE category = 10""",
    "q21": """SELECT auction, bidder, price, channel, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
        WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE regexp_extract(url, '(&|^)channel_id=([^&]*)', 2) END
        FROM bid WHERE url LIKE '%channel_id=%' OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')""",
    "q22": """SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5),
        split_part(url, '/', 6) FROM bid""",
}
"""All but q6, whose meaning is open, and q12, which goes by the wall's clock."""


class Batch:
    """A database with all the events."""

    def __init__(self, events: Events, folder: Path) -> None:
        self.database = duckdb.connect(config={"threads": 1})
        for kind in ("person", "auction", "bid"):
            file = folder / f"{kind}.parquet"
            getattr(events, kind).write_parquet(file)
            self.database.sql(f"CREATE TABLE {kind} AS FROM read_parquet('{file}')")

    def answer(self, name: str) -> Result:
        """The query's rows."""
        rows = self.database.sql(ANSWERS[name]).fetchall()
        return settled(["+I", *(shown(value) for value in row)] for row in rows)


def shown(value: Any) -> Any:
    """A value in the form of results."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value) if isinstance(value, Decimal) else value
