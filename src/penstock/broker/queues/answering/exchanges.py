"""Answers DeclareExchange, DeleteExchange."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import DEFAULT, channel_of, no_exchange, precondition
from penstock.broker.queues.declared.room import EXCHANGE, too_many
from penstock.broker.queues.declared.vhost import BUILT_IN
from penstock.broker.queues.exchanges.exchange import BRIDGE, DELAYED, Exchange, refused_kind
from penstock.broker.queues.names import RESERVED, plain, spelled, topic_of
from penstock.broker.queues.queue.arguments import differing_one, type_of
from penstock.broker.queues.topics.opening import ensure_topic
from penstock.broker.state import State
from penstock.broker.topics.internal import RESERVED as RESERVED_TOPICS
from penstock.calls.queues import DeclareExchange, DeleteExchange
from penstock.clock import Now
from penstock.errors import Refusal, Refused

_SYSTEM = frozenset(name for name, _ in BUILT_IN)
_COMPARED = ("alternate-exchange", "x-delayed-type", "x-penstock-topic")


@answers(DeclareExchange)
def declare_exchange(state: State, call: DeclareExchange, now: Now) -> object:
    """Once it is safe, where it lasts."""
    channel, name = channel_of(call), plain(call.name)
    if not name:
        return DEFAULT
    vhost = channel.client.vhost
    present = vhost.exchanges.get(name)
    if call.passive:
        return None if present is not None else no_exchange(channel, name)
    if words := refused_kind(call.kind, call.arguments):
        return precondition(words) if call.kind == DELAYED else Refused(Refusal.NO_EXCHANGE_KIND, words)
    place = spelled("exchange", name, vhost.name)
    if present is not None:
        words = _differing(present, call, place)
        return precondition(words) if words else None
    if name.startswith(RESERVED):
        return Refused(Refusal.IN_USE, f"exchange name '{name}' contains reserved prefix 'amq.*'")
    if why := state.queues.refuse(EXCHANGE, vhost, name, call.arguments):
        return too_many(f"cannot declare exchange '{name}'", why)
    alternate = call.arguments.get("alternate-exchange")
    if alternate is not None and not isinstance(alternate, str):
        return precondition(f"invalid type '{type_of(alternate)}' for arg 'alternate-exchange' in {place}")
    if call.kind == BRIDGE:
        made = _topic_of(state, call, vhost.name, now)
        if isinstance(made, Refused):
            return made
    exchange = Exchange(vhost.name, name, call.kind, call.durable, call.arguments)
    exchange.auto_delete, exchange.internal = call.auto_delete, call.internal
    state.queues.add_exchange(vhost, exchange)
    return state.queues.when_safe(None, now, call.durable)


def _topic_of(state: State, call: DeclareExchange, vhost: str, now: Now) -> Refused | bool:
    topic = call.arguments.get("x-penstock-topic", topic_of(plain(call.name), vhost))
    if not isinstance(topic, str) or topic in RESERVED_TOPICS:
        return precondition(f"x-penstock-topic: {topic!r} is no topic that may be written to")
    return ensure_topic(state, topic, {}, now, state.options.default_partitions)


def _differing(present: Exchange, call: DeclareExchange, place: str) -> str | None:
    pairs = (
        ("type", present.kind, call.kind),
        ("durable", present.durable, call.durable),
        ("auto_delete", present.auto_delete, call.auto_delete),
        ("internal", present.internal, call.internal),
        *((name, present.arguments.get(name), call.arguments.get(name)) for name in _COMPARED),
    )
    return next(
        (differing_one(name, there, here, place) for name, there, here in pairs if there != here), None
    )


@answers(DeleteExchange)
def delete_exchange(state: State, call: DeleteExchange, now: Now) -> object:
    """Harmless where there is none, as in RabbitMQ."""
    channel, name = channel_of(call), plain(call.name)
    if not name:
        return DEFAULT
    vhost = channel.client.vhost
    place = spelled("exchange", name, vhost.name)
    if name in _SYSTEM:
        return Refused(Refusal.IN_USE, f"deletion of system {place} not allowed")
    exchange = vhost.exchanges.get(name)
    if exchange is None:
        return None
    if call.if_unused and exchange.bindings:
        return precondition(f"{place} in use")
    state.queues.remove_exchange(vhost, exchange)
    return state.queues.when_safe(None, now, exchange.durable)
