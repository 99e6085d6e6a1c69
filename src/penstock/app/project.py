"""A user's project on disk: which folders count, and what `penstock.toml` says. Starts nothing."""

import dataclasses
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import PenstockError
from penstock.options import environment


@dataclass(frozen=True)
class UpOptions:
    """What `penstock up` takes; the same names serve as flags, as keys of penstock.toml, and in the environment."""

    kafka: str = "127.0.0.1:9092"
    """Where Kafka clients connect: HOST:PORT, PORT or off."""
    http: str = "127.0.0.1:8080"
    """Where the console, the HTTP API and metrics are served: HOST:PORT, PORT or off."""
    data_dir: str = ".penstock"
    """Where everything that must last is kept; made when missing, relative to the project."""
    fsync: str = "always"
    """When acks=all is answered: always (the data is on disk), interval or never."""
    workers: int = 1
    """Worker processes that run pipelines."""


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


def from_environment(section: str, options: type) -> dict[str, str]:
    """The options of a section that are set as ``PENSTOCK_…`` in the environment."""
    names = [field.name for field in dataclasses.fields(options)]
    return {name: os.environ[key] for name in names if (key := environment(section, name)) in os.environ}
