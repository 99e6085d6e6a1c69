"""A task: a function, its queue, and how it is sent and tried again.

    @app.task(queue="emails", retry=Retry("5s", "1m", dead_letter="emails.dlq"))
    async def welcome(user): ...

    await welcome.send("ada")
    welcome.send_later("1h", "ada")

Knows its function and its names; who carries messages is the outlet's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from penstock.consumer.calling import is_async
from penstock.content import Field
from penstock.durations import Duration, milliseconds
from penstock.errors import PenstockError
from penstock.retries import Retry
from penstock.tasks import message
from penstock.tasks.sent import Sent

P = ParamSpec("P")
R = TypeVar("R")
NAME = re.compile(r"[^\x00-\x1f]{1,200}")
CONCURRENCY_ASYNC, CONCURRENCY_THREADS = 32, 4
CONCURRENCY_MAX = 10_000
DELAY_MS_MAX = 365 * 86_400_000


class Outlet(Protocol):
    """Where sent calls go: a server, or a test's memory."""

    def send(self, task: "Task[..., Any]", body: bytes, delay_ms: int) -> Sent:
        """Put a call into the task's queue."""


@dataclass(eq=False)
class Task(Generic[P, R]):
    """Made by ``@app.task``. Called as it is, it is the function; `send` puts a call into the queue.

    `dead_letter`: the queue for what is given up, ``emails.dlq`` unless `retry` names another. `result`: a topic for
    what it returns, by the call's id. `concurrency`: how many run at once in one worker.
    """

    body: Callable[P, R]
    name: str
    queue: str
    retry: Retry
    outlet: Outlet = field(repr=False)
    result: str = ""
    concurrency: int = 0
    time_limit_ms: int = 0
    arguments: dict[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises PenstockError for what cannot be meant."""
        for text, what in (
            (self.name, "task"),
            (self.queue, "queue"),
            (self.dead_letter, "dead-letter queue"),
        ):
            if not NAME.fullmatch(text):
                raise PenstockError(f"{text!r} is no name of a {what}", remedy="1 to 200 characters")
        if self.dead_letter == self.queue:
            raise PenstockError(
                f"the dead letters of {self.queue} would be its calls", remedy="name another queue for them"
            )
        if not self.concurrency:
            self.concurrency = CONCURRENCY_ASYNC if self.is_async else CONCURRENCY_THREADS
        if not 1 <= self.concurrency <= CONCURRENCY_MAX:
            raise PenstockError(f"concurrency of {self.concurrency}", remedy=f"from 1 to {CONCURRENCY_MAX}")
        if self.time_limit_ms and not self.is_async:
            raise PenstockError(
                f"{self.name} has a time limit, and a thread cannot be stopped",
                remedy="make it async, or leave it out",
            )

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return is_async(self.body)  # type: ignore[arg-type]  # it asks only what kind of function it is

    @property
    def dead_letter(self) -> str:
        """The queue for calls that are given up."""
        return self.retry.dead_letter or f"{self.queue}.dlq"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function itself, here and now."""
        return self.body(*args, **kwargs)

    def send(self, *args: P.args, **kwargs: P.kwargs) -> Sent:
        """Put a call into the queue. In a running loop it goes at once, and ``await`` waits until it is safe; without
        one this returns when it is safe. Raises PenstockError for arguments that the function does not take."""
        return self._send(0, args, kwargs)

    def send_later(self, delay: Duration, *args: P.args, **kwargs: P.kwargs) -> Sent:
        """As `send`; the call is due after the delay: ``"1h"``."""
        delay_ms = milliseconds(delay)
        if delay_ms > DELAY_MS_MAX:
            raise PenstockError(f"a delay of {delay}", remedy="at most a year")
        return self._send(delay_ms, args, kwargs)

    def _send(self, delay_ms: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sent:
        message.check(self.name, self.body, args, kwargs)
        return self.outlet.send(self, message.body_of(args, kwargs, self.name), delay_ms)
