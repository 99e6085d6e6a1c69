"""Give a user another password; who is connected stays so.

penstock user password ada --password-file ada.txt
"""

import argparse
import os

from penstock.cli.output import show
from penstock.cli.user.flags import changing, password_flags, password_of, place_flags
from penstock.users import change


def arguments(parser: argparse.ArgumentParser) -> None:
    """The user, the password's source."""
    parser.add_argument("user", help="the user's name")
    password_flags(parser)
    place_flags(parser)


def run(given: argparse.Namespace) -> int:
    """Ask for the password, write the file."""
    password = password_of(given)
    with changing(given) as file:
        file.directory = change.set_password(file.directory, given.user, password, os.urandom)
    show([{"user": given.user, "state": "password changed"}], ("user", "state"), given)
    return 0
