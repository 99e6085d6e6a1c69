"""The command line of the comparison with RabbitMQ; what it does stands in the package's first lines."""

import argparse
import dataclasses
import json
import signal
import sys
from pathlib import Path

from bench.amqp import __doc__ as words
from bench.amqp.table import markdown
from bench.amqp.whole import SHORT, Scale, measure
from bench.marks import fill
from bench.oracle import rabbitmq as oracle


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="each figure once, with little data")
    parser.add_argument("--runs", type=int, help="of how many runs the median is taken")
    parser.add_argument("--side", choices=Scale().sides, action="append", help="one server alone")
    parser.add_argument("--size", type=int, action="append", help="one message size in bytes")
    parser.add_argument("--connections", type=int, action="append", help="one number of connections")
    parser.add_argument("--waiting", type=int, help="how many messages are to wait; 0 leaves this part out")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--table", type=Path, help="measure nothing: show an earlier run's file")
    return parser.parse_args()


def scale_of(given: argparse.Namespace) -> Scale:
    """How much is to be measured."""
    asked = {
        "runs": given.runs, "sides": given.side, "sizes": given.size, "connections": given.connections,
        "waiting": given.waiting,
    }  # fmt: skip
    found = {
        name: tuple(one) if isinstance(one, list) else one for name, one in asked.items() if one is not None
    }
    return dataclasses.replace(SHORT if given.short else Scale(), **found)


def main() -> None:
    """Measure, or show what was measured."""
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # told to end, the servers are ended too
    if given.table:
        found = json.loads(given.table.read_text())
    else:
        scale = scale_of(given)
        if "rabbitmq" in scale.sides and (reason := oracle.missing()):
            sys.exit(f"cannot start RabbitMQ: {reason}; --side penstock measures penstock alone")
        found = measure(scale)
    print(markdown(found))
    if given.docs:
        fill("amqp", markdown(found))


if __name__ == "__main__":
    main()
