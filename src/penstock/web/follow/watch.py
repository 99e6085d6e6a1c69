"""All that the web process follows, started and stopped together; a picture of it once a second.

Knows the parts; each knows its own. Handlers read from here and never follow anything themselves.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from penstock.amqp import Url
from penstock.client.client import Client
from penstock.client.cluster import TopicMeta
from penstock.record import Record
from penstock.tables.live import TableOptions
from penstock.web.follow.feeds import Feeds
from penstock.web.follow.groups import Groups
from penstock.web.follow.jobs import Jobs
from penstock.web.follow.measures import Measures, disk_free_bytes
from penstock.web.follow.queues import Queues
from penstock.web.follow.records import follow, lasting
from penstock.web.follow.topics import Topics

WORKERS, METRICS, COMMANDS = "_penstock.workers", "_penstock.metrics", "_penstock.commands"
TABLES_EVERY_S = 0.2
DISK_EVERY_S = 5.0
BROKER_QUIET_MS = 4_000
WORKERS_NEWEST = 200_000  # reports: a second or so of reading, should the topic not have been compacted


class Watch:
    """What is known of the whole stack now.

    `amqp` is where the queues are. `dial` opens a client, each with connections of its own. Kafka answers a connection's requests in order, so a
    reader that waits for news would hold up whatever is asked on the same one.
    """

    def __init__(
        self,
        dial: Callable[[], Client],
        tables: TableOptions,
        wall_ms: Callable[[], int],
        data_dir: str = "",
        amqp: Url | None = None,
    ) -> None:
        self.wall_ms, self.data_dir = wall_ms, data_dir
        self.client, self.peeking = dial(), dial()
        self.started_ms = wall_ms()
        self.topics = Topics(self.client, wall_ms)
        self.jobs = Jobs()
        self.measures = Measures()
        self.groups = Groups(self.client, self.topics, wall_ms)
        self.feeds = Feeds(dial, tables, self._meta)
        self.queues = Queues(amqp, wall_ms)
        self.load_until_ms = 0
        self.disk_free_bytes: int | None = None
        self._dial = dial
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow everything; returns at once."""
        dial = self._dial
        work: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "topics": self.topics.run,
            "groups": self.groups.run,
            "loop lag": self.measures.watch_loop,
            "workers": partial(follow, dial, WORKERS, self.jobs.take, WORKERS_NEWEST),
            "measures": partial(follow, dial, METRICS, self.measures.take, 2),
            "commands": partial(follow, dial, COMMANDS, self._command, 1000),
            "tables": self._keep_feeds,
            "disk": self._look_at_disk,
        }
        if self.queues.url is not None:
            work["queues"] = self.queues.run
        self._tasks = [asyncio.create_task(lasting(name, each)) for name, each in work.items()]

    async def stop(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.feeds.close()
        await self.queues.close()
        await self.client.close(0.0)
        await self.peeking.close(0.0)

    async def _keep_feeds(self) -> None:
        version = -1
        while True:
            if version != self.jobs.version:
                version = self.jobs.version
                self.feeds.want(self.jobs.tables())
            await asyncio.sleep(TABLES_EVERY_S)

    async def _look_at_disk(self) -> None:
        while True:
            self.disk_free_bytes = await asyncio.to_thread(disk_free_bytes, self.data_dir)
            await asyncio.sleep(DISK_EVERY_S)

    def _meta(self, topic: str) -> TopicMeta | None:
        known = self.topics.topics.get(topic)
        return known.meta if known else None

    def _command(self, record: Record) -> None:
        if record.key != b"demo/load" or record.value is None:
            return
        try:
            until_ms = msgspec.json.decode(record.value)["until_ms"]
            self.load_until_ms = max(self.load_until_ms, int(until_ms))
        except (ValueError, RecursionError, KeyError, TypeError):
            return

    @property
    def broker_up(self) -> bool:
        """Whether the broker answered in the last seconds."""
        return self.wall_ms() - self.topics.seen_ms < BROKER_QUIET_MS

    @property
    def broker_away(self) -> bool:
        """Whether the broker has had its time to answer and did not."""
        return not self.broker_up and self.wall_ms() - self.started_ms > BROKER_QUIET_MS
