"""The command line of the comparison with Apache Kafka; what it does stands in the package's first lines."""

import argparse
import dataclasses
import signal
import sys
from typing import Any

from bench.beside.commands import parser, show
from bench.kafka_io import __doc__ as words
from bench.kafka_io.table import markdown
from bench.kafka_io.whole import PARTS, SHORT, Scale, measure
from bench.oracle import kafka as oracle


def arguments() -> argparse.Namespace:
    """The command line."""
    found = parser(words)
    found.add_argument("--only", choices=PARTS, action="append", help="one part; latency needs bulk")
    found.add_argument("--size", type=int, choices=Scale().sizes, help="one record size")
    found.add_argument("--fsync", choices=("yes", "no"), help="one of the two")
    found.add_argument("--side", choices=Scale().sides, help="one server alone")
    found.add_argument("--limit", type=int, default=45, help="minutes after which it gives up")

    return found.parse_args()


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


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """What is asked for; ends with the reason where there is no Kafka."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {given.limit} minutes"))
    signal.alarm(given.limit * 60)
    scale = scale_of(given)
    if "kafka" in scale.sides and (reason := oracle.missing()):
        sys.exit(f"cannot start Kafka: {reason}; --side penstock measures penstock alone")
    return measure(scale)


if __name__ == "__main__":
    given = arguments()
    show(given, "kafka_io", lambda: measured(given), markdown)
