"""Answers DescribeTopics, DescribeCluster and DescribeStorage: what there is. A topic asked for by name may come into being."""

from penstock.broker.access import may_create
from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.broker.topics.create import Batch
from penstock.broker.topics.names import wrong_name
from penstock.calls import (
    ClusterInfo,
    DescribeCluster,
    DescribeStorage,
    DescribeTopics,
    NewTopic,
    Storage,
    TopicInfo,
)
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Topic

CREATED_MAX = 50
"""Topics that one request brings into being by naming them, safe on disk together: a client that names
more hears that the others are not there yet, and asks again, while everybody else is served in between."""


def info_of(topic: Topic) -> TopicInfo:
    """The topic as clients see it."""
    return TopicInfo(topic.name, topic.topic_id, len(topic.partitions), topic.internal)


@answers(DescribeTopics)
def describe_topics(state: State, call: DescribeTopics, now: Now) -> list[TopicInfo | Refused]:
    """By name, then by id; all of them where neither is given."""
    if call.names is None and not call.topic_ids:
        return [info_of(topic) for topic in state.log.topics.values()]
    creator, batch = call.principal.name if call.create else None, Batch(state)
    found: list[tuple[str, TopicInfo | Refused | None]] = []
    for name in call.names or ():
        room = len(batch) < CREATED_MAX
        found.append((name, _by_name(state, name, creator if room else None, batch)))
    made = batch.make(now) if len(batch) else {}
    named = [made[name] if one is None else one for name, one in found]
    if not call.topic_ids:
        return named
    return named + [_by_id(state, topic_id) for topic_id in call.topic_ids]


def _by_name(state: State, name: str, creator: str | None, batch: Batch) -> TopicInfo | Refused | None:
    """None for one that is made with the batch."""
    found = state.log.topics.get(name)
    if found is not None:
        return info_of(found)
    if name in batch:
        return None
    if words := wrong_name(name):
        return Refused(Refusal.BAD_TOPIC_NAME, words)
    if creator is None or not state.options.auto_create_topics:
        return Refused(Refusal.NO_TOPIC, name)
    new = NewTopic(name)
    refused = batch.refused(new)
    if refused is not None and refused.reason is Refusal.BAD_TOPIC_NAME:
        return refused
    if not may_create(state.directory, creator, name):
        return Refused(Refusal.NOT_ALLOWED, f"{creator} may not create the topic {name}")
    if refused is None:
        batch.add(new)
    return refused


def _by_id(state: State, topic_id: bytes) -> TopicInfo | Refused:
    found = state.log.by_id.get(topic_id)
    return info_of(found) if found is not None else Refused(Refusal.NO_TOPIC, f"topic id {topic_id.hex()}")


@answers(DescribeCluster)
def describe_cluster(state: State, call: DescribeCluster, now: Now) -> ClusterInfo:
    """The one node."""
    return ClusterInfo(state.log.cluster_id)


@answers(DescribeStorage)
def describe_storage(state: State, call: DescribeStorage, now: Now) -> Storage:
    """The data directory; parts that do not exist are left out, as in Kafka."""
    every = (partition for topic in state.log.topics.values() for partition in topic.partitions)
    if call.parts is not None:
        asked = (state.partition(*part) for part in dict.fromkeys(call.parts))
        every = (partition for partition in asked if partition is not None)
    parts = tuple((partition.topic, partition.index, partition.size_bytes) for partition in every)
    return Storage(state.log.place, parts, *state.log.space())
