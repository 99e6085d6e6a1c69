"""What lasts is there after a restart, as RabbitMQ has it; a kill takes no more from it than a stop."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from bench.oracle import rabbitmq as oracle

from penstock.testing.processes import BrokerProcess
from tests.amqp.differential.restarting import story
from tests.amqp.differential.servers import AMQP

LASTING: Final = {"delivery_mode": 2}
DEATH: Final = {
    "count": {"l": 1}, "reason": "maxlen", "queue": "limited", "time": {"T": "now"}, "exchange": "", "routing-keys": ["limited"],
}  # fmt: skip


def counted(count: int) -> dict[str, Any]:
    return {"headers": {"x-delivery-count": {"l": count}}, **LASTING}


RABBITMQ: Final = {
    "classic": [
        ["0", False, LASTING],
        ["2", False, LASTING],
        ["by the exchange", False, {"headers": {"kept": True}, "priority": 3, **LASTING}],
    ],
    "passing": [404, "NOT_FOUND - no queue 'passing' in vhost '/'"],
    "urgent": [["high", False, {"priority": 5, **LASTING}], ["low", False, {"priority": 1, **LASTING}]],
    "limited": [["b", False, LASTING], ["c", False, LASTING]],
    "dead": [["a", False, {"headers": {
        "x-death": [DEATH], "x-first-death-exchange": "", "x-first-death-queue": "limited", "x-first-death-reason": "maxlen",
    }, **LASTING}]],
    "held": [["a", True, LASTING], ["c", True, LASTING], ["d", False, LASTING]],
    "quorum": [["a", True, counted(1)], ["b", False, counted(0)]],
    "late": [["y", False, LASTING]],
    "exchanges": ["exchange.declare-ok", "channel.close"],
    "binding": "still bound",
    "as before": "PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue 'urgent' in vhost '/': "
    "received '6' but current is '5'",
}  # fmt: skip
"""What RabbitMQ has: messages that last in queues that last, which were delivered before, and what was to expire has."""

KILLED: Final = RABBITMQ | {"quorum": [["a", True, counted(0)], ["b", False, counted(0)]]}
"""A delivery that a crash of the broker itself cut off is told as a redelivery, but not counted: nobody gave it back."""


@pytest.mark.parametrize(("ends", "expected"), [("stop", RABBITMQ), ("kill", KILLED)])
def test_what_lasts_is_there_again(
    ends: str, expected: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    @contextlib.contextmanager
    def server() -> Iterator[str]:
        broker = BrokerProcess(tmp_path, words=AMQP)
        broker.start()
        try:
            yield broker.ready["amqp"]
        finally:
            getattr(broker, ends)()

    assert story(server) == expected
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
def test_rabbitmq_has_it_so(tmp_path: Path) -> None:
    assert story(lambda: oracle.rabbitmq(home=tmp_path)) == RABBITMQ
