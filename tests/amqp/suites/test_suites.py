"""A short selection of kombu's and aio-pika's own tests, all of which RabbitMQ passes: the whole is `python -m tests.amqp.suites`."""

import subprocess

import pytest

from tests.amqp.suites.__main__ import RABBITMQ, penstock
from tests.beside.suites import Suite

ROBUST = "tests/test_amqp_robust.py"
SELECTION = {
    "kombu": (),
    "aio-pika": (f"{ROBUST}::TestCaseAmqp", "tests/test_nowait.py", "tests/test_consumer_publish_errors.py"),
}


@pytest.mark.parametrize("suite", RABBITMQ.suites, ids=lambda suite: suite.name)
def test_a_client_s_own_tests_pass_where_they_pass_on_rabbitmq(suite: Suite) -> None:
    try:
        suite.prepare()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{suite.name}'s source archive cannot be had: {error}")
    with penstock({}) as address:
        assert RABBITMQ.lost(suite, address, SELECTION[suite.name]) == {}
