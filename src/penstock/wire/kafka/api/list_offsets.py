"""ListOffsets: the first offset at or after a time, or an end of a partition.

1: one offset; 2: isolation level; 4: leader epoch; 6: flexible; 7: the largest timestamp (-3); 8: the local start (-4);
9: the end of tiered storage (-5); 10: timeout.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from penstock.calls import EARLIEST, LATEST, MAX_TIMESTAMP, FoundOffset, ListOffsets, OffsetsPart
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each

EARLIEST_LOCAL: Final = -4
LATEST_TIERED: Final = -5
SINCE: Final = {EARLIEST: 1, LATEST: 1, MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9}
"""The first version that knows each special timestamp."""
UNKNOWN_TIMESTAMP: Final = Refused(
    Refusal.UNSUPPORTED_VERSION, "this special timestamp is not known in this version"
)
TWICE: Final = Refused(Refusal.BAD_REQUEST, "the request names the partition more than once")
NOTHING_TIERED: Final = FoundOffset(-1, -1, -1)


@api(key=2, versions=(1, 10))
def list_offsets(request: Request) -> Steps:
    """Ask for the partitions whose timestamps need the log; answer the others here."""
    q = request.message
    asked = [(topic.name, p) for topic in q.topics for p in topic.partitions]
    times = Counter((topic, p.partition_index) for topic, p in asked)
    known = [
        TWICE if times[topic, p.partition_index] > 1 else _known(p.timestamp, request.version)
        for topic, p in asked
    ]
    parts = tuple(
        OffsetsPart(topic, p.partition_index, EARLIEST if p.timestamp == EARLIEST_LOCAL else p.timestamp)
        for (topic, p), result in zip(asked, known, strict=True)
        if result is None
    )
    found: Iterator[Any] = iter(())
    if parts:
        found = iter(
            each(
                (yield ListOffsets(request.principal, parts, request.get("isolation_level") == 1)), len(parts)
            )
        )
    results = iter([next(found) if result is None else result for result in known])
    return {"topics": [_topic_row(topic, results) for topic in q.topics]}


def _known(timestamp: int, version: int) -> FoundOffset | Refused | None:
    """What needs no look at the log: a partition is never tiered; None for what does."""
    if timestamp < 0 and version < SINCE.get(timestamp, version + 1):
        return UNKNOWN_TIMESTAMP
    return NOTHING_TIERED if timestamp == LATEST_TIERED else None


def _topic_row(topic: Any, results: Iterator[Any]) -> Row:
    return {
        "name": topic.name,
        "partitions": [_partition_row(p.partition_index, next(results)) for p in topic.partitions],
    }


def _partition_row(index: int, result: Any) -> Row:
    if isinstance(result, Refused):
        return {"partition_index": index, "error_code": code(ListOffsets, result)}
    return {
        "partition_index": index,
        "timestamp": result.timestamp_ms,
        "offset": result.offset,
        "leader_epoch": result.leader_epoch,
    }
