"""TxnOffsetCommit: how far a group has read once the transaction commits.

0: first; 1: as 0; 2: leader epoch; 3: flexible, and the member's place in the group (KIP-447); 4: TRANSACTION_ABORTABLE is
understood (KIP-890).
"""

from collections.abc import Iterator
from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import CommitOffsetsLater, OffsetCommit
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each

KNOWS_ABORTABLE: Final = 4


@api(key=28, versions=(0, 4))
def txn_offset_commit(request: Request) -> Steps:
    """One error code a partition."""
    q = request.message
    commits = tuple(_commit(topic.name, p) for topic in q.topics for p in topic.partitions)
    result = yield CommitOffsetsLater(
        request.principal,
        q.transactional_id,
        q.producer_id,
        q.producer_epoch,
        q.group_id,
        request.get("member_id", ""),
        request.get("group_instance_id"),
        request.get("generation_id", -1),
        commits,
    )
    codes = iter([_code(request, one) for one in each(result, len(commits))])
    return {"topics": [_topic_row(topic, codes) for topic in q.topics]}


def _code(request: Request, result: Any) -> int:
    outside = isinstance(result, Refused) and result.reason is Refusal.NOT_IN_TRANSACTION
    if outside and request.version >= KNOWS_ABORTABLE:
        return ErrorCode.transaction_abortable
    return code(CommitOffsetsLater, result)


def _commit(topic: str, p: Any) -> OffsetCommit:
    epoch = getattr(p, "committed_leader_epoch", -1)
    return OffsetCommit(topic, p.partition_index, p.committed_offset, epoch, p.committed_metadata or "")


def _topic_row(topic: Any, codes: Iterator[int]) -> Row:
    rows = [{"partition_index": p.partition_index, "error_code": next(codes)} for p in topic.partitions]
    return {"name": topic.name, "partitions": rows}
