"""A second opinion: kafka-clients' own performance tools, one row a size, both servers without fsync (or `--fsync`).

    python -m bench.kafka_io.java [--fsync]

`kafka-producer-perf-test` (acks=all, as fast as it can) and `kafka-consumer-perf-test`, each MB/s as the tool says it
itself. The tools' own Java virtual machine warms up while it measures, so these are lower than kcat's on both sides.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.kafka_io.bulk import FILE_BYTES
from bench.kafka_io.sides import SIDES, Side, create_topic, settle
from bench.oracle.kafka import java

TIMEOUT_S = 120.0
TOOLS = "org.apache.kafka.tools"


def said_by(tool: str, *words: str) -> str:
    """What the tool printed; raises CalledProcessError or TimeoutExpired."""
    done = subprocess.run(
        java(f"{TOOLS}.{tool}", *words, heap="512m"),
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    return done.stdout


def produce_mb_s(side: Side, topic: str, size: int, count: int) -> float:
    """The producer tool's last line: `… records/sec (x MB/sec), …` (its MB are 2^20 bytes)."""
    words = ["--topic", topic, "--num-records", str(count), "--record-size", str(size), "--throughput", "-1"]
    said = said_by(
        "ProducerPerformance",
        *words,
        "--producer-props",
        f"bootstrap.servers={side.address}",
        "acks=all",
        "batch.size=1000000",
        "linger.ms=5",
    )
    return float(re.findall(r"\(([\d.]+) MB/sec\)", said)[-1]) * 1.048576


def consume_mb_s(side: Side, topic: str, count: int, folder: Path) -> float:
    """The consumer tool's `fetch.MB.sec`, which leaves the time of joining the group out."""
    settings = folder / "consumer.properties"
    settings.write_text("auto.offset.reset=earliest\n")
    words = ["--bootstrap-server", side.address, "--topic", topic, "--num-records", str(count)]
    said = said_by(
        "ConsumerPerformance", *words, "--timeout", "60000", "--command-config", str(settings)
    ).splitlines()
    head, row = ([word.strip() for word in line.split(",")] for line in (said[0], said[-1]))
    return float(dict(zip(head, row, strict=True))["fetch.MB.sec"]) * 1.048576


def main() -> None:
    """Both servers in turn, one markdown row each."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    fsync = "--fsync" in sys.argv[1:]
    print(
        "| record | fsync | server | produce MB/s | consume MB/s |\n| --- | --- | --- | --- | --- |",
        flush=True,
    )
    with TemporaryDirectory(prefix="bench-java-") as folder:
        for size, total in FILE_BYTES.items():
            for name, server in SIDES.items():
                settle(1024)
                with server(fsync) as side:
                    create_topic(side.address, "java")
                    count = total // size
                    made = produce_mb_s(side, "java", size, count)
                    time.sleep(1)
                    took = consume_mb_s(side, "java", count, Path(folder))
                print(
                    f"| {size} B | {'yes' if fsync else 'no'} | {name} | {made:.0f} | {took:.0f} |",
                    flush=True,
                )
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
