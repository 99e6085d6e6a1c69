"""Run a project: the log and the queues, its pipelines and tasks, live tables and the console, until Ctrl-C."""

import argparse
import asyncio
from pathlib import Path

from penstock import options
from penstock.app.project import UpOptions, open_project, options_of
from penstock.app.supervisor import Supervisor
from penstock.broker.ledger import options as queues
from penstock.broker.ledger.options import LedgerOptions
from penstock.tls import TlsOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    """The project's folder, and every option of UpOptions as a flag."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the project (default: here)"
    )
    options.add_flags(parser, UpOptions)
    options.add_flags(parser, TlsOptions, "tls")
    options.add_flags(parser, LedgerOptions, queues.SECTION, skip=queues.INNER)


def run(given: argparse.Namespace) -> int:
    """Start everything and stay in the foreground."""
    project = open_project(given.folder.resolve())
    settings, tls, ledger = options_of(project, vars(given))
    return asyncio.run(Supervisor(project, settings, tls=tls, ledger=ledger).run())
