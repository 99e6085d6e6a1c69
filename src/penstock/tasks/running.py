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
from functools import partial
from typing import Any

from penstock.amqp import AmqpError, Channel, Connection, Got, Url, connect, url_of
from penstock.amqp.errors import LOST
from penstock.client.backoff import Backoff
from penstock.content import Properties
from penstock.dead_letters import Origin
from penstock.errors import PenstockError
from penstock.tasks.attempt import Again, Done, Threads, attempt, called
from penstock.tasks.message import with_letter
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
    backoff_first_s: float = 0.2
    backoff_max_s: float = 10.0


class Running:
    """The consumers of some tasks' queues. Use once: `run`."""

    def __init__(
        self, tasks: Iterable[Task[..., Any]], url: Url | None = None, options: RunOptions | None = None
    ) -> None:
        self._url, self._options = url or url_of(), options or RunOptions()
        self._queues: dict[str, dict[str, Task[..., Any]]] = {}
        for task in tasks:
            self._queues.setdefault(task.queue, {})[task.name] = task
        self._threads = Threads()
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and what runs has ended. Raises AmqpError where the server says no; is it gone, tries on."""
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
                _log.warning("%s; it is tried again", error.message)
            except TimeoutError:
                _log.warning("%s does not answer; it is tried again", self._url)
            self.ready.clear()
            if not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(backoff.next_s()):
                        await stop.wait()

    async def _serve(self, connection: Connection, stop: asyncio.Event, backoff: Backoff) -> None:
        places = await Places.on(connection)
        consumers = [Consumer(places, queue, tasks, self._threads) for queue, tasks in self._queues.items()]
        for each in consumers:
            await each.begin(await connection.channel())
        backoff.reset()
        self.ready.set()
        told = asyncio.ensure_future(stop.wait())
        over = [asyncio.ensure_future(each.over.wait()) for each in consumers]
        try:
            await asyncio.wait([told, *over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (told, *over):
                waiting.cancel()
        if stop.is_set():
            await asyncio.gather(*(each.drain(self._options.drain_s) for each in consumers))
            return
        for each in consumers:
            each.cancel()
        raise connection.lost or next(each.lost for each in consumers if each.over.is_set())


class Consumer:
    """One queue's."""

    def __init__(
        self, places: Places, queue: str, tasks: Mapping[str, Task[..., Any]], threads: Threads
    ) -> None:
        self._places, self._queue, self._tasks, self._threads = places, queue, tasks, threads
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
            partial(called, self._threads),
            lambda: int(time.time() * 1000),
            random.random(),
        )
        try:
            await self._follow(got, outcome)
            self._channel.ack(got.tag)
        except (PenstockError, TimeoutError) as error:
            # Nothing is acknowledged, so it comes again: to a new connection, after a wait.
            self.error = self.error or _as_lost(error)
            self.over.set()

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
