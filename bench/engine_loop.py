"""The engine beside a loop written by hand: q0, q1, q2 and a tumbling count over JSON events, in one run.

Both decode the same Kafka record batches (7 columns, about 230 bytes an event, 10,000 a batch, uncompressed, already in
memory) with the same kernels, JSON reader and polars expressions, and write to a black hole. Figures are CPU seconds of
this process per million events, medians of the repeats, taken in turn so that both meet the same noise. `ratio` is the
engine's rate over the loop's; the goal is at least 0.8.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import polars as pl
import sqlglot
from sqlglot import exp

from penstock.clock import Now
from penstock.engine import kernels
from penstock.engine.formats.chunks import Chunk
from penstock.engine.formats.json.fast import FastJsonReader
from penstock.engine.formats.json.reader import JsonOptions
from penstock.engine.job import Job
from penstock.engine.kernels.hashing import PairTable
from penstock.engine.plan import (
    Aggregate,
    Aggregation,
    Filter,
    Node,
    Plan,
    Project,
    Scan,
    Sink,
    Table,
    Watermark,
    Window,
)
from penstock.engine.types import Column
from penstock.record import HEADER_SIZE, Record, encode, intact, scan

NOW = Now(0.0, 1_700_000_000_000)
BATCH = 10_000
COLUMNS = (
    Column("auction", "BIGINT"), Column("bidder", "BIGINT"), Column("price", "BIGINT"), Column("channel", "STRING"),
    Column("url", "STRING"), Column("dateTime", "TIMESTAMP(3)"), Column("extra", "STRING"),
)  # fmt: skip


def bids(count: int) -> list[bytes]:
    """Record batches of random bids; event time moves 10,000 events a second."""
    random = np.random.default_rng(7)
    batches = []
    for start in range(0, count, BATCH):
        auctions, prices = random.integers(1000, 11_000, BATCH), random.integers(100, 10**6, BATCH)
        at = (
            np.datetime64("2026-11-22T11:00:00") + (start + np.arange(BATCH)) // 10 * np.timedelta64(1, "ms")
        ).astype("datetime64[ms]")
        records = [
            Record(None, json.dumps({
                "auction": int(a), "bidder": int(a) * 7 % 10_000, "price": int(p), "channel": "Google",
                "url": "https://www.nexmark.com/fqr/hvb/xra/item.htm?query=1", "dateTime": str(t).replace("T", " "),
                "extra": "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
            }, separators=(",", ":")).encode(), start)
            for a, p, t in zip(auctions, prices, at, strict=True)
        ]  # fmt: skip
        batches.append(encode(records))
    return batches


def sql(text: str) -> exp.Expression:
    """An expression with its columns quoted."""
    return sqlglot.parse_one(text).transform(
        lambda n: exp.column(n.name, quoted=True) if isinstance(n, exp.Column) else n
    )


def plans() -> dict[str, Node]:
    """The four queries."""
    options = {"connector": "kafka", "topic": "bid", "format": "json"}
    bid = Scan(Table("bid", COLUMNS, options, (), Watermark("dateTime", 1000)))
    named = {c.name: c for c in COLUMNS}
    q1 = [(named[n], sql(n)) for n in ("auction", "bidder")] + [
        (Column("price", "DECIMAL(23, 3)"), sql("0.908 * price")),
        *((named[n], sql(n)) for n in ("dateTime", "extra")),
    ]
    return {
        "q0": bid,
        "q1": Project(bid, tuple(q1)),
        "q2": Project(Filter(bid, sql("MOD(auction, 123) = 0")), tuple((named[n], sql(n)) for n in ("auction", "price"))),
        "tumble": Aggregate(
            Window(bid, "TUMBLE", "dateTime", 10_000, 10_000), ("auction", "window_start", "window_end"),
            (Aggregation(Column("n", "BIGINT"), "COUNT"),), True,
        ),
    }  # fmt: skip


def engine(node: Node, batches: list[bytes]) -> int:
    """All batches through a job; how many rows came out."""
    job = Job(Plan((Sink(Table("out", node.schema, {"connector": "blackhole"}), node),)))
    rows = sum(o.rows.height for batch in batches for o in job.on_records(0, 0, batch, NOW))
    return rows + sum(o.rows.height for o in job.on_end(NOW))


class Loop:
    """What one would write by hand for one query: decode, compute, drop."""

    def __init__(self, names: tuple[str, ...], compute: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self.fields = [c for c in COLUMNS if c.name in names]
        self.reader = FastJsonReader(tuple(self.fields), JsonOptions())
        self.compute = compute

    def run(self, batches: list[bytes]) -> int:
        return sum(self.compute(self.decode(batch)).height for batch in batches)

    def decode(self, fetched: bytes) -> pl.DataFrame:
        frames = []
        for info in scan(fetched):
            assert intact(fetched, info.position)
            data = np.frombuffer(fetched, np.uint8)[info.position + HEADER_SIZE : info.position + info.size]
            places = np.empty((7, info.count), np.int64)
            kernels.records.locate(
                data, 0, len(data), info.count, 0, info.base_timestamp_ms, False, places, 0
            )
            frames.append(self.reader.read(Chunk(data, places)).frame)
        return frames[0] if len(frames) == 1 else pl.concat(frames)


class Tumble(Loop):
    """Counts by window and auction in a hash map, given out when the time has passed."""

    def __init__(self) -> None:
        super().__init__(("auction", "dateTime"), self.count)
        self.pairs, self.cells, self.seen = PairTable(), np.zeros(0, np.int64), 0

    def count(self, frame: pl.DataFrame) -> pl.DataFrame:
        at, auctions = frame["dateTime"].to_physical().to_numpy(), frame["auction"].to_numpy()
        slots, _ = self.pairs.number(auctions, at // 10_000_000)
        if self.pairs.count > len(self.cells):
            self.cells = np.concatenate([self.cells, np.zeros(self.pairs.count, np.int64)])
        everything, ones = np.ones(len(slots), np.bool_), np.ones(len(slots), np.int64)
        kernels.scatter.count(slots, everything, ones, self.cells)
        self.seen = max(self.seen, int(at.max()))
        return pl.DataFrame({"n": self.cells[:0]})

    def run(self, batches: list[bytes]) -> int:
        super().run(batches)
        return self.pairs.count


def loops() -> dict[str, Callable[[], Loop]]:
    """The same four by hand."""
    price = (pl.col("price").cast(pl.Decimal(38, 3)) * pl.lit("0.908").cast(pl.Decimal(38, 3))).cast(
        pl.Decimal(23, 3)
    )
    q1 = ("auction", "bidder", "price", "dateTime", "extra")
    return {
        "q0": lambda: Loop(tuple(c.name for c in COLUMNS), lambda f: f),
        "q1": lambda: Loop(q1, lambda f: f.select("auction", "bidder", price, "dateTime", "extra")),
        "q2": lambda: Loop(("auction", "price", "dateTime"), lambda f: f.filter(pl.col("auction") % 123 == 0).select("auction", "price")),
        "tumble": Tumble,
    }  # fmt: skip


def measured(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds and the rows that came out."""
    start = time.process_time()
    rows = work()
    return time.process_time() - start, rows


def run(events: int = 1_000_000, repeats: int = 5) -> dict[str, object]:
    """Measure: medians by query and side, and the ratio of the medians."""
    kernels.warm(lambda sentence: print(sentence, file=sys.stderr))
    batches = bids(events)
    millions = len(batches) * BATCH / 1e6
    results = {}
    for name, node in plans().items():
        took: dict[str, list[float]] = {"engine": [], "loop": []}
        rows = set()
        for _ in range(repeats):
            for side, work in (
                ("engine", lambda n=node: engine(n, batches)),
                ("loop", lambda n=name: loops()[n]().run(batches)),
            ):
                seconds, count = measured(work)
                took[side].append(seconds)
                rows.add(count)
        assert len(rows) == 1, f"{name}: engine and loop disagree: {rows}"
        cost = {side: statistics.median(seconds) / millions for side, seconds in took.items()}
        results[name] = {
            **{f"{side}_cpu_s_per_million": round(seconds, 3) for side, seconds in cost.items()},
            "ratio": round(cost["loop"] / cost["engine"], 3),
            "rows": rows.pop(),
        }
    size = sum(map(len, batches)) / events
    return {"engine_loop": {"events": events, "bytes_per_event": round(size), "repeats": repeats, **results}}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
