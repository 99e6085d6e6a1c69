"""penstock's worker process, as a supervisor starts it, with one pipeline file.

It has come to the end when it reports that it has read every event and its CPU rests. CPU is the worker process's,
all its threads, from its very start: the difference of two sizes takes the start out.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import Consumer, TopicPartition

from bench.nexmark.rivals import Cost
from bench.nexmark.rivals.watching import until_rest
from bench.nexmark.scripts import Place, script


class Worker:
    """A new worker process for every run."""

    name = "penstock"
    lasts = False

    def __init__(self) -> None:
        """Compile the engine's loops where they are not in the cache: a first start does it beside the work, once."""
        compile_all = "from penstock.engine import job, kernels; kernels.warm()"
        subprocess.run([sys.executable, "-c", compile_all], check=True)

    def run(self, query: str, place: Place) -> Cost:
        """One run; raises RuntimeError with what the worker reported where its pipeline fails."""
        with tempfile.TemporaryDirectory(prefix="worker-") as folder:
            job = f"{query}-{time.monotonic_ns()}"
            file = Path(folder, f"{job}.sql")
            file.write_text(script(query, replace(place, bootstrap="")))
            words = ["--bootstrap", place.bootstrap, "--name", job, "--paths", str(file), "--reload", "false"]
            process = subprocess.Popen(
                [sys.executable, "-m", "penstock.work", *words],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=os.environ | {"POLARS_MAX_THREADS": "1"},
            )  # fmt: skip
            try:
                reports = _reports(place.bootstrap, job)
                return until_rest(psutil.Process(process.pid), lambda: next(reports))
            finally:
                assert process.stdin
                process.stdin.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                process.kill()


def _reports(bootstrap: str, job: str) -> Iterator[bool]:
    """Whether the job has read all, by what it last reported, again and again. Raises RuntimeError where it failed."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": job, "log_level": 0})
    consumer.assign([TopicPartition("_penstock.workers", 0, 0)])
    inputs: list[dict[str, Any]] = []
    while True:
        for message in consumer.consume(1000, 0.05):
            if message.error() is None and message.key() == f"job/{job}".encode():
                report = json.loads(message.value() or b"{}")
                if report["state"] == "failed":
                    raise RuntimeError(f"the pipeline failed: {report['error']}")
                inputs = report["inputs"]
        yield bool(inputs) and all(told["rows"] >= _end(consumer, told["topic"]) for told in inputs)


def _end(consumer: Consumer, topic: str) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1])
