"""Runs the suites whole, on RabbitMQ and on penstock, and writes docs/compatibility/amqp-suites.md.

    python -m tests.amqp.suites [rabbitmq|penstock] [SUITE …]     # both servers and all suites without

What became of each test is kept in outcomes.json: the allow-list. Ends with 1 where a test of RabbitMQ's fails on penstock
and nobody knows why (REASONS).
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from bench.oracle import rabbitmq as oracle

from penstock.testing.processes import BrokerProcess
from tests.amqp.suites.sources import SOURCES
from tests.beside.allowed import Suites
from tests.beside.kept import by_lines

RACE: Final = "a race of the client's own: it fails on RabbitMQ, too, in other runs"
REASONS: Final = {
    "aio-pika": {
        "tests.test_memory_leak::test_leak_unclosed_channel": RACE,
        "tests.test_reconnect_channel_snapshot::": RACE,
    },
}
INTRODUCTION: Final = f"""\
# kombu's and aio-pika's own test suites

Written by `python -m tests.amqp.suites`, which runs the integration tests that come in the source archives of kombu (below
Celery) and aio-pika on PyPI: on RabbitMQ {oracle.VERSION} first, then on penstock. The tests are not changed; aio-pika's module
that starts RabbitMQ in docker gives way to a server that runs. Left out are aio-pika's tests over TLS, which are the others
once more and want that docker image's certificates. What stops and starts docker's containers fails on both.
"""


@contextlib.contextmanager
def penstock(settings: Mapping[str, str]) -> Iterator[str]:
    """A broker of ours; gives its address for AMQP."""
    with (
        tempfile.TemporaryDirectory(prefix="suites-") as home,
        BrokerProcess(Path(home), words=("--amqp", "127.0.0.1:0")) as broker,
    ):
        yield broker.ready["amqp"]


RABBITMQ: Final = Suites(
    "RabbitMQ",
    {"rabbitmq": oracle.rabbitmq, "penstock": penstock},
    SOURCES,
    REASONS,
    Path(__file__).with_name("outcomes.json"),
    partial(by_lines, depth=3),
    Path(__file__).parents[3] / "docs" / "compatibility" / "amqp-suites.md",
    INTRODUCTION,
)

if __name__ == "__main__":
    sys.exit(RABBITMQ.main(sys.argv[1:]))
