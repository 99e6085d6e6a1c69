"""One broker for the whole siege: what one attack leaves behind, the next one's neighbour would feel."""

from collections.abc import Iterator

import pytest

from penstock.testing.processes import BrokerProcess


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A real broker; a test that brings it down fails those that follow, too."""
    with BrokerProcess(tmp_path_factory.mktemp("besieged")) as broker:
        yield broker
