"""A worker's first seconds: kernels run as the Python they are, or are compiled by the very call that needs them."""

from typing import Any

import numpy as np
import pytest

from penstock.clock import Now
from penstock.engine.formats import batches
from penstock.engine.formats.batches import Payload, encode
from penstock.engine.job import Job
from penstock.engine.operators import scan
from penstock.record import Record, decode
from penstock.record import encode as batch
from penstock.sql import parse

NOW = Now(0.0, 1_700_000_000_000)
SCRIPT = """
CREATE TABLE t (n BIGINT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE out (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO out SELECT n FROM t;
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
