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
from bench.nexmark.scripts import Place, script

LOOK_S = 0.05
RESTS_S = 1.5
"""A process that took no CPU to speak of for so long has nothing more to do: no commit, no snapshot."""
RESTING = 0.5
"""The share of a core, over LOOK_S, that a waiting worker may take."""
LONGEST_S = 900.0


class Worker:
    """A new worker process for every run."""

    name = "penstock"

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
                return _watched(psutil.Process(process.pid), place.bootstrap, job)
            finally:
                assert process.stdin
                process.stdin.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                process.kill()


def _watched(process: psutil.Process, bootstrap: str, job: str) -> Cost:
    begun_s, reports = time.monotonic(), _reports(bootstrap, job)
    busy_s, looked_s, looked_cpu_s = begun_s, begun_s, 0.0
    while time.monotonic() - begun_s < LONGEST_S:
        time.sleep(LOOK_S)
        now_s, cpu_s = time.monotonic(), _cpu_s(process)
        if cpu_s - looked_cpu_s > RESTING * (now_s - looked_s):
            busy_s = now_s
        elif now_s - busy_s > RESTS_S and next(reports):
            return Cost(cpu_s, busy_s - begun_s)
        looked_s, looked_cpu_s = now_s, cpu_s
    raise RuntimeError(f"{job} did not come to its end in {LONGEST_S} s")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


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
