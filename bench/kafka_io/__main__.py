"""The command line of the comparison with Apache Kafka; what it does stands in the package's first lines."""

import argparse
import dataclasses
import json
import signal
import sys
from pathlib import Path

from bench.kafka_io import __doc__ as words
from bench.kafka_io.table import markdown
from bench.kafka_io.whole import PARTS, SHORT, Scale, measure
from bench.marks import fill
from bench.oracle import kafka as oracle


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="each figure once, with less data")
    parser.add_argument("--runs", type=int, help="of how many runs the median is taken")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; latency needs bulk")
    parser.add_argument("--size", type=int, choices=Scale().sizes, help="one record size")
    parser.add_argument("--fsync", choices=("yes", "no"), help="one of the two")
    parser.add_argument("--side", choices=Scale().sides, help="one server alone")
    parser.add_argument("--limit", type=int, default=45, help="minutes after which it gives up")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--table", type=Path, help="measure nothing: show an earlier run's file")
    return parser.parse_args()


def scale_of(given: argparse.Namespace) -> Scale:
    """How much is to be measured."""
    scale = SHORT if given.short else Scale()
    if given.only:
        parts = {*given.only, "bulk"} if "latency" in given.only else set(given.only)
        scale = dataclasses.replace(scale, parts=tuple(part for part in PARTS if part in parts))
    if given.size:
        scale = dataclasses.replace(scale, sizes=(given.size,))
    if given.fsync:
        scale = dataclasses.replace(scale, fsyncs=(given.fsync == "yes",))
    if given.side:
        scale = dataclasses.replace(scale, sides=(given.side,))
    return dataclasses.replace(scale, runs=given.runs) if given.runs else scale


def main() -> None:
    """Measure, or show what was measured."""
    given = arguments()
    # Told to end, the servers are ended too: both signals unwind the same way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {given.limit} minutes"))
    signal.alarm(given.limit * 60)
    if given.table:
        found = json.loads(given.table.read_text())
    else:
        scale = scale_of(given)
        if "kafka" in scale.sides and (reason := oracle.missing()):
            sys.exit(f"cannot start Kafka: {reason}; --side penstock measures penstock alone")
        found = measure(scale)
    print(markdown(found))
    if given.docs:
        fill("kafka_io", markdown(found))


if __name__ == "__main__":
    main()
