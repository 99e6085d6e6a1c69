"""librdkafka, kcat, kafka-python, aiokafka and the Java client produce, consume in a group, and see each other."""

from collections import Counter

import pytest

from tests.clients.drivers import CODECS, DRIVERS, ClientDriver

COUNT = 20
IDS = [driver.name for driver in DRIVERS]


@pytest.fixture(scope="module")
def produced(broker_address: str) -> dict[str, str]:
    """Topics written by each client that is here, with every codec: topic by client."""
    return {}


def topic_of(driver: ClientDriver, address: str, produced: dict[str, str]) -> str:
    if driver.missing():
        pytest.skip(driver.missing())
    if driver.name not in produced:
        topic = f"by-{driver.name}"
        for codec in CODECS:
            driver.produce(address, topic, codec, COUNT)
        produced[driver.name] = topic
    return produced[driver.name]


@pytest.mark.parametrize("consumer", DRIVERS, ids=IDS)
@pytest.mark.parametrize("producer", DRIVERS, ids=IDS)
def test_what_one_client_writes_with_any_codec_another_reads_in_a_group(
    producer: ClientDriver, consumer: ClientDriver, broker_address: str, produced: dict[str, str]
) -> None:
    if consumer.missing():
        pytest.skip(consumer.missing())
    topic = topic_of(producer, broker_address, produced)
    found = consumer.consume(broker_address, topic, f"{consumer.name}-reads-{topic}", COUNT * len(CODECS))
    expected = Counter(f"{producer.name}-{codec}-{number}" for codec in CODECS for number in range(COUNT))
    assert Counter(found) == expected


@pytest.mark.parametrize("driver", DRIVERS, ids=IDS)
def test_a_group_goes_on_where_it_committed(driver: ClientDriver, broker_address: str) -> None:
    if driver.missing():
        pytest.skip(driver.missing())
    topic, group = f"goes-on-{driver.name}", f"goes-on-{driver.name}"
    driver.produce(broker_address, topic, "none", COUNT)
    assert len(driver.consume(broker_address, topic, group, COUNT)) == COUNT
    driver.produce(broker_address, topic, "lz4", COUNT)
    found = driver.consume(broker_address, topic, group, COUNT)
    assert Counter(found) == Counter(f"{driver.name}-lz4-{number}" for number in range(COUNT))
