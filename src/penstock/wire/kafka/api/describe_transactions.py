"""DescribeTransactions: transactional ids with what is open, for admins (KIP-664). Version 0 only."""

from typing import Any

from penstock.calls import DescribeTransactions
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=65, versions=(0, 0))
def describe_transactions(request: Request) -> Steps:
    """Each id once, in the order asked."""
    names = tuple(dict.fromkeys(request.message.transactional_ids))
    results = each((yield DescribeTransactions(request.principal, names)), len(names))
    return {"transaction_states": [_row(name, one) for name, one in zip(names, results, strict=True)]}


def _row(name: str, result: Any) -> Row:
    if isinstance(result, Refused):
        return {"transactional_id": name, "error_code": code(DescribeTransactions, result)}
    topics: dict[str, list[int]] = {}
    for topic, index in result.parts:
        topics.setdefault(topic, []).append(index)
    return {
        "transactional_id": name,
        "transaction_state": result.state,
        "transaction_timeout": result.timeout_ms,
        "transaction_start_time": result.start_ms,
        "producer_id": result.producer_id,
        "producer_epoch": result.producer_epoch,
        "topics": [{"topic": topic, "partitions": indexes} for topic, indexes in topics.items()],
    }
