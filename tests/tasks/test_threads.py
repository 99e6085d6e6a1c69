"""Threads for plain functions: one that failed is used again, and none is left at the end."""

import asyncio
import threading
import time

import pytest

from penstock.tasks.attempt import Threads


def mine() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "penstock-handler"}


def fail() -> None:
    raise ValueError("no")


def test_functions_that_fail_one_after_the_other_share_a_thread() -> None:
    async def test() -> None:
        before, threads = mine(), Threads()
        for _ in range(20):
            with pytest.raises(ValueError, match="no"):
                await threads.call(fail)
        assert len(mine() - before) == 1
        assert await threads.call(lambda: 7) == 7
        threads.end()
        await gone(before)

    asyncio.run(test())


def test_one_that_nobody_waits_for_any_more_ends_when_it_is_done() -> None:
    async def test() -> None:
        before, threads, over = mine(), Threads(), threading.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await threads.call(over.wait)
        assert await threads.call(lambda: 7) == 7
        assert len(mine() - before) == 2
        over.set()
        threads.end()
        await gone(before)

    asyncio.run(test())


async def gone(before: set[threading.Thread]) -> None:
    end_s = time.monotonic() + 5
    while mine() - before and time.monotonic() < end_s:
        await asyncio.sleep(0.01)
    assert not mine() - before
