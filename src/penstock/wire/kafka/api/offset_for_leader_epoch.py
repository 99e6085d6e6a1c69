"""OffsetForLeaderEpoch: where a leader's term ended, so that a reader notices that its log was cut (KIP-320).

2: the client's own idea of the epoch; 3: replica id; 4: flexible.
"""

from collections.abc import Iterator
from typing import Any

from penstock.calls import EpochPart, FindEpochs
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=23, versions=(2, 4))
def offset_for_leader_epoch(request: Request) -> Steps:
    """One answer a partition."""
    topics = request.message.topics
    parts = tuple(
        EpochPart(topic.topic, p.partition, p.leader_epoch, p.current_leader_epoch)
        for topic in topics
        for p in topic.partitions
    )
    results = iter(each((yield FindEpochs(request.principal, parts)), len(parts)))
    return {
        "topics": [
            {"topic": topic.topic, "partitions": [_row(p.partition, results) for p in topic.partitions]}
            for topic in topics
        ]
    }


def _row(index: int, results: Iterator[Any]) -> Row:
    result = next(results)
    if isinstance(result, Refused):
        return {"partition": index, "error_code": code(FindEpochs, result)}
    return {"partition": index, "leader_epoch": result.epoch, "end_offset": result.end_offset}
