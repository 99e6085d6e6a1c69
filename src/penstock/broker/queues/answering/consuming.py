"""Answers Subscribe, Unsubscribe, SetPrefetch."""

from typing import TypeGuard

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import channel_of, find_queue, precondition
from penstock.broker.queues.channel import NUMBER, Channel, Consumer, Reader
from penstock.broker.queues.moving.leave import able
from penstock.broker.queues.names import REPLY_TO, made_up
from penstock.broker.queues.queue.arguments import Asked, type_of
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queues import Queues
from penstock.broker.queues.topics.opening import not_for_streams, reader_of
from penstock.broker.queues.topics.reading import Browser
from penstock.broker.state import State
from penstock.broker.turns.errands import SEEKING
from penstock.calls.queues import SetPrefetch, Subscribe, Unsubscribe
from penstock.clock import Now
from penstock.content import Field
from penstock.errors import Refusal, Refused
from penstock.later import Steps

NEWEST, OLDEST = "x-penstock-newest", "x-penstock-oldest"
"""The argument of who browses at most so many messages, those that came last."""


@answers(Subscribe)
def subscribe(state: State, call: Subscribe, now: Now) -> object:
    """The new consumer's tag."""
    channel = channel_of(call)
    tag = call.tag or made_up("amq.ctag-", state.randomness)
    queue = _replies(state, channel, call) if call.queue == REPLY_TO else find_queue(channel, call.queue)
    if isinstance(queue, Refused):
        return queue
    if tag in channel.consumers:
        return Refused(Refusal.CONSUMER_TAG_TAKEN, f"attempt to reuse consumer tag '{tag}'")
    most = state.options.queues.channel_consumers_max
    if len(channel.consumers) >= most:
        words = f"reached maximum ({most}) of consumers per channel"
        return Refused(Refusal.TOO_MANY_CONSUMERS, words)
    if queue.turns.exclusive or (call.exclusive and (len(queue.turns) or queue.asked.single_active)):
        return Refused(Refusal.IN_USE, f"{queue.spelled} in exclusive use")
    if queue.is_quorum and channel.prefetch_whole:
        return Refused(Refusal.UNSUPPORTED, f"{queue.spelled} does not support global qos")
    priority = call.arguments.get("x-priority", 0)
    if isinstance(priority, bool) or not isinstance(priority, int):
        words = f'"expected integer, got {type_of(priority)}"'
        return precondition(f"invalid arg 'x-priority' for {queue.spelled}: {words}")
    consumer = Consumer(channel, queue, tag, call.no_ack, call.arguments)
    consumer.exclusive = call.exclusive
    state.queues.idleness.used(queue, now)
    if queue.is_stream:
        return _read_stream(state, consumer, call, now)
    if call.arguments.get("x-penstock-browse") is True:
        return _browse(state, consumer)
    if NUMBER in call.arguments:
        return _take_one(state, consumer, call.arguments[NUMBER])
    channel.consumers[tag] = consumer
    queue.turns.add(consumer)
    state.queues.is_worked(queue)
    state.queues.turn.stir(queue)
    return tag


def _browse(state: State, consumer: Consumer) -> str | Refused:
    """Copies of all that is ready, or of what the arguments say of it; then the consumer is cancelled."""
    if not consumer.no_ack:
        return precondition(
            "a browsing consumer holds nothing that it could acknowledge: consume with no-ack"
        )
    only, newest = consumer.arguments.get(NUMBER), consumer.arguments.get(NEWEST, 0)
    if only is not None and not _is_count(only):
        return _invalid(consumer, NUMBER, only)
    if not _is_count(newest):
        return _invalid(consumer, NEWEST, newest)
    if not _is_count(oldest := consumer.arguments.get(OLDEST, 0)):
        return _invalid(consumer, OLDEST, oldest)
    return _begin(Browser(consumer, state.queues.contents, only, newest, oldest))


def _begin(reader: Reader) -> str:
    consumer = reader.consumer
    channel = consumer.channel
    channel.consumers[consumer.tag] = consumer
    channel.readers[consumer.tag] = reader
    channel.speak()
    return consumer.tag


def _take_one(state: State, consumer: Consumer, number: Field) -> str | Refused:
    """The one message of this number, if it is ready; then the consumer is cancelled."""
    if not _is_count(number):
        return _invalid(consumer, NUMBER, number)
    channel, queue = consumer.channel, consumer.queue
    item = queue.ready.remove(number)
    if item is not None:
        consumer.pick([item])
        if queue.kept and not consumer.no_ack:
            state.queues.ledger.delivered(queue.id, number)
    channel.cancelled.append(consumer.tag)
    channel.speak()
    return consumer.tag


def _is_count(given: Field) -> TypeGuard[int]:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 0


def _invalid(consumer: Consumer, name: str, given: Field) -> Refused:
    return precondition(f"invalid arg '{name}' for {consumer.queue.spelled}: {given!r:.80}")


def _read_stream(state: State, consumer: Consumer, call: Subscribe, now: Now) -> object:
    """Refusals are RabbitMQ's (its page on streams): a bound must be set, and all is acknowledged."""
    queue, channel = consumer.queue, consumer.channel
    if call.no_ack:
        return not_for_streams("automatic acknowledgement", queue)
    if channel.prefetch_whole:
        return Refused(Refusal.UNSUPPORTED, f"{queue.spelled} does not support global qos")
    if not channel.prefetch:
        return precondition(f"consumer prefetch count is not set for '{queue.spelled}'")

    def steps() -> Steps[object]:
        reader = yield from reader_of(state, consumer, call.arguments, now)
        if isinstance(reader, Refused) or channel.closed or queue.gone:
            return reader if isinstance(reader, Refused) else None
        queue.turns.add(consumer)
        return _begin(reader)

    return state.errands.begin(SEEKING, steps())


def _replies(state: State, channel: Channel, call: Subscribe) -> Queue | Refused:
    """The channel's own address for replies (RabbitMQ's page "Direct Reply-to")."""
    if not call.no_ack:
        return precondition("reply consumer cannot acknowledge")
    if channel.replies is not None:
        return precondition("reply consumer already set")
    vhost = channel.client.vhost
    address = made_up(f"{REPLY_TO}.", state.randomness)
    queue = Queue(state.queues.next_id(), vhost.name, address, Asked(), {})
    queue.owner = channel.client
    vhost.replies[address] = queue
    vhost.routes.forget()
    state.queues.by_id[queue.id] = queue
    channel.replies = address, queue
    return queue


@answers(Unsubscribe)
def unsubscribe(state: State, call: Unsubscribe, now: Now) -> None:
    """Harmless where there is no such consumer."""
    channel = channel_of(call)
    consumer = channel.consumers.get(call.tag)
    if consumer is not None:
        end_consumer(state.queues, consumer, now)
        if channel.replies is not None and channel.replies[1] is consumer.queue:
            address, queue = channel.replies
            channel.replies = None
            del channel.client.vhost.replies[address]
            state.queues.remove_queue(channel.client.vhost, queue)


def end_consumer(queues: Queues, consumer: Consumer, now: Now) -> None:
    """The consumer gets nothing more. A queue that was declared so goes with its last one."""
    channel, queue = consumer.channel, consumer.queue
    channel.forget(consumer)
    queues.turn.stir(queue)
    if queue.auto_delete and not queue.turns.all and not queue.gone:
        queues.remove_queue(channel.client.vhost, queue)
    else:
        queues.idleness.used(queue, now)


@answers(SetPrefetch)
def set_prefetch(state: State, call: SetPrefetch, now: Now) -> None:
    """RabbitMQ's meaning of `global`: it is about the channel, and else about consumers to come."""
    channel = channel_of(call)
    if call.whole:
        channel.prefetch_whole = call.count
        able(state.queues.turn, channel, channel.consumers.values())
    else:
        channel.prefetch = call.count
