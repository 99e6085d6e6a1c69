"""Fixtures that more than one part's tests need."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.oracle import kafka as oracle

from penstock.testing.processes import BrokerProcess


@pytest.fixture(scope="session")
def broker_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker process for the whole run; tests use topics of their own."""
    with BrokerProcess(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.address


@pytest.fixture(scope="session")
def kafka_address() -> Iterator[str]:
    """One Apache Kafka for the whole run; transactions of who is gone end when their time is over, not ten seconds later."""
    if oracle.missing():
        pytest.skip(oracle.missing())
    soon = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    with oracle.kafka(soon, heap="512m") as found:
        yield found


SERVERS = [
    pytest.param("broker_address", id="penstock"),
    pytest.param("kafka_address", id="kafka", marks=pytest.mark.java),
]


@pytest.fixture(scope="module", params=SERVERS)
def address(request: pytest.FixtureRequest) -> str:
    """penstock, then Apache Kafka: for what has to hold on both."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A real broker process for one test, to be killed and restarted."""
    with BrokerProcess(tmp_path / "data") as process:
        yield process
