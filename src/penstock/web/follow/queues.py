"""The queues of the broker as of the last second, with the rates of what goes in and out.

Asks the broker by AMQP over a connection of its own; asks less often where the answer is large. Knows no request.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from penstock.amqp import AmqpError, Channel, Connection, Url, connect
from penstock.web.follow.series import Series

log = logging.getLogger("penstock.web")

EVERY_S: Final = 1.0
SHARE: Final = 20
"""How many times as long as an answer took the next question waits, at least."""
TOTALS: Final = ("published", "delivered", "acked")


class Queue:
    """One queue: `info` is what the broker says of it, `rates` has each of `TOTALS`."""

    def __init__(self) -> None:
        self.info: dict[str, Any] = {}
        self.rates = {name: Series() for name in TOTALS}

    def read(self, info: dict[str, Any], at_ms: int) -> None:
        """The newest."""
        self.info = info
        for name, series in self.rates.items():
            series.read(info[name], at_ms)


class Queues:
    """By virtual host and name, in that order. `url` is None where this server was told of no queues."""

    def __init__(self, url: Url | None, wall_ms: Callable[[], int]) -> None:
        self.url, self.wall_ms = url, wall_ms
        self.queues: dict[tuple[str, str], Queue] = {}
        self.vhosts: list[str] = []
        self.error = ""
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._asking = asyncio.Lock()

    async def run(self) -> None:
        """Follow them for ever."""
        loop = asyncio.get_running_loop()
        while True:
            begun_s = loop.time()
            try:
                await self.poll()
            except (AmqpError, TimeoutError) as error:
                if str(error) != self.error:
                    log.info("queues: %s", error)
                self.error, self.queues, self.vhosts = str(error), {}, []
            took_s = loop.time() - begun_s
            await asyncio.sleep(max(EVERY_S - took_s, SHARE * took_s))

    async def poll(self) -> None:
        """Ask now; raises AmqpError where nobody answers."""
        async with self._asking:
            channel = await self._open()
            found, self.vhosts = await channel.describe("queues"), await channel.describe("vhosts")  # type: ignore[assignment]
            at_ms, known = self.wall_ms(), self.queues
            self.queues = {(info["vhost"], info["name"]): Queue() for info in found}
            for info in found:
                key = info["vhost"], info["name"]
                self.queues[key] = known.get(key) or self.queues[key]
                self.queues[key].read(info, at_ms)
            self.error = ""

    async def _open(self) -> Channel:
        assert self.url is not None
        if self._channel is None or self._channel.lost:
            await self.close()
            self._connection = await connect(self.url, name="penstock-web")
            if not self._connection.is_penstock:
                raise AmqpError(f"{self.url} is no penstock", remedy="its queues are not shown here")
            self._channel = await self._connection.channel()
        return self._channel

    async def close(self) -> None:
        """Leave."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            await connection.close()
