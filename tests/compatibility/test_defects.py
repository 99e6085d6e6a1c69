"""What clients found that Kafka does otherwise, and what is put right since: the one that is left is meant so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer, admin

from tests.compatibility import secured
from tests.compatibility.clients.command_line import Kcat, says_nonce_twice
from tests.compatibility.clients.confluent import Confluent, done
from tests.compatibility.clients.verbs import Place, Sent
from tests.compatibility.scorecard import ON_KAFKA


@pytest.fixture
def client(broker_address: str) -> Iterator[Confluent]:
    yield Confluent(Place(broker_address))


# Not strict: on a quick disk the sync is over before the client asks.
@pytest.mark.xfail(reason="what acks=1 acknowledges is not to be read before it is on disk", strict=False)
def test_the_end_of_a_partition_is_after_what_was_acknowledged_with_acks_1(client: Confluent) -> None:
    client.create("acked-by-one")
    producer = Producer(client.settings(acks=1, linger_ms=0))
    behind = 0
    for number in range(20):
        producer.produce("acked-by-one", b"x", partition=0)
        producer.flush()
        behind += client.offset_at("acked-by-one", -2) < number + 1
    assert behind == 0


def test_a_broker_s_settings_name_the_port_it_listens_on(client: Confluent) -> None:
    told = done(client._admin.describe_configs([admin.ConfigResource("broker", "1")]))
    assert told["advertised.listeners"].value == f"PLAINTEXT://{client.place.address}"


@pytest.mark.skipif(not says_nonce_twice(), reason="no kcat with librdkafka 2.0")
def test_a_login_whose_nonce_is_not_the_server_s_is_refused_as_by_kafka() -> None:
    """kcat's librdkafka 2.0 says its own part twice in the last message of SCRAM."""
    on_kafka = json.loads(Path(ON_KAFKA).read_text())["kcat"]["SASL SCRAM-SHA-256"]
    assert on_kafka[0] == "fail"
    with secured.penstock() as places, pytest.raises(AssertionError, match="uthentication"):
        Kcat(places["SCRAM-SHA-256"]).produce("refused", [Sent(b"x", b"k")])
