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
ASKED_AS: Final = {EARLIEST_LOCAL: EARLIEST, LATEST_TIERED: LATEST}
"""A partition is never tiered: all of it is local."""


@api(key=2, versions=(1, 10), alone=True)
def list_offsets(request: Request) -> Steps:
    """Ask for the partitions whose timestamps this version knows; refuse the others here."""
    q = request.message
    asked = [(topic.name, p) for topic in q.topics for p in _distinct(topic)]
    times = Counter((topic.name, p.partition_index) for topic in q.topics for p in topic.partitions)
    known = [
        TWICE if times[topic, p.partition_index] > 1 else _refused(p.timestamp, request.version)
        for topic, p in asked
    ]
    parts = tuple(
        OffsetsPart(
            topic,
            p.partition_index,
            ASKED_AS.get(p.timestamp, p.timestamp),
            getattr(p, "current_leader_epoch", -1),
        )
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
    results = iter(
        [
            _shown(next(found), p.timestamp) if result is None else result
            for (_, p), result in zip(asked, known, strict=True)
        ]
    )
    return {"topics": [_topic_row(topic, results) for topic in q.topics]}


def _refused(timestamp: int, version: int) -> Refused | None:
    """Why this may not be asked in this version."""
    return UNKNOWN_TIMESTAMP if timestamp < 0 and version < SINCE.get(timestamp, version + 1) else None


def _shown(result: Any, timestamp: int) -> Any:
    return NOTHING_TIERED if timestamp == LATEST_TIERED and isinstance(result, FoundOffset) else result


def _topic_row(topic: Any, results: Iterator[Any]) -> Row:
    return {
        "name": topic.name,
        "partitions": [_partition_row(p.partition_index, next(results)) for p in _distinct(topic)],
    }


def _distinct(topic: Any) -> list[Any]:
    """Each partition once, however often it is named: it is refused once."""
    return list({p.partition_index: p for p in topic.partitions}.values())


def _partition_row(index: int, result: Any) -> Row:
    if isinstance(result, Refused):
        return {"partition_index": index, "error_code": code(ListOffsets, result)}
    return {
        "partition_index": index,
        "timestamp": result.timestamp_ms,
        "offset": result.offset,
        "leader_epoch": result.leader_epoch,
    }
