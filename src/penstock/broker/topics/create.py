"""Answers CreateTopics: checks each topic as Kafka does, and makes those that pass."""

from collections import Counter

from penstock.broker.answers import answers
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.config_table import wrong
from penstock.broker.topics.internal import CONSUMER_OFFSETS, INTERNAL, RESERVED
from penstock.broker.topics.names import colliding, wrong_name
from penstock.calls import CreateTopics, NewTopic, TopicInfo
from penstock.clock import Now
from penstock.errors import Refusal, Refused

UNMADE = bytes(16)
"""The id of a topic that was only checked."""


@answers(CreateTopics)
def create_topics(state: State, call: CreateTopics, now: Now) -> list[TopicInfo | Refused]:
    """One answer a topic; a name that stands in the request twice is refused each time."""
    times = Counter(new.name for new in call.topics)
    results: list[TopicInfo | Refused] = []
    for new in call.topics:
        if times[new.name] > 1:
            refused: Refused | None = Refused(
                Refusal.BAD_REQUEST, f"the request names {new.name} more than once"
            )
        else:
            refused = refused_topic(state, new)
        if refused is not None:
            results.append(refused)
        elif call.check_only:
            results.append(TopicInfo(new.name, UNMADE, _count(state, new), new.name in INTERNAL))
        else:
            results.append(make(state, new, now))
    return results


def refused_topic(state: State, new: NewTopic) -> Refused | None:
    """Why the topic cannot be made, or None."""
    if words := wrong_name(new.name):
        return Refused(Refusal.BAD_TOPIC_NAME, words)
    if new.name in state.log.topics:
        return Refused(Refusal.TOPIC_EXISTS, f"Topic '{new.name}' already exists.")
    if other := colliding(new.name, state.log.topics):
        return Refused(Refusal.BAD_TOPIC_NAME, f"Topic '{new.name}' collides with existing topic: {other}")
    if new.partitions == 0 or new.partitions < -1:
        return Refused(Refusal.BAD_PARTITION_COUNT, f"{new.partitions}: it must be greater than 0, or -1")
    if new.replicas not in (-1, 1):
        return Refused(Refusal.BAD_REPLICATION, f"{new.replicas} replicas were asked for")
    total = sum(len(topic.partitions) for topic in state.log.topics.values())
    if total + _count(state, new) > state.options.partitions_max:
        detail = f"{total} partitions are there already, partitions_max is {state.options.partitions_max}"
        return Refused(Refusal.BAD_PARTITION_COUNT, detail)
    for name, value in new.configs.items():
        if words := wrong(name, value):
            return Refused(Refusal.BAD_CONFIG, words)
    return None


def make(state: State, new: NewTopic, now: Now) -> TopicInfo | Refused:
    """Make a topic that was checked."""
    configs = {name: value for name, value in new.configs.items() if value is not None}
    try:
        if new.name in RESERVED:
            topic = state.internal.ensure(new.name, _count(state, new), now)
        else:
            topic = state.log.create_topic(new.name, _count(state, new), configs, now)
    except DISK_ERRORS as error:
        return refused_by(error)
    state.waits.wake_topic(new.name, now)
    return TopicInfo(topic.name, topic.topic_id, len(topic.partitions), topic.internal)


def _count(state: State, new: NewTopic) -> int:
    if new.name in RESERVED:  # the broker's own topics are as it needs them, whoever asks for them first
        return state.options.offsets_partitions if new.name == CONSUMER_OFFSETS else 1
    return state.options.default_partitions if new.partitions == -1 else new.partitions
