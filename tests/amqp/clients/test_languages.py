"""amqplib for Node and RabbitMQ's Java client tell one story, on penstock and, in the long run, on RabbitMQ."""

from pathlib import Path

import pytest
from bench.oracle import rabbitmq as oracle

from penstock.testing.processes import BrokerProcess
from tests.amqp.clients.story import TELLERS, Teller, expected

IDS = [teller.name for teller in TELLERS]


@pytest.mark.parametrize("teller", TELLERS, ids=IDS)
def test_a_client_of_another_language_is_served(teller: Teller, tmp_path: Path) -> None:
    if teller.missing():
        pytest.skip(teller.missing())
    with BrokerProcess(tmp_path, words=("--amqp", "127.0.0.1:0")) as broker:
        assert teller.tell(broker.ready["amqp"]) == expected(teller.name)


@pytest.mark.slow
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
@pytest.mark.parametrize("teller", TELLERS, ids=IDS)
def test_the_story_is_rabbitmq_s(teller: Teller) -> None:
    if teller.missing():
        pytest.skip(teller.missing())
    with oracle.rabbitmq() as address:
        assert teller.tell(address) == expected(teller.name)
