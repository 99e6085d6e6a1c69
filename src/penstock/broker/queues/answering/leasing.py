"""Answers Lease, Get."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import channel_of, find_queue, no_queue
from penstock.broker.queues.channel import CLOSED, Channel
from penstock.broker.queues.moving.hand_out import bring_up, expire
from penstock.broker.queues.moving.leases import counted
from penstock.broker.queues.moving.leave import able
from penstock.broker.queues.names import REPLY_TO
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.broker.queues.topics.opening import not_for_streams
from penstock.broker.state import State
from penstock.broker.turns.errands import READING
from penstock.calls.queues import Delivery, Get, Got, Lease
from penstock.clock import Now
from penstock.errors import Refused
from penstock.later import Later, Steps


@answers(Lease)
def lease(state: State, call: Lease, now: Now) -> object:
    """Later, at the end of a turn in which there is something."""
    channel = channel_of(call)
    if channel.closed:
        return CLOSED
    channel.lease, channel.room_bytes = Later(), max(1, call.bytes_max)
    if channel.cancelled or channel.picked or channel.readers:
        channel.speak()
    able(state.queues.turn, channel, channel.consumers.values())
    return channel.lease


@answers(Get)
def get(state: State, call: Get, now: Now) -> object:
    """One message, or None."""
    channel = channel_of(call)
    if call.queue == REPLY_TO:
        return no_queue(channel, call.queue)
    queue = find_queue(channel, call.queue)
    if isinstance(queue, Refused):
        return queue
    if queue.is_stream:
        return not_for_streams("basic.get", queue)
    bring_up(state.queues.turn, queue, now)
    state.queues.idleness.used(queue, now)
    if not queue.ready:
        return None
    item = queue.ready.take()
    expire(state.queues.turn, queue, now)  # what is behind it may have expired before it
    remaining = len(queue.ready)
    tag = channel.got(queue, item)
    if queue.kept and not call.no_ack:
        state.queues.ledger.delivered(queue.id, item[0])
    state.queues.turn.stir(queue)
    return state.errands.begin(READING, _read(state, (channel, queue, tag), item, remaining, call.no_ack))


def _read(
    state: State, given: tuple[Channel, Queue, int], item: Item, remaining: int, no_ack: bool
) -> Steps[object]:
    channel, queue, tag = given
    content = (yield from state.queues.contents.of([item[0]]))[0]
    if content is None:  # the queue went while the message was fetched, or it is damaged
        state.queues.leases.give_up(channel, tag, item[0])
        return None
    held = channel.unacked.pop(tag, None) if no_ack else None
    if held is not None:  # it was held only until it was read: its client may have gone meanwhile
        channel.release(held[0], None, [item])
        if not queue.gone:
            state.queues.ledger.settle(queue.id, item[0])
    if queue.is_quorum:
        content = counted(content, item[3])
    return Got(Delivery("", tag, item[3] > 0 or item[0] <= queue.seen, content), remaining)
