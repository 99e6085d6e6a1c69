"""What a user's function may be, and what may come out of it: nothing of it is taken for done that was not."""

import asyncio
import functools
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.consumer.calling import Handler, calling, check
from penstock.consumer.delivery import Delivery
from penstock.errors import PenstockError
from penstock.record import Record

ONE = Delivery(Record(b"k", b"v", 0, (), 0), ("t", 0))


async def later(seen: list[Any], delivery: Delivery) -> None:
    await asyncio.sleep(0)
    seen.append(delivery)


def called(handler: Handler, time_limit_s: float | None = None) -> None:
    async def go() -> None:
        with calling(handler, time_limit_s) as call:
            await asyncio.wait_for(call(ONE), 5)

    asyncio.run(go())


def test_a_coroutine_function_is_awaited_whatever_is_around_it() -> None:
    seen: list[Any] = []
    called(functools.partial(later, seen))
    called(functools.partial(later, seen), 1.0)
    called(lambda delivery: later(seen, delivery))
    assert seen == [ONE] * 3


@pytest.mark.parametrize("odd", [StopIteration("over"), SystemExit(3)])
def test_what_no_future_takes_is_told_with_its_cause(odd: BaseException) -> None:
    def handle(delivery: Delivery) -> None:
        raise odd

    with pytest.raises(RuntimeError) as raised:
        called(handle)
    assert raised.value.__cause__ is odd


def test_functions_that_would_do_nothing_are_refused() -> None:
    def one(delivery: Delivery) -> Iterator[int]:
        yield 1

    async def other(delivery: Delivery) -> Any:
        yield 1

    for handler in (one, other):
        with pytest.raises(PenstockError, match="does nothing"):
            check(handler)
