"""Sends calls from any program: one thread with a loop and a connection, begun when the first call is sent.

So sending is the same from a coroutine, from a plain function and from a worker's thread. Knows how to try again when
the server is gone for a while; knows no task's function.
"""

import asyncio
import atexit
import contextlib
import logging
import threading
import time
import uuid
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

from penstock.amqp import AmqpError, Connection, Url, connect, url_of
from penstock.amqp.errors import LOST, NOT_FOUND
from penstock.tasks.message import properties_of
from penstock.tasks.places import Places
from penstock.tasks.sent import Sent

if TYPE_CHECKING:
    from penstock.tasks.task import Task

PATIENCE_S = 20.0
"""How long a call that cannot be sent is tried, in seconds."""
LEAVING_S = 5.0
AGAIN_S = 0.2
_log = logging.getLogger("penstock.tasks")


class Server:
    """The outlet of tasks: the server at `url`, by default where PENSTOCK_AMQP says."""

    def __init__(self) -> None:
        self.url: Url | None = None
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[Future[None]] = set()
        self._connection: Connection | None = None
        self._places: Places | None = None
        self._opening: asyncio.Lock | None = None

    def send(self, task: "Task[..., Any]", body: bytes, delay_ms: int) -> Sent:
        """Into the task's queue. In a running loop this does not wait."""
        id = uuid.uuid4().hex
        safe = asyncio.run_coroutine_threadsafe(self._send(task, id, body, delay_ms), self._started())
        self._under_way.add(safe)
        safe.add_done_callback(self._done)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            safe.result()
        return Sent(id, safe)

    def _done(self, safe: "Future[None]") -> None:
        self._under_way.discard(safe)
        if not safe.cancelled() and (error := safe.exception()):
            _log.error("a call could not be sent: %s", error)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="penstock-tasks", daemon=True).start()
                atexit.register(self._leave)
            return self._loop

    def _leave(self) -> None:
        """The program ends: what nobody awaited goes out."""
        wait(set(self._under_way), LEAVING_S)
        if self._loop is not None and self._connection is not None:
            with contextlib.suppress(Exception):
                asyncio.run_coroutine_threadsafe(self._connection.close(), self._loop).result(1.0)

    async def _send(self, task: "Task[..., Any]", id: str, body: bytes, delay_ms: int) -> None:
        until_s = time.monotonic() + PATIENCE_S
        due_s = time.monotonic() + delay_ms / 1000
        while True:
            try:
                places = await self._ready()
                await places.queue(task.queue, task.arguments)
                properties = properties_of(task.name, id, int(time.time() * 1000), {})
                left_ms = round((due_s - time.monotonic()) * 1000) if delay_ms else 0
                await places.put(task.queue, properties, body, max(0, left_ms))
                return
            except (AmqpError, TimeoutError) as error:
                # The connection went, or somebody deleted the queue: both are mended by trying again.
                mended = isinstance(error, TimeoutError) or error.code in (LOST, 312, 320, NOT_FOUND)
                if not mended or time.monotonic() > until_s:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _ready(self) -> Places:
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            url, places = self.url or url_of(), self._places
            if (
                places is None
                or places.channel.lost
                or self._connection is None
                or self._connection.url != url
            ):
                if self._connection is not None:
                    await self._connection.close()
                self._connection = await connect(url, name="penstock tasks")
                places = self._places = await Places.on(self._connection)
            return places


OUTLET = Server()
"""The program's one."""
