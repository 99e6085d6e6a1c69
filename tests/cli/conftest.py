"""Commands run in this very process, against penstock and then Apache Kafka."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import main

NUMBERS = itertools.count()


@pytest.fixture
def server(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address commands speak to."""
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP", address)
    return address


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    error: str

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Call = Callable[..., Said]


@pytest.fixture
def call(capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Run a command here and now: its exit code and what it printed."""

    def run(*words: str) -> Said:
        capsysbinary.readouterr()
        try:
            code = main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, error = capsysbinary.readouterr()
        return Said(code, out.decode(), error.decode())

    return run


@pytest.fixture
def topic() -> str:
    """A name nobody else uses."""
    return f"cli-{next(NUMBERS)}"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bytes], None]:
    """Lay bytes out as standard input."""

    def lay(data: bytes) -> None:
        file = tmp_path / "stdin"
        file.write_bytes(data)
        monkeypatch.setattr("sys.stdin", file.open())

    return lay
