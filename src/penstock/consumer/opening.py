"""Before a consumer begins: the topics beside its topic are made, and what an earlier consumer left is looked up.

Knows names, settings and positions; knows nothing of handlers.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from penstock import record
from penstock.calls import EARLIEST, LATEST, Bytes
from penstock.client import Client, KafkaError, ReaderOptions
from penstock.consumer.delivery import Delivery, Part
from penstock.consumer.names import Names, settings_of
from penstock.consumer.partition.order import Held
from penstock.consumer.partition.share import Rules, Share
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.retries import Retry

STARTS = ("earliest", "latest")
FETCH_BYTES = 64 * 1024


@dataclass(frozen=True)
class Made:
    """What is there of one topic: its partitions, and what its records may weigh beside it."""

    partitions: int
    dead_partitions: int
    bytes_max: Mapping[str, int]


async def make_topics(client: Client, names: Names, retry: Retry | None) -> Made:
    """Make what is missing beside the topic, with as many partitions as it has; raises PenstockError."""
    meta = (await client.metadata([names.topic]))[names.topic]
    if meta.error:
        raise KafkaError(meta.error, f"consume the topic {names.topic}")
    if retry is None:
        return Made(meta.partitions, 0, {})
    main = await client.topic_configs(names.topic)
    bytes_max = {}
    for name in (*names.all[1:], names.dead):
        dead = name == names.dead
        await _make(client, name, 1 if dead else meta.partitions, settings_of(retry, main, dead=dead), dead)
        bytes_max[name] = int((await client.topic_configs(name)).get("max.message.bytes") or 1_048_588)
    return Made(meta.partitions, await client.partitions(names.dead), bytes_max)


async def _make(client: Client, name: str, partitions: int, settings: dict[str, str], dead: bool) -> None:
    there = (await client.metadata([name]))[name]
    try:
        if there.error:
            await client.create_topic(name, partitions, settings, exist_ok=True)
        elif there.partitions < partitions and not dead:
            await client.add_partitions(name, partitions)
    except KafkaError as error:
        raise PenstockError(
            f"the topic {name} cannot be made: {error.message}",
            remedy=f"make it with {partitions} partitions, or allow this user to",
        ) from error


class Opening:
    """Makes `Share`s that go on where the group is."""

    def __init__(
        self,
        client: Client,
        group: str,
        ready: Callable[[Delivery], None],
        load: Callable[[Share, Held], None],
    ) -> None:
        self._client, self._group, self._ready, self._load = client, group, ready, load

    async def open(self, wanted: Mapping[Part, tuple[Names, Rules | None]], start: str) -> dict[Part, Share]:
        """The shares of these partitions. Waits for transactions that would still move their positions."""
        parts = [(name, number) for (_, number), (names, _) in wanted.items() for name in names.all]
        found = await self._client.committed(self._group, parts, stable=True)
        begins, ends = await self._client.find(parts, EARLIEST), await self._client.find(parts, LATEST)
        # None, or of a topic that was emptied, or deleted and made anew.
        unfit = [part for part in parts if not begins[part][0] <= found.get(part, -1) <= ends[part][0]]
        found |= {part: begins[part][0] for part in unfit}
        if start == "latest" and (fresh := [part for part in unfit if part in wanted]):
            at = await self._client.find(fresh, LATEST, committed=True)
            found |= {part: offset for part, (offset, _) in at.items()}
        shares = {}
        for part, (names, rules) in wanted.items():
            positions = {(name, part[1]): found[name, part[1]] for name in names.all}
            shares[part] = Share(part[1], rules, positions, self._ready, self._load)
        await self._recall(shares, wanted, found, ends)
        for share in shares.values():
            share.begin()
        return shares

    async def _recall(
        self,
        shares: Mapping[Part, Share],
        wanted: Mapping[Part, tuple[Names, Rules | None]],
        positions: Mapping[Part, int],
        ends: Mapping[Part, tuple[int, int]],
    ) -> None:
        """Read what waits for its next attempt and what is held back: it says which keys are blocked.

        Up to the very end: transactions of other groups may be open in these topics, with ours behind them.
        """
        whose = {
            (name, part[1]): shares[part]
            for part, (names, rules) in wanted.items()
            if rules and rules.keep_order
            for name in names.all[1:]
        }
        starts = {part: positions[part] for part in whose if positions[part] < ends[part][0]}
        if not starts:
            return
        options = ReaderOptions(wait_ms=100, committed=True, reset=EARLIEST)
        async with self._client.reader(starts, options=options) as reader:
            while True:
                over = all(reader.positions[part] >= ends[part][0] for part in starts)
                for chunk in reader.take() if over else await reader.read(1.0):
                    part = (chunk.topic, chunk.partition)
                    for found in _records(chunk.batches, chunk.offset):
                        if found.offset < ends[part][0]:
                            whose[part].recall(part, found)
                if over:
                    return


def _records(batches: Bytes, start: int) -> Sequence[Record]:
    """The records from an offset on; a damaged batch is met again, and said, when it is read for good."""
    found: list[Record] = []
    for info in record.scan(batches):
        try:
            batch = bytes(batches[info.position : info.position + info.size])
            found += [each for each in record.decode(batch) if each.offset >= start]
        except ValueError:
            continue
    return found


async def fetch_one(client: Client, part: Part, offset: int) -> Record:
    """The record at an offset; raises PenstockError where it is gone."""
    options = ReaderOptions(wait_ms=100, committed=True, bytes_max=FETCH_BYTES, part_bytes_max=FETCH_BYTES)
    async with client.reader({part: offset}, options=options) as reader:
        async with asyncio.timeout(client.options.deadline_s):
            while True:
                for chunk in await reader.read(1.0):
                    for found in _records(chunk.batches, offset):
                        if found.offset == offset:
                            return found
                if reader.positions[part] > offset:
                    raise PenstockError(
                        f"the record {part[0]}-{part[1]}@{offset} is gone",
                        remedy="give the topic more retention: its records wait there for their turn",
                    )
