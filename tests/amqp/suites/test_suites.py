"""A short selection of kombu's and aio-pika's own tests, all of which RabbitMQ passes: the whole is `python -m tests.amqp.suites`."""

import subprocess

import pytest

from tests.amqp.suites.__main__ import PAGE, kept, markdown, passed, penstock, unexplained
from tests.amqp.suites.sources import SOURCES, Suite, prepare, run

KOMBU, ROBUST = "t/integration/test_py_amqp.py", "tests/test_amqp_robust.py"
SELECTION = {
    "kombu": tuple(
        f"{KOMBU}::test_PyAMQP{part}" for part in ("Message", "EventLoop", "Priority", "BaseExchangeTypes")
    ),
    "aio-pika": (f"{ROBUST}::TestCaseAmqp", "tests/test_nowait.py", "tests/test_consumer_publish_errors.py"),
}


@pytest.mark.parametrize("suite", SOURCES, ids=lambda suite: suite.package)
def test_a_client_s_own_tests_pass_where_they_pass_on_rabbitmq(suite: Suite) -> None:
    try:
        prepare(suite)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{suite.package}'s source archive cannot be had: {error}")
    allowed = set(passed(kept()[suite.package]["rabbitmq"]))
    with penstock() as address:
        found = run(suite, address, SELECTION[suite.package], test_s=60, whole_s=150)
    assert len(found.keys() & allowed) > 10
    assert {
        test: outcome for test, outcome in found.items() if test in allowed and outcome[0] != "passed"
    } == {}


def test_what_fails_here_and_not_on_rabbitmq_has_a_reason() -> None:
    assert unexplained(kept()) == []


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == markdown(kept()), "run: python -m tests.amqp.suites"
