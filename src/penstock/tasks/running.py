"""Runs tasks: takes calls from their queues, calls the functions, and acknowledges when what follows is safe.

A call is acknowledged after its next attempt, its dead letter or its result is safe: a crash may do it again, and loses
none. Knows the server and the loop; what an attempt comes to is `attempt`'s.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.amqp import AmqpError, Channel, Connection, Got, Url, connect, url_of
from penstock.amqp.errors import LOST
from penstock.client.backoff import Backoff
from penstock.content import Properties
from penstock.dead_letters import Origin
from penstock.errors import PenstockError
from penstock.tasks.attempt import Again, Done, Threads, attempt, called
from penstock.tasks.figures import Figures
from penstock.tasks.message import Call, with_letter
from penstock.tasks.places import Places
from penstock.tasks.task import Task

PATIENCE_S = 1.0
REFUSALS = range(400, 600)
_log = logging.getLogger("penstock.tasks")


@dataclass(frozen=True)
class RunOptions:
    """How tasks are run."""

    drain_s: float = 30.0
    """How long what runs may take to end when it is told to stop, in seconds; what does not comes again."""
    look_s: float = 0.0
    """How often the server is asked how many calls wait, in seconds; 0: never."""
    backoff_first_s: float = 0.2
    backoff_max_s: float = 10.0


class Running:
    """The consumers of some tasks' queues. Use once: `run`.

    `figures` are each task's, `waiting` the calls that lie in each queue, all of which are in `vhost`; `trouble` says why nothing is taken now.
    """

    def __init__(
        self, tasks: Iterable[Task[..., Any]], url: Url | None = None, options: RunOptions | None = None
    ) -> None:
        self._url, self._options = url or url_of(), options or RunOptions()
        self.queues: dict[str, dict[str, Task[..., Any]]] = {}
        for task in tasks:
            self.queues.setdefault(task.queue, {})[task.name] = task
        self.figures = {task: Figures() for queue in self.queues.values() for task in queue.values()}
        self.waiting = dict.fromkeys(self.queues, 0)
        self.vhost = self._url.vhost
        self.trouble = ""
        self._threads = Threads()
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and what runs has ended. Raises AmqpError where the server says no; is it gone, tries on."""
        try:
            await self._run(stop)
        finally:
            self._threads.end()

    async def _run(self, stop: asyncio.Event) -> None:
        backoff = Backoff(self._options.backoff_first_s, self._options.backoff_max_s, random.random)
        while not stop.is_set():
            try:
                connection = await connect(self._url, name="penstock tasks")
                try:
                    await self._serve(connection, stop, backoff)
                finally:
                    await connection.close()
            except AmqpError as error:
                if error.code in REFUSALS:
                    raise
                self._tried_again(error.message)
            except TimeoutError:
                self._tried_again(f"{self._url} does not answer")
            self.ready.clear()
            if not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(backoff.next_s()):
                        await stop.wait()

    def _tried_again(self, why: str) -> None:
        self.trouble = f"{why}; it is tried again"
        _log.warning("%s", self.trouble)

    async def _serve(self, connection: Connection, stop: asyncio.Event, backoff: Backoff) -> None:
        places = await Places.on(connection)
        consumers = [
            Consumer(places, queue, tasks, self._threads, self.figures)
            for queue, tasks in self.queues.items()
        ]
        looking = asyncio.create_task(self._look(connection))
        waits = [asyncio.create_task(stop.wait())]
        try:
            for each in consumers:
                await each.begin(await connection.channel())
                waits.append(asyncio.create_task(each.over.wait()))
            backoff.reset()
            self.trouble = ""
            self.ready.set()
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await asyncio.gather(*(each.drain(self._options.drain_s) for each in consumers))
                return
        finally:
            for aside in (looking, *waits):
                aside.cancel()
            for each in consumers:
                each.cancel()
        raise connection.lost or next(each.lost for each in consumers if each.over.is_set())

    async def _look(self, connection: Connection) -> None:
        """See how many calls wait, now and then; for those who watch, and nothing else depends on it."""
        while self._options.look_s:
            with contextlib.suppress(AmqpError, TimeoutError):
                channel = await connection.channel()
                while True:
                    for queue in self.queues:
                        said = await channel.call("queue.declare", queue=queue, passive=True)
                        self.waiting[queue] = said["message_count"]
                    await asyncio.sleep(self._options.look_s)
            await asyncio.sleep(self._options.look_s)


class Consumer:
    """One queue's."""

    def __init__(
        self,
        places: Places,
        queue: str,
        tasks: Mapping[str, Task[..., Any]],
        threads: Threads,
        figures: Mapping[Task[..., Any], Figures],
    ) -> None:
        self._places, self._queue, self._tasks = places, queue, tasks
        self._threads, self._figures = threads, figures
        self._channel: Channel | None = None
        self._tag = ""
        self._running: set[asyncio.Task[None]] = set()
        self.over = asyncio.Event()
        self.error: AmqpError | None = None

    @property
    def lost(self) -> AmqpError:
        """Why it is over."""
        lost = self._channel.lost if self._channel else None
        return self.error or lost or AmqpError(f"the queue {self._queue} was deleted", LOST)

    async def begin(self, channel: Channel) -> None:
        """Declare what is needed, then take calls."""
        self._channel = channel
        for task in self._tasks.values():
            await self._places.queue(task.queue, task.arguments)
            await self._places.queue(task.dead_letter)
        prefetch = sum(task.concurrency for task in self._tasks.values())
        await channel.call("basic.qos", prefetch_count=min(prefetch, 65_535))
        self._tag = await channel.consume(self._queue, self._take)

    def _take(self, got: Got | None) -> None:
        if got is None:
            self.over.set()
            return
        task = asyncio.create_task(self._one(got))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _one(self, got: Got) -> None:
        assert self._channel
        origin = Origin(queue=self._queue, exchange=got.exchange, routing_key=got.routing_key)
        outcome = await attempt(
            self._tasks,
            (got.properties, got.body, origin),
            self._call,
            lambda: int(time.time() * 1000),
            random.random(),
        )
        try:
            await self._follow(got, outcome)
            self._channel.ack(got.tag)
            self._figures[outcome.task].ended(outcome)
        except (PenstockError, TimeoutError) as error:
            # Nothing is acknowledged, so it comes again: to a new connection, after a wait.
            self.error = self.error or _as_lost(error)
            self.over.set()

    async def _call(self, task: Task[..., Any], call: Call) -> Any:
        """What the function gives."""
        figures, began_s = self._figures[task], time.monotonic()
        figures.running += 1
        try:
            return await called(self._threads, task, call)
        finally:
            figures.running -= 1
            figures.busy_s += time.monotonic() - began_s

    async def _follow(self, got: Got, outcome: Done | Again) -> None:
        """What comes of it is safe when this returns."""
        if isinstance(outcome, Again):
            _log.log(
                logging.INFO if outcome.wait_ms else logging.ERROR,
                "%s: attempt %d %s: %s",
                outcome.letter.owner, outcome.letter.attempts,
                "is tried again" if outcome.wait_ms else f"was given up, to {outcome.queue}",
                outcome.letter.failing.message,
            )  # fmt: skip
            if not outcome.wait_ms:
                await self._places.queue(outcome.queue)
            properties = with_letter(got.properties, outcome.letter)
            await self._places.put(outcome.queue, properties, got.body, outcome.wait_ms)
        elif outcome.result is not None:
            made = Properties.made(content_type="application/json", delivery_mode=2, type=outcome.task.name)
            key = got.properties.message_id or ""
            await self._places.result(outcome.task.result, key, made, outcome.result)

    async def drain(self, drain_s: float) -> None:
        """Take no more; wait for what runs."""
        assert self._channel
        with contextlib.suppress(AmqpError, TimeoutError):
            await self._channel.call("basic.cancel", consumer_tag=self._tag)
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=drain_s)
            if left:
                _log.warning("%d calls of %s did not end in time: they come again", len(left), self._queue)
        self.cancel()

    def cancel(self) -> None:
        """What still runs is given up here: the server has it, and gives it to another."""
        for task in self._running:
            task.cancel()


def _as_lost(error: Exception) -> AmqpError:
    return error if isinstance(error, AmqpError) else AmqpError(str(error) or "the server does not answer")
