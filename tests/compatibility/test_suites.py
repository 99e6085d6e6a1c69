"""A short selection of the clients' own suites, that Kafka passes: the whole of them is `make compatibility`."""

import pytest

from tests.beside.suites import Suite
from tests.compatibility.servers import penstock
from tests.compatibility.suites.__main__ import KAFKA

ADMIN, CONSUMER = (
    "test/integration/test_admin_integration.py",
    "test/integration/test_consumer_integration.py",
)
SELECTION = {
    "kafka-python": (
        "test/integration/test_producer_integration.py",
        *(
            f"{ADMIN}::{test}"
            for test in ("test_delete_records", "test_describe_log_dirs", "test_create_delete_topics")
        ),
        *(
            f"{CONSUMER}::{test}"
            for test in ("test_consumer", "test_kafka_consumer_offsets_for_times_errors")
        ),
    ),
    "aiokafka": (
        "tests/test_transactional_producer.py",
        "tests/test_transactional_consumer.py",
        "tests/test_admin.py",
    ),
    "confluent-kafka": (
        "tests/integration/producer/test_transactions.py::test_send_offsets_committed_transaction",
    ),
}


@pytest.mark.parametrize("suite", KAFKA.suites, ids=lambda suite: suite.name)
def test_a_client_s_own_tests_pass_where_they_pass_on_kafka(suite: Suite) -> None:
    if suite.name != "kafka-python" and not (suite.folder.is_dir() and suite.environment.python.exists()):
        pytest.skip(
            f"{suite.name}'s tests are in no package: python -m tests.compatibility.suites clones them"
        )
    with penstock(suite.settings) as address:
        assert KAFKA.lost(suite, address, SELECTION[suite.name]) == {}
