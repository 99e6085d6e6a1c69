"""AddPartitionsToTxn: what a transaction will write to.

0: first; 1: as 0; 2: PRODUCER_FENCED is understood; 3: flexible. From 4 on it is spoken between Kafka's own nodes (KIP-890).
"""

from collections.abc import Iterator
from typing import Any, Final

from penstock.calls import AddPartitions
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import fenced_before
from penstock.wire.kafka.registry import Request, Steps, api, each

KNOWS_FENCED: Final = 2


@api(key=24, versions=(0, 3))
def add_partitions_to_txn(request: Request) -> Steps:
    """One error code a partition; where one is refused, none is added."""
    q = request.message
    topics = q.v3_and_below_topics
    parts = tuple((topic.name, index) for topic in topics for index in topic.partitions)
    call = AddPartitions(
        request.principal,
        q.v3_and_below_transactional_id,
        q.v3_and_below_producer_id,
        q.v3_and_below_producer_epoch,
        parts,
    )
    results = iter(each((yield call), len(parts)))
    return {"results_by_topic_v3_and_below": [_topic_row(request, topic, results) for topic in topics]}


def _topic_row(request: Request, topic: Any, results: Iterator[Any]) -> Row:
    old = request.version < KNOWS_FENCED
    rows = [
        {"partition_index": index, "partition_error_code": fenced_before(old, AddPartitions, next(results))}
        for index in topic.partitions
    ]
    return {"name": topic.name, "results_by_partition": rows}
