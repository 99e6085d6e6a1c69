"""Remove a user, or with role:NAME a role; who is connected may do nothing from then on.

penstock user remove ada
"""

import argparse

from penstock.cli.output import show
from penstock.cli.user.flags import changing, place_flags
from penstock.users import change


def arguments(parser: argparse.ArgumentParser) -> None:
    """Who."""
    parser.add_argument("user", help="a user, or role:NAME")
    place_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Write the file without."""
    with changing(given) as file:
        file.directory = change.remove(file.directory, given.user)
    show([{"user": given.user, "state": "removed"}], ("user", "state"), given)
    return 0
