"""OffsetFetch: how far a group has read.

1: errors stand at the partitions; 2: null means all, errors of the group at the top; 3: throttle time; 5: leader epoch;
6: flexible; 7: only stable offsets; 8: several groups (KIP-709); 9: KIP-848's member and epoch, unused here.
"""

from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import FetchOffsets, OffsetCommit
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each

GROUP_ERRORS: Final = 2
SEVERAL_GROUPS: Final = 8
UNDECIDED: Final = -1000
"""What stands beside UNSTABLE_OFFSET_COMMIT, where Kafka has -1. Clients look at the error, except librdkafka (1.6.1 to
2.16): of an answer to an assignment that it no longer has it keeps the offset. -1 is "nothing committed" to it, and it
begins where `auto.offset.reset` says, under a transaction that may move the group; -1000 is its own "as committed"
(RD_KAFKA_OFFSET_STORED): it asks again."""


@api(key=9, versions=(1, 9))
def offset_fetch(request: Request) -> Steps:
    """The committed offsets, -1 where there is none."""
    if request.version < SEVERAL_GROUPS:
        row: Row = yield from _group(request, request.message)
        return row
    groups = []
    # Each once: a small request that repeats the id of a large group would have a huge answer.
    for group in {group.group_id: group for group in request.message.groups}.values():
        row = yield from _group(request, group)
        groups.append({"group_id": group.group_id, **row})
    return {"groups": groups}


def _group(request: Request, asked: Any) -> Any:
    parts = None
    if asked.topics is not None:
        parts = tuple((topic.name, index) for topic in asked.topics for index in topic.partition_indexes)
    stable = request.get("require_stable", False)
    result = yield FetchOffsets(request.principal, asked.group_id, parts, stable)
    if not isinstance(result, Refused):
        # Of parts that may not be seen there is an error each; where all are asked for they are not among the answers.
        told = [_nothing(parts, at) if isinstance(one, Refused) else one for at, one in enumerate(result)]
        return {"topics": _topic_rows(told, result)}
    error = code(FetchOffsets, result)
    if request.version >= GROUP_ERRORS:
        return {"error_code": error, "topics": ()}
    nothing = [_nothing(parts, at) for at in range(len(parts or ()))]
    return {"topics": _topic_rows(nothing, each(result, len(nothing)))}


def _nothing(parts: tuple[tuple[str, int], ...] | None, at: int) -> OffsetCommit:
    topic, index = (parts or ())[at]
    return OffsetCommit(topic, index, -1)


def _code(one: OffsetCommit, result: Any) -> int:
    return ErrorCode.unstable_offset_commit if one.unstable else code(FetchOffsets, result)


def _topic_rows(found: list[OffsetCommit], errors: Any = None) -> list[Row]:
    topics: dict[str, list[Row]] = {}
    for at, one in enumerate(found):
        row = {
            "partition_index": one.partition,
            "committed_offset": UNDECIDED if one.unstable else one.offset,
            "committed_leader_epoch": one.leader_epoch,
            "metadata": one.metadata,
            "error_code": _code(one, errors[at] if errors else None),
        }
        topics.setdefault(one.topic, []).append(row)
    return [{"name": name, "partitions": rows} for name, rows in topics.items()]
