"""What allow, deny and revoke share: they name someone, an operation and a resource."""

import argparse
from collections.abc import Callable

from penstock.cli.output import show
from penstock.cli.user.flags import changing, place_flags
from penstock.errors import PenstockError
from penstock.users.directory import Directory
from penstock.users.rules import KINDS, OPERATIONS, Rule, make_rule


def ruling_flags(parser: argparse.ArgumentParser) -> None:
    """USER OPERATION RESOURCE."""
    parser.add_argument("user", help="a user, or role:NAME; a role is made by its first rule")
    parser.add_argument("operation", help=f"one of {', '.join(OPERATIONS)}")
    parser.add_argument(
        "resource", help=f"KIND:NAME, KIND:PREFIX* or KIND:*, where KIND is {', '.join(KINDS)}; or cluster"
    )
    place_flags(parser)


def rule_of(given: argparse.Namespace, allow: bool) -> Rule:
    """The rule that is meant; raises PenstockError."""
    try:
        return make_rule(allow, given.operation, given.resource)
    except ValueError as error:
        raise PenstockError(
            str(error), remedy="for example: penstock user allow ada read 'topic:orders-*'"
        ) from None


def rule(
    given: argparse.Namespace, made: Rule, changed: Callable[[Directory, str, Rule], Directory], state: str
) -> int:
    """Write the file with the rule, or without it."""
    with changing(given) as file:
        file.directory = changed(file.directory, given.user, made)
    show([{"user": given.user, "rule": str(made), "state": state}], ("user", "rule", "state"), given)
    return 0
