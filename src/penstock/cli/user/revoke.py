"""Take back what a rule allowed, or with --denial what it denied.

penstock user revoke ada read 'topic:orders-*'
"""

import argparse

from penstock.cli.user.ruling import rule, rule_of, ruling_flags
from penstock.users.change import drop_rule


def arguments(parser: argparse.ArgumentParser) -> None:
    """The rule, word by word."""
    ruling_flags(parser)
    parser.add_argument("--denial", action="store_true", help="it is a denial that is taken back")


def run(given: argparse.Namespace) -> int:
    """Drop the rule."""
    return rule(given, rule_of(given, not given.denial), drop_rule, "taken back")
