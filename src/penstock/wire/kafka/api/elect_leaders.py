"""ElectLeaders: the one node leads every partition already.

0: first; 1: kinds of election, an error at the top; 2: flexible.
"""

from typing import Any

from penstock.calls import DescribeTopics, TopicInfo
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import Request, Steps, api, each

LEADS = Refused(Refusal.NOT_NEEDED, "the one node leads every partition")


@api(key=43, versions=(0, 2))
def elect_leaders(request: Request) -> Steps:
    """That no election is needed; asked for all partitions, that there was none."""
    asked = request.message.topic_partitions
    if not asked:
        return {"replica_election_results": []}
    names = tuple(dict.fromkeys(topic.topic for topic in asked))
    found = each((yield DescribeTopics(request.principal, names)), len(names))
    topics = dict(zip(names, found, strict=True))
    return {
        "replica_election_results": [
            {"topic": one.topic, "partition_result": [_row(i, topics[one.topic]) for i in one.partitions]}
            for one in asked
        ]
    }


def _row(index: int, found: Any) -> Row:
    result = found if isinstance(found, Refused) else _leads(index, found)
    return {"partition_id": index, "error_code": code(DescribeTopics, result), "error_message": text(result)}


def _leads(index: int, topic: TopicInfo) -> Refused:
    if 0 <= index < topic.partitions:
        return LEADS
    return Refused(Refusal.NO_TOPIC, f"{topic.name}/{index}")
