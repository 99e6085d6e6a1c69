"""The issue's check in short: a tenth of the records fail; all end done or dead, in order, and healthy ones go on.

At full size: `python -m tests.retries.failing`.
"""

import asyncio

from tests.retries.failing import Came, run

RECORDS = 4000


def right(came: Came) -> None:
    assert (came.done, came.dead) == (RECORDS - RECORDS // 100, RECORDS // 100)
    assert (came.wrong_attempts, came.out_of_order, came.twice) == (0, 0, 0)
    # The longest way to death takes both waits, 1.5 s: healthy records do not wait with those.
    assert came.healthy_s < came.all_s - 0.7


def test_all_end_done_or_dead_and_healthy_keys_do_not_wait(address: str) -> None:
    right(asyncio.run(run(address, RECORDS, failing=True)))
