"""Answers DescribeQueues, DescribeExchanges, DescribeBindings, DescribeConsumers: by virtual host and name."""

from collections.abc import Iterator

from penstock.broker.answers import answers
from penstock.broker.queues.channels.consumer import Consumer
from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.moving.hand_out import bring_up
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.opening import ready_of
from penstock.broker.queues.vhost import Vhost
from penstock.broker.state import State
from penstock.calls.queues import (
    BindingInfo,
    ConsumerInfo,
    DescribeBindings,
    DescribeConsumers,
    DescribeExchanges,
    DescribeQueues,
    ExchangeInfo,
    QueueInfo,
)
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(DescribeQueues)
def describe_queues(state: State, call: DescribeQueues, now: Now) -> list[QueueInfo] | Refused:
    """With what is ready as of now: what is over goes first."""
    chosen = _chosen(state, call.vhost)
    if isinstance(chosen, Refused):
        return chosen
    queues = [queue for vhost in chosen for queue in _queues(vhost)]
    for queue in queues:
        bring_up(state.queues, queue, now)
    return [_queue(state, queue) for queue in queues]


@answers(DescribeExchanges)
def describe_exchanges(state: State, call: DescribeExchanges, now: Now) -> list[ExchangeInfo] | Refused:
    """The default one first."""
    chosen = _chosen(state, call.vhost)
    if isinstance(chosen, Refused):
        return chosen
    return [_exchange(vhost.exchanges[name]) for vhost in chosen for name in sorted(vhost.exchanges)]


@answers(DescribeBindings)
def describe_bindings(state: State, call: DescribeBindings, now: Now) -> list[BindingInfo] | Refused:
    """Those to the default exchange, which nobody made, come first."""
    chosen = _chosen(state, call.vhost)
    if isinstance(chosen, Refused):
        return chosen
    found = [
        BindingInfo(vhost.name, "", queue.name, "queue", queue.name)
        for vhost in chosen
        for queue in _queues(vhost)
    ]
    made = [_binding(binding) for vhost in chosen for binding in vhost.bindings()]
    return found + sorted(made, key=lambda info: (info.vhost, info.source, info.target, info.routing_key))


@answers(DescribeConsumers)
def describe_consumers(state: State, call: DescribeConsumers, now: Now) -> list[ConsumerInfo] | Refused:
    """In the order in which they came to their queue."""
    chosen = _chosen(state, call.vhost)
    if isinstance(chosen, Refused):
        return chosen
    return [_consumer(one) for vhost in chosen for queue in _queues(vhost) for one in queue.turns.all]


def _chosen(state: State, name: str | None) -> list[Vhost] | Refused:
    """The virtual host that is meant, or all."""
    vhosts = state.queues.vhosts
    if name is None:
        return [vhosts[each] for each in sorted(vhosts)]
    return [vhosts[name]] if name in vhosts else Refused(Refusal.NO_VHOST, f"vhost {name} not found")


def _queues(vhost: Vhost) -> Iterator[Queue]:
    for name in sorted(vhost.queues):
        yield vhost.queues[name]


def _queue(state: State, queue: Queue) -> QueueInfo:
    return QueueInfo(
        queue.vhost,
        queue.name,
        queue.asked.kind,
        queue.durable,
        ready_of(state, queue),
        queue.held,
        queue.ready.bytes + queue.held_bytes,
        len(queue.turns),
        queue.published,
        queue.delivered,
        queue.acked,
        queue.arguments,
        queue.auto_delete,
        queue.owner is not None,
    )


def _exchange(exchange: Exchange) -> ExchangeInfo:
    return ExchangeInfo(
        exchange.vhost,
        exchange.name,
        exchange.kind,
        exchange.durable,
        exchange.auto_delete,
        exchange.internal,
        exchange.arguments,
    )


def _binding(binding: Binding) -> BindingInfo:
    target = binding.target
    kind = "exchange" if isinstance(target, Exchange) else "queue"
    return BindingInfo(
        binding.source.vhost, binding.source.name, target.name, kind, binding.key, binding.arguments
    )


def _consumer(consumer: Consumer) -> ConsumerInfo:
    queue = consumer.queue
    return ConsumerInfo(
        queue.vhost,
        queue.name,
        consumer.tag,
        consumer.channel.client.name,
        not consumer.no_ack,
        consumer.exclusive,
        queue.turns.active in (None, consumer),
        consumer.prefetch,
        consumer.priority,
        consumer.held,
    )
