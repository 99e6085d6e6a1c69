"""The command line of the comparison with RabbitMQ; what it does stands in the package's first lines."""

import argparse
import dataclasses
import sys
from typing import Any

from bench.amqp import __doc__ as words
from bench.amqp.table import markdown
from bench.amqp.whole import SHORT, Scale, measure
from bench.beside.commands import parser, show
from bench.oracle import rabbitmq as oracle


def arguments() -> argparse.Namespace:
    """The command line."""
    found = parser(words)
    found.add_argument("--side", choices=Scale().sides, action="append", help="one server alone")
    found.add_argument("--size", type=int, action="append", help="one message size in bytes")
    found.add_argument("--connections", type=int, action="append", help="one number of connections")
    found.add_argument("--waiting", type=int, help="how many messages are to wait; 0 leaves this part out")
    return found.parse_args()


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


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """What is asked for; ends with the reason where there is no RabbitMQ."""
    scale = scale_of(given)
    if "rabbitmq" in scale.sides and (reason := oracle.missing()):
        sys.exit(f"cannot start RabbitMQ: {reason}; --side penstock measures penstock alone")
    return measure(scale)


if __name__ == "__main__":
    given = arguments()
    show(given, "amqp", lambda: measured(given), markdown)
