"""A topic of one's own on a real server, with what a test asks of it and of its consumers."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from penstock import Client, Retry, consume
from penstock.calls import EARLIEST
from penstock.client import ClientOptions, ReaderOptions
from penstock.client.members.membership import MembershipOptions
from penstock.consumer.consumer import Consumer
from penstock.consumer.options import ConsumerOptions
from penstock.dead_letters import DeadLetter, of_record
from penstock.record import Record, decode

QUICK = ConsumerOptions(
    commit_s=0.2,
    moves_s=0.02,
    drain_s=5.0,
    transaction_s=6.0,
    membership=MembershipOptions(session_s=6.0, heartbeat_s=0.1, rebalance_s=10.0),
    client=ClientOptions("test", backoff_first_s=0.02, backoff_max_s=0.2, deadline_s=20.0),
)
RETRY = Retry("100ms", "300ms", max_attempts=3)


class Place:
    """A topic of one's own with what a test asks of it."""

    def __init__(self, address: str, client: Client) -> None:
        self.address, self.client = address, client
        self.topic = f"r-{uuid.uuid4().hex[:8]}"

    def consumer(self, retry: Retry | None = RETRY, group: str = "g", **words: Any) -> Consumer:
        words.setdefault("options", QUICK)
        return consume(
            self.topic, group=f"{self.topic}.{group}", retry=retry, bootstrap=self.address, **words
        )

    async def produce(self, *values: str) -> None:
        """Values "key:rest"; without a colon there is no key."""
        now_ms = int(time.time() * 1000)
        made = [
            Record(v.partition(":")[0].encode() if ":" in v else None, v.encode(), now_ms) for v in values
        ]
        await self.client.produce(self.topic, made)

    async def read(self, topic: str) -> list[Record]:
        """All committed records."""
        ends = await self.client.offsets(topic, committed=True)
        starts = await self.client.offsets(topic, EARLIEST)
        found: list[Record] = []
        options = ReaderOptions(committed=True, wait_ms=50)
        async with self.client.reader({(topic, p): o for p, o in starts.items()}, options=options) as reader:
            over = False
            while not over:
                over = all(reader.positions[topic, p] >= end for p, end in ends.items())
                for chunk in reader.take() if over else await reader.read(1):
                    found += decode(chunk.batches)
        return found

    async def dead(self) -> list[DeadLetter]:
        return [of_record(each) for each in await self.read(f"{self.topic}.dlq")]


def run(
    address: str, test: Callable[[Place], Awaitable[None]], partitions: int = 2, seconds: float = 90
) -> None:
    async def go() -> None:
        async with Client(address, options=QUICK.client) as client:
            place = Place(address, client)
            await client.create_topic(place.topic, partitions)
            await asyncio.wait_for(test(place), seconds)

    asyncio.run(go())


async def until(ready: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.02)
