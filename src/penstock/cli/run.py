"""Run pipelines here, in the foreground, against penstock or any Kafka, until Ctrl-C or until their input ends.

penstock run pipelines/machine.sql
penstock run app.py --bootstrap broker:9092

A pipeline ends by itself where all its tables have an end ('scan.bounded.mode' = 'latest-offset'): its windows close, what
came out is committed, and the exit code is 0. State is kept in the Kafka it runs against: the next run goes on from it.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from penstock.cli.connection import bootstrap_flag, security_of, with_client
from penstock.client import Client
from penstock.client.security import Security
from penstock.errors import PenstockError
from penstock.work.options import WorkOptions
from penstock.work.worker import Worker

NAME = "run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The pipelines' files, and where Kafka is."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="pipelines, *.sql or *.py")
    parser.add_argument(
        "--guarantee",
        choices=("exactly-once", "at-least-once"),
        default=WorkOptions.guarantee,
        help="what a crash may do to the output (default: %(default)s)",
    )
    bootstrap_flag(parser)


async def reached(client: Client) -> None:
    """That the server is there was found out by connecting."""


async def hosted_by(options: WorkOptions, security: Security) -> list[PenstockError]:
    """Host the pipelines until they have finished, or until told to stop; what those failed with that cannot go on."""
    worker = Worker(options, security)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await worker.run(stop)
    return [keeper.error for keeper in worker.keepers.values() if keeper.given_up and keeper.error]


def run(given: argparse.Namespace) -> int:
    """Stay in the foreground; raises PenstockError for a pipeline that cannot run as it is."""
    missing = [file for file in given.files if not Path(file).is_file()]
    if missing:
        raise PenstockError(f"there is no file {missing[0]}", remedy="name pipelines, *.sql or *.py")
    with_client(given, reached)
    options = WorkOptions(
        given.bootstrap, NAME, tuple(given.files), reload=False, guarantee=given.guarantee, finish=True
    )
    failed = asyncio.run(hosted_by(options, security_of(given)))
    for error in failed[1:]:
        print(f"penstock: {error}", file=sys.stderr)
    if failed:
        raise failed[0]
    return 0
