"""Take a binding away: the same words that made it; here or on RabbitMQ.

penstock binding delete orders emails --key 'order.*'
"""

import argparse

from penstock.cli.binding.flags import binding_flags, change


def arguments(parser: argparse.ArgumentParser) -> None:
    """From where to where."""
    binding_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Unbind; harmless where there is no such binding."""
    return change(given, "unbind", "unbound")
