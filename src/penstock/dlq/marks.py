"""Which letters of a topic were dealt with: marks in `_penstock.dlq`, written in the transaction that dealt with them.

    key   <topic>/<topic id>/<partition>/<first offset>
    value {"state": "redriven", "ranges": [[first, last], …], "at_ms": …, "operation": …, "by": …}

The topic id keeps marks from meaning another topic of the same name. Knows offsets; knows nothing of what letters hold.
"""

import asyncio
import bisect
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from penstock import record
from penstock.calls import EARLIEST
from penstock.client import Client, ReaderOptions
from penstock.dlq.source import WAITING
from penstock.record import Record

TOPIC = "_penstock.dlq"
SETTINGS = {"cleanup.policy": "compact"}
PART = (TOPIC, 0)
WAIT_S = 120.0
"""How long transactions of others are waited for: longer than the server lets any of ours be open."""


class Marks:
    """What became of the letters of one topic."""

    def __init__(self, topic: str, topic_id: bytes) -> None:
        self.topic = topic
        self.prefix = f"{topic}/{topic_id.hex() or '-'}/"
        self._ranges: dict[int, list[tuple[int, int, str]]] = defaultdict(list)

    def state(self, partition: int, offset: int) -> str:
        """A letter's state."""
        found = self._ranges.get(partition)
        if found:
            at = bisect.bisect_right(found, (offset, 1 << 62, "")) - 1
            if at >= 0 and found[at][0] <= offset <= found[at][1]:
                return found[at][2]
        return WAITING

    def add(self, partition: int, offsets: Iterable[int], state: str) -> None:
        """These are dealt with."""
        for first, last in ranges(offsets):
            bisect.insort(self._ranges[partition], (first, last, state))

    def read(self, found: Record) -> None:
        """A record of the topic; what is of another topic, or makes no sense, is passed over."""
        key = (found.key or b"").decode("utf-8", "replace")
        if not key.startswith(self.prefix) or found.value is None:
            return
        try:
            partition = int(key[len(self.prefix) :].partition("/")[0])
            told = json.loads(found.value)
            for first, last in told["ranges"]:
                bisect.insort(self._ranges[partition], (int(first), int(last), str(told["state"])))
        except (ValueError, KeyError, TypeError):
            return

    def records(
        self, offsets: dict[int, list[int]], state: str, now_ms: int, more: dict[str, Any]
    ) -> list[Record]:
        """The marks to write, one a partition."""
        made = []
        for partition, each in sorted(offsets.items()):
            key = f"{self.prefix}{partition}/{min(each)}"
            value = {"state": state, "ranges": ranges(each), "at_ms": now_ms, **more}
            made.append(Record(key.encode(), json.dumps(value).encode(), now_ms))
        return made


def ranges(offsets: Iterable[int]) -> list[tuple[int, int]]:
    """Offsets as ranges, ends included."""
    found: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if found and found[-1][1] == offset - 1:
            found[-1] = (found[-1][0], offset)
        else:
            found.append((offset, offset))
    return found


async def read_marks(client: Client, topic: str) -> Marks:
    """All marks of a topic as it is now."""
    metas = await client.metadata([topic, TOPIC])
    marks = Marks(topic, metas[topic].topic_id)
    if metas[TOPIC].error is None:
        for found in await read_all(client, TOPIC):
            marks.read(found)
    return marks


async def read_all(client: Client, topic: str) -> Sequence[Record]:
    """Every committed record of a topic, up to its end as it is now.

    Other transactions may be open in it, and what is committed stands behind where they began: they are waited for.
    """
    ends = await client.offsets(topic)
    starts = await client.offsets(topic, EARLIEST)
    positions = {(topic, p): at for p, at in starts.items() if at < ends[p]}
    found: list[Record] = []
    if not positions:
        return found
    options = ReaderOptions(wait_ms=100, committed=True, reset=EARLIEST)
    async with client.reader(positions, options=options) as reader, asyncio.timeout(WAIT_S):
        over = False
        while not over:
            over = all(reader.positions[part] >= ends[part[1]] for part in positions)
            for chunk in reader.take() if over else await reader.read(1.0):
                found += record.decode(chunk.batches)
    return found
