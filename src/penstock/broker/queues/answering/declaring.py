"""Answers DeclareQueue, DeleteQueue, PurgeQueue."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import (
    LOCKED,
    channel_of,
    find_queue,
    locked,
    no_queue,
    precondition,
    queue_name,
)
from penstock.broker.queues.channel import Channel
from penstock.broker.queues.declared.room import QUEUE, too_many
from penstock.broker.queues.moving.hand_out import bring_up
from penstock.broker.queues.names import REPLY_TO, RESERVED, made_up, plain, spelled
from penstock.broker.queues.queue.arguments import CLASSIC, ask, differing, differing_one
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.opening import (
    delete_stream,
    ensure_topic,
    not_for_streams,
    open_stream,
    ready_of,
)
from penstock.broker.state import State
from penstock.calls.queues import DeclareQueue, DeleteQueue, PurgeQueue, QueueDeclared
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(DeclareQueue)
def declare_queue(state: State, call: DeclareQueue, now: Now) -> object:
    """Once it is safe, where it lasts."""
    channel, name = channel_of(call), plain(call.name)
    vhost = channel.client.vhost
    if name == REPLY_TO or name in vhost.replies:
        return QueueDeclared(name, 0, 1)
    queue = vhost.queues.get(name)
    if queue is None:
        if call.passive:
            return no_queue(channel, name)
        made = _make(state, channel, call, name, now)
        if isinstance(made, Refused):
            return made
        queue = made
        lasting = queue.kept
    else:
        refused = locked(channel, queue) or (None if call.passive else _differs(channel, queue, call))
        if refused:
            return refused
        lasting = False
    channel.last_queue = queue.name
    state.queues.idleness.used(queue, now)
    bring_up(state.queues.turn, queue, now)
    declared = QueueDeclared(queue.name, ready_of(state, queue), len(queue.turns))
    return state.queues.when_safe(declared, now, lasting)


def _make(state: State, channel: Channel, call: DeclareQueue, name: str, now: Now) -> Queue | Refused:
    vhost = channel.client.vhost
    if name.startswith(RESERVED):
        return Refused(Refusal.IN_USE, f"queue name '{name}' contains reserved prefix 'amq.*'")
    name = name or made_up("amq.gen-", state.randomness)
    if why := state.queues.refuse(QUEUE, vhost, name, call.arguments):
        return too_many(f"cannot declare queue '{name}'", why)
    asked = ask(call.arguments, name, vhost.name)
    if isinstance(asked, str):
        return precondition(asked)
    if asked.kind != CLASSIC:
        wrong = (
            ("non-durable", not call.durable), ("auto-delete", call.auto_delete), ("exclusive-owner", call.exclusive),
        )  # fmt: skip
        for words, holds in wrong:
            if holds:
                place = spelled("queue", name, vhost.name)
                return precondition(f"invalid property '{words}' for {place}")
    queue = Queue(state.queues.next_id(), vhost.name, name, asked, call.arguments)
    queue.durable, queue.auto_delete = call.durable, call.auto_delete
    queue.kept = call.durable and not call.exclusive
    if refused := _open_topics(state, queue, now):
        return refused
    if call.exclusive:
        queue.owner = channel.client
        channel.client.queues[queue] = None
    state.queues.add_queue(vhost, queue)
    if asked.topic is not None:
        state.queues.feeds.begin(queue)
    return queue


def _open_topics(state: State, queue: Queue, now: Now) -> Refused | None:
    """What the queue reads or is."""
    if queue.is_stream:
        return open_stream(state, queue, now)
    if queue.asked.topic is not None:
        made = ensure_topic(state, queue.asked.topic, {}, now, state.options.default_partitions)
        return made if isinstance(made, Refused) else None
    return None


def _differs(channel: Channel, queue: Queue, call: DeclareQueue) -> Refused | None:
    for name, there, here in (
        ("durable", queue.durable, call.durable),
        ("auto_delete", queue.auto_delete, call.auto_delete),
    ):
        if there != here:
            return precondition(differing_one(name, there, here, queue.spelled))
    if call.exclusive != (queue.owner is not None):
        return Refused(Refusal.LOCKED, LOCKED.format(queue.spelled))
    words = differing(queue.arguments, call.arguments, queue.spelled)
    return precondition(words) if words else None


@answers(DeleteQueue)
def delete_queue(state: State, call: DeleteQueue, now: Now) -> object:
    """Harmless where there is none, as in RabbitMQ."""
    channel = channel_of(call)
    queue = find_queue(channel, call.queue)
    if isinstance(queue, Refused):
        gone = queue.reason is Refusal.NO_QUEUE and bool(queue_name(channel, call.queue))
        return 0 if gone else queue
    bring_up(state.queues.turn, queue, now)
    if call.if_unused and len(queue.turns):
        return precondition(f"{queue.spelled} in use")
    if call.if_empty and queue.ready:
        return precondition(f"{queue.spelled} not empty")
    count = state.queues.remove_queue(channel.client.vhost, queue)  # of a stream 0, as RabbitMQ says
    delete_stream(state, queue, call.principal, now)
    return state.queues.when_safe(count, now, queue.kept)


@answers(PurgeQueue)
def purge_queue(state: State, call: PurgeQueue, now: Now) -> object:
    """What consumers hold stays theirs."""
    queue = find_queue(channel_of(call), call.queue)
    if isinstance(queue, Refused):
        return queue
    if queue.is_stream:
        return not_for_streams("queue.purge", queue)
    bring_up(state.queues.turn, queue, now)
    return state.queues.when_safe(state.queues.purge(queue), now, queue.kept)
