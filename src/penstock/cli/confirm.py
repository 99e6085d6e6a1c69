"""Asking before something is destroyed: says what, takes yes for yes, and never hangs a script."""

import sys

from penstock.cli.output import visible
from penstock.errors import PenstockError


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether to go on: `yes` was given, or whoever sits at the terminal types it. Raises where nobody does."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise PenstockError(f"{question} Nobody is there to be asked.", remedy="give --yes to do it unasked")
    print(f"{visible(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("nothing was done", file=sys.stderr)
    return False
