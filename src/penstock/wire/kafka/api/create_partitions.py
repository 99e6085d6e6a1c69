"""CreatePartitions: more partitions for topics that are there.

0: first; 2: flexible; 3: throttle behaviour.
"""

from collections import Counter
from typing import Any, Final

from penstock.calls import CreatePartitions, MorePartitions
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import NODE_ID, Request, Steps, api, each

TWICE: Final = Refused(Refusal.BAD_REQUEST, "the topic is named more than once")
ELSEWHERE: Final = Refused(Refusal.BAD_ASSIGNMENT, f"each new partition goes to node {NODE_ID} alone")


@api(key=37, versions=(0, 3))
def create_partitions(request: Request) -> Steps:
    """One result a distinct name."""
    q = request.message
    count = Counter(topic.name for topic in q.topics)
    topics = {topic.name: topic for topic in q.topics}
    results: dict[str, Any] = {n: TWICE if count[n] > 1 else _elsewhere(t) for n, t in topics.items()}
    wanted = tuple(_more(topics[name]) for name, no in results.items() if no is None)
    if wanted:
        found = yield CreatePartitions(request.principal, wanted, q.validate_only)
        results |= dict(zip((more.name for more in wanted), each(found, len(wanted)), strict=True))
    return {
        "results": [
            {"name": name, "error_code": code(CreatePartitions, result), "error_message": text(result)}
            for name, result in results.items()
        ]
    }


def _more(topic: Any) -> MorePartitions:
    return MorePartitions(
        topic.name, topic.count, None if topic.assignments is None else len(topic.assignments)
    )


def _elsewhere(topic: Any) -> Refused | None:
    """An assignment names one node a new partition, and there is only this one."""
    far = any(tuple(assigned.broker_ids) != (NODE_ID,) for assigned in topic.assignments or ())
    return ELSEWHERE if far else None
