"""What topics hold, measured: offsets, bytes, and how far each group is behind. Knows no command, prints nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.cli.moments import Part, bounds
from penstock.client import Client, KafkaError, TopicMeta


@dataclass(frozen=True)
class Facts:
    """One topic: by partition the first offset and the one after the last, and bytes where the server tells them."""

    bounds: Mapping[int, tuple[int, int]]
    sizes: Mapping[int, int] | None

    @property
    def records(self) -> int:
        """Offsets between start and end; after compaction or a transaction there are fewer records."""
        return sum(last - first for first, last in self.bounds.values())

    @property
    def size(self) -> int | None:
        """Bytes of all partitions, None where the server does not tell."""
        return None if self.sizes is None else sum(self.sizes.values())


async def measure(client: Client, topics: Mapping[str, TopicMeta]) -> dict[str, Facts]:
    """Every topic's facts, in three questions for all of them together."""
    parts = [(name, p) for name, meta in topics.items() for p in range(meta.partitions)]
    edges = await bounds(client, parts) if parts else {}
    sizes = await sizes_of(client) if parts else None
    return {
        name: Facts(
            {p: edges[name, p] for p in range(meta.partitions)},
            None if sizes is None else {p: sizes.get((name, p), 0) for p in range(meta.partitions)},
        )
        for name, meta in topics.items()
    }


async def sizes_of(client: Client) -> dict[Part, int] | None:
    """Bytes by partition; None where the server offers no such question or does not answer it to us."""
    try:
        return await client.sizes()
    except KafkaError as error:
        if error.name in ("UNSUPPORTED_VERSION", "CLUSTER_AUTHORIZATION_FAILED"):
            return None
        raise


async def readers_of(
    client: Client, topics: Sequence[str], ends: Mapping[Part, int]
) -> dict[str, list[dict[str, object]]]:
    """By topic the groups that have committed offsets in it: their state and how many records they are behind."""
    found: dict[str, list[dict[str, object]]] = {name: [] for name in topics}
    for group in await client.groups():
        committed = await client.committed(group.group)
        for name in topics:
            lags = [
                max(ends[part] - offset, 0)
                for part, offset in committed.items()
                if part[0] == name and part in ends
            ]
            if lags:
                found[name].append({"group": group.group, "state": group.state, "lag": sum(lags)})
    return found
