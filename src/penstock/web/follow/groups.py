"""Consumer groups: members, committed offsets and lag, as the broker tells.

Knows groups and offsets, not what consumers do with records.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from penstock.calls import GroupInfo
from penstock.client.client import Client
from penstock.client.errors import KafkaError
from penstock.web.follow.series import Levels, Series
from penstock.web.follow.topics import Topics

EVERY_S = 3.0
GROUPS_MAX = 200
log = logging.getLogger("penstock.web")


@dataclass(frozen=True)
class Position:
    """Where a group stands in one partition; `end` of None is not known."""

    topic: str
    partition: int
    offset: int
    end: int | None

    @property
    def lag(self) -> int | None:
        """Records still to be read."""
        return None if self.end is None else max(0, self.end - self.offset)


@dataclass(frozen=True)
class Group:
    """One group as last seen."""

    info: GroupInfo
    positions: tuple[Position, ...]

    def lag(self, topic: str) -> int:
        """Records of a topic still to be read."""
        return sum(each.lag or 0 for each in self.positions if each.topic == topic)

    @property
    def topics(self) -> list[str]:
        """The topics the group has positions in."""
        return sorted({each.topic for each in self.positions})


class Groups:
    """All groups, asked for every few seconds."""

    def __init__(self, client: Client, topics: Topics, wall_ms: Callable[[], int]) -> None:
        self.groups: dict[str, Group] = {}
        self.lags: dict[str, Levels] = {}
        self._read: dict[tuple[str, str], Series] = {}
        self._client, self._topics, self._wall_ms = client, topics, wall_ms

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            try:
                async with asyncio.timeout(10):
                    await self.poll()
            except (KafkaError, TimeoutError) as error:
                log.debug("groups are not to be had: %s", error)
            await asyncio.sleep(EVERY_S)

    async def poll(self) -> None:
        """One round."""
        names = [info.group for info in await self._client.groups()][:GROUPS_MAX]
        self.groups = {name: await self.look(name) for name in names}
        self.lags = {name: self.lags.get(name) or Levels() for name in names}
        now_ms, read = self._wall_ms(), {}
        for name, group in self.groups.items():
            self.lags[name].read(sum(group.lag(topic) for topic in group.topics))
            for topic in group.topics:
                series = read[(name, topic)] = self._read.get((name, topic)) or Series()
                series.read(sum(each.offset for each in group.positions if each.topic == topic), now_ms)
        self._read = read

    def rising(self, name: str) -> bool:
        """Whether a group's lag grows."""
        return name in self.lags and self.lags[name].rising

    def rate(self, name: str, topic: str) -> float:
        """Records of a topic that a group commits, per second."""
        return self._read[(name, topic)].rate if (name, topic) in self._read else 0.0

    async def look(self, name: str) -> Group:
        """One group, now."""
        info = (await self._client.describe_groups([name]))[name]
        committed = {} if info.state == "Dead" else await self._client.committed(name)
        positions = [
            Position(topic, partition, offset, self._end(topic, partition))
            for (topic, partition), offset in sorted(committed.items())
        ]
        return Group(info, tuple(positions))

    def _end(self, topic: str, partition: int) -> int | None:
        known = self._topics.topics.get(topic)
        return known.ends.get(partition) if known else None
