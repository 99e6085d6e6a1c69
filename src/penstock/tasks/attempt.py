"""One attempt at a call: what the function gave, or what is to become of the message. Knows no connection.

Used by the worker and by `app.test` alike, so that what is tested is what runs.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from penstock.consumer.calling import Thread, name_of
from penstock.consumer.failures import failing_of
from penstock.content import Properties
from penstock.dead_letters import FAILED, REFUSED, UNDECODABLE, DeadLetter, Failing, Origin
from penstock.errors import PenstockError
from penstock.tasks import message
from penstock.tasks.message import Call
from penstock.tasks.task import Task

Caller = Callable[[Task[..., Any], Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Done:
    """It went well: `result` is the JSON of what the task returns, where it says a topic for that."""

    task: Task[..., Any]
    result: bytes | None


@dataclass(frozen=True, slots=True)
class Again:
    """It failed: the letter goes to `queue`, now, or after a wait."""

    task: Task[..., Any]
    queue: str
    letter: DeadLetter
    wait_ms: int = 0


class Threads:
    """Threads for plain functions, as many as ever run at once; each is used again."""

    def __init__(self) -> None:
        self._idle: list[Thread] = []

    async def call(self, work: Callable[[], Any]) -> Any:
        """What `work` gives, on a thread."""
        thread = self._idle.pop() if self._idle else Thread(lambda cell: cell())  # type: ignore[operator]
        results: list[Any] = []
        try:
            await thread.call(lambda: results.append(work()))  # type: ignore[arg-type]
        except asyncio.CancelledError:
            thread.end()  # it still works, and is not to be used again
            raise
        except Exception:
            self._idle.append(thread)
            raise
        self._idle.append(thread)
        return results[0]

    def end(self) -> None:
        """Let them all go."""
        while self._idle:
            self._idle.pop().end()


async def called(threads: Threads, task: Task[..., Any], call: Call) -> Any:
    """What the function gives: a coroutine function's in the loop, a plain one's on a thread."""
    work = functools.partial(task.body, *call.args, **call.kwargs)
    if not task.is_async:
        return await threads.call(work)
    async with asyncio.timeout(task.time_limit_ms / 1000 or None):
        return await work()


async def attempt(
    tasks: Mapping[str, Task[..., Any]],
    delivery: tuple[Properties, bytes, Origin],
    caller: Caller,
    now_ms: Callable[[], int],
    chance: float,
) -> Done | Again:
    """Call the task that the message asks for; `tasks` are its queue's."""
    properties, body, _ = delivery
    task = tasks.get(properties.type or "") or next(iter(tasks.values()))
    try:
        call = message.call_of(properties, body, tasks)
        message.check(task.name, task.body, call.args, call.kwargs)
    except (ValueError, LookupError, PenstockError) as error:
        reason = UNDECODABLE if isinstance(error, ValueError) else REFUSED
        failing = replace(failing_of(error, name_of(task.body)), stage="VALUE_CONVERTER")
        return _again(task, delivery, (reason, failing), now_ms(), None)
    try:
        given = await caller(task, call)
        return Done(task, msgspec.json.encode(given) if task.result else None)
    except Exception as error:
        reason = REFUSED if task.retry.gives_up(error) else FAILED
        failing = failing_of(error, name_of(task.body))
        return _again(task, delivery, (reason, failing), now_ms(), chance)


def _again(
    task: Task[..., Any],
    delivery: tuple[Properties, bytes, Origin],
    why: tuple[str, Failing],
    now_ms: int,
    chance: float | None,
) -> Again:
    """The next attempt, or the end of them; without a `chance` there is none."""
    letter = message.failed(*delivery, task.name, why, now_ms)
    tier = task.retry.tier(letter.attempts) if chance is not None and why[0] == FAILED else None
    if tier is None or chance is None:
        return Again(task, task.dead_letter, letter)
    wait_ms = task.retry.wait_ms(tier, chance)
    return Again(task, task.queue, replace(letter, due_ms=now_ms + wait_ms), wait_ms)
