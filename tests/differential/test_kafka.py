"""Every scenario, on Apache Kafka and on penstock: equal, but for the differences that are listed with their reason."""

from collections.abc import Iterator

import pytest
from bench.oracle import kafka as oracle

from tests.differential.asking import Connection, warm
from tests.differential.scenarios import SCENARIOS, Scenario
from tests.differential.topics import TOPICS
from tests.differential.transactions import TRANSACTIONS

SETTINGS = {
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
    "log.cleaner.backoff.ms": "200",
}


@pytest.fixture(scope="module")
def kafka_address() -> Iterator[str]:
    if oracle.missing():
        pytest.skip(oracle.missing())
    with oracle.kafka(SETTINGS) as address:
        warm(address)
        yield address


def seen(scenario: Scenario, address: str) -> object:
    connection = Connection(address)
    try:
        return scenario(connection, scenario.__name__.replace("_", "-"))
    finally:
        connection.close()


@pytest.mark.parametrize("scenario", SCENARIOS + TRANSACTIONS + TOPICS, ids=lambda s: s.__name__)
def test_penstock_answers_as_kafka_does(scenario: Scenario, kafka_address: str, broker_address: str) -> None:
    assert seen(scenario, broker_address) == seen(scenario, kafka_address)
