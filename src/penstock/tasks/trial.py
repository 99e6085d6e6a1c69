"""Tasks under test: queues in memory, no server, no sleep, time by hand. What is due runs before `send` returns.

Knows what the worker knows of attempts; jitter is left out, so that a retry is due exactly after its wait.
"""

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from penstock.content import Properties
from penstock.dead_letters import DeadLetter, Origin
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.tasks.attempt import Again, Threads, attempt, called
from penstock.tasks.message import properties_of, with_letter
from penstock.tasks.sent import Sent
from penstock.tasks.task import Outlet, Task

RUNS_MAX = 10_000
Waiting = tuple[int, int, str, Properties, bytes]
"""When it is due, its turn, its queue, and the message."""


class Memory:
    """The outlet of an app's tasks while it is tested."""

    def __init__(
        self, tasks: Mapping[str, Task[..., Any]], now_ms: int, result: Callable[[str, Record], None]
    ) -> None:
        """`result` is handed each result's topic and record."""
        self.now_ms, self._result = now_ms, result
        self.letters: dict[str, list[DeadLetter]] = {}
        self.runs = 0
        self._tasks = tasks
        self._queues: dict[str, dict[str, Task[..., Any]]] = {}
        for task in tasks.values():
            self._queues.setdefault(task.queue, {})[task.name] = task
        self._waiting: list[Waiting] = []
        self._turns = itertools.count()
        self._outlets: dict[str, Outlet] = {}
        self._busy = False

    def begin(self) -> None:
        """From now on the tasks' calls come here."""
        for task in self._tasks.values():
            self._outlets[task.name], task.outlet = task.outlet, self

    def end(self) -> None:
        """And no longer."""
        for name, outlet in self._outlets.items():
            self._tasks[name].outlet = outlet

    def send(self, task: Task[..., Any], body: bytes, delay_ms: int) -> Sent:
        """Due now: it has run when this returns, unless a task sends it."""
        turn = next(self._turns)
        properties = properties_of(task.name, f"call-{turn}", self.now_ms, {})
        self._put(self.now_ms + delay_ms, task.queue, properties, body)
        self.until(self.now_ms)
        safe: Future[None] = Future()
        safe.set_result(None)
        return Sent(f"call-{turn}", safe)

    def waiting(self, queue: str) -> int:
        """How many calls of a queue are due later."""
        return sum(each[2] == queue for each in self._waiting)

    def until(self, moment_ms: int) -> None:
        """Run what is due up to a moment, each at its own."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting and self._waiting[0][0] <= moment_ms:
                due_ms, _, queue, properties, body = heapq.heappop(self._waiting)
                self.now_ms = max(self.now_ms, due_ms)
                self.runs += 1
                if self.runs > RUNS_MAX:
                    raise PenstockError("the tasks send each other calls for ever")
                _run(partial(self._one, queue, properties, body))
        finally:
            self._busy = False
        self.now_ms = max(self.now_ms, moment_ms)

    def _put(self, due_ms: int, queue: str, properties: Properties, body: bytes) -> None:
        heapq.heappush(self._waiting, (due_ms, next(self._turns), queue, properties, body))

    async def _one(self, queue: str, properties: Properties, body: bytes) -> None:
        delivery = properties, body, Origin(queue=queue, routing_key=queue)
        outcome = await attempt(
            self._queues[queue], delivery, partial(called, Threads()), lambda: self.now_ms, 0.0
        )
        if not isinstance(outcome, Again):
            if outcome.result is not None:
                key = (properties.message_id or "").encode()
                self._result(outcome.task.result, Record(key, outcome.result, self.now_ms, ()))
        elif outcome.wait_ms:
            due_ms = self.now_ms + outcome.wait_ms
            self._put(due_ms, outcome.queue, with_letter(properties, outcome.letter), body)
        else:
            self.letters.setdefault(outcome.queue, []).append(outcome.letter)


def _run(work: Callable[[], Any]) -> None:
    """Run a coroutine to its end, wherever this is called: a test may be a coroutine itself."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work())
        return
    errors: list[BaseException] = []

    def beside() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=beside)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
