"""Topics and their offsets, asked for once a second: sizes, rates, a minute of points for each.

Knows offsets, not records. Many topics share the seconds: at most `TOPICS_A_ROUND` are asked for in one.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.calls import EARLIEST
from penstock.client.client import Client
from penstock.client.cluster import TopicMeta
from penstock.client.errors import KafkaError
from penstock.web.follow.series import Series
from penstock.web.http.inputs import hidden

EVERY_S = 1.0
STARTS_EVERY = 10  # rounds: where a topic begins moves seldom
TOPICS_A_ROUND = 200
AT_ONCE = 16
log = logging.getLogger("penstock.web")


@dataclass
class Topic:
    """One topic as last seen."""

    meta: TopicMeta
    starts: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    appended: Series = field(default_factory=Series)
    rounds: int = 0

    @property
    def records(self) -> int:
        """Offsets between start and end: records, and what compaction or transactions left out."""
        return sum(max(0, end - self.starts.get(p, 0)) for p, end in self.ends.items())

    @property
    def internal(self) -> bool:
        """Whether the topic is the system's own."""
        return self.meta.internal or hidden(self.meta.name)


class Topics:
    """All topics. `seen_ms` is when the broker last answered."""

    def __init__(self, client: Client, wall_ms: Callable[[], int]) -> None:
        self.topics: dict[str, Topic] = {}
        self.seen_ms = 0
        self._client, self._wall_ms = client, wall_ms
        self._turn = 0
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Ask for ever, once a second."""
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                async with asyncio.timeout(10):
                    await self.poll()
            except (KafkaError, TimeoutError) as error:
                log.debug("topics are not to be had: %s", error)
            await asyncio.sleep(max(0.1, EVERY_S - (loop.time() - began_s)))

    async def poll(self) -> None:
        """One round."""
        metas = await self._client.metadata()
        self.seen_ms = self._wall_ms()
        for name in [name for name in self.topics if name not in metas]:
            del self.topics[name]
        for name, meta in metas.items():
            known = self.topics.get(name)
            if known is None or known.meta.topic_id != meta.topic_id:
                self.topics[name] = Topic(meta)
            else:
                known.meta = meta
        await asyncio.gather(*(self._offsets(self.topics[name]) for name in self._this_round()))

    def _this_round(self) -> list[str]:
        names = sorted(self.topics)
        if len(names) <= TOPICS_A_ROUND:
            return names
        self._turn %= len(names)
        chosen = (names + names)[self._turn : self._turn + TOPICS_A_ROUND]
        self._turn += TOPICS_A_ROUND
        return chosen

    async def _offsets(self, topic: Topic) -> None:
        name = topic.meta.name
        try:
            async with self._gate:
                if topic.rounds % STARTS_EVERY == 0:
                    topic.starts = await self._client.offsets(name, EARLIEST)
                topic.ends = await self._client.offsets(name)
                self.seen_ms = self._wall_ms()
        except KafkaError as error:
            log.debug("offsets of %s: %s", name, error)
            return
        topic.rounds += 1
        topic.appended.read(sum(topic.ends.values()), self._wall_ms())
