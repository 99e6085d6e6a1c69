"""Answers Publish, AwaitSafe."""

from collections.abc import Sequence

from penstock.broker.access.guard import refusal
from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import channel_of, no_exchange, precondition
from penstock.broker.queues.channel import Channel
from penstock.broker.queues.exchanges.exchange import Exchange
from penstock.broker.queues.moving.enter import (
    delay_of,
    enter,
    enter_alike,
    goes_by_key,
    route_of,
    would_refuse,
)
from penstock.broker.queues.names import REPLY_TO, denied, plain, resource, spelled
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.state import State
from penstock.calls.queues import AwaitSafe, Publish, Publishing, Sent
from penstock.clock import Now
from penstock.content import Content
from penstock.errors import Refusal, Refused

_CARE_FIRST, _CARE_SECOND = 0x23, 0x10
"""Flags of properties that need a look: headers, reply_to and expiration in the first byte, user_id in the second."""


MESSAGE_BYTES = 500
"""What a message in a transaction is taken for beside its body."""


@answers(Publish)
def publish(state: State, call: Publish, now: Now) -> Sent:
    """At once: what is safe is another question (AwaitSafe)."""
    channel = channel_of(call)
    if channel.transaction is not None:
        return _gather(state, channel, call)
    sent = put(state, channel, call.messages, call.principal.name, now)
    channel.failed = state.queues.turn.appends.flush(now) or channel.failed
    channel.unsafe = True
    state.queues.publishing[channel] = None
    return sent


def put(state: State, channel: Channel, messages: Sequence[Publishing], user: str, now: Now) -> Sent:
    """Route them and put them into queues, up to the first that ends the channel."""
    turn, vhost = state.queues.turn, channel.client.vhost
    returned: list[int] = []
    nacked: list[int] = []
    behind = 0  # where what is alike ends
    for place, (content, mandatory) in enumerate(messages):
        if place < behind:
            continue
        checked = check(state, channel, content, user)
        if isinstance(checked, Refused):
            return Sent(place, returned, nacked, checked)
        exchange, content = checked  # noqa: PLW2901
        if (delay_ms := delay_of(content)) > 0:
            state.queues.delays.park(vhost, content, now.wall_ms + delay_ms, now)
            continue
        try:
            route, content = route_of(vhost, exchange, content)  # noqa: PLW2901
        except ValueError as error:
            return Sent(place, returned, nacked, precondition(str(error)))
        behind = place + 1
        if not route:
            if mandatory:
                returned.append(place)
        elif route.plain and content is messages[place].content and goes_by_key(content):
            behind = _end_of_alike(messages, place)
            enter_alike(turn, route, [one.content for one in messages[place:behind]])
        elif not enter(turn, route, content, now):
            nacked.append(place)
    return Sent(len(messages), returned, nacked)


def _end_of_alike(messages: Sequence[Publishing], begin: int) -> int:
    """How far all go to the same place with the same properties as the first: producers repeat themselves."""
    exchange, key, properties, _ = messages[begin].content
    end = begin + 1
    while end < len(messages):
        content = messages[end].content
        if content.properties is not properties or content.routing_key != key or content.exchange != exchange:
            break
        end += 1
    return end


def lacking(
    state: State, channel: Channel, messages: Sequence[Publishing], user: str, now: Now
) -> Refused | None:
    """Why some of these would not be taken as things are: nobody wants one that is mandatory, or a queue has no room."""
    planned: dict[Queue, tuple[int, int]] = {}
    for content, mandatory in messages:
        checked = check(state, channel, content, user)
        if isinstance(checked, Refused):
            return checked
        exchange, content = checked  # noqa: PLW2901
        if delay_of(content) > 0:
            continue
        try:
            route, content = route_of(channel.client.vhost, exchange, content)  # noqa: PLW2901
        except ValueError as error:
            return precondition(str(error))
        if mandatory and not route:
            return precondition(f"nothing was done: no queue takes '{content.routing_key}'")
        for queue in route.queues:
            count, size = planned.get(queue, (0, 0))
            planned[queue] = count + 1, size + len(content.body)
    full = would_refuse(state.queues.turn, planned, now)
    return None if full is None else precondition(f"nothing was done: {full.spelled} has no room")


def check(state: State, channel: Channel, content: Content, user: str) -> tuple[Exchange, Content] | Refused:
    """Whether the channel may publish this; where to, and as what: an address for replies is made its own."""
    name = content.exchange
    exchange = channel.client.vhost.exchanges.get(name)
    if not state.directory.open and (refused := _refused(state, channel, name, user)):
        return refused
    if exchange is None or exchange.internal:
        return _no_way(channel, plain(name))
    raw = content.properties.raw
    if raw[0] & _CARE_FIRST or raw[1] & _CARE_SECOND:
        cared = _with_care(channel, content, user)
        return cared if isinstance(cared, Refused) else (exchange, cared)
    return exchange, content


def _no_way(channel: Channel, name: str) -> Refused:
    vhost = channel.client.vhost
    if name not in vhost.exchanges:
        return no_exchange(channel, name)
    return Refused(Refusal.IN_USE, f"cannot publish to internal {spelled('exchange', name, vhost.name)}")


def _refused(state: State, channel: Channel, exchange: str, user: str) -> Refused | None:
    """Publishes are judged one by one: they may go to many exchanges, and those before a refused one count."""
    vhost = channel.client.vhost.name
    name = resource(exchange or "amq.default", vhost)
    refused = refusal(state.directory, user, "write", ("exchange", name))
    return refused and Refused(refused.reason, denied("exchange", name, vhost, user))


def _with_care(channel: Channel, content: Content, user: str) -> Content | Refused:
    properties = content.properties
    if (given := properties.user_id) is not None and given != user:
        return precondition(f"user_id property set to '{given}' but authenticated user was '{user}'")
    if (text := properties.expiration) is not None and properties.expiration_ms is None:
        return precondition(f"invalid expiration '{text}': {_wrong_number(text)}")
    if properties.reply_to == REPLY_TO:
        if channel.replies is None:
            return precondition("fast reply consumer does not exist")
        return content._replace(properties=properties.replaced(reply_to=channel.replies[0]))
    return content


def _wrong_number(text: str) -> str:
    """In Erlang's words, as RabbitMQ has them."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    count = next((at for at, one in enumerate(digits) if one not in "0123456789"), len(digits))
    if not count:
        return "no_integer"
    if count < len(digits):
        return f'{{leftover_string,"{digits[count:]}"}}'
    number = int(text[:40])
    return f"{{value_negative,{number}}}" if number < 0 else f"{{value_too_large,{number}}}"


def _gather(state: State, channel: Channel, call: Publish) -> Sent:
    """For the transaction's commit; what is wrong is told now."""
    assert channel.transaction is not None
    for place, (content, mandatory) in enumerate(call.messages):
        checked = check(state, channel, content, call.principal.name)
        if isinstance(checked, Refused):
            return Sent(place, (), (), checked)
        size, most = len(content.body) + MESSAGE_BYTES, state.options.queues.transactions_bytes_max
        if state.queues.transactions_bytes + size > most:
            words = f"what waits for commits is more than {most} bytes: commit sooner"
            return Sent(place, (), (), Refused(Refusal.BUSY, words))
        state.queues.transactions_bytes += size
        channel.transaction.held_bytes += size
        channel.transaction.publishes.append(Publishing(checked[1], mandatory))
    return Sent(len(call.messages))


@answers(AwaitSafe)
def await_safe(state: State, call: AwaitSafe, now: Now) -> object:
    """Of what every channel did so far: they share the disk."""
    channel = channel_of(call)
    lasting, channel.unsafe = channel.unsafe, False
    failed, channel.failed = channel.failed, None
    if failed is not None:
        return failed
    return state.queues.when_safe(None, now, lasting)
