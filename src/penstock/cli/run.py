"""Run pipelines and tasks here, in the foreground, against penstock or any Kafka, until Ctrl-C or until their input ends.

penstock run pipelines/machine.sql
penstock run app.py --bootstrap broker:9092

A pipeline ends by itself where all its tables have an end ('scan.bounded.mode' = 'latest-offset'): its windows close, what
came out is committed, and the exit code is 0. State is kept in the Kafka it runs against: the next run goes on from it.
Tasks (@app.task) take their calls from the AMQP server, penstock or RabbitMQ; a file that has nothing else needs no Kafka.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
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
from penstock.work.loading import tasks_of
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


async def hosted_by(
    options: WorkOptions, security: Security, running: Running | None = None
) -> list[PenstockError]:
    """Host the pipelines until they have finished, or until told to stop; what those failed with that cannot go on.

    `running`, where there are tasks, runs until told to stop.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not options.paths:
        assert running
        await running.run(stop)
        return []
    worker = Worker(options, security)
    if running is None:
        await worker.run(stop)
    else:
        async with asyncio.TaskGroup() as both:
            both.create_task(worker.run(stop))
            both.create_task(running.run(stop))
    return [keeper.error for keeper in worker.keepers.values() if keeper.given_up and keeper.error]


def sorted_out(files: Sequence[str]) -> tuple[tuple[str, ...], list[Task[..., Any]]]:
    """The files that have pipelines, and the tasks of all."""
    paths, tasks = [], list[Task[..., Any]]()
    for file in files:
        found, pipelines = tasks_of(Path(file)) if file.endswith(".py") else ([], True)
        tasks += found
        paths += [file] if pipelines else []
    return tuple(paths), tasks


async def hosted(
    given: argparse.Namespace, options: WorkOptions, tasks: list[Task[..., Any]]
) -> list[PenstockError]:
    """Pipelines and tasks, each where there are some."""
    running = None
    if tasks:
        url = url_of(given.amqp)
        OUTLET.url = url  # what the tasks themselves send goes there too
        running = Running(tasks, url)
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        print(f"ready tasks={len(tasks)} amqp={url}", flush=True)
    try:
        return await hosted_by(options, security_of(given), running)
    except* PenstockError as errors:
        raise errors.exceptions[0] from None


def run(given: argparse.Namespace) -> int:
    """Stay in the foreground; raises PenstockError for a pipeline that cannot run as it is."""
    missing = [file for file in given.files if not Path(file).is_file()]
    if missing:
        raise PenstockError(f"there is no file {missing[0]}", remedy="name pipelines, *.sql or *.py")
    paths, tasks = sorted_out(given.files)
    if paths:
        with_client(given, reached)
    options = WorkOptions(given.bootstrap, NAME, paths, reload=False, guarantee=given.guarantee, finish=True)
    failed = asyncio.run(hosted(given, options, tasks))
    for error in failed[1:]:
        print(f"penstock: {error}", file=sys.stderr)
    if failed:
        raise failed[0]
    return 0
