"""Answers DescribeTopics and DescribeCluster: what there is. A topic asked for by name may come into being."""

from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.broker.topics.create import make, refused_topic
from penstock.calls import ClusterInfo, DescribeCluster, DescribeTopics, NewTopic, TopicInfo
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Topic


def info_of(topic: Topic) -> TopicInfo:
    """The topic as clients see it."""
    return TopicInfo(topic.name, topic.topic_id, len(topic.partitions), topic.internal)


@answers(DescribeTopics)
def describe_topics(state: State, call: DescribeTopics, now: Now) -> list[TopicInfo | Refused]:
    """By name, then by id; all of them where neither is given."""
    if call.names is None and not call.topic_ids:
        return [info_of(topic) for topic in state.log.topics.values()]
    named = [_by_name(state, name, call.create, now) for name in call.names or ()]
    if not call.topic_ids:
        return named
    by_id = {topic.topic_id: topic for topic in state.log.topics.values()}
    return named + [_by_id(by_id, topic_id) for topic_id in call.topic_ids]


def _by_name(state: State, name: str, create: bool, now: Now) -> TopicInfo | Refused:
    found = state.log.topics.get(name)
    if found is not None:
        return info_of(found)
    new = NewTopic(name)
    refused = refused_topic(state, new)
    if refused is not None and refused.reason is Refusal.BAD_TOPIC_NAME:
        return refused
    if not (create and state.options.auto_create_topics):
        return Refused(Refusal.NO_TOPIC, name)
    return refused or make(state, new, now)


def _by_id(by_id: dict[bytes, Topic], topic_id: bytes) -> TopicInfo | Refused:
    found = by_id.get(topic_id)
    return info_of(found) if found is not None else Refused(Refusal.NO_TOPIC, f"topic id {topic_id.hex()}")


@answers(DescribeCluster)
def describe_cluster(state: State, call: DescribeCluster, now: Now) -> ClusterInfo:
    """The one node."""
    return ClusterInfo(state.log.cluster_id)
