"""A user's project on disk: which folders count, and what `penstock.toml` says. Starts nothing."""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock import options
from penstock.broker.ledger import options as queues
from penstock.broker.ledger.options import LedgerOptions
from penstock.errors import PenstockError
from penstock.options import environment
from penstock.tls import TlsOptions


@dataclass(frozen=True)
class UpOptions:
    """What `penstock up` takes; the same names serve as flags, as keys of penstock.toml, and in the environment."""

    kafka: str = "127.0.0.1:9092"
    """Where Kafka clients connect: HOST:PORT, PORT or off."""
    amqp: str = "127.0.0.1:5672"
    """Where AMQP 0-9-1 clients (RabbitMQ's) connect: HOST:PORT, PORT or off."""
    http: str = "127.0.0.1:8080"
    """Where the console, the HTTP API and metrics are served: HOST:PORT, PORT or off."""
    data_dir: str = ".penstock"
    """Where everything that must last is kept; made when missing, relative to the project."""
    fsync: str = "always"
    """When acks=all is answered: always (the data is on disk), interval or never."""
    workers: int = 1
    """Worker processes that run pipelines and tasks."""
    users: str = ""
    """The users' file; else users.jsonl in the data directory."""
    advertised: str = ""
    """What Kafka clients are told to connect to, HOST:PORT; else where the Kafka listener stands."""
    hosts: str = ""
    """Names by which browsers may address the HTTP listener beside this machine's loopback names, with commas."""


@dataclass(frozen=True)
class Project:
    """A project folder. `pipelines` may not exist (yet): files that appear there are picked up."""

    folder: Path
    settings: dict[str, Any]

    @property
    def pipelines(self) -> Path:
        """Where ``*.sql`` and ``*.py`` pipelines are looked for."""
        return self.folder / "pipelines"


def open_project(folder: Path) -> Project:
    """Read a project; raises PenstockError with file and line where penstock.toml is not valid."""
    if not folder.is_dir():
        raise PenstockError(
            f"no folder {folder}", remedy=f"make one to start from with: penstock init {folder}"
        )
    file = folder / "penstock.toml"
    try:
        settings = tomllib.loads(file.read_text()) if file.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise PenstockError(
            str(error), place=str(file), remedy="see https://toml.io for the syntax"
        ) from None
    return Project(folder, settings)


def options_of(project: Project, given: Mapping[str, Any]) -> tuple[UpOptions, TlsOptions, LedgerOptions]:
    """What a command line (``vars`` of its namespace), the environment and penstock.toml say together.

    TLS stands in the table [tls], its files relative to the project, and not in the environment: there
    PENSTOCK_TLS_CA is what clients trust. How queues are kept stands in the table [queues].
    """
    place = str(project.folder / "penstock.toml")
    tables = ("tls", queues.SECTION)
    plain = {name: value for name, value in project.settings.items() if name not in tables}
    up = options.read(
        UpOptions,
        "",
        options.given_flags(given, UpOptions),
        from_environment("", UpOptions),
        plain,
        place=place,
    )
    files = {name: str(project.folder / str(value)) for name, value in _table(project, "tls", place).items()}
    tls = options.read(TlsOptions, "tls", options.given_flags(given, TlsOptions, "tls"), files, place=place)
    ledger = options.read(
        LedgerOptions,
        queues.SECTION,
        options.given_flags(given, LedgerOptions, queues.SECTION),
        from_environment(queues.SECTION, LedgerOptions),
        _table(project, queues.SECTION, place),
        place=place,
        skip=queues.INNER,
    )
    return up, tls, ledger


def _table(project: Project, name: str, place: str) -> dict[str, Any]:
    table = project.settings.get(name, {})
    if not isinstance(table, dict):
        raise PenstockError(
            f"{name} is a table", place=place, remedy=f"write [{name}], and its settings below it"
        )
    return table


def from_environment(section: str, kind: type) -> dict[str, str]:
    """The options of a section that are set as ``PENSTOCK_…`` in the environment."""
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: os.environ[key] for name in names if (key := environment(section, name)) in os.environ}
