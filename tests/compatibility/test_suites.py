"""A short selection of the clients' own suites, that Kafka passes: the whole of them is `make compatibility`."""

import pytest

from tests.compatibility.servers import penstock
from tests.compatibility.suites.__main__ import PAGE, kept, markdown, unexplained
from tests.compatibility.suites.running import run
from tests.compatibility.suites.sources import PYTHON, SOURCES, Suite

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


@pytest.mark.parametrize("suite", SOURCES, ids=lambda suite: suite.name)
def test_a_client_s_own_tests_pass_where_they_pass_on_kafka(suite: Suite) -> None:
    if suite.name != "kafka-python" and not (suite.folder.is_dir() and PYTHON.exists()):
        pytest.skip(
            f"{suite.name}'s tests are in no package: python -m tests.compatibility.suites clones them"
        )
    allowed = {t for t, outcome in kept()[suite.name]["penstock"].items() if outcome[0] == "passed"}
    with penstock(suite.settings) as address:
        found = run(suite, address, SELECTION[suite.name], test_s=60, whole_s=120)
    assert found
    assert {
        test: outcome for test, outcome in found.items() if test in allowed and outcome[0] != "passed"
    } == {}


def test_what_fails_here_and_not_on_kafka_has_a_reason() -> None:
    assert unexplained(kept()) == []


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == markdown(kept()), "run: python -m tests.compatibility.suites"
