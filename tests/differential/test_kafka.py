"""Every scenario, on penstock and on Apache Kafka: both answer what Kafka answered when it was recorded.

Where the two are meant to differ, `every` says so with the reason. Without a Java runtime penstock is still held to the
recorded answers; with one, the recorded answers are held to Kafka.
"""

from collections.abc import Iterator

import pytest
from bench.oracle import kafka as oracle

from penstock.testing.processes import BrokerProcess
from tests.beside.running import Runs, chosen
from tests.differential.asking import warm
from tests.differential.page import KAFKA

EXPECTED, RECORDED = KAFKA.expected(), KAFKA.answers.read()


@pytest.fixture(scope="module")
def penstock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with BrokerProcess(tmp_path_factory.mktemp("differential"), module="tests.differential.server") as broker:
        warm(broker.address)
        with KAFKA.runs(broker.address, chosen(request)) as runs:
            yield runs


@pytest.fixture(scope="module")
def kafka(request: pytest.FixtureRequest) -> Iterator[Runs]:
    with KAFKA.real() as address, KAFKA.runs(address, chosen(request)) as runs:
        yield runs


@pytest.mark.parametrize("name", KAFKA.every)
def test_penstock_answers_as_kafka_did(name: str, penstock: Runs) -> None:
    assert penstock[name] == EXPECTED[name]


@pytest.mark.java
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
@pytest.mark.parametrize("name", KAFKA.every)
def test_kafka_still_answers_what_was_recorded(name: str, kafka: Runs) -> None:
    assert kafka[name] == RECORDED[name], "run: make differential"
