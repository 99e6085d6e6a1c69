"""Answers CreateTopics: checks each topic as Kafka does, and makes those that pass."""

from collections import Counter

from penstock import log
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
    results: list[TopicInfo | Refused | None] = []
    batch = Batch(state)
    for new in call.topics:
        if times[new.name] > 1:
            refused: Refused | None = Refused(
                Refusal.BAD_REQUEST, f"the request names {new.name} more than once"
            )
        else:
            refused = batch.refused(new)
        if refused is not None:
            results.append(refused)
        elif call.check_only:
            results.append(TopicInfo(new.name, UNMADE, _count(state, new), new.name in INTERNAL))
        else:
            batch.add(new)
            results.append(None)
    made = batch.make(now)
    return [made[new.name] if one is None else one for one, new in zip(results, call.topics, strict=True)]


class Batch:
    """Topics of one request, which are checked one after the other and made safe on disk together."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._new: dict[str, NewTopic] = {}
        self._partitions = 0

    def __len__(self) -> int:
        return len(self._new)

    def __contains__(self, name: str) -> bool:
        return name in self._new

    def refused(self, new: NewTopic) -> Refused | None:
        """Why the topic cannot be made beside those that are there and those of the batch, or None."""
        if other := colliding(new.name, self._new):
            detail = f"Topic '{new.name}' collides with existing topic: {other}"
            return refused_topic(self._state, new) or Refused(Refusal.BAD_TOPIC_NAME, detail)
        return refused_topic(self._state, new, self._partitions)

    def add(self, new: NewTopic) -> None:
        """Take one in that is not refused."""
        self._new[new.name] = new
        self._partitions += _count(self._state, new)

    def make(self, now: Now) -> dict[str, TopicInfo | Refused]:
        """Make them: the answers by name, which are all the same refusal where the disk fails."""
        state, new = self._state, self._new.values()
        ours = [each for each in new if each.name in RESERVED]
        others = [
            log.NewTopic(
                each.name, _count(state, each), {k: v for k, v in each.configs.items() if v is not None}
            )
            for each in new
            if each.name not in RESERVED
        ]
        try:
            for each in ours:
                state.internal.ensure(each.name, _count(state, each), now)
            state.log.create_topics(others, now)
        except DISK_ERRORS as error:
            failed = refused_by(error)
            return {name: self._info(name) if name in state.log.topics else failed for name in self._new}
        for name in self._new:
            state.waits.wake_topic(name, now)
        return {name: self._info(name) for name in self._new}

    def _info(self, name: str) -> TopicInfo:
        topic = self._state.log.topics[name]
        return TopicInfo(topic.name, topic.topic_id, len(topic.partitions), topic.internal)


def refused_topic(state: State, new: NewTopic, coming: int = 0) -> Refused | None:
    """Why the topic cannot be made, or None; `coming` partitions are as good as there."""
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
    total = coming + sum(len(topic.partitions) for topic in state.log.topics.values())
    if total + _count(state, new) > state.options.partitions_max:
        detail = f"{total} partitions are there already, partitions_max is {state.options.partitions_max}"
        return Refused(Refusal.BAD_PARTITION_COUNT, detail)
    for name, value in new.configs.items():
        if words := wrong(name, value):
            return Refused(Refusal.BAD_CONFIG, words)
    return None


def _count(state: State, new: NewTopic) -> int:
    if new.name in RESERVED:  # the broker's own topics are as it needs them, whoever asks for them first
        return state.options.offsets_partitions if new.name == CONSUMER_OFFSETS else 1
    return state.options.default_partitions if new.partitions == -1 else new.partitions
