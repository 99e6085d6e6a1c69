"""The `app` side of tasks: the decorator that makes them. Knows functions; knows no server but by its outlet."""

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from penstock.content import Field
from penstock.durations import Duration, milliseconds
from penstock.errors import PenstockError
from penstock.retries import Retry
from penstock.tasks.sending import OUTLET
from penstock.tasks.task import Task

P = ParamSpec("P")
R = TypeVar("R")
NEVER = Retry()


class Tasks:
    """An app's tasks, by name."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task[..., Any]] = {}

    def task(
        self,
        *,
        queue: str,
        retry: Retry | None = None,
        name: str = "",
        result: str = "",
        concurrency: int = 0,
        time_limit: Duration | None = None,
        arguments: Mapping[str, Field] | None = None,
    ) -> Callable[[Callable[P, R]], Task[P, R]]:
        """A decorator: the function is called for each message of the queue, at most `concurrency` at once (async 32,
        plain ones 4, on threads). Without `retry` a call that fails is a dead letter at once.

        `result`: a topic for what it returns. `arguments`: the queue's own, as RabbitMQ has them (``x-max-priority``).
        """

        def declare(body: Callable[P, R]) -> Task[P, R]:
            made = Task(
                body,
                name or getattr(body, "__name__", ""),
                queue,
                retry or NEVER,
                OUTLET,
                result,
                concurrency,
                milliseconds(time_limit) if time_limit is not None else 0,
                dict(arguments or {}),
            )
            if made.name in self.tasks:
                raise PenstockError(f"there is a task {made.name} already", remedy="give one another name=…")
            self.tasks[made.name] = made
            return made

        return declare
