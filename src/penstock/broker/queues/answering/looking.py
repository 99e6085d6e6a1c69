"""Answers DescribeQueues, DescribeExchanges, DescribeBindings, DescribeConsumers: a page at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar, cast

from penstock.broker.answers import answers
from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.moving.hand_out import bring_up
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.opening import ready_of
from penstock.broker.state import State
from penstock.broker.turns.errands import SLICING, others_first
from penstock.calls.queues import (
    BindingInfo,
    ConsumerInfo,
    DescribeBindings,
    DescribeConsumers,
    DescribeExchanges,
    DescribeQueues,
    ExchangeInfo,
    Page,
    QueueInfo,
)
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Steps

T = TypeVar("T")


PAGE = 200
"""Things that are told in one turn: some two milliseconds of it."""
Describes = DescribeQueues | DescribeExchanges | DescribeBindings | DescribeConsumers


@answers(DescribeQueues)
def describe_queues(state: State, call: DescribeQueues, now: Now) -> object:
    """By virtual host and name, with what is ready as of now: what is over goes first."""

    def told(queue: Queue) -> QueueInfo:
        if queue in state.queues.turn.stirred or 0 < queue.due_ms <= now.wall_ms:
            bring_up(state.queues.turn, queue, now)
        return _queue(state, queue)

    return _paged(state, call, _queues, told)


@answers(DescribeExchanges)
def describe_exchanges(state: State, call: DescribeExchanges, now: Now) -> object:
    """The default one first."""
    return _paged(state, call, _exchanges, _exchange)


@answers(DescribeBindings)
def describe_bindings(state: State, call: DescribeBindings, now: Now) -> object:
    """Those to the default exchange, which nobody made, come first; then by source and target."""
    return _paged(state, call, _bindings, lambda info: info)


@answers(DescribeConsumers)
def describe_consumers(state: State, call: DescribeConsumers, now: Now) -> object:
    """In the order in which they came to their queue."""
    return _paged(state, call, _consumers, lambda info: info)


def _paged(
    state: State,
    call: Describes,
    all_of: Callable[[Iterable[Vhost]], Iterator[T]],
    told: Callable[[T], object],
) -> object:
    """The first page, or, when others had their turn, the next one of what `all_of` the virtual hosts gives."""
    if call.rest is None:
        chosen = _chosen(state, call.vhost)
        return chosen if isinstance(chosen, Refused) else _page(all_of(chosen), told)

    def steps() -> Steps[object]:
        yield others_first
        return _page(cast("Iterator[T]", call.rest), told)

    return state.errands.begin(SLICING, steps())


def _page(rest: Iterator[T], told: Callable[[T], object]) -> Page:
    found = [told(one) for one in islice(rest, PAGE)]
    return Page(found, rest if len(found) == PAGE else None)


def _chosen(state: State, name: str | None) -> list[Vhost] | Refused:
    """The virtual host that is meant, or all."""
    vhosts = state.queues.vhosts
    if name is None:
        return [vhosts[each] for each in sorted(vhosts)]
    return [vhosts[name]] if name in vhosts else Refused(Refusal.NO_VHOST, f"vhost {name} not found")


# Between two pages things come and go: these iterate over copies, and leave out what is gone.


def _queues(vhosts: Iterable[Vhost]) -> Iterator[Queue]:
    for vhost in vhosts:
        yield from _by_name(vhost.queues)


def _exchanges(vhosts: Iterable[Vhost]) -> Iterator[Exchange]:
    for vhost in vhosts:
        yield from _by_name(vhost.exchanges)


def _bindings(vhosts: Iterable[Vhost]) -> Iterator[BindingInfo]:
    vhosts = list(vhosts)
    for queue in _queues(vhosts):
        yield BindingInfo(queue.vhost, "", queue.name, "queue", queue.name)
    for exchange in _exchanges(vhosts):
        made = [_binding(one) for one in exchange.bindings.values()]
        yield from sorted(made, key=lambda info: (info.target, info.routing_key))


def _consumers(vhosts: Iterable[Vhost]) -> Iterator[ConsumerInfo]:
    for queue in _queues(vhosts):
        for consumer in list(queue.turns.all):
            yield consumer.told(queue.turns.active in (None, consumer))


def _by_name(things: Mapping[str, T]) -> Iterator[T]:
    for name in sorted(things):
        if (found := things.get(name)) is not None:
            yield found


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
        queue.worked,
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
