"""Run a project: the log, its pipelines, live tables and the console, until Ctrl-C."""

import argparse
import asyncio
import dataclasses
from pathlib import Path

from penstock import options
from penstock.app.project import UpOptions, from_environment, open_project
from penstock.app.supervisor import Supervisor


def arguments(parser: argparse.ArgumentParser) -> None:
    """The project's folder, and every option of UpOptions as a flag."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the project (default: here)"
    )
    option_flags(parser)


def option_flags(parser: argparse.ArgumentParser) -> None:
    """One flag a field of UpOptions, its help the field's own docstring."""
    texts = options.help_texts(UpOptions)
    for field in dataclasses.fields(UpOptions):
        parser.add_argument(
            options.flag("", field.name), dest=field.name, default=None, metavar=field.name.upper(),
            help=f"{texts[field.name]} (default: {field.default})",
        )  # fmt: skip


def flags_given(given: argparse.Namespace) -> dict[str, object]:
    """The options that stand on the command line."""
    return {
        f.name: value for f in dataclasses.fields(UpOptions) if (value := getattr(given, f.name)) is not None
    }


def run(given: argparse.Namespace) -> int:
    """Start everything and stay in the foreground."""
    project = open_project(given.folder.resolve())
    settings = options.read(
        UpOptions, "", flags_given(given), from_environment("", UpOptions), project.settings,
        place=str(project.folder / "penstock.toml"),
    )  # fmt: skip
    return asyncio.run(Supervisor(project, settings).run())
