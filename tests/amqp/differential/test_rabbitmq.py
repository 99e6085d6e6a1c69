"""Every scenario, on penstock and on RabbitMQ: both answer what RabbitMQ answered when it was recorded.

Where the two are meant to differ, `every` says so with the reason. RabbitMQ itself is asked only in the long run: here
penstock is held to what it said.
"""

from collections.abc import Iterator

import pytest
from bench.oracle import rabbitmq as oracle

from tests.amqp.differential import recorded, servers
from tests.amqp.differential.every import EVERY, expected
from tests.amqp.differential.running import Outcome, Runs, Scenario


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
    with servers.penstock(tmp_path_factory.mktemp("amqp")) as addresses:
        runs = Runs(addresses, wanted)
        yield runs
        runs.close()


@pytest.fixture(scope="module")
def rabbitmq(wanted: list[Scenario]) -> Iterator[Runs]:
    with servers.rabbitmq() as addresses:
        runs = Runs(addresses, wanted)
        yield runs
        runs.close()


@pytest.mark.parametrize("name", EVERY)
def test_penstock_answers_as_rabbitmq_did(name: str, answers: dict[str, Outcome], penstock: Runs) -> None:
    theirs, ours = expected(name, answers[name]), penstock[name]
    assert ours.answer == theirs.answer
    assert sorted(ours.met) == sorted(theirs.met)


@pytest.mark.slow
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
@pytest.mark.parametrize("name", EVERY)
def test_rabbitmq_still_answers_what_was_recorded(
    name: str, answers: dict[str, Outcome], rabbitmq: Runs
) -> None:
    kept, now = answers[name], rabbitmq[name]
    assert now.answer == kept.answer, "run: make differential"
    assert sorted(now.met) == sorted(kept.met), "run: make differential"
