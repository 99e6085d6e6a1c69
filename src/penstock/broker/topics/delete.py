"""Answers DeleteTopics: a topic goes with its records, its producers, its groups' offsets and its waiting readers."""

from penstock.broker.answers import answers
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.describe import info_of
from penstock.broker.topics.internal import RESERVED
from penstock.calls import DeleteTopics, TopicInfo
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Topic


@answers(DeleteTopics)
def delete_topics(state: State, call: DeleteTopics, now: Now) -> list[TopicInfo | Refused]:
    """By name, then by id."""
    wanted = [(name, state.log.topics.get(name)) for name in call.names]
    wanted += [(topic_id.hex(), state.log.by_id.get(topic_id)) for topic_id in call.topic_ids]
    return [_delete(state, asked, topic, now) for asked, topic in wanted]


def _delete(state: State, asked: str, topic: Topic | None, now: Now) -> TopicInfo | Refused:
    if topic is None or state.log.topics.get(topic.name) is not topic:
        return Refused(Refusal.NO_TOPIC, asked)
    if topic.name in RESERVED:
        return Refused(Refusal.BAD_REQUEST, f"the broker itself needs {topic.name}")
    info, gone = info_of(topic), Refused(Refusal.NO_TOPIC, f"{topic.name} was deleted")
    partitions = list(topic.partitions)
    try:
        state.log.delete_topic(topic.name)
    except DISK_ERRORS as error:
        return refused_by(error)
    state.topic_settings.forget(topic.name)
    for partition in partitions:
        state.sequences.forget(partition)
        state.stable.forget(partition)
        state.markers.forget(partition)
        state.durability.forget(partition, gone, now)
    state.waits.wake_topic(topic.name, now)
    state.offsets.forget_topic(topic.name, now)
    return info
