"""DescribeProducers: who writes to partitions with a producer id, and whose transaction is open (KIP-664). Version 0 only."""

from typing import Any

from penstock.calls import DescribeProducers, ProducerInfo
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=61, versions=(0, 0))
def describe_producers(request: Request) -> Steps:
    """The producers of each partition."""
    # Each once: a small request that repeats a busy partition would have a huge answer.
    parts = tuple(
        dict.fromkeys(
            (topic.name, index) for topic in request.message.topics for index in topic.partition_indexes
        )
    )
    topics: dict[str, list[Row]] = {}
    for (topic, index), result in zip(
        parts, each((yield DescribeProducers(request.principal, parts)), len(parts)), strict=True
    ):
        topics.setdefault(topic, []).append(_partition_row(index, result))
    return {"topics": [{"name": name, "partitions": rows} for name, rows in topics.items()]}


def _partition_row(index: int, result: Any) -> Row:
    if isinstance(result, Refused):
        words = text(result)
        return {
            "partition_index": index,
            "error_code": code(DescribeProducers, result),
            "error_message": words,
        }
    return {"partition_index": index, "active_producers": [_producer_row(one) for one in result]}


def _producer_row(one: ProducerInfo) -> Row:
    return {
        "producer_id": one.producer_id,
        "producer_epoch": one.producer_epoch,
        "last_sequence": one.last_sequence,
        "last_timestamp": one.last_ms,
        "coordinator_epoch": one.coordinator_epoch,
        "current_txn_start_offset": one.transaction_offset,
    }
