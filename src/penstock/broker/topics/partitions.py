"""Answers CreatePartitions: a topic gets more partitions. What is there stays where it is; new keys may go elsewhere."""

from collections import Counter

from penstock.broker.answers import answers
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.describe import info_of
from penstock.broker.topics.internal import RESERVED
from penstock.calls import CreatePartitions, MorePartitions, TopicInfo
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(CreatePartitions)
def create_partitions(state: State, call: CreatePartitions, now: Now) -> list[TopicInfo | Refused]:
    """One answer a topic; one that stands in the request twice is refused each time."""
    times = Counter(more.name for more in call.topics)
    results: list[TopicInfo | Refused] = []
    for more in call.topics:
        refused = (
            Refused(Refusal.BAD_REQUEST, f"the request names {more.name} more than once")
            if times[more.name] > 1
            else _refused(state, more)
        )
        results.append(refused or _grow(state, more, call.check_only, now))
    return results


def _refused(state: State, more: MorePartitions) -> Refused | None:
    topic = state.log.topics.get(more.name)
    if topic is None:
        return Refused(Refusal.NO_TOPIC, more.name)
    if more.name in RESERVED:  # a group's or producer's place in it depends on the number
        return Refused(Refusal.BAD_REQUEST, f"the broker itself needs {more.name} as it is")
    has = len(topic.partitions)
    if more.total == has:
        return Refused(Refusal.BAD_PARTITION_COUNT, f"Topic already has {has} partition(s).")
    if more.total < has:
        words = (
            f"The topic {more.name} currently has {has} partition(s); {more.total} would not be an increase."
        )
        return Refused(Refusal.BAD_PARTITION_COUNT, words)
    if more.assigned not in (None, more.total - has):
        words = f"{more.total - has} partition(s) are to be added, but {more.assigned} assignment(s) were specified."
        return Refused(Refusal.BAD_ASSIGNMENT, words)
    total = sum(len(topic.partitions) for topic in state.log.topics.values())
    if total - has + more.total > state.options.partitions_max:
        detail = f"{total} partitions are there already, partitions_max is {state.options.partitions_max}"
        return Refused(Refusal.BAD_PARTITION_COUNT, detail)
    return None


def _grow(state: State, more: MorePartitions, check_only: bool, now: Now) -> TopicInfo | Refused:
    topic = state.log.topics[more.name]
    if check_only:
        return TopicInfo(topic.name, topic.topic_id, more.total, topic.internal)
    try:
        state.log.add_partitions(more.name, more.total, now)
    except DISK_ERRORS as error:
        return refused_by(error)
    state.waits.wake_topic(more.name, now)
    return info_of(topic)
