"""Allow a user, or a role, an operation on a resource.

penstock user allow ada read 'topic:orders-*'
penstock user allow role:readers describe cluster
"""

import argparse

from penstock.cli.user.ruling import rule, rule_of, ruling_flags
from penstock.users.change import add_rule


def arguments(parser: argparse.ArgumentParser) -> None:
    """Who, what, on what."""
    ruling_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Add the rule."""
    return rule(given, rule_of(given, True), add_rule, "added")
