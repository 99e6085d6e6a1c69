"""Live events of this computer, through SQL, to a live chart in the browser."""

import argparse
import asyncio
import dataclasses
from pathlib import Path
from typing import Any

from penstock import options
from penstock.app.addresses import next_free, parse_address
from penstock.app.project import Project, UpOptions, open_project
from penstock.app.supervisor import Extra, Supervisor
from penstock.cli.init import copy_demo

SOURCE = Extra(
    "telemetry",
    ("penstock.demo.telemetry", "--bootstrap", "{bootstrap}"),
    "this computer's sensors → topic {topic}",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The folder the demo lives in, and the flags of `up`."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(".penstock/demo"), metavar="DIR",
        help="where the demo keeps its pipelines and data (default: .penstock/demo)",
    )  # fmt: skip
    options.add_flags(parser, UpOptions)


def run(given: argparse.Namespace) -> int:
    """Copy the demo where it is missing, take free ports, run it with its source."""
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    copy_demo(folder)
    project = open_project(folder)
    settings = free_ports(
        options.read(UpOptions, "", options.given_flags(vars(given), UpOptions), project.settings)
    )
    supervisor = Supervisor(Project(folder, project.settings), settings, (SOURCE,), demo=True)
    print(f"  demo       the pipeline to play with: {folder / 'pipelines' / 'machine.sql'}")
    return asyncio.run(supervisor.run())


def free_ports(settings: UpOptions) -> UpOptions:
    """The settings with the next free port where one is taken, saying so."""
    changed: dict[str, Any] = {}
    for name in ("kafka", "amqp", "http"):
        wanted = parse_address(getattr(settings, name), f"--{name}")
        if wanted is not None and wanted.port:
            free = next_free(wanted)
            if free != wanted:
                print(f"  demo       port {wanted.port} is taken; {name} moves to {free.port}")
            changed[name] = str(free)
    return dataclasses.replace(settings, **changed)
