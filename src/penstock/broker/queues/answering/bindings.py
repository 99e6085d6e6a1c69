"""Answers BindQueue, UnbindQueue, BindExchange, UnbindExchange."""

from collections.abc import Callable

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import (
    DEFAULT,
    channel_of,
    find_exchange,
    find_queue,
    locked,
    precondition,
    queue_name,
)
from penstock.broker.queues.channel import Channel
from penstock.broker.queues.declared.room import BINDING, too_many
from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.exchanges.headers import refused_match
from penstock.broker.queues.exchanges.matching import Destination
from penstock.broker.queues.names import plain, spelled
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.state import State
from penstock.calls.queues import Arguments, BindExchange, BindQueue, UnbindExchange, UnbindQueue
from penstock.clock import Now
from penstock.errors import Refused


@answers(BindQueue)
def bind_queue(state: State, call: BindQueue, now: Now) -> object:
    """RabbitMQ looks for the exchange first."""
    channel = channel_of(call)
    if not queue_name(channel, call.queue):
        return find_queue(channel, "")
    by = call.routing_key, call.arguments
    return _bind(state, channel, call.exchange, lambda: find_queue(channel, call.queue), by, now)


@answers(BindExchange)
def bind_exchange(state: State, call: BindExchange, now: Now) -> object:
    """Messages of one exchange go on to another."""
    channel = channel_of(call)
    if not call.source or not call.destination:
        return DEFAULT
    by = call.routing_key, call.arguments
    return _bind(state, channel, call.source, lambda: find_exchange(channel, call.destination), by, now)


def _bind(
    state: State,
    channel: Channel,
    source_name: str,
    find: Callable[[], Destination],
    by: tuple[str, Arguments],
    now: Now,
) -> object:
    source = find_exchange(channel, source_name)
    if isinstance(source, Refused):
        return source
    target = find()
    if isinstance(target, Refused):
        return target
    if not source.name:
        return DEFAULT
    key, arguments = by
    if source.matching.by_headers and (words := refused_match(arguments)):
        return precondition(words)
    binding, vhost = Binding(source, target, plain(key), dict(arguments)), channel.client.vhost
    if binding.identity not in source.bindings and (
        why := state.queues.refuse(BINDING, vhost, binding.key, binding.arguments)
    ):
        return too_many(f"cannot bind to {spelled('exchange', source.name, vhost.name)}", why)
    return state.queues.when_safe(None, now, state.queues.bind(vhost, binding))


@answers(UnbindQueue)
def unbind_queue(state: State, call: UnbindQueue, now: Now) -> object:
    """Harmless where there is no such binding, exchange or queue, as in RabbitMQ."""
    channel = channel_of(call)
    name = queue_name(channel, call.queue)
    if not name:
        return find_queue(channel, "")
    if not call.exchange:
        return DEFAULT
    queue = channel.client.vhost.queues.get(name)
    if isinstance(queue, Queue) and (refused := locked(channel, queue)):
        return refused
    return _unbind(state, channel, call.exchange, queue, (call.routing_key, call.arguments), now)


@answers(UnbindExchange)
def unbind_exchange(state: State, call: UnbindExchange, now: Now) -> object:
    """The same."""
    channel = channel_of(call)
    if not call.source or not call.destination:
        return DEFAULT
    target = channel.client.vhost.exchanges.get(plain(call.destination))
    return _unbind(state, channel, call.source, target, (call.routing_key, call.arguments), now)


def _unbind(
    state: State,
    channel: Channel,
    source_name: str,
    target: Destination | None,
    by: tuple[str, Arguments],
    now: Now,
) -> object:
    vhost = channel.client.vhost
    source: Exchange | None = vhost.exchanges.get(plain(source_name))
    if source is None or target is None:
        return None
    lasting = state.queues.unbind(vhost, Binding(source, target, plain(by[0]), dict(by[1])))
    return state.queues.when_safe(None, now, lasting)
