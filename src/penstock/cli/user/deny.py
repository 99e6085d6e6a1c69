"""Deny a user, or a role, an operation on a resource: a denial wins over whatever allows it.

penstock user deny ada read topic:orders-secret
penstock user deny role:readers all 'topic:pay*'
"""

import argparse

from penstock.cli.user.ruling import rule, rule_of, ruling_flags
from penstock.users.change import add_rule


def arguments(parser: argparse.ArgumentParser) -> None:
    """Who, what, on what."""
    ruling_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Add the rule."""
    return rule(given, rule_of(given, False), add_rule, "added")
