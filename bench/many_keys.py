"""Nexmark's q5 over 10 thousand, 1 million and 10 million auctions: what the size of the state costs.

    python -m bench many_keys

Bids as JSON (100 B) in record batches, their auctions drawn evenly; event time moves so fast that windows of 10 s hold
more bids than there are auctions. In this process, no broker: the batches are made ahead of each call and only the
engine's CPU counts, windows that close included. The goal: at 10 million keys at least 0.7 of the rate at 10 thousand.
"""

import json
import os
import resource
import time

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import polars as pl

from bench.nexmark.generator.json import objects
from bench.nexmark.generator.topics import encoded
from bench.nexmark.scripts import QUERIES
from penstock.clock import Now
from penstock.engine import kernels
from penstock.engine.job import Job
from penstock.sql import parse

KEYS = (10_000, 1_000_000, 10_000_000)
EVENTS = 24_000_000
BLOCK = 200_000
SECONDS = 24
"""Of event time: two windows' worth, and each full window holds ten million bids."""
NOW = Now(0.0, 1_700_000_000_000)
TABLES = """
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3),
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bid', 'format' = 'json');
"""


def run() -> dict[str, object]:
    """CPU seconds per million bids by the number of keys, and the rates beside that of the fewest."""
    kernels.warm()
    found = [one(keys) for keys in KEYS]
    for each in found:
        each["rate_ratio"] = round(found[0]["cpu_s_per_million"] / each["cpu_s_per_million"], 2)
        print(json.dumps(each), flush=True)
    return {"many_keys": found}


def one(keys: int, events: int = EVENTS) -> dict[str, float]:
    """One run from nothing."""
    query = (
        (QUERIES / "q5.sql").read_text().replace("${key}", "").replace("${sink}", "'connector' = 'blackhole'")
    )
    job, random = Job(parse(TABLES + query)), np.random.default_rng(7)
    cpu_s, closing_s = 0.0, 0.0
    for start in range(0, events, BLOCK):
        for batch in encoded(bids(random, start, keys, events)):
            began_s = time.process_time()
            job.on_records(0, 0, batch, NOW)
            cpu_s += time.process_time() - began_s
    began_s = time.process_time()
    job.on_end(NOW)
    closing_s = time.process_time() - began_s
    return {
        "keys": keys,
        "cpu_s_per_million": round((cpu_s + closing_s) * 1e6 / events, 3),
        "of_it_last_windows": round(closing_s * 1e6 / events, 3),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def bids(random: np.random.Generator, start: int, keys: int, events: int) -> pl.DataFrame:
    """A block of them as texts: number, moment, value."""
    numbers = np.arange(start, start + BLOCK)
    moments = np.datetime64("2026-11-22T11:00:00", "ms") + (numbers * (SECONDS * 1000) // events).astype(
        "timedelta64[ms]"
    )
    frame = pl.DataFrame({
        "number": numbers, "auction": random.integers(0, keys, BLOCK), "bidder": random.integers(0, 1000, BLOCK),
        "price": random.integers(100, 10**6, BLOCK), "dateTime": moments,
    })  # fmt: skip
    return frame.select("number", pl.col("dateTime").alias("moment"), objects(frame).alias("value"))
