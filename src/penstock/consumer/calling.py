"""Calls a user's function with a delivery: a coroutine function in the loop, a plain one on a thread.

Threads are daemons: one that never comes back must not keep the program from ending. Knows functions; knows nothing
of records.
"""

import asyncio
import functools
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from penstock.consumer.delivery import Delivery

Handler = Callable[[Delivery], Any]
Call = Callable[[Delivery], Awaitable[None]]


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


def caller(handler: Handler, time_limit_s: float | None) -> Call:
    """How one task calls the function, one delivery after the other; each task is to have its own."""
    if not is_async(handler):
        return Thread(handler).call

    async def call(delivery: Delivery) -> None:
        async with asyncio.timeout(time_limit_s):
            await handler(delivery)

    return handler if time_limit_s is None else call


class Thread:
    """A thread that calls the function when it is told to."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._work: queue.SimpleQueue[tuple[Delivery, asyncio.Future[None], asyncio.AbstractEventLoop]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, name="penstock-handler", daemon=True).start()

    async def call(self, delivery: Delivery) -> None:
        """Call it there; raises what it raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self._work.put((delivery, answer, loop))
        await answer

    def _run(self) -> None:
        while True:
            delivery, answer, loop = self._work.get()
            error: BaseException | None = None
            try:
                self._handler(delivery)
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(_tell, answer, error)
            except RuntimeError:
                return  # the loop is closed


def _tell(answer: "asyncio.Future[None]", error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
