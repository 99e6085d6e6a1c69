"""List bindings: what goes from which exchange where.

penstock binding list
penstock binding list --vhost shop --json
"""

import argparse

from penstock.cli.amqp import amqp_flags, described, with_amqp
from penstock.cli.output import show

COLUMNS = ("exchange", "destination", "to", "routing_key", "arguments")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where."""
    amqp_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Print the list. Each queue's binding to the default exchange, which nobody made, is in it, as in RabbitMQ's."""
    found = with_amqp(given, lambda connection: described(connection, "bindings"))
    rows = [
        {
            "exchange": one["source"] or "(default)",
            "destination": one["target"],
            "to": one["target_kind"],
            "routing_key": one["routing_key"],
            "arguments": one["arguments"],
            "vhost": one["vhost"],
        }
        for one in found
    ]
    show(rows, COLUMNS, given)
    return 0
