"""DeleteRecords: forget the records below an offset.

0: first; 1: throttle behaviour; 2: flexible.
"""

from collections.abc import Iterator
from typing import Any

from penstock.calls import DeletePart, DeleteRecords
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=21, versions=(0, 2))
def delete_records(request: Request) -> Steps:
    """The new start of each partition."""
    topics = request.message.topics
    parts = tuple(
        DeletePart(topic.name, p.partition_index, p.offset) for topic in topics for p in topic.partitions
    )
    results = iter(each((yield DeleteRecords(request.principal, parts)), len(parts)))
    return {
        "topics": [
            {"name": topic.name, "partitions": [_row(p.partition_index, results) for p in topic.partitions]}
            for topic in topics
        ]
    }


def _row(index: int, results: Iterator[Any]) -> Row:
    result = next(results)
    if isinstance(result, Refused):
        return {"partition_index": index, "low_watermark": -1, "error_code": code(DeleteRecords, result)}
    return {"partition_index": index, "low_watermark": result}
