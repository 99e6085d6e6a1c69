"""OffsetDelete: forget what a group committed for topics that it no longer reads (KIP-496). Version 0 only."""

from collections.abc import Iterator
from typing import Any

from penstock.calls import DeleteOffsets
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api


@api(key=47, versions=(0, 0))
def offset_delete(request: Request) -> Steps:
    """One error code a partition, or one for the whole group and no partitions."""
    q = request.message
    parts = tuple((topic.name, p.partition_index) for topic in q.topics for p in topic.partitions)
    found = yield DeleteOffsets(request.principal, q.group_id, parts)
    if isinstance(found, Refused):
        return {"error_code": code(DeleteOffsets, found), "topics": []}
    results = iter(found)
    return {
        "topics": [{"name": topic.name, "partitions": _rows(topic.partitions, results)} for topic in q.topics]
    }


def _rows(partitions: Any, results: Iterator[Any]) -> list[Row]:
    return [
        {"partition_index": p.partition_index, "error_code": code(DeleteOffsets, next(results))}
        for p in partitions
    ]
