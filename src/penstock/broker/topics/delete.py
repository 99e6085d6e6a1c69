"""Answers DeleteTopics: a topic goes with its records, its producers, its groups' offsets, its waiting
readers, and what is kept back for it."""

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
    answered = [_refused(state, asked, topic) for asked, topic in wanted]
    seen: set[str] = set()
    going: list[Topic] = []
    for number, (asked, topic) in enumerate(wanted):
        if topic is None or answered[number] is not None:
            continue
        if topic.name in seen:
            answered[number] = Refused(Refusal.NO_TOPIC, asked)
        else:
            seen.add(topic.name)
            going.append(topic)
    failed = _delete(state, going, now)
    infos = (info_of(topic) for topic in going)
    return [one or failed or next(infos) for one in answered]


def _refused(state: State, asked: str, topic: Topic | None) -> Refused | None:
    if topic is None:
        return Refused(Refusal.NO_TOPIC, asked)
    if topic.name in RESERVED:
        return Refused(Refusal.BAD_REQUEST, f"the broker itself needs {topic.name}")
    return None


def _delete(state: State, topics: list[Topic], now: Now) -> Refused | None:
    """All of them with one write, or none, and why."""
    try:
        state.log.delete_topics([topic.name for topic in topics])
    except DISK_ERRORS as error:
        return refused_by(error)
    for topic in topics:
        _forget(state, topic, now)
    return None


def _forget(state: State, topic: Topic, now: Now) -> None:
    gone = Refused(Refusal.NO_TOPIC, f"{topic.name} was deleted")
    state.topic_settings.forget(topic.name)
    for partition in topic.partitions:
        state.sequences.forget(partition)
        state.stable.forget(partition)
        state.markers.forget(partition)
        state.durability.forget(partition, gone, now)
    state.waits.wake_topic(topic.name, now)
    state.offsets.forget_topic(topic.name, now)
    state.queues.postponed.remove(topic)
