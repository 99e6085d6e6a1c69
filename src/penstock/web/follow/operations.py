"""What is being done to dead letters right now, and was done lately: one thing at a time a place.

Knows tasks; knows nothing of HTTP, nor of letters.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from penstock.dlq.source import Outcome, Told
from penstock.errors import PenstockError

KEPT = 50
RUNNING_MAX = 8
log = logging.getLogger("penstock.web")


@dataclass
class Operation:
    """One redrive or purge."""

    source: str
    by: str
    at_ms: int
    outcome: Outcome
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.task is not None and not self.task.done()


class Operations:
    """Begun here, they go on when whoever asked has gone."""

    def __init__(self) -> None:
        self.kept: dict[str, Operation] = {}

    def begin(
        self, source: str, by: str, at_ms: int, what: str, work: Callable[[Told], Awaitable[Outcome]]
    ) -> "asyncio.Future[Operation]":
        """Start `work`; the future is there as soon as it told of itself. Raises PenstockError where one goes on already."""
        running = [each for each in self.kept.values() if each.running]
        if any(each.source == source for each in running) or len(running) >= RUNNING_MAX:
            raise PenstockError(
                f"a {what} of {source} has to wait: another goes on",
                remedy="GET /api/dlq-operations shows how far it is",
            )
        begun: asyncio.Future[Operation] = asyncio.get_running_loop().create_future()

        def told(outcome: Outcome) -> None:
            if not begun.done():
                operation = Operation(source, by, at_ms, outcome, task)
                self.kept[outcome.operation] = operation
                self._forget()
                begun.set_result(operation)

        async def run() -> None:
            try:
                told(await work(told))
            except PenstockError as error:
                self._failed(begun, error)
            except Exception as error:
                log.exception("a %s of %s failed", what, source)
                self._failed(begun, error)

        task = asyncio.create_task(run())
        return begun

    def _failed(self, begun: "asyncio.Future[Operation]", error: Exception) -> None:
        if not begun.done():
            begun.set_exception(error)
            return
        outcome = begun.result().outcome
        outcome.state = "failed"
        outcome.error = error.message if isinstance(error, PenstockError) else "this is a mistake in penstock"

    def _forget(self) -> None:
        for name in [name for name, each in self.kept.items() if not each.running][:-KEPT]:
            del self.kept[name]
