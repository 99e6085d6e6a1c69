"""Calls a user's function with a delivery: a coroutine function in the loop, a plain one on a thread.

Threads are daemons: one that never comes back must not keep the program from ending. Knows functions; knows nothing
of records.
"""

import asyncio
import contextlib
import functools
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from penstock.consumer.delivery import Delivery
from penstock.errors import PenstockError

Handler = Callable[[Delivery], Any]
Call = Callable[[Delivery], Awaitable[None]]
_Work = tuple[Delivery, asyncio.Future[Any], asyncio.AbstractEventLoop]


def name_of(handler: Handler) -> str:
    """A function as dead letters name it."""
    function = handler.func if isinstance(handler, functools.partial) else handler
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '')}.{name}"


def is_async(handler: Handler) -> bool:
    """Whether calling it gives something to await."""
    function = handler.func if isinstance(handler, functools.partial) else handler
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  # whether it is async, not whether it is there
    )


def check(handler: Handler) -> None:
    """Raises PenstockError for a function with a `yield`: calling it would do nothing."""
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise PenstockError(f"{name_of(handler)} yields: calling it does nothing", remedy="return instead")


@contextlib.contextmanager
def calling(handler: Handler, time_limit_s: float | None) -> Iterator[Call]:
    """How one task calls the function, one delivery after the other; each task is to have its own."""
    if not is_async(handler):
        thread = Thread(handler)
        try:
            yield thread.call
        finally:
            thread.end()
        return

    async def call(delivery: Delivery) -> None:
        async with asyncio.timeout(time_limit_s):
            await handler(delivery)

    yield handler if time_limit_s is None else call


class Thread:
    """A thread that calls the function when it is told to."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="penstock-handler", daemon=True).start()

    async def call(self, delivery: Delivery) -> None:
        """Call it there; raises what it raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._work.put((delivery, answer, loop))
        given = await answer
        if inspect.isawaitable(given):  # a plain function around a coroutine function
            await given

    def end(self) -> None:
        """Ends when what it does is done."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            delivery, answer, loop = work
            given: Any = None
            error: BaseException | None = None
            try:
                given = self._handler(delivery)
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(_tell, answer, given, error)
            except RuntimeError:
                return  # the loop is closed


def _tell(answer: "asyncio.Future[Any]", given: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(given)
        return
    if not isinstance(error, Exception) or isinstance(error, StopIteration):  # which no future takes
        odd, error = error, RuntimeError(repr(error))
        error.__cause__ = odd
    answer.set_exception(error)
