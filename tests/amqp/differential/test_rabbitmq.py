"""Every scenario, on penstock and on RabbitMQ: both answer what RabbitMQ answered when it was recorded.

Where the two are meant to differ, `every` says so with the reason. RabbitMQ itself is asked only in the long run: here
penstock is held to what it said.
"""

from collections.abc import Iterator

import pytest
from bench.oracle import rabbitmq as oracle

from tests.amqp.differential import servers
from tests.amqp.differential.page import RABBITMQ
from tests.beside.running import Runs, chosen

EXPECTED, RECORDED = RABBITMQ.expected(), RABBITMQ.answers.read()


@pytest.fixture(scope="module")
def penstock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with (
        servers.penstock(tmp_path_factory.mktemp("amqp")) as addresses,
        RABBITMQ.runs(addresses, chosen(request)) as runs,
    ):
        yield runs


@pytest.fixture(scope="module")
def rabbitmq(request: pytest.FixtureRequest) -> Iterator[Runs]:
    with RABBITMQ.real() as addresses, RABBITMQ.runs(addresses, chosen(request)) as runs:
        yield runs


@pytest.mark.parametrize("name", RABBITMQ.every)
def test_penstock_answers_as_rabbitmq_did(name: str, penstock: Runs) -> None:
    assert penstock[name] == EXPECTED[name]


@pytest.mark.slow
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
@pytest.mark.parametrize("name", RABBITMQ.every)
def test_rabbitmq_still_answers_what_was_recorded(name: str, rabbitmq: Runs) -> None:
    assert rabbitmq[name] == RECORDED[name], "run: make differential"
