"""Bind a queue, or an exchange, to an exchange; here or on RabbitMQ.

penstock binding create orders emails --key 'order.*'
penstock binding create orders audit --to-exchange --key '#'
"""

import argparse

from penstock.cli.binding.flags import binding_flags, change


def arguments(parser: argparse.ArgumentParser) -> None:
    """From where to where."""
    binding_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Bind; harmless where it is bound so."""
    return change(given, "bind", "bound")
