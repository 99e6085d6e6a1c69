"""Produce and consume through librdkafka, beside Apache Kafka: MB/s, and milliseconds from produce to consume.

Method. Throughput: `kcat` (librdkafka in C, so that the client is not what is measured) sends a file of fixed-size
lines to one partition with acks=all, then reads it back; both servers in turn, run by run, medians. Latency: an open
loop of 1,000 records a second for some seconds through confluent-kafka, linger 1 ms, acks=all; each record carries its
send time. Rows: neither server waits for the disk (penstock `--fsync never`, Kafka's default), and both do (penstock
`always`, Kafka `flush.messages=1`).
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.oracle import kafka as oracle
from penstock.testing.processes import BrokerProcess

SIZES = {100: 1_000_000, 1_000: 300_000}
RATE, LATENCY_S = 1_000, 5.0


@contextlib.contextmanager
def penstock(fsync: bool) -> Iterator[tuple[str, int]]:
    """A penstock broker: its address and process id."""
    how = "always" if fsync else "never"
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        BrokerProcess(Path(folder, "data"), how) as broker,
    ):
        assert broker.process is not None
        yield broker.address, broker.process.pid


@contextlib.contextmanager
def kafka(fsync: bool) -> Iterator[tuple[str, int]]:
    """A Kafka broker: its address and process id."""
    import psutil

    with oracle.kafka({"log.flush.interval.messages": "1"} if fsync else {}) as address:
        children = psutil.Process().children()
        yield address, max(child.pid for child in children if "java" in child.name())


SERVERS = {"penstock": penstock, "kafka": kafka}


def throughput(address: str, topic: str, file: Path, size: int, count: int) -> dict[str, float]:
    """MB/s of sending `count` lines of `size` bytes and of reading them back."""
    send = [
        "kcat",
        "-P",
        "-b",
        address,
        "-t",
        topic,
        "-p",
        "0",
        "-l",
        str(file),
        "-X",
        "acks=all",
        "-X",
        "linger.ms=5",
    ]
    begun_s = time.monotonic()
    subprocess.run(send, check=True, stdin=subprocess.DEVNULL)
    sent_s = time.monotonic()
    read = [
        "kcat",
        "-C",
        "-b",
        address,
        "-t",
        topic,
        "-p",
        "0",
        "-o",
        "0",
        "-c",
        str(count),
        "-q",
        "-X",
        "check.crcs=true",
    ]
    with open(os.devnull, "wb") as nowhere:
        subprocess.run(read, check=True, stdout=nowhere)
    read_s = time.monotonic()
    mb = size * count / 1e6
    return {"produce_mb_s": mb / (sent_s - begun_s), "consume_mb_s": mb / (read_s - sent_s)}


def latency(address: str, topic: str, size: int) -> dict[str, float]:
    """p50 and p99 of produce → consume, milliseconds, at RATE records a second."""
    from confluent_kafka import Consumer, Producer

    producer = Producer({"bootstrap.servers": address, "acks": "all", "linger.ms": 1})
    producer.produce(topic, b"0" * size)
    producer.flush(10)
    settings = {"bootstrap.servers": address, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer({**settings, "fetch.wait.max.ms": 100})
    consumer.subscribe([topic])
    while not consumer.consume(1, 0.5):
        pass
    total, taken = int(RATE * LATENCY_S), list[float]()

    def send() -> None:
        begun_s = time.monotonic()
        for number in range(total):
            pause_s = begun_s + number / RATE - time.monotonic()
            if pause_s > 0:
                producer.poll(pause_s)
            producer.produce(topic, str(time.monotonic_ns()).encode().ljust(size))
        producer.flush(10)

    thread = threading.Thread(target=send)
    thread.start()
    until_s = time.monotonic() + LATENCY_S + 20
    while len(taken) < total and time.monotonic() < until_s:
        # One at a time: `consume(many)` would wait to fill its list, and that wait would be measured.
        if (message := consumer.poll(0.05)) is not None:
            taken.append((time.monotonic_ns() - int(message.value())) / 1e6)
    thread.join()
    consumer.close()
    ordered = sorted(taken[RATE // 2 :])  # the first half second warms up
    return {"p50_ms": statistics.median(ordered), "p99_ms": ordered[int(len(ordered) * 0.99)]}


def run(runs: int = 3) -> dict[str, Any]:
    """All rows; each figure the median of `runs`, penstock over Kafka beside it."""
    import psutil

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-lines-") as folder:
        for size, count in SIZES.items():
            file = Path(folder, str(size))
            file.write_bytes(b"".join(b"%0*d\n" % (size, n) for n in range(count)))
            for fsync in (False, True):
                found: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
                for number in range(runs):
                    for name, server in SERVERS.items():
                        with server(fsync) as (address, pid):
                            throughput(address, "warm", file, size, count)
                            figures = throughput(address, "bulk", file, size, count)
                            figures |= latency(address, f"latency{number}", size)
                            figures["rss_mb"] = psutil.Process(pid).memory_info().rss / 1e6
                            found[name].append(figures)
                rows.append(row_of(size, fsync, found))
                print(rows[-1], flush=True)
    return {"kafka_io": rows, "runs": runs, "kafka": oracle.VERSION}


def row_of(size: int, fsync: bool, found: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Medians by server, and their ratios."""
    medians = {
        name: {figure: round(statistics.median(run[figure] for run in runs), 3) for figure in runs[0]}
        for name, runs in found.items()
    }
    ratio = {
        figure: round(medians["penstock"][figure] / medians["kafka"][figure], 2)
        for figure in medians["kafka"]
    }
    return {"bytes": size, "fsync": fsync, **medians, "ratio": ratio}


if __name__ == "__main__":
    import json

    print(json.dumps(run(1), indent=2))
