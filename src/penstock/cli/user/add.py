"""Add a user, who may do nothing yet but what the given roles allow.

penstock user add ada --role admin
penstock user add sensor-17 --no-password
"""

import argparse
import os

from penstock.cli.output import show
from penstock.cli.user.flags import changing, password_flags, password_of, place_flags
from penstock.users import change


def arguments(parser: argparse.ArgumentParser) -> None:
    """The user, the roles, the password's source."""
    parser.add_argument("user", help="the name; for a certificate its common name (CN)")
    parser.add_argument(
        "--role", action="append", default=[], metavar="ROLE", help="admin, or one of your own; repeatable"
    )
    password_flags(parser)
    parser.add_argument(
        "--no-password", action="store_true", help="only a certificate with this common name lets in"
    )
    place_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Ask for the password, write the file."""
    password = None if given.no_password else password_of(given)
    with changing(given) as file:
        first = file.directory.open
        file.directory = change.add_user(file.directory, given.user, password, tuple(given.role), os.urandom)
    state = "added: from now on everyone has to log in" if first else "added"
    show([{"user": given.user, "roles": given.role, "state": state}], ("user", "roles", "state"), given)
    return 0
