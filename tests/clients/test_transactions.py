"""librdkafka, aiokafka, kafka-python and the Java client in transactions: what is aborted is seen by none of them."""

import pytest

from tests.clients.transactions import DRIVERS, TransactionDriver, java, value_of

COUNT = 9
KEPT = [value_of(number) for number in range(COUNT) if number % 3 != 2]
IDS = [driver.name for driver in DRIVERS]


def skip_if_missing(driver: TransactionDriver) -> None:
    if driver.missing():
        pytest.skip(driver.missing())


@pytest.mark.parametrize("driver", DRIVERS, ids=IDS)
def test_what_one_client_commits_all_clients_see_and_nothing_else(
    driver: TransactionDriver, broker_address: str
) -> None:
    skip_if_missing(driver)
    topic = f"transactions-of-{driver.name}"
    driver.produce(broker_address, topic, COUNT)
    for reader in DRIVERS:
        costly = reader.name == "java" and driver.name not in ("java", "confluent")  # a JVM's start each time
        if not reader.missing() and not costly:
            assert reader.consume(broker_address, topic, len(KEPT)) == KEPT, reader.name


@pytest.mark.parametrize("driver", DRIVERS, ids=IDS)
def test_a_client_transforms_with_its_offsets_in_the_transaction(
    driver: TransactionDriver, broker_address: str
) -> None:
    skip_if_missing(driver)
    source, target = f"source-of-{driver.name}", f"target-of-{driver.name}"
    DRIVERS[0].produce(broker_address, source, COUNT)
    offset = driver.transform(broker_address, source, target, len(KEPT))
    assert 2 * COUNT - 3 <= offset <= 2 * COUNT, "behind the last record that was kept"
    assert DRIVERS[0].consume(broker_address, target, len(KEPT)) == [value.upper() for value in KEPT]


def test_the_java_client_is_fenced_as_by_kafka(broker_address: str) -> None:
    skip_if_missing(DRIVERS[-1])
    assert java("fence", broker_address, "java-fenced").strip() == "fenced"
    assert DRIVERS[0].consume(broker_address, "java-fenced", 1) == ["young"]
