"""How long until a broker with much data answers after `kill -9` under load: medians, warm and with dropped caches.

python -m bench.large_start DIR [GB]      fills DIR (kept, for the next time) up to so many GB in 1,000 partitions
"""

import os
import statistics
import sys
import time
from pathlib import Path

from tests.hostile import wire
from tests.hostile.wire import Line

from penstock.clock import Now
from penstock.log import Log, LogOptions, RealDisk
from penstock.record import Record, encode, scan
from penstock.testing.processes import BrokerProcess

RUNS = 5
TOPICS, PARTITIONS = 10, 100
ROUND_BATCHES = 50
LOAD_S = 3.0


def fill(root: str, gb: float) -> None:
    """Copies of one batch, in all partitions, in rounds that are made safe."""
    now = Now(time.monotonic(), int(time.time() * 1000))
    log = Log.open(RealDisk(root), LogOptions(), now)
    for number in range(TOPICS):
        if f"big{number}" not in log.topics:
            log.create_topic(f"big{number}", PARTITIONS, {}, now)
    partitions = [p for number in range(TOPICS) for p in log.topics[f"big{number}"].partitions]
    batch = encode([Record(b"k%d" % n, b"v" * 1000, now.wall_ms) for n in range(16)]) * ROUND_BATCHES
    while sum(partition.size_bytes for partition in partitions) < gb * 1e9:
        for partition in partitions:
            copy = bytearray(batch)
            partition.append(copy, list(scan(copy)), now)
        sync = log.begin_sync(now)
        if sync is not None:
            sync.run()
            log.end_sync(sync, now)
    log.close(now)


def load(address: str) -> None:
    """Small records to all partitions in turn."""
    until_s, number = time.monotonic() + LOAD_S, 0
    batch = wire.one_record(b"x" * 10_000)
    with Line(address) as line:
        while time.monotonic() < until_s:
            topic, partition = f"big{number % TOPICS}", number // TOPICS % PARTITIONS
            line.ask(wire.produce(topic, batch, acks=1, partition=partition))
            number += 1


def starts(root: str, cold: bool) -> list[float]:
    """Seconds of each start after a kill under load."""
    took = []
    for _ in range(RUNS):
        broker = BrokerProcess(Path(root))
        broker.start()
        load(broker.address)
        broker.kill()
        if cold:  # needs root
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("3")
        begun_s = time.monotonic()
        broker.start()
        took.append(round(time.monotonic() - begun_s, 2))
        broker.kill()
    return took


def main() -> None:
    """Fill, then start."""
    root, gb = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    fill(root, gb)
    for cold in (False, True):
        took = starts(root, cold)
        print("cold" if cold else "warm", f"median {statistics.median(took)} s of {took}")


if __name__ == "__main__":
    main()
