"""Every scenario, on penstock and on Apache Kafka: both answer what Kafka answered when it was recorded.

Where the two are meant to differ, `every` says so with the reason. Without a Java runtime penstock is still held to the
recorded answers; with one, the recorded answers are held to Kafka.
"""

from collections.abc import Iterator

import pytest
from bench.oracle import kafka as oracle

from penstock.testing.processes import BrokerProcess
from tests.differential import recorded
from tests.differential.asking import warm
from tests.differential.every import EVERY, expected
from tests.differential.running import Outcome, Runs, Scenario
from tests.differential.server import KAFKA


@pytest.fixture(scope="module")
def wanted(request: pytest.FixtureRequest) -> list[Scenario]:
    """The scenarios of this run: `-k` may have left out some."""
    here = [item for item in request.session.items if item.path == request.path]
    names = {item.callspec.params["name"] for item in here if isinstance(item, pytest.Function)}
    return [scenario for name, scenario in EVERY.items() if name in names]


@pytest.fixture(scope="module")
def answers() -> dict[str, Outcome]:
    return recorded.read()


@pytest.fixture(scope="module")
def penstock(wanted: list[Scenario], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with BrokerProcess(tmp_path_factory.mktemp("differential"), module="tests.differential.server") as broker:
        warm(broker.address)
        runs = Runs(broker.address, wanted)
        yield runs
        runs.close()


@pytest.fixture(scope="module")
def kafka(wanted: list[Scenario]) -> Iterator[Runs]:
    with oracle.kafka(KAFKA) as address:
        warm(address)
        runs = Runs(address, wanted)
        yield runs
        runs.close()


@pytest.mark.parametrize("name", EVERY)
def test_penstock_answers_as_kafka_did(name: str, answers: dict[str, Outcome], penstock: Runs) -> None:
    theirs, ours = expected(name, answers[name]), penstock[name]
    assert ours.answer == theirs.answer
    assert sorted(ours.met) == sorted(theirs.met)


@pytest.mark.java
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
@pytest.mark.parametrize("name", EVERY)
def test_kafka_still_answers_what_was_recorded(name: str, answers: dict[str, Outcome], kafka: Runs) -> None:
    kept, now = answers[name], kafka[name]
    assert now.answer == kept.answer, "run: make differential"
    assert sorted(now.met) == sorted(kept.met), "run: make differential"
