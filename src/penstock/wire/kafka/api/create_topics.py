"""CreateTopics: create topics, or only check that they could be.

2: first kept; 4: partitions and replicas of -1 are the broker's defaults; 5: flexible, tells what was created; 7: topic ids.
"""

from collections import Counter
from typing import Any, Final

from penstock.calls import CreateTopics, DescribeConfigs, NewTopic
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import NODE_ID, Request, Steps, api, each

TELLS_CONFIGS: Final = 5
TWICE: Final = Refused(Refusal.BAD_REQUEST, "the topic is named more than once")
BOTH: Final = Refused(Refusal.BAD_REQUEST, "give partitions and replicas, or an assignment, not both")
ELSEWHERE: Final = Refused(
    Refusal.BAD_ASSIGNMENT, f"an assignment names partitions 0, 1, 2, … and the only node, {NODE_ID}"
)


@api(key=19, versions=(2, 7))
def create_topics(request: Request) -> Steps:
    """One result a distinct name; from version 5 on each with its settings."""
    q = request.message
    count = Counter(topic.name for topic in q.topics)
    topics = {topic.name: topic for topic in q.topics}
    results: dict[str, Any] = {n: TWICE if count[n] > 1 else _refusal(t) for n, t in topics.items()}
    wanted = tuple(_new_topic(topics[name]) for name, no in results.items() if no is None)
    if wanted:
        found = yield CreateTopics(request.principal, wanted, q.validate_only)
        results |= dict(zip((t.name for t in wanted), each(found, len(wanted)), strict=True))
    configs: dict[str, Any] = {}
    if request.version >= TELLS_CONFIGS and not q.validate_only:
        created = [name for name, result in results.items() if not isinstance(result, Refused)]
        configs = (yield from _configs(request, created)) if created else {}
    return {"topics": [_row(name, result, configs.get(name, ())) for name, result in results.items()]}


def _configs(request: Request, names: list[str]) -> Any:
    resources = tuple(("topic", name, None) for name in names)
    found = each((yield DescribeConfigs(request.principal, resources)), len(names))
    return {name: () if isinstance(f, Refused) else f for name, f in zip(names, found, strict=True)}


def _refusal(topic: Any) -> Refused | None:
    if not topic.assignments:
        return None
    if topic.num_partitions != -1 or topic.replication_factor != -1:
        return BOTH
    assigned = sorted((a.partition_index, tuple(a.broker_ids)) for a in topic.assignments)
    return None if assigned == [(i, (NODE_ID,)) for i in range(len(assigned))] else ELSEWHERE


def _new_topic(topic: Any) -> NewTopic:
    partitions = len(topic.assignments) or topic.num_partitions
    configs = {config.name: config.value for config in topic.configs}
    return NewTopic(topic.name, partitions, topic.replication_factor, configs)


def _row(name: str, result: Any, configs: Any) -> Row:
    if isinstance(result, Refused):
        return {
            "name": name,
            "error_code": code(CreateTopics, result),
            "error_message": text(result),
            "configs": (),
        }
    return {
        "name": name,
        "topic_id": result.topic_id,
        "num_partitions": result.partitions,
        "replication_factor": 1,
        "configs": [_config_row(entry) for entry in configs],
    }


def _config_row(entry: Any) -> Row:
    return {
        "name": entry.name,
        "value": None if entry.sensitive else entry.value,
        "read_only": entry.read_only,
        "config_source": entry.source,
        "is_sensitive": entry.sensitive,
    }
