"""Run a project: the log, its pipelines, live tables and the console, until Ctrl-C."""

import argparse
import asyncio
from pathlib import Path

from penstock import options
from penstock.app.project import UpOptions, from_environment, open_project
from penstock.app.supervisor import Supervisor


def arguments(parser: argparse.ArgumentParser) -> None:
    """The project's folder, and every option of UpOptions as a flag."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the project (default: here)"
    )
    options.add_flags(parser, UpOptions)


def run(given: argparse.Namespace) -> int:
    """Start everything and stay in the foreground."""
    project = open_project(given.folder.resolve())
    settings = options.read(
        UpOptions, "", options.given_flags(vars(given), UpOptions), from_environment("", UpOptions), project.settings,
        place=str(project.folder / "penstock.toml"),
    )  # fmt: skip
    return asyncio.run(Supervisor(project, settings).run())
