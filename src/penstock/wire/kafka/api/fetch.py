"""Fetch: read record batches, waiting for them where there are none (long poll).

4: isolation level; 5: log start offset; 7: fetch sessions (KIP-227: we answer session 0, which means "always ask for
all you want"); 11: preferred replica; 12: flexible; 13: topic ids for names; 15: replica state is tagged; 16: KIP-951.
"""

import uuid
from collections.abc import Iterator
from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import DescribeTopics, Fetch, Fetched, FetchPart, TopicInfo
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each, ms

TOPIC_IDS: Final = 13
FULL_EPOCHS: Final = (0, -1)
"""Session epochs of a request that names all partitions: the first of a session, or one without any."""
READ_COMMITTED: Final = 1


@api(key=1, versions=(4, 16), alone=True)
def fetch(request: Request) -> Steps:
    """Read each partition in the order asked."""
    q = request.message
    if request.get("session_epoch", -1) not in FULL_EPOCHS:
        return {"error_code": ErrorCode.fetch_session_id_not_found, "responses": []}
    names = (yield from _names(request)) if request.version >= TOPIC_IDS else [t.topic for t in q.topics]
    committed = q.isolation_level == READ_COMMITTED
    parts = tuple(
        FetchPart(name, p.partition, p.fetch_offset, p.partition_max_bytes)
        for name, topic in zip(names, q.topics, strict=True)
        if not isinstance(name, Refused)
        for p in topic.partitions
    )
    call = Fetch(request.principal, parts, q.min_bytes, q.max_bytes, ms(q.max_wait), committed)
    results = iter(each((yield call), len(parts)))
    rows = zip(names, q.topics, strict=True)
    return {"responses": [_topic_row(request, name, topic, results) for name, topic in rows]}


def _names(request: Request) -> Any:
    """The topics' names by their ids, or why there is none."""
    ids = [topic.topic_id.bytes if topic.topic_id else bytes(16) for topic in request.message.topics]
    if not ids:
        return []
    found = yield DescribeTopics(request.principal, (), tuple(ids))
    return [info.name if isinstance(info, TopicInfo) else info for info in each(found, len(ids))]


def _topic_row(request: Request, name: str | Refused, topic: Any, results: Iterator[Any]) -> Row:
    committed = request.message.isolation_level == READ_COMMITTED
    rows = [
        _nameless_row(p, name)
        if isinstance(name, Refused)
        else _partition_row(p.partition, next(results), committed)
        for p in topic.partitions
    ]
    if request.version < TOPIC_IDS:
        return {"topic": topic.topic, "partitions": rows}
    return {"topic_id": (topic.topic_id or uuid.UUID(int=0)).bytes, "partitions": rows}


def _partition_row(index: int, result: Any, committed: bool) -> Row:
    if isinstance(result, Refused):
        return _refused_row(index, code(Fetch, result))
    return {
        "partition_index": index,
        "high_watermark": result.high_watermark,
        "last_stable_offset": result.stable_offset,
        "log_start_offset": result.start_offset,
        "aborted_transactions": _aborted(result) if committed else None,
        "records": result.batches,
    }


def _aborted(result: Fetched) -> list[Row]:
    return [{"producer_id": producer, "first_offset": offset} for producer, offset in result.aborted]


def _nameless_row(part: Any, refused: Refused) -> Row:
    unknown = refused.reason is Refusal.NO_TOPIC
    return _refused_row(
        part.partition, ErrorCode.unknown_topic_id if unknown else code(DescribeTopics, refused)
    )


def _refused_row(index: int, error: int) -> Row:
    # As Kafka: an empty list where the partition is unknown, null for every other refusal.
    aborted = () if error == ErrorCode.unknown_topic_or_partition else None
    no = {"high_watermark": -1, "aborted_transactions": aborted, "records": b""}
    return {"partition_index": index, "error_code": error, **no}
