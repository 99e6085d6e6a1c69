"""Offsets of partitions by time, and the offsets that groups have committed.

Knows leaders and coordinators through the cluster; knows nothing of batches.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.client.cluster import Cluster
from penstock.client.errors import failure

Part = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A member's place in its group: only who has one may commit while there are members."""

    member_id: str = ""
    generation: int = -1


NO_PLACE = Place()


async def find_offsets(
    cluster: Cluster, parts: Sequence[Part], timestamp_ms: int, committed: bool = False
) -> dict[Part, tuple[int, int]]:
    """(offset, timestamp) of each partition's first record at or after a time, or EARLIEST or LATEST.

    Both are -1 where no record is that young. One attempt: the caller retries.
    """
    metas = await cluster.topics(sorted({topic for topic, _ in parts}))
    by_node: dict[int, list[Part]] = {}
    for topic, partition in parts:
        meta = metas[topic]
        if meta.error or partition >= meta.partitions:
            raise failure(3, f"find offsets of {topic}-{partition}")
        if meta.leaders[partition] < 0:
            raise failure(5, f"find offsets of {topic}-{partition}")
        by_node.setdefault(meta.leaders[partition], []).append((topic, partition))
    answers = await asyncio.gather(
        *(_ask(cluster, n, p, timestamp_ms, committed) for n, p in by_node.items())
    )
    return {part: found for answer in answers for part, found in answer.items()}


async def _ask(
    cluster: Cluster, node: int, parts: list[Part], timestamp_ms: int, committed: bool
) -> dict[Part, tuple[int, int]]:
    topics: dict[str, list[dict[str, Any]]] = {}
    for topic, partition in parts:
        topics.setdefault(topic, []).append({"partition_index": partition, "timestamp": timestamp_ms})
    body = {
        "replica_id": -1,
        "isolation_level": int(committed),
        "topics": [{"name": name, "partitions": asked} for name, asked in topics.items()],
    }
    connection = await cluster.connection_to(node)
    answer = await connection.ask("ListOffsets", body, cluster.options.request_timeout_s)
    found = {}
    for topic in answer.topics:
        for part in topic.partitions:
            if part.error_code:
                raise failure(part.error_code, f"find offsets of {topic.name}-{part.partition_index}")
            found[(topic.name, part.partition_index)] = (part.offset, part.timestamp)
    return found


async def commit(cluster: Cluster, group: str, offsets: Mapping[Part, int], place: Place = NO_PLACE) -> None:
    """Commit as the member with this place, or outside of any membership. One attempt."""
    topics: dict[str, list[dict[str, Any]]] = {}
    for (topic, partition), offset in offsets.items():
        part = {"partition_index": partition, "committed_offset": offset, "committed_metadata": ""}
        topics.setdefault(topic, []).append(part)
    body = {
        "group_id": group,
        "generation_id_or_member_epoch": place.generation,
        "member_id": place.member_id,
        "topics": [{"name": name, "partitions": parts} for name, parts in topics.items()],
    }
    answer = await cluster.ask_coordinator(group, "OffsetCommit", body)
    for topic in answer.topics:
        for part in topic.partitions:
            if part.error_code:
                raise failure(
                    part.error_code, f"commit {topic.name}-{part.partition_index} for group {group}"
                )


async def committed(
    cluster: Cluster, group: str, parts: Sequence[Part] | None, stable: bool = False
) -> dict[Part, int]:
    """What a group has committed; partitions without a commit are left out. One attempt.

    `stable`: not while a transaction that would move them is undecided; that is an error to retry (KIP-447).
    """
    topics: dict[str, list[int]] = {}
    for topic, partition in parts or ():
        topics.setdefault(topic, []).append(partition)
    asked = [{"name": name, "partition_indexes": indexes} for name, indexes in topics.items()]
    body = {"group_id": group, "topics": None if parts is None else asked, "require_stable": stable}
    answer = await cluster.ask_coordinator(group, "OffsetFetch", body)
    if getattr(answer, "error_code", 0):
        raise failure(answer.error_code, f"fetch the offsets of group {group}")
    found = {}
    for topic in answer.topics:
        for part in topic.partitions:
            if part.error_code:
                raise failure(part.error_code, f"fetch the offset of {topic.name}-{part.partition_index}")
            if part.committed_offset >= 0:
                found[(topic.name, part.partition_index)] = part.committed_offset
    return found
