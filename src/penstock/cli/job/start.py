"""Start a pipeline that was stopped: from where it stopped, or from a savepoint.

penstock job start machine
penstock job start machine --savepoint before-the-change
"""

import argparse

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.job.asking import COLUMNS, ask
from penstock.cli.output import show


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which job, and from which state."""
    parser.add_argument("job", metavar="JOB", help="the pipeline's name")
    parser.add_argument(
        "--savepoint",
        default="",
        metavar="NAME",
        help="begin with this savepoint's state; a running job begins anew",
    )
    bootstrap_flag(parser)


def run(given: argparse.Namespace) -> int:
    """Ask for it, and wait until it runs."""
    row = with_client(given, lambda client: ask(client, "start", given.job, given.savepoint, "running"))
    show([row], COLUMNS, given)
    return 0
