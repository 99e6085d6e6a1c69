"""Stop a pipeline until it is started again: everything read is committed, workers to come leave it alone.

penstock job stop machine
penstock job stop machine --savepoint before-the-change
"""

import argparse

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.job.asking import COLUMNS, ask
from penstock.cli.output import show


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which job, and under which name its state is kept."""
    parser.add_argument("job", metavar="JOB", help="the pipeline's name")
    parser.add_argument(
        "--savepoint", default="", metavar="NAME", help="keep a copy of its state under this name"
    )
    bootstrap_flag(parser)


def run(given: argparse.Namespace) -> int:
    """Ask for it, and wait until it has stopped."""
    row = with_client(given, lambda client: ask(client, "stop", given.job, given.savepoint, "stopped"))
    show([row], COLUMNS, given)
    return 0
