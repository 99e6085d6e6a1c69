"""What all verbs of `penstock user` take: where the file is; and how a password is asked for."""

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from penstock.errors import PenstockError
from penstock.users import file
from penstock.users.directory import Directory


def place_flags(parser: argparse.ArgumentParser) -> None:
    """``--data-dir`` and ``--users``."""
    parser.add_argument(
        "--data-dir", type=Path, default=Path(os.environ.get("PENSTOCK_DATA_DIR", ".penstock")), metavar="DIR",
        help="the data directory whose users these are (default: PENSTOCK_DATA_DIR, else .penstock)",
    )  # fmt: skip
    named = os.environ.get("PENSTOCK_USERS")
    parser.add_argument(
        "--users", type=Path, default=Path(named) if named else None, metavar="FILE",
        help=f"the users' file itself (default: PENSTOCK_USERS, else {file.FILE_NAME} in the data directory)",
    )  # fmt: skip


def place_of(given: argparse.Namespace) -> Path:
    """The users' file."""
    path: Path = given.users or given.data_dir / file.FILE_NAME
    return path


class Changing:
    """The directory before, to be replaced by the one after."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory


@contextlib.contextmanager
def changing(given: argparse.Namespace) -> Iterator[Changing]:
    """Read the file, let it be changed, write it: no other command comes in between. Raises PenstockError."""
    path = place_of(given)
    try:
        with file.locked(path):
            change = Changing(file.read(path))
            yield change
            file.write(path, change.directory)
    except OSError as error:
        remedy = "penstock user runs as the user that owns the data directory"
        raise PenstockError(
            f"the users' file cannot be written: {error.strerror}", place=str(path), remedy=remedy
        ) from None


def password_flags(parser: argparse.ArgumentParser) -> None:
    """Where the password comes from; there is no flag for the password itself, which others could read."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--stdin", action="store_true", help="read the password from standard input")
    source.add_argument("--password-file", type=Path, metavar="FILE", help="read the password from a file")


def password_of(given: argparse.Namespace) -> str:
    """The password, without its line's end; typed twice and unseen where nothing else is said."""
    try:
        if given.password_file is not None:
            return str(given.password_file.read_text()).rstrip("\r\n")
        if given.stdin:
            return sys.stdin.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PenstockError(f"the password cannot be read: {error}", remedy="give a text file") from None
    if not sys.stdin.isatty():
        raise PenstockError(
            "nobody is there to type a password", remedy="give --stdin or --password-file FILE"
        )
    password = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != password:
        raise PenstockError("the two passwords differ", remedy="try again")
    return password
