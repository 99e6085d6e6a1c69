"""kombu's own tests, and a selection of aio-pika's, where RabbitMQ passes them: the whole is `python -m tests.amqp.suites`.

Most of them wait, so they run in pieces, side by side, each with a broker of its own. Of aio-pika's those were chosen that
together say and hear on the wire what its tests of classes, connections, consumers and RPC do: methods, flags, arguments,
properties and codes.
"""

import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pytest

from tests.amqp.suites.__main__ import RABBITMQ, penstock
from tests.amqp.suites.sources import AIO_PIKA, KOMBU
from tests.beside.suites import Outcome, Suite

LONG: Final = [
    f"{KOMBU.paths[0]}::test_PyAMQP{each}" for each in ("Failover", "BasicFunctionality", "TimeToLive")
]
ROBUST: Final = "tests/test_amqp_robust.py"
PLAIN: Final = (
    "incoming_message_info", "transaction_simple_rollback", "transaction_simple_async_commit", "dlx", "delivery_fail",
    "message_nack", "get_exchange", "get_queue", "set_qos", "context_process_redelivery", "big_message", "ack_multiple",
    "wrong_credentials", "async_for_queue", "on_return_raises", "expiration", "channel_reopen", "purge_queue",
    "non_acked_messages_are_redelivered_to_queue", "declare_queue_with_passive_flag",
)  # fmt: skip
CHOSEN: Final = (
    *(f"{ROBUST}::TestCaseAmqp::test_{each}" for each in PLAIN), f"{ROBUST}::TestCaseNoRobust::test_get_queue_fail",
    "tests/test_nowait.py", "tests/test_consumer_publish_errors.py", "tests/test_rpc.py::TestCase::test_custom_exchange",
    "tests/test_robust_binding_identity.py::test_restore_multiple_exchange_routing_keys",
    "tests/test_rpc.py::TestCase::test_close_cancelling",
    "tests/test_consumer_cancel_recovery.py::test_close_cancels_inflight_probe",
)  # fmt: skip
PIECES: Final[dict[str, tuple[Suite, tuple[str, ...]]]] = {
    **{each.rpartition("_")[2]: (KOMBU, (each,)) for each in LONG},
    "the rest of kombu": (KOMBU, (*KOMBU.paths, *(f"--deselect={each}" for each in LONG))),
    "aio-pika": (AIO_PIKA, CHOSEN),
}


def lost(suite: Suite, words: tuple[str, ...]) -> dict[str, Outcome]:
    """What does not pass on a broker of ours, and should."""
    with penstock({}) as address:
        return RABBITMQ.lost(suite, address, words)


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Future[dict[str, Outcome]]]]:
    """All pieces, begun at once."""
    try:
        for suite in RABBITMQ.suites:
            suite.prepare()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a source archive cannot be had: {error}")
    with ThreadPoolExecutor(len(PIECES)) as pool:
        yield {name: pool.submit(lost, *piece) for name, piece in PIECES.items()}


@pytest.mark.parametrize("piece", PIECES)
def test_clients_own_tests_pass_where_they_pass_on_rabbitmq(
    piece: str, found: dict[str, Future[dict[str, Outcome]]]
) -> None:
    assert found[piece].result() == {}
