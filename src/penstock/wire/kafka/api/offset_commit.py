"""OffsetCommit: remember how far a group has read.

2: generation and member; 3: throttle time; 5: no retention time; 6: leader epoch; 7: static members; 8: flexible;
9: KIP-848's errors.
"""

from collections.abc import Iterator
from typing import Any

from penstock.calls import CommitOffsets, OffsetCommit
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=8, versions=(2, 9))
def offset_commit(request: Request) -> Steps:
    """One error code a partition."""
    q = request.message
    commits = tuple(_commit(topic.name, p) for topic in q.topics for p in topic.partitions)
    result = yield CommitOffsets(
        request.principal,
        q.group_id,
        q.member_id,
        request.get("group_instance_id"),
        q.generation_id_or_member_epoch,
        commits,
    )
    results = iter(each(result, len(commits)))
    return {"topics": [_topic_row(topic, results) for topic in q.topics]}


def _commit(topic: str, partition: Any) -> OffsetCommit:
    return OffsetCommit(
        topic,
        partition.partition_index,
        partition.committed_offset,
        getattr(partition, "committed_leader_epoch", -1),
        partition.committed_metadata or "",
    )


def _topic_row(topic: Any, results: Iterator[Any]) -> Row:
    rows = [
        {"partition_index": p.partition_index, "error_code": code(CommitOffsets, next(results))}
        for p in topic.partitions
    ]
    return {"name": topic.name, "partitions": rows}
