"""The issue's check in short: a tenth of the records fail; all end done or dead, in order, and healthy ones go on.

At full size: `python -m tests.retries.failing`.
"""

import asyncio

import pytest
from bench.oracle import kafka as oracle

from tests.retries.failing import Came, run

RECORDS = 4000
JAVA = [pytest.mark.java, pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())]


def right(came: Came) -> None:
    assert (came.done, came.dead) == (RECORDS - RECORDS // 100, RECORDS // 100)
    assert (came.wrong_attempts, came.out_of_order, came.twice) == (0, 0, 0)
    # The longest way to death takes both waits, 1.5 s: healthy records do not wait with those.
    assert came.healthy_s < came.all_s - 0.7


def test_all_end_done_or_dead_and_healthy_keys_do_not_wait(broker_address: str) -> None:
    right(asyncio.run(run(broker_address, RECORDS, failing=True)))


@pytest.mark.parametrize("server", [pytest.param("kafka", marks=JAVA)])
def test_all_end_done_or_dead_on_apache_kafka(server: str) -> None:
    with oracle.kafka(heap="512m") as address:
        right(asyncio.run(run(address, RECORDS, failing=True)))
