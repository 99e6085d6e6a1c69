"""How long until the broker answers: empty, and after `kill -9` with many partitions. Medians of several starts."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from penstock.testing.processes import BrokerProcess

RUNS = 5
PARTITIONS = 1_000


def started_s(broker: BrokerProcess) -> float:
    """Start, and the seconds until it said that clients can connect."""
    begun_s = time.monotonic()
    broker.start()
    return time.monotonic() - begun_s


def run() -> dict[str, Any]:
    """Seconds: an empty start, and one after a kill with PARTITIONS partitions that all hold records."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    empty, killed = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            broker = BrokerProcess(Path(folder, "data"))
            empty.append(started_s(broker))
            broker.stop()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        broker = BrokerProcess(Path(folder, "data"))
        broker.start()
        admin = AdminClient({"bootstrap.servers": broker.address})
        admin.create_topics([NewTopic("many", PARTITIONS, 1)])["many"].result()
        producer = Producer({"bootstrap.servers": broker.address})
        for number in range(PARTITIONS * 10):
            producer.produce("many", b"x" * 500, partition=number % PARTITIONS)
            producer.poll(0)
        producer.flush()
        for _ in range(RUNS):
            broker.kill()
            killed.append(started_s(broker))
        broker.stop()
    return {
        "start": {
            "empty_s": round(statistics.median(empty), 3),
            f"after_kill_{PARTITIONS}_partitions_s": round(statistics.median(killed), 3),
        }
    }


if __name__ == "__main__":
    print(run())
