"""List exchanges with their types.

penstock exchange list
penstock exchange list --vhost shop --json
"""

import argparse

from penstock.cli.amqp import amqp_flags, described, with_amqp
from penstock.cli.output import show

COLUMNS = ("exchange", "type", "durable", "auto_delete", "internal", "arguments")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where."""
    amqp_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Print the list; the default exchange, which has no name, is (default)."""
    found = with_amqp(given, lambda connection: described(connection, "exchanges"))
    rows = [
        {
            "exchange": one["name"] or "(default)",
            "type": one["kind"],
            **{name: one[name] for name in COLUMNS[2:]},
            "vhost": one["vhost"],
        }
        for one in found
    ]
    show(rows, COLUMNS, given)
    return 0
