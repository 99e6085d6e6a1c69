"""Run pipelines and tasks here, in the foreground, against penstock or any Kafka, until Ctrl-C or until their input ends.

penstock run pipelines/machine.sql
penstock run app.py --bootstrap broker:9092

A pipeline ends by itself where all its tables have an end ('scan.bounded.mode' = 'latest-offset'): its windows close, what
came out is committed, and the exit code is 0. State is kept in the Kafka it runs against: the next run goes on from it.
Tasks (@app.task) take their calls from the AMQP server, penstock or RabbitMQ; a file that has nothing else needs no Kafka.
They have no end: where there are some, it goes on until Ctrl-C, or until a pipeline cannot, also after all pipelines came to theirs.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.amqp import url_of
from penstock.cli.connection import bootstrap_flag, security_of, with_client
from penstock.client import Client
from penstock.client.security import Security
from penstock.errors import PenstockError
from penstock.tasks.running import Running
from penstock.tasks.sending import OUTLET
from penstock.tasks.task import Task
from penstock.work.loading import load
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
    parser.add_argument(
        "--amqp", default="", metavar="URL",
        help="where the tasks' queues are: HOST:PORT or amqp://user:password@host:port/vhost (default: PENSTOCK_AMQP, else 127.0.0.1:5672)",
    )  # fmt: skip
    bootstrap_flag(parser)


async def reached(client: Client) -> None:
    """That the server is there was found out by connecting."""


@dataclass(frozen=True)
class Sorted:
    """Files by what is in them: those with pipelines are a worker's, tasks among them or not; the others' tasks need none."""

    paths: tuple[str, ...]
    tasks: tuple[Task[..., Any], ...]


def sorted_out(files: Sequence[str]) -> Sorted:
    """Look into each file; raises PenstockError for what only its author can mend."""
    paths, tasks = list[str](), list[Task[..., Any]]()
    for file in files:
        found = load(Path(file), Path(file).read_bytes()) if file.endswith(".py") else None
        if found is not None and found.only_tasks:
            tasks += found.tasks
        else:
            paths.append(file)
    return Sorted(tuple(paths), tuple(tasks))


async def hosted(
    options: WorkOptions, security: Security, tasks: Sequence[Task[..., Any]]
) -> list[PenstockError]:
    """Host everything until the pipelines have finished, or until told to stop; what those failed with that cannot go on.

    Tasks have no end: where there are some it is until told to stop, or until a pipeline cannot go on.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = None
    if tasks:
        OUTLET.url = url_of(options.amqp)  # what the tasks themselves send goes there too
        running = asyncio.create_task(Running(tasks, OUTLET.url).run(stop))
        running.add_done_callback(lambda _: stop.set())  # the server may have said no
        print(f"ready tasks={len(tasks)} amqp={OUTLET.url}", flush=True)
    failed = list[PenstockError]()
    if options.paths:
        worker = Worker(options, security)
        await worker.run(stop)
        failed = [keeper.error for keeper in worker.keepers.values() if keeper.given_up and keeper.error]
    if running is not None:
        if failed:
            stop.set()
        await running
    return failed


def run(given: argparse.Namespace) -> int:
    """Stay in the foreground; raises PenstockError for a pipeline that cannot run as it is."""
    missing = [file for file in given.files if not Path(file).is_file()]
    if missing:
        raise PenstockError(f"there is no file {missing[0]}", remedy="name pipelines, *.sql or *.py")
    found = sorted_out(given.files)
    if found.paths:
        with_client(given, reached)
    options = WorkOptions(
        given.bootstrap,
        NAME,
        found.paths,
        reload=False,
        guarantee=given.guarantee,
        finish=True,
        amqp=given.amqp,
    )
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    failed = asyncio.run(hosted(options, security_of(given), found.tasks))
    for error in failed[1:]:
        print(f"penstock: {error}", file=sys.stderr)
    if failed:
        raise failed[0]
    return 0
