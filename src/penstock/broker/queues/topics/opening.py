"""Topics behind queues and exchanges: made where they are missing; and where a stream's reader begins."""

from penstock.broker.answers import ANSWERS
from penstock.broker.queues.channel import Consumer
from penstock.broker.queues.names import topic_of
from penstock.broker.queues.queue.arguments import seconds_of
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.reading import OFFSET, Committed, StreamReader
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.create import refused_topic
from penstock.calls import DeleteTopics, NewTopic, Principal
from penstock.calls.queues import Arguments
from penstock.clock import Now
from penstock.content import Field, Timestamp
from penstock.errors import Refusal, Refused
from penstock.later import Steps
from penstock.log import Partition


def ensure_topic(
    state: State, name: str, configs: dict[str, str], now: Now, partitions: int = 1
) -> Refused | bool:
    """True where the topic was made, False where it was there."""
    if name in state.log.topics:
        return False
    refused = refused_topic(state, NewTopic(name, partitions, 1, dict(configs)))
    if refused is not None:
        return Refused(Refusal.PRECONDITION, f"topic '{name}': {refused.message}")
    try:
        state.log.create_topic(name, partitions, configs, now)
    except DISK_ERRORS as error:
        return refused_by(error)
    state.waits.wake_topic(name, now)
    return True


def open_stream(state: State, queue: Queue, now: Now) -> Refused | None:
    """The topic of a new stream, of one partition and kept as the arguments say; why there is none, or None."""
    name, arguments = topic_of(queue.name, queue.vhost), queue.arguments
    configs = {"retention.ms": "-1"}
    if (age := arguments.get("x-max-age")) is not None:
        configs["retention.ms"] = str(seconds_of(str(age)) * 1000)
    if (size := arguments.get("x-max-length-bytes")) is not None:
        configs["retention.bytes"] = str(size)
    made = ensure_topic(state, name, configs, now)
    if isinstance(made, Refused):
        return made
    if len(state.log.topics[name].partitions) != 1:
        words = f"a stream is a topic of one partition, and topic '{name}' has more"
        return Refused(Refusal.PRECONDITION, words)
    queue.topic, queue.owns_topic = name, made
    return None


def ready_of(state: State, queue: Queue) -> int:
    """How many messages a consumer could have; of a stream, from its start."""
    partition = state.partition(queue.topic, 0) if queue.is_stream else None
    return len(queue.ready) if partition is None else partition.durable_offset - partition.start_offset


def not_for_streams(what: str, queue: Queue) -> Refused:
    """In RabbitMQ's words."""
    return Refused(Refusal.UNSUPPORTED, f"{what} not supported by stream queues {queue.spelled}")


def delete_stream(state: State, queue: Queue, principal: Principal, now: Now) -> None:
    """The topic goes with the stream that it was made for."""
    if queue.owns_topic:
        ANSWERS[DeleteTopics](state, DeleteTopics(principal, (queue.topic,)), now)


def reader_of(
    state: State, consumer: Consumer, arguments: Arguments, now: Now
) -> Steps[StreamReader | Refused]:
    """A reader that begins where the argument x-stream-offset says (RabbitMQ's page on streams): at what comes next."""
    asked = arguments.get(OFFSET, "next")
    partition = state.partition(consumer.queue.topic, 0)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, consumer.queue.topic)
    begin = yield from _begin(partition, asked, now)
    if begin is None:
        return Refused(Refusal.PRECONDITION, f"invalid arg '{OFFSET}' for {consumer.queue.spelled}: {asked}")
    return StreamReader(consumer, partition, begin, Committed(state.stable, state.markers))


def _begin(partition: Partition, asked: Field, now: Now) -> Steps[int | None]:
    """The offset; None where the argument says none."""
    start, end = partition.start_offset, partition.durable_offset
    named = {"first": start, "last": max(start, end - 1), "next": end}
    if isinstance(asked, str) and asked in named:
        return named[asked]
    if isinstance(asked, Timestamp):
        return (yield from _since(partition, int(asked) * 1000, end))
    if isinstance(asked, str) and (ago_s := seconds_of(asked)):
        return (yield from _since(partition, now.wall_ms - ago_s * 1000, end))
    if isinstance(asked, int) and not isinstance(asked, bool) and asked >= 0:
        return max(asked, start)
    return None


def _since(partition: Partition, timestamp_ms: int, end: int) -> Steps[int]:
    found = yield from partition.find(timestamp_ms)
    return end if found is None else found[0]
