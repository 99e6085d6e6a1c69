"""Produce and consume, beside Apache Kafka, in one run: MB/s, small requests, latency at a load, start time, memory.

    python -m bench.kafka_io                  # medians of five, some 13 minutes on two quiet cores
    python -m bench.kafka_io --short          # each figure once, under two minutes: for development
    python -m bench.kafka_io --only bulk      # one part (bulk, small, latency); --size 1000 and --fsync no likewise
    python -m bench.kafka_io.java             # a second opinion: kafka-clients' own performance tools

Writes `bench/out/kafka_io.json` (after each round, so that nothing is lost) and prints the tables of
`docs/benchmarks.md`; `--docs` puts them there. `--table FILE` prints those of an earlier run.

Method. The two servers take turns, run by run (A B A B …), each started anew on an empty directory; medians. *fsync no*:
neither waits for the disk (penstock `--fsync never`, Kafka's default). *yes*: both sync before they answer (penstock's
default `always`, Kafka `flush.messages=1`). Before each measured part dirty pages are written out, and the memory that
it will fill is touched once (`sides.settle`), or whoever comes first pays for it.
"""

from bench.kafka_io.whole import Scale, measure

__all__ = ["run"]


def run() -> dict[str, object]:
    """Everything at full length, for `make bench`."""
    return measure(Scale())
