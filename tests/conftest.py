"""Fixtures that more than one part's tests need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.testing.processes import BrokerProcess


@pytest.fixture(scope="session")
def broker_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker process for the whole run; tests use topics of their own."""
    with BrokerProcess(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.address


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A real broker process for one test, to be killed and restarted."""
    with BrokerProcess(tmp_path / "data") as process:
        yield process
