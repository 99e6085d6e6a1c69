"""A worker's first seconds: kernels run as the Python they are, or are compiled by the very call that needs them."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from penstock.clock import Now
from penstock.engine import kernels
from penstock.engine.formats import batches
from penstock.engine.formats.batches import Payload, encode
from penstock.engine.job import Job
from penstock.engine.kernels import hashing
from penstock.engine.kernels.compiled import Kernel
from penstock.engine.operators import scan
from penstock.record import Record, decode
from penstock.record import encode as batch
from penstock.sql import parse
from penstock.work.connectors.shape import Arrival
from penstock.work.running import COLD_BYTES_MAX, Run

NOW = Now(0.0, 1_700_000_000_000)
SCRIPT = """
CREATE TABLE t (n BIGINT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT n FROM t;
"""


def test_a_job_whose_kernels_are_interpreted_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan.scatter, "watermarks", scan.scatter.watermarks.python)
    job = Job(parse(SCRIPT))
    job.on_records(0, 0, batch([Record(None, b'{"n": 1, "at": "2026-11-22 11:00:00.000"}', 0)]), NOW)
    again = Job(parse(SCRIPT))
    again.restore(job.snapshot())
    assert again.measures().sources == job.measures().sources


def test_a_batch_is_made_though_the_kernel_still_holds_its_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Any] = []

    def write(*arguments: Any) -> Any:
        held.append(arguments)
        return kernel(*arguments)

    kernel = batches.write
    monkeypatch.setattr(batches, "write", write)
    values = Payload(np.frombuffer(b"ab", np.uint8), np.array([0, 1]), np.array([1, 1]))
    (made,) = encode(Payload.nothing(2), values, np.array([5, 6]))
    assert [(r.value, r.timestamp_ms) for r in decode(made)] == [(b"a", 5), (b"b", 6)]
    assert held


def test_a_worker_begins_with_what_the_cache_has_and_interprets_nothing_then() -> None:
    kernels.warm()
    known = Kernel(hashing.rehash.python, hashing.rehash.signature, hashing.rehash.options)
    known.load()
    assert known.ready
    fresh = Kernel(lambda n: n + 1, "int64(int64)")
    fresh.load()
    assert not fresh.ready
    kernels.interpret_until_warm()
    assert not kernels.interpreting()


def test_a_large_arrival_waits_until_the_loops_are_compiled_and_a_small_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = [True, True, False]
    monkeypatch.setattr(kernels, "interpreting", lambda: looks.pop(0))
    run = cast("Run", SimpleNamespace(_stop=asyncio.Event(), _opened_s=time.monotonic()))
    asyncio.run(Run._compiled_for(run, Arrival(0, b"x" * 1000)))
    assert len(looks) == 3
    asyncio.run(Run._compiled_for(run, Arrival(0, b"x" * (COLD_BYTES_MAX + 1))))
    assert not looks
